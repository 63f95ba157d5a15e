"""Recurrent layers as one loop compiled by XLA: op by op and step by step takes ten times as long.

XLA compiles for each shape that it meets, so packed sequences are laid into lanes, whose shapes
are few: a state begins anew where a sequence does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from maskgraph.backend import Array, Backend
from maskgraph.backend.lanes import Lanes
from maskgraph.backend.packing import Packing
from maskgraph_tensorflow.loops import Places, run

_LONG = 32
"""To compile a loop over fewer steps takes longer than it will save; and longer ones are rounded up
to a multiple of it, so that few are compiled."""


class Recurrent(Backend):
    """The loops over time, for eager calls; where TensorFlow traces a function, it is that which
    is compiled or not."""

    def rnn(
        self,
        x: Array,
        mask: Array | None,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: str,
        activation: str,
        recurrent_activation: str,
        go_backwards: bool,
        reset_after: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        how: Any = (cell, activation, recurrent_activation, go_backwards, reset_after)
        if not _is_worth_compiling(x, x.shape[1]):
            return super().rnn(x, mask, states, *weights, *how)
        zeros = tf.zeros((x.shape[0], recurrent_kernel.shape[0]), x.dtype)
        first = [zeros if state is None else state for state in states]
        time = x.shape[1]
        x, mask = _lengthened(x, mask)
        places = Places(None if mask is None else tf.transpose(mask), None)
        after = run(self, how, tf.transpose(x, (1, 0, 2)), first, weights, places)
        shown = tf.transpose(after[0][:time], (1, 0, 2))
        if go_backwards:
            return (tf.reverse(shown, (1,)), *(a[0] for a in after))
        return (shown, *(a[-1] for a in after))

    def packed_rnn(
        self,
        x: Array,
        packing: Packing,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: str,
        activation: str,
        recurrent_activation: str,
        go_backwards: bool,
        reset_after: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        how: Any = (cell, activation, recurrent_activation, go_backwards, reset_after)
        if not _is_worth_compiling(x, packing.time):
            return super().packed_rnn(x, packing, states, *weights, *how)
        at = packing.native((self, _InLanes), lambda: _InLanes.of(packing))
        zeros = tf.zeros((packing.batch, recurrent_kernel.shape[0]), x.dtype)
        first = [zeros if state is None else state for state in states]
        after = run(self, how, tf.gather(x[0], at.slots), first, weights, at.places)
        flat = [tf.reshape(a, (-1, a.shape[2])) for a in after]
        end = at.first if go_backwards else at.last
        final = [
            tf.where(at.exists, tf.gather(a, end), f) for a, f in zip(flat, first, strict=True)
        ]
        return (tf.gather(flat[0], at.back)[None], *final)


def _is_worth_compiling(x: Array, time: int) -> bool:
    return bool(tf.executing_eagerly()) and time >= _LONG and x.shape[0] > 0


def _rounded(time: int) -> int:
    return -(-time // _LONG) * _LONG


def _lengthened(x: Array, mask: Array | None) -> tuple[Array, Array | None]:
    """Return x and its mask with masked steps after the others, up to a rounded number of them."""
    batch, time, _ = x.shape
    added = _rounded(time) - time
    if not added:
        return x, mask
    mask = tf.ones((batch, time), tf.bool) if mask is None else mask
    return tf.pad(x, ((0, 0), (0, added), (0, 0))), tf.pad(mask, ((0, 0), (0, added)))


class _InLanes(NamedTuple):
    """The steps of a packing in lanes, column by column.

    Attributes:
        slots: the slot that each place reads, (width, lanes); any where there is no step.
        places: which places hold a step, and of which row.
        back: the place of each slot, (slots,); any for one that holds no step.
        first, last: the places of the first and the last step of each row, (batch,).
        exists: which rows have a step, (batch, 1).
    """

    slots: Array
    places: Places
    back: Array
    first: Array
    last: Array
    exists: Array

    @classmethod
    def of(cls, packing: Packing) -> _InLanes:
        valid = packing.valid
        held = np.arange(packing.slots) if valid is None else np.flatnonzero(valid)
        row = packing.row[held]
        counts = np.bincount(row, minlength=packing.batch)
        time = _rounded(packing.time)
        lanes = Lanes.of(np.arange(time) < counts[:, None], in_place=False)
        # the steps of a row lie together, in their order
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        begins = np.zeros(packing.batch, np.intp)
        begins[row[starts]] = starts
        index = np.arange(lanes.slots) if lanes.index is None else lanes.index
        slots = held[begins[index // time] + index % time]
        back = np.zeros(packing.slots, np.intp)
        back[held] = lanes.first[row] + np.arange(len(held)) - begins[row]

        def columns(x: np.ndarray) -> Array:
            return tf.constant(x.reshape(lanes.lanes, lanes.width).T)

        def places(x: np.ndarray) -> Array:
            return tf.constant(x % lanes.width * lanes.lanes + x // lanes.width)

        return cls(
            columns(slots),
            Places(
                None if lanes.valid is None else columns(lanes.valid),
                columns(np.minimum(lanes.row, packing.batch - 1)),
            ),
            places(back),
            places(lanes.first),
            places(lanes.last),
            tf.constant(counts[:, None] > 0),
        )
