"""Padding on the left, and layers of PyTorch that look at where it stands."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case, case_without_keras
from benchmarks.comparison.oracle import (
    FEATURES,
    judge,
    layer_law,
    model_law,
    padded,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side, has_gpu, set_weights
from benchmarks.comparison.verdict import Verdict, absent, close, right, wrong

NO_SUCH_LAYER = "Keras has no such layer"


@case("25a", "left padding, a causal Conv1D", "zeros in the padding before each layer")
def causal_convolution(side: Side) -> Verdict:
    return layer_law(
        side,
        lambda k: k.layers.Conv1D(3, 3, padding="causal"),
        padding="left",
        needs_mask=False,
    )


@case("25b", "left padding, a learned embedding of positions", "`position_ids` from the mask")
def positions(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        class Positions(k.layers.Layer):
            """A vector for each place in the rectangle."""

            def __init__(self, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.supports_masking = True
                self.table = k.layers.Embedding(12, FEATURES)

            def build(self, shape: Any) -> None:
                self.table.build(())

            def compute_output_shape(self, shape: Any) -> Any:
                return shape

            def call(self, x: Any) -> Any:
                return x + self.table(k.ops.arange(k.ops.shape(x)[1]))

        return Positions()(x)

    return model_law(side, build, padding="left", needs_mask=False)


@positions.with_maskgraph
def _(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        return x + k.layers.PositionEmbedding(12)(x)

    return model_law(side, build, padding="left")


@case("25c", "left padding, an LSTM", "each sequence moved to the right-padded place")
def left_padded_lstm(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.LSTM(3), padding="left")


@case("25d", "left padding, causal attention", "the inverted mask, `is_causal` and a check for NaN")
def left_padded_attention(side: Side) -> Verdict:
    def call(layer: Any, x: Any) -> Any:
        return layer(x, x, use_causal_mask=True)

    return layer_law(side, lambda k: k.layers.MultiHeadAttention(2, 3), call, padding="left")


@case("25e", "left padding, cuDNN's LSTM", "each sequence moved to the right-padded place")
def left_padded_cudnn(side: Side) -> Verdict:
    return left_padded_lstm.keras(side) if has_gpu(side.backend) else absent("needs a GPU")


@left_padded_cudnn.with_maskgraph
def _(side: Side) -> Verdict:
    if not has_gpu(side.backend):
        return absent("needs a GPU")
    with side.k.use_backend(side.backend, "gpu"):
        return left_padded_lstm.maskgraph(side)


@case_without_keras(
    "25f", "left padding, an encoder layer of a transformer", NO_SUCH_LAYER, "the inverted mask"
)
def left_padded_encoder(side: Side) -> Verdict:
    return layer_law(side, _encoder, padding="left")


def _encoder(k: Any) -> Any:
    return k.layers.TransformerEncoder(8, 2)


@left_padded_encoder.with_pytorch
def _() -> Verdict:
    return _torch_encoder("left")


@case_without_keras(
    "26a",
    "the length of what an encoder gives for a batch padded by more than it needs",
    NO_SUCH_LAYER,
    "nothing",
)
def length_of_output(side: Side) -> Verdict:
    layer = _encoder(side.k)
    values, mask = padded(sequences_of_vectors(), extra=2)
    found = side.array(layer(side.tensor(values, mask)))
    return close(found.shape[1], values.shape[1])


@length_of_output.with_pytorch
def _() -> Verdict:
    import torch

    values, mask = padded(sequences_of_vectors(), extra=2)
    encoder = _new_torch_encoder().eval()
    with torch.no_grad():
        found = encoder(torch.tensor(values), src_key_padding_mask=torch.tensor(~mask))
    if found.shape[1] != values.shape[1]:
        return wrong(f"{values.shape[1]} steps in, {found.shape[1]} out")
    return right("as many steps out as in")


@case_without_keras(
    "26b",
    "an encoder with a padding mask: each step that exists",
    NO_SUCH_LAYER,
    "the inverted mask",
)
def encoder(side: Side) -> Verdict:
    return layer_law(side, _encoder)


@encoder.with_pytorch
def _() -> Verdict:
    return _torch_encoder("right")


@case_without_keras(
    "26c",
    "the same rectangle from an encoder in training and in evaluation, without dropout",
    NO_SUCH_LAYER,
    "`where(mask, y, 0)` after it",
)
def both_modes(side: Side) -> Verdict:
    layer = _encoder(side.k)
    x = side.tensor(*padded(sequences_of_vectors(), junk=1))
    layer(x)
    set_weights(layer)
    return close(side.array(layer(x, training=True)), side.array(layer(x, training=False)))


@both_modes.with_pytorch
def _() -> Verdict:
    import torch

    values, mask = padded(sequences_of_vectors(), junk=1)
    layer = _new_torch_encoder()
    results = []
    for training in (True, False):
        layer.train(training)
        with torch.no_grad():
            y = layer(torch.tensor(values), src_key_padding_mask=torch.tensor(~mask))
        results.append(y.numpy())
    return close(results[1], results[0], "they differ by")


def _new_torch_encoder() -> Any:
    import torch

    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(FEATURES, 2, 8, dropout=0.0, batch_first=True)
    return torch.nn.TransformerEncoder(layer, 1)


def _torch_encoder(side: str) -> Verdict:
    """Run PyTorch's encoder, in evaluation, on a batch and on each sequence alone."""
    import torch

    encoder = _new_torch_encoder().eval()
    sequences = sequences_of_vectors()
    values, mask = padded(sequences, side, junk=100)
    with torch.no_grad():
        alone = [encoder(torch.tensor(s[None])).numpy()[0] for s in sequences]
        found = encoder(torch.tensor(values), src_key_padding_mask=torch.tensor(~mask)).numpy()
    known = mask[:, : found.shape[1]] if side == "right" else mask
    return judge(found, np.asarray(known), alone, steps=True, side=side)
