"""Random functional models of one masked input: what the law and parity are tried on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from maskgraph import layers, ops
from maskgraph.models import Input, Model

FEATURES = 4

Unary = Callable[[Any], Any]
Binary = Callable[[Any, Any], Any]

UNARY: dict[str, Callable[[], Unary]] = {
    "dense": lambda: layers.Dense(FEATURES, activation="tanh"),
    "gelu": lambda: layers.Activation("gelu"),
    "norm": lambda: layers.LayerNormalization(),
    "norm over time": lambda: layers.LayerNormalization(axis=1, center=False, scale=False),
    "dropout": lambda: layers.Dropout(0.3),
    "rnn": lambda: layers.SimpleRNN(FEATURES, return_sequences=True),
    "lstm": lambda: layers.LSTM(FEATURES, return_sequences=True),
    "gru": lambda: layers.GRU(FEATURES, return_sequences=True),
    "bidirectional": lambda: layers.Bidirectional(
        layers.GRU(FEATURES, return_sequences=True), merge_mode="ave"
    ),
    "distributed": lambda: layers.TimeDistributed(layers.Dense(FEATURES)),
    "shares": lambda: layers.Softmax(axis=1),
    "encoder": lambda: layers.TransformerEncoder(FEATURES, 2, normalize_first=True),
    "rotation": lambda: layers.RotaryEmbedding(),
    "position": lambda: lambda x: x + layers.SinePositionEncoding()(x),
    "batch norm": lambda: layers.BatchNormalization(),
    "group norm": lambda: layers.GroupNormalization(2),
    "affine": lambda: lambda x: x * 0.5 + 1,
    "running sum": lambda: lambda x: ops.tanh(ops.cumsum(x, axis=1)),
    "centred": lambda: lambda x: x - ops.mean(x, axis=1, keepdims=True),
    "logarithm": lambda: lambda x: ops.log(ops.square(x) + 0.5),
    "ratio": lambda: lambda x: x / (ops.abs(x) + 1),
}
"""Steps to steps, each fresh at every use."""

WINDOWS: dict[str, Callable[[], Unary]] = {
    "convolution": lambda: layers.Conv1D(FEATURES, 3, padding="same", activation="tanh"),
    "causal convolution": lambda: layers.Conv1D(FEATURES, 2, padding="causal", dilation_rate=2),
    "depthwise": lambda: layers.DepthwiseConv1D(3, padding="same"),
    "smoothing": lambda: layers.AveragePooling1D(3, strides=1, padding="same"),
    "maxima": lambda: layers.MaxPooling1D(2, strides=1, padding="same"),
}
"""Steps to steps, where a hole inside of a sequence is not skipped, but reads as zero."""

BINARY: dict[str, Callable[[], Binary]] = {
    "add": lambda: lambda x, y: layers.Add()([x, y]),
    "average": lambda: lambda x, y: layers.Average()([x, y]),
    "maximum": lambda: lambda x, y: layers.Maximum()([x, y]),
    "product": lambda: lambda x, y: x * ops.sigmoid(y),
    "join": lambda: lambda x, y: layers.Dense(FEATURES)(layers.Concatenate()([x, y])),
    "attention": lambda: lambda x, y: layers.MultiHeadAttention(2, 3)(x, y),
    "causal attention": lambda: (
        lambda x, y: layers.MultiHeadAttention(2, 3)(x, y, use_causal_mask=True)
    ),
    "near attention": lambda: (
        lambda x, y: layers.GroupQueryAttention(3, 4, 2, sliding_window=2)(x, y)
    ),
    "plain attention": lambda: lambda x, y: layers.Attention()([x, y]),
    "additive attention": lambda: lambda x, y: layers.AdditiveAttention()([x, y]),
    "decoder": lambda: lambda x, y: layers.TransformerDecoder(FEATURES, 2)(x, y),
}
"""Two tensors of steps to one."""

SUMMARY: dict[str, Callable[[], Unary]] = {
    "average pooling": lambda: layers.GlobalAveragePooling1D(),
    "max pooling": lambda: layers.GlobalMaxPooling1D(),
    "last state": lambda: layers.LSTM(FEATURES),
    "spread": lambda: lambda x: ops.var(x, axis=1),
}
"""Steps to one vector."""


def random_model(seed: int, size: int = 8, *, windows: bool = False) -> Model:
    """Return a model of about `size` nodes, with outputs for every step and for the whole.

    The input is floats (batch, time, 4) that come with a mask; residual connections, branches and
    attention between branches arise by chance. The same seed gives the same model.

    Args:
        windows: whether there may be windows, for which sequences must have no holes.
    """
    generator = np.random.default_rng(seed)
    unary = UNARY | WINDOWS if windows else UNARY

    def pick(table: dict[str, Any]) -> Any:
        return table[str(generator.choice(list(table)))]()

    start = Input(shape=(None, FEATURES), name="series", masked=True)
    tensors = [start]
    while len(tensors) < size:
        recent = tensors[-3:]
        x, y = (recent[int(generator.integers(len(recent)))] for _ in range(2))
        made = pick(BINARY)(x, y) if generator.random() < 0.4 else pick(unary)(x)
        tensors.append(made)
    summary = pick(SUMMARY)(tensors[-1])
    return Model(start, [tensors[-1], summary], seed=seed, on_mask_loss="error")
