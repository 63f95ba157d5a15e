"""Recurrent layers on TensorFlow: over the columns of a rectangle, or of lanes, where states are
set anew when a sequence begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from maskgraph.backend import Array, Backend
from maskgraph.backend.distinct import Distinct
from maskgraph.backend.lanes import Lanes
from maskgraph.backend.recurrent import Cell
from maskgraph_tensorflow.cells import CellLoop, CellStep
from maskgraph_tensorflow.loops import Loop, Places, Step, run


class Recurrent(Backend):
    """The loops over time."""

    def rnn(
        self,
        x: Array,
        mask: Array | None,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        if not _is_known(x):
            return super().rnn(x, mask, states, *weights, cell, go_backwards)
        zeros = tf.zeros((x.shape[0], recurrent_kernel.shape[0]), x.dtype)
        first = [zeros if state is None else state for state in states]
        step = self._recurrent_step(cell)
        return _over_columns(step, x, mask, first, _there(weights), go_backwards)

    def scan(
        self,
        x: Array,
        mask: Array | None,
        states: Sequence[Array],
        captured: Sequence[Array],
        step: Any,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        if not _is_known(x):
            return super().scan(x, mask, states, captured, step, go_backwards)
        before = step.on(self, x, states, captured).before(x.shape[0], states)
        shown_first = self._scan_step(step)
        return _over_columns(shown_first, x, mask, [before, *states], captured, go_backwards)

    def packed_rnn(
        self,
        x: Array,
        packing: Any,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        first = _or_zeros(states, x, recurrent_kernel)
        step = self._recurrent_step(cell)
        weights = _there((kernel, recurrent_kernel, bias))
        return _over_lanes(step, x, packing, first, weights, go_backwards)

    def packed_rnn_of_ids(
        self,
        x: Array,
        distinct: Distinct,
        packing: Any,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        step = self._recurrent_step(cell)
        which = self._which_product(distinct)
        if which is None or not isinstance(step, CellStep):
            given = (x, distinct, packing, states, kernel, recurrent_kernel, bias)
            return super().packed_rnn_of_ids(*given, cell, go_backwards)
        look_up = _looked_up_apart if self._on_cpu else tf.gather
        step = CellStep(lambda which, read: look_up(read[0], which), step.recur, step.after)
        first = _or_zeros(states, x, recurrent_kernel)
        read = _there((self._project(x[0], kernel, bias), recurrent_kernel, bias))
        return _over_lanes(step, which[None], packing, first, read, go_backwards)

    def packed_scan(
        self,
        x: Array,
        packing: Any,
        states: Sequence[Array],
        captured: Sequence[Array],
        step: Any,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        before = step.on(self, x, states, captured).before(packing.batch, states)
        first = [before, *states]
        return _over_lanes(self._scan_step(step), x, packing, first, captured, go_backwards)

    def _recurrent_step(self, cell: Cell) -> Step:
        """Return a cell as a step that reads kernel, recurrent kernel and, if any, bias."""
        if cell.kind == "gru" and not cell.reset_after:

            def step(row: Array, states: list[Array], read: list[Array]) -> list[Array]:
                inputs = self._project(row, read[0], _bias(read))
                return self._cell(cell, read[1], _bias(read))(inputs, states)

            return step
        return CellStep(
            lambda row, read: self._project(row, read[0], _bias(read)),
            lambda h, read: self._recur(h, cell, read[1], _bias(read)),
            self._after_products(cell),
        )

    def _scan_step(self, step: Any) -> Step:
        def shown_first(row: Array, states: list[Array], read: list[Array]) -> list[Array]:
            output, new = step.on(self, row, states[1:], read)(row, states[1:])
            return [output, *new]

        return shown_first


def _looked_up_apart(table: Array, which: Array) -> Array:
    """Look up rows in such a way that XLA does not make one loop of that and of all that is done
    with them: on a CPU it then looks up number by number, computes nothing in vectors, and takes
    more than twice as long."""
    always = which[0] >= 0  # which XLA does not know
    zeros = tf.zeros((*which.shape, *table.shape[1:]), table.dtype)
    return tf.cond(always, lambda: tf.gather(table, which), lambda: zeros)


def _or_zeros(states: Sequence[Array | None], x: Array, recurrent_kernel: Array) -> list[Array]:
    zero = tf.zeros((1, recurrent_kernel.shape[0]), x.dtype)
    return [zero if state is None else state for state in states]


def _bias(read: Sequence[Array]) -> Array | None:
    return read[2] if len(read) == 3 else None


def _there(weights: Sequence[Array | None]) -> list[Array]:
    return [weight for weight in weights if weight is not None]


def _is_known(x: Array) -> bool:
    """Whether there are steps, and it is known how many: not in all functions that users trace."""
    return None not in x.shape and x.shape[1] > 0


def _over_columns(
    step: Step,
    x: Array,
    mask: Array | None,
    first: list[Array],
    read: Sequence[Array],
    go_backwards: bool,
) -> tuple[Array, ...]:
    """Return what a step shows, in the order it is computed, and the final states. A step that
    `scan` calls shows a state of its own, which comes first among the final ones."""
    places = Places(None if mask is None else tf.transpose(mask), None, go_backwards)
    after = run(step, _turned(x), first, read, places, _kind(step))
    shown = _turned(after[0])
    if go_backwards:
        return (tf.reverse(shown, (1,)), *(a[0] for a in after))
    return (shown, *(a[-1] for a in after))


def _over_lanes(
    step: Step,
    x: Array,
    lanes: Lanes,
    first: list[Array],
    read: Sequence[Array],
    go_backwards: bool,
) -> tuple[Array, ...]:
    """Return what a step shows, in slots, and the final states of the rectangle's rows."""
    row = tf.minimum(_columns(lanes.row, lanes), lanes.batch - 1)
    valid = None if lanes.valid is None else _columns(lanes.valid, lanes)
    places = Places(valid, row, go_backwards)
    after = run(step, _columns(x[0], lanes), first, read, places, _kind(step))
    shown = _turned(after[0])
    end = lanes.first if go_backwards else lanes.last
    exists = tf.equal(tf.gather(lanes.row, end), tf.range(lanes.batch))
    at = tf.stack([end % lanes.width, end // lanes.width], 1)
    final = []
    for a, f in zip(after, first, strict=True):
        some = tf.reshape(exists, (-1, *(1,) * (f.shape.rank - 1)))
        final.append(tf.where(some, tf.gather_nd(a, at), f))
    return (tf.reshape(shown, (1, lanes.slots, *shown.shape[2:])), *final)


def _kind(step: Step) -> type[Loop]:
    return CellLoop if isinstance(step, CellStep) else Loop


def _columns(x: Array, lanes: Lanes) -> Array:
    """Return slots (slots, …) column by column, (width, lanes, …)."""
    return _turned(tf.reshape(x, (lanes.lanes, lanes.width, *x.shape[1:])))


def _turned(x: Array) -> Array:
    """Return a tensor with its first two axes in the other order."""
    return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])
