"""Padding that is seen where tensors meet, and by what runs backwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.oracle import layer_law, padded, sequences_of_vectors
from benchmarks.comparison.sides import Side, set_weights
from benchmarks.comparison.verdict import Verdict, close, distance, figure, right, wrong


def _attention(k: Any) -> Any:
    return k.layers.MultiHeadAttention(2, 3)


@case("17a", "attention, only the key masked (MultiHeadAttention)", "the inverted mask")
def key_mask_alone(side: Side) -> Verdict:
    return _key_masked(side, _attention(side.k), lambda layer, x, key: layer(x, x, key=key))


@case("17b", "attention, only the key masked (Attention)", "the inverted mask")
def key_mask_of_attention(side: Side) -> Verdict:
    layer = side.k.layers.Attention()
    return _key_masked(side, layer, lambda layer, x, key: layer([x, x, key]))


@case("17c", "attention, only the value masked (MultiHeadAttention)", "the inverted mask")
def value_mask_alone(side: Side) -> Verdict:
    return _key_masked(side, _attention(side.k), lambda layer, x, v: layer(x, v, key=x))


def _key_masked(side: Side, layer: Any, call: Any) -> Verdict:
    """Try one sequence whose last two steps are masked in the keys (or values) alone."""
    values = sequences_of_vectors((5,))[0][None]
    mask = np.array([[True, True, True, False, False]])
    x = side.tensor(values)
    call(layer, x, side.tensor(values))
    if layer.weights:
        set_weights(layer)
    found = side.array(call(layer, side.tensor(values), side.tensor(values, mask)))
    short = side.tensor(values[:, :3])
    query = side.tensor(values)
    if isinstance(layer, side.k.layers.MultiHeadAttention):
        alone = side.array(layer(query, short, key=side.tensor(values[:, :3])))
    else:
        alone = side.array(layer([query, short, side.tensor(values[:, :3])]))
    return close(found, alone, "leaks:").with_arrays([alone], [found])


@case("17d", "`query_mask=` given to MultiHeadAttention: the mask that comes out", "no mechanism")
def query_mask(side: Side) -> Verdict:
    values, mask = padded(sequences_of_vectors())
    attended = _attention(side.k)(
        side.tensor(values), side.tensor(values), query_mask=side.k.ops.convert_to_tensor(mask)
    )
    found = side.mask(attended)
    return wrong("ignored: no mask") if found is None else close(found, mask)


@query_mask.with_maskgraph
def _(side: Side) -> Verdict:
    values, mask = padded(sequences_of_vectors())
    found = side.mask(_attention(side.k)(side.tensor(values), side.tensor(values), query_mask=mask))
    return wrong("ignored: no mask") if found is None else close(found, mask)


@case("18a", "`Add` of two inputs that are masked at different steps", "one mask: both, by hand")
def add_of_different_masks(side: Side) -> Verdict:
    return _merge_of_different_masks(side, side.k.layers.Add(), lambda a, b: a + b)


@case("18b", "`Average` of the same", "one mask: both, by hand")
def average_of_different_masks(side: Side) -> Verdict:
    return _merge_of_different_masks(side, side.k.layers.Average(), lambda a, b: (a + b) / 2)


@case("18c", "`Multiply` of the same", "one mask: both, by hand")
def multiply_of_different_masks(side: Side) -> Verdict:
    return _merge_of_different_masks(side, side.k.layers.Multiply(), lambda a, b: a * b)


def _merge_of_different_masks(side: Side, layer: Any, merge: Any) -> Verdict:
    """A step that is flagged valid must not depend on what stands in the padding."""
    values = sequences_of_vectors((4, 4), seed=0), sequences_of_vectors((4, 4), seed=1)
    a, b = (np.stack(v) for v in values)
    mask_a = np.array([[True, True, True, False], [True, True, False, False]])
    mask_b = np.array([[True, True, False, False], [True, True, True, True]])
    results = []
    for junk in (0.0, 100.0):
        x, y = (np.where(m[..., None], v, np.float32(junk)) for v, m in ((a, mask_a), (b, mask_b)))
        merged = layer([side.tensor(x, mask_a), side.tensor(y, mask_b)])
        results.append((side.array(merged), side.mask(merged)))
    (first, mask), (second, _) = results
    if mask is None:
        return wrong("mask lost")
    both = mask_a & mask_b
    if not distance(first[both], merge(a, b)[both]) < 1e-5:
        return wrong("other values")
    gap = distance(second[mask], first[mask])
    return right("no padding in valid steps") if gap == 0 else wrong(f"leaks: {figure(gap)}")


@case("19a", "the mask of `LSTM(go_backwards=True, return_sequences=True)`", "flip within lengths")
def reversed_mask(side: Side) -> Verdict:
    sequences = sequences_of_vectors()
    layer = side.k.layers.LSTM(3, go_backwards=True, return_sequences=True)
    layer(side.tensor(sequences[0][None]))
    set_weights(layer)
    values, mask = padded(sequences, junk=100)
    outputs = layer(side.tensor(values, mask))
    found, found_mask = side.array(outputs), side.mask(outputs)
    alone = [side.array(layer(side.tensor(s[None])))[0] for s in sequences]
    if found_mask is None:
        return wrong("mask lost")
    rows = [found[i][found_mask[i]] for i in range(len(found))]
    gap = max(map(distance, rows, alone))
    if gap > 1e-5:
        return wrong(f"the mask names other steps: off by {figure(gap)}")
    return right("the mask is reversed too").with_arrays(alone, rows)


@case("19b", "`Bidirectional(LSTM(unroll=True, return_sequences=True))`", "packed input")
def unrolled(side: Side) -> Verdict:
    return layer_law(side, _unrolled, needs_mask=False)


@unrolled.with_maskgraph
def _(side: Side) -> Verdict:
    return layer_law(side, _unrolled)


def _unrolled(k: Any) -> Any:
    return k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True, unroll=True))


@case("20", "`RNN(LSTMCell, zero_output_for_mask=True)`: the final output", "packed input: `h_n`")
def zeroed_output(side: Side) -> Verdict:
    def make(k: Any) -> Any:
        return k.layers.RNN(k.layers.LSTMCell(3), zero_output_for_mask=True)

    return layer_law(side, make)
