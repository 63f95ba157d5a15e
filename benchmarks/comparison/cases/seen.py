"""Padding that is seen: NaN, and statistics and shares over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.oracle import (
    FEATURES,
    all_close,
    gradient_law,
    judge,
    layer_law,
    padded,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side
from benchmarks.comparison.verdict import Verdict

NAN, INFINITY = float("nan"), float("inf")
SELECT_FIRST = "`where(mask, x, 0)` before it: a mask alone does not help against NaN"


def _attend(layer: Any, x: Any) -> Any:
    return layer(x, x)


def _attention(k: Any) -> Any:
    return k.layers.MultiHeadAttention(2, 3)


@case("14a", "NaN in the padding, attention", SELECT_FIRST)
def nan_attention(side: Side) -> Verdict:
    return layer_law(side, _attention, _attend, junk=NAN)


@nan_attention.with_pytorch
def _() -> Verdict:
    import torch

    torch.manual_seed(0)
    attention = torch.nn.MultiheadAttention(FEATURES, 2, batch_first=True).eval()

    def run(values: Any, mask: Any = None) -> Any:
        x = torch.tensor(values)
        ignored = None if mask is None else torch.tensor(~mask)
        with torch.no_grad():
            return attention(x, x, x, key_padding_mask=ignored, need_weights=False)[0].numpy()

    return _by_hand(run, junk=NAN, steps=True)


def _by_hand(run: Any, junk: float, steps: bool) -> Verdict:
    """Judge a function of values and mask, written with a framework's own functions."""
    sequences = sequences_of_vectors()
    values, mask = padded(sequences, junk=junk)
    alone = [run(s[None])[0] for s in sequences]
    return judge(run(values, mask), mask, alone, steps=steps)


@case("14b", "Inf in the padding, attention", SELECT_FIRST)
def infinite_attention(side: Side) -> Verdict:
    return layer_law(side, _attention, _attend, junk=INFINITY)


@case("14c", "NaN in the padding, GlobalAveragePooling1D", "`where` first, then sums and counts")
def nan_pooling(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.GlobalAveragePooling1D(), junk=NAN)


@nan_pooling.with_pytorch
def _() -> Verdict:
    import torch

    def run(values: Any, mask: Any = None) -> Any:
        x = torch.tensor(values)
        m = torch.ones(x.shape[:2]) if mask is None else torch.tensor(mask).float()
        return ((x * m[..., None]).sum(1) / m.sum(1, keepdim=True)).numpy()

    return _by_hand(run, junk=NAN, steps=False)


@case("14d", "NaN in the padding, Conv1D", SELECT_FIRST)
def nan_convolution(side: Side) -> Verdict:
    return layer_law(
        side, lambda k: k.layers.Conv1D(3, 3, padding="same"), junk=NAN, needs_mask=False
    )


@case("14e", "junk in the padding, GlobalMaxPooling1D", "`where(mask, x, -inf)` first")
def max_pooling(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.GlobalMaxPooling1D())


@case("14f", "NaN in the padding: outputs of an LSTM", "packed input")
def nan_lstm(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.LSTM(3, return_sequences=True), junk=NAN)


@case("14g", "NaN in the padding: gradients of an LSTM's weights", "packed input")
def nan_gradients(side: Side) -> Verdict:
    layer = side.k.layers.LSTM(3, return_sequences=True)
    return gradient_law(side, layer, layer, junk=NAN)


@nan_gradients.with_pytorch
def _() -> Verdict:
    import torch
    from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

    torch.manual_seed(0)
    lstm = torch.nn.LSTM(FEATURES, 3, batch_first=True)

    def gradients(x: Any) -> Any:
        lstm.zero_grad()
        output, _ = lstm(x)
        (output.data if isinstance(output, PackedSequence) else output).sum().backward()
        return [p.grad.numpy().copy() for p in lstm.parameters()]

    sequences = sequences_of_vectors()
    values, mask = padded(sequences, junk=NAN)
    lengths = torch.tensor(mask.sum(1))
    packed = pack_padded_sequence(
        torch.tensor(values), lengths, batch_first=True, enforce_sorted=False
    )
    each = [gradients(torch.tensor(s[None])) for s in sequences]
    expected = [np.sum(parts, axis=0) for parts in zip(*each, strict=True)]
    return all_close(gradients(packed), expected)


STATISTICS = "sums and counts of what exists, by hand: no layer takes a mask"


@case("15a", "GroupNormalization", STATISTICS)
def group_normalization(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.GroupNormalization(2))


@case("15b", "LayerNormalization(axis=1)", STATISTICS)
def layer_normalization(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.LayerNormalization(axis=1, center=False, scale=False))


@case("15c", "UnitNormalization(axis=1)", STATISTICS)
def unit_normalization(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.UnitNormalization(axis=1))


@case("15d", "a softmax over time: `Activation` of `softmax(x, axis=1)`", "`where(mask, x, -inf)`")
def softmax_over_time(side: Side) -> Verdict:
    def make(k: Any) -> Any:
        return k.layers.Activation(lambda x: k.ops.softmax(x, axis=1))

    return layer_law(side, make)


@case("15e", "Softmax(axis=1)", "`where(mask, x, -inf)`")
def softmax_layer_over_time(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.Softmax(axis=1))


@case("16a", "Softmax over features of a masked (batch, time, features)", "nothing: no mechanism")
def softmax_over_features(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.Softmax())


@case("16b", "the same, batch = time = features", "nothing: no mechanism")
def softmax_over_equal_sizes(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.Softmax(), lengths=(4, 2, 3, 1, 4), features=5)
