"""Recurrent layers over packed sequences: a loop over time in which the batch shrinks.

The sequences run side by side, longest first, so that those which have ended are the last rows:
each step of the loop takes the first rows alone, and no arithmetic is spent on padding.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgraph.backend.distinct import Distinct
from maskgraph.backend.packing import Packing
from maskgraph.backend.recurrent import Cell

Array = Any
Step = Callable[[Array, list[Array]], list[Array]]


class LoopOrder:
    """The steps of a packing in the order in which a loop over time meets them.

    First the first step of every sequence, longest sequence first, then all second steps, and so
    on: what the loop takes at once lies together, and the last is no step of padding. Backwards,
    a sequence begins with its last step.

    Attributes:
        name: for what is kept of it with the packing.
        counts: how many steps the sequences have, longest first, (batch,).
        sizes: how many sequences have a first, second, … step.
        slots: the slot of each step, (steps,).
        back: for each slot, which step it holds, (slots,); any for a slot that holds none.
        rows: which row of the rectangle each sequence is, (batch,).
        place: the place of each row of the rectangle among the sequences, (batch,).
    """

    def __init__(self, packing: Packing, go_backwards: bool) -> None:
        self.name = "of a loop backwards" if go_backwards else "of a loop"
        valid = packing.valid
        held = np.arange(packing.slots) if valid is None else np.flatnonzero(valid)
        row = packing.row[held]
        counts = np.bincount(row, minlength=packing.batch)
        self.rows = np.argsort(-counts, kind="stable")
        self.counts = counts[self.rows]
        self.place = np.argsort(self.rows)
        ended = np.cumsum(np.bincount(counts, minlength=1))
        self.sizes: list[int] = (packing.batch - ended[:-1]).tolist()
        # the steps of a sequence lie together, in their order
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        first = np.zeros(packing.batch, np.intp)
        first[row[starts]] = starts
        time = np.arange(len(held)) - first[row]
        if go_backwards:
            time = counts[row] - 1 - time
        at = self.begins[time] + self.place[row]
        self.slots = np.empty(len(held), np.intp)
        self.slots[at] = held
        self.back = np.zeros(packing.slots, np.intp)
        self.back[held] = at

    @property
    def begins(self) -> np.ndarray:
        """Where each round of the loop begins among the steps."""
        return np.cumsum([0, *self.sizes[:-1]])

    @property
    def last(self) -> np.ndarray:
        """The last step of each sequence that has one, (sequences,)."""
        alive = self.sizes[0]
        return self.begins[self.counts[:alive] - 1] + np.arange(alive)


def loop_order(packing: Packing, go_backwards: bool) -> LoopOrder:
    """Return the order of a packing's steps, found once."""
    order: LoopOrder = packing.native(
        (LoopOrder, go_backwards), lambda: LoopOrder(packing, go_backwards)
    )
    return order


