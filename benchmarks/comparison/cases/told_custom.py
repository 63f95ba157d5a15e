"""Cells, layers and ids of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.oracle import (
    FEATURES,
    LENGTHS,
    VOCABULARY,
    judge,
    layer_law,
    padded,
    sequences_of_ids,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side, set_weights
from benchmarks.comparison.verdict import Verdict, close, right, wrong


@case("32a", "a custom RNN cell whose output is not its state", "a loop with `where`")
def custom_cell(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.RNN(_cell(k)))


@case("32b", "the same, every output", "a loop with `where`")
def custom_cell_outputs(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.RNN(_cell(k), return_sequences=True))


def _cell(k: Any) -> Any:
    class Cell(k.layers.Layer):
        """Sums what it sees, and tells twice the sum plus one."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.state_size = FEATURES
            self.output_size = FEATURES

        def call(self, inputs: Any, states: Any) -> Any:
            total = states[0] + inputs
            return total * 2 + 1, [total]

    return Cell()


@case("32c", "ConvLSTM1D with a mask", "a loop with `where`: there is no such layer")
def conv_lstm(side: Side) -> Verdict:
    generator = np.random.default_rng(0)
    sequences = [generator.normal(size=(n, 6, 2)).astype("float32") for n in LENGTHS]
    layer = side.k.layers.ConvLSTM1D(2, 3, padding="same")
    layer(side.tensor(sequences[0][None]))
    set_weights(layer)
    alone = [side.array(layer(side.tensor(s[None])))[0] for s in sequences]
    found = layer(side.tensor(*padded(sequences, junk=100)))
    return judge(side.array(found), None, alone, steps=False)


@case("34a", "the masking guide's TemporalSoftmax, word for word", "a softmax over time, masked")
def softmax_of_the_guide(side: Side) -> Verdict:
    return _shares(side, axis=-1)


@softmax_of_the_guide.with_maskgraph
def _(side: Side) -> Verdict:
    """The guide's layer as it is meant: one line, and the op knows the mask."""
    k = side.k

    class TemporalSoftmax(k.layers.Layer):
        supports_masking = True

        def call(self, inputs: Any, mask: Any = None) -> Any:
            return k.ops.softmax(inputs, axis=1)

    return _adds_to_one(side, TemporalSoftmax())


@case("34b", "the same with its sum over time", "a softmax over time, masked")
def softmax_over_time(side: Side) -> Verdict:
    return _shares(side, axis=1)


def _shares(side: Side, axis: int) -> Verdict:
    k = side.k

    class TemporalSoftmax(k.layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.supports_masking = True

        def call(self, inputs: Any, mask: Any = None) -> Any:
            exists = k.ops.expand_dims(k.ops.cast(mask, "float32"), -1)
            exponentials = k.ops.exp(inputs) * exists
            return exponentials / k.ops.sum(exponentials * exists, axis=axis, keepdims=True)

    return _adds_to_one(side, TemporalSoftmax())


def _adds_to_one(side: Side, layer: Any) -> Verdict:
    """The shares of one sequence's steps are those of a softmax over the steps that exist."""
    sequences = sequences_of_vectors(features=1)
    values, mask = padded(sequences)
    found = side.array(layer(side.tensor(values, mask)))
    if np.isnan(found[~mask]).any() and (found[mask] == 1).all():
        return wrong("1 at every valid step, NaN at masked ones")
    expected = [np.exp(s) / np.exp(s).sum(axis=0) for s in sequences]
    return judge(found, mask, expected, steps=True)


@case("35a", "an embedding that masks another id than 0", "any comparison")
def another_id(side: Side) -> Verdict:
    padding = VOCABULARY - 1
    layer = side.k.layers.Embedding(VOCABULARY, FEATURES, mask_value=padding)
    ids, _ = padded([s % padding for s in sequences_of_ids()], junk=padding)
    found = side.mask(layer(side.tensor(ids)))
    return wrong("no mask") if found is None else close(found, ids != padding)


@case("35b", "an embedding of ids that come with a mask: without mask_zero", "the mask beside it")
def incoming_mask(side: Side) -> Verdict:
    return _incoming(side, False)


@case("35c", "the same, with mask_zero", "the mask beside it")
def incoming_mask_and_zero(side: Side) -> Verdict:
    return _incoming(side, True)


def _incoming(side: Side, mask_zero: bool) -> Verdict:
    ids = np.array([[3, 0, 5, 2]], "int32")
    given = np.array([[True, True, True, False]])
    layer = side.k.layers.Embedding(VOCABULARY, FEATURES, mask_zero=mask_zero)
    found = side.mask(layer(side.tensor(ids, given)))
    expected = given & (ids != 0) if mask_zero else given
    if found is None:
        return wrong("mask lost")
    return right("exactly") if (found == expected).all() else wrong("the incoming mask is ignored")