class PackedRecurrentOps(ABC):
    """Recurrent kernels for packed batches, composed of primitives. A backend may override them."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def packed_rnn(
        self,
        x: Array,
        packing: Packing,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        """Run a recurrent layer over packed steps (1, slots, features): see `rnn`.

        A slot that holds no step is skipped, and whatever is finite may come out there. A sequence
        without steps keeps its initial state.

        Args:
            states: the initial states (batch, units), in the order of the rectangle's rows.

        Returns:
            The outputs (1, slots, units), each in the slot of its step, for `go_backwards`, too,
            and the final states (batch, units), in the order of the rectangle's rows.
        """
        order = loop_order(packing, go_backwards)
        zeros = self.zeros((packing.batch, self.shape(recurrent_kernel)[0]), self.dtype(x))
        first = [zeros if state is None else state for state in states]
        step = self._cell(cell, recurrent_kernel, bias)
        inputs = self._project(self._looped(x, packing, order), kernel, bias)
        return self._fewer_and_fewer(step, inputs, first, packing, order)

    def packed_rnn_shown(
        self,
        x: Array,
        packing: Packing,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        """Run a recurrent layer of which only what it shows is wanted: `packed_rnn` without the
        final cell state of an LSTM."""
        weights = (kernel, recurrent_kernel, bias)
        return self.packed_rnn(x, packing, states, *weights, cell, go_backwards)[:2]

    def packed_rnn_of_ids(
        self,
        x: Array,
        distinct: Distinct,
        packing: Packing,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        """Run a recurrent layer over packed steps that are ids: `packed_rnn`, for a backend that
        can multiply each distinct id with the kernel once.

        Args:
            x: what each distinct id stands for, (1, ids, features).
        """
        given = (self.spread(x, distinct), packing, states, kernel, recurrent_kernel, bias)
        return self.packed_rnn(*given, cell, go_backwards)

    def packed_rnn_of_ids_shown(
        self,
        x: Array,
        distinct: Distinct,
        packing: Packing,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        """`packed_rnn_of_ids` without the final cell state of an LSTM."""
        given = (x, distinct, packing, states, kernel, recurrent_kernel, bias)
        return self.packed_rnn_of_ids(*given, cell, go_backwards)[:2]

    def packed_scan(
        self,
        x: Array,
        packing: Packing,
        states: Sequence[Array],
        captured: Sequence[Array],
        step: Any,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        """Run a step function over packed steps (1, slots, …): see `scan`.

        The step sees as many rows as there are sequences that have it: what it captures must not
        have a batch axis.

        Returns:
            The outputs (1, slots, …), each in the slot of its step, the last output of each row,
            and the final states, in the order of the rectangle's rows.
        """
        order = loop_order(packing, go_backwards)
        run = step.on(self, x, states, captured)

        def shown_first(row: Array, current: list[Array]) -> list[Array]:
            output, new = run(row, current[1:])
            return [output, *new]

        first = [run.before(packing.batch, states), *states]
        inputs = self._looped(x, packing, order)
        return self._fewer_and_fewer(shown_first, inputs, first, packing, order)

    def _fewer_and_fewer(
        self, step: Step, inputs: Array, first: list[Array], packing: Packing, order: LoopOrder
    ) -> tuple[Array, ...]:
        """Run a step on the rows that have it, round by round: return what it shows, in slots, and
        what the rows ended with."""
        current = [self._longest_first(state, packing, order) for state in first]
        alive, outputs = packing.batch, []
        ended: list[list[Array]] = []
        # taken apart at once: a slice for each step would have a gradient as large as all of them
        for row in self.split(inputs, order.begins[1:].tolist(), 0):
            size = self.shape(row)[0]
            if size < alive:
                parts = [self.split(state, [size], 0) for state in current]
                current = [going_on for going_on, _ in parts]
                ended.append([end for _, end in parts])
                alive = size
            current = step(row, current)
            outputs.append(current[0])
        ended.append(current)
        final = [self.concatenate(list(parts), 0) for parts in zip(*reversed(ended), strict=True)]
        return (
            self._slotted(self.concatenate(outputs, 0), packing, order),
            *(self._in_rows(state, packing, order) for state in final),
        )

    # -- to the order of the loop, and back ----------------------------------------------------

    def _looped(self, x: Array, packing: Packing, order: LoopOrder) -> Array:
        """Return the steps of `x` (1, slots, …) in the order of the loop, (steps, …)."""
        index = self._index(packing, f"slots {order.name}", order.slots)
        return self.take(self.reshape(x, self.shape(x)[1:]), index, 0)

    def _slotted(self, outputs: Array, packing: Packing, order: LoopOrder) -> Array:
        """Return outputs in the order of the loop, (steps, …), in their slots, (1, slots, …)."""
        index = self._index(packing, f"back {order.name}", order.back)
        return self.expand_dims(self.take(outputs, index, 0), (0,))

    def _longest_first(self, state: Array, packing: Packing, order: LoopOrder) -> Array:
        """Return the rows of the rectangle in the order of the loop."""
        return self.take(state, self._index(packing, f"rows {order.name}", order.rows), 0)

    def _in_rows(self, state: Array, packing: Packing, order: LoopOrder) -> Array:
        """Return rows in the order of the loop in that of the rectangle."""
        return self.take(state, self._index(packing, f"place {order.name}", order.place), 0)
