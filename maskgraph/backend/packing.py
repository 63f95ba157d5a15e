"""Where the steps of a batch stand when they are packed: one after another, with no padding.

A packed tensor is a batch of one long row, (1, slots, …), in which the sequences lie end to end,
longest first. Sequences of like length lie together and make a block: read as (rows, length, …),
a block is a small rectangle, without a copy. So what looks at each step alone runs once on all
slots, and what looks along a sequence runs on each block, with the very functions that it would
run with on the whole rectangle.

A block may hold sequences a little shorter than its length. The slots beyond their ends repeat a
step that exists: whatever is computed there is as finite as the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Array = Any


class Block(NamedTuple):
    """Slots `start` to `start + rows * length`: a rectangle of so many sequences.

    `full` tells that every slot in it is a step that exists.
    """

    start: int
    rows: int
    length: int
    full: bool

    @property
    def stop(self) -> int:
        return self.start + self.rows * self.length


class Places(NamedTuple):
    """Where slots come to stand when they are laid out in another way.

    Attributes:
        slot: the slot that each place holds, or any one.
        filled: whether it holds one.
        empty: which places hold none.
    """

    slot: Array
    filled: Array
    empty: Array

    @classmethod
    def of(cls, slot: np.ndarray, filled: np.ndarray) -> Places:
        return cls(slot, filled, np.flatnonzero(~filled))


class Edges(NamedTuple):
    """The slots whose windows reach beyond their own sequence.

    Attributes:
        slots: they, (edges,).
        steps: their windows, one after another: the steps that are there.
        index: of all slots, and these once more: which to take so that they replace themselves.
    """

    slots: Array
    steps: Places
    index: Array


class Packing:
    """The place of every step of one mask.

    Args:
        mask: bool, (batch, time), with at least one valid step.
        block_cost: what a block costs beside its slots, in slots: many small blocks waste
            nothing, few large ones take fewer calls.
        in_place: whether masked steps between the first and the last valid one of a sequence keep
            their slots, as a convolution needs; else they go the way of all padding.

    Attributes:
        batch, time: the sizes of the rectangle.
        blocks: from the longest sequences to the shortest.
        lengths: how many slots each sequence has, longest first, (batch,).
        order: which row of the rectangle each sequence is, (batch,); None: as they are.
        index: which step of the rectangle, row after row, each slot holds, (slots,); None: as
            they are.
        valid: which slots hold a step that exists, (slots,); None: all of them.
        holes: the slots that masked steps within sequences keep, (holes,).
    """

    def __init__(self, mask: np.ndarray, block_cost: float = 16.0, in_place: bool = False) -> None:
        self.batch, self.time = mask.shape
        self.lengths: np.ndarray = np.full(self.batch, self.time)
        self.blocks: tuple[Block, ...] = (Block(0, self.batch, self.time, True),)
        self.order: np.ndarray | None = None
        self.index: np.ndarray | None = None
        self.valid: np.ndarray | None = None
        self.holes: np.ndarray = np.empty(0, np.intp)
        self._native: dict[Any, Array] = {}
        if not mask.all():
            self._sort(mask, extent(mask) if in_place else mask, block_cost)

    def _sort(self, mask: np.ndarray, steps: np.ndarray, block_cost: float) -> None:
        """Sort sequences, which have slots for `steps`, by length, and cut them into blocks."""
        counts = steps.sum(1)
        self.order = order = np.argsort(-counts, kind="stable")
        self.lengths = counts[order]
        widths = np.empty(self.batch, np.intp)
        blocks, start, row = [], 0, 0
        for rows, length in _cut(self.lengths, block_cost):
            inside = self.lengths[row : row + rows]
            blocks.append(Block(start, rows, length, bool(inside[-1] == length)))
            widths[row : row + rows] = length
            start, row = start + rows * length, row + rows
        self.blocks = tuple(blocks)
        self._lay_out(mask, steps, order, widths)

    def _lay_out(
        self, mask: np.ndarray, steps: np.ndarray, order: np.ndarray, widths: np.ndarray
    ) -> None:
        """Say which step each slot holds: those of a sequence in order, the last one again where
        it is too short or has a hole, and any step at all where there is none."""
        at_row, at_time = np.nonzero(steps[order])
        flat = order[at_row] * self.time + at_time
        begins = np.cumsum(self.lengths) - self.lengths
        row = np.repeat(np.arange(self.batch), widths)
        column = np.arange(len(row)) - np.repeat(np.cumsum(widths) - widths, widths)
        inside = np.minimum(column, np.maximum(self.lengths[row] - 1, 0))
        index = flat[np.minimum(begins[row] + inside, len(flat) - 1)]
        exists = column < self.lengths[row]
        if steps is not mask:
            masked = ~mask.reshape(-1)[index]
            self.holes = np.flatnonzero(exists & masked)
            exists &= ~masked
            here = np.arange(len(exists))
            index = index[np.maximum.accumulate(np.where(exists, here, 0))]
            self.blocks = tuple(
                b._replace(full=bool(exists[b.start : b.stop].all())) for b in self.blocks
            )
        self.index = index
        self.valid = None if exists.all() else exists

    # -- derived, when asked for -----------------------------------------------------------

    @property
    def slots(self) -> int:
        return self.blocks[-1].stop

    @property
    def form(self) -> str:
        """What the slots make, in words."""
        return f"{len(self.blocks)} blocks of sequences of like length"

    @property
    def full(self) -> bool:
        """Whether the rectangle has no padding."""
        return self.index is None

    @cached_property
    def row(self) -> np.ndarray:
        """The row of the rectangle that each slot belongs to, (slots,)."""
        return self.rank if self.order is None else self.order[self.rank]

    @cached_property
    def rank(self) -> np.ndarray:
        """The place among the sequences of that which each slot belongs to, (slots,)."""
        widths = np.concatenate([np.full(b.rows, b.length) for b in self.blocks])
        return np.repeat(np.arange(self.batch), widths)

    def apart(self, gap: int) -> tuple[Places, np.ndarray]:
        """Return how to lay sequences out with `gap` empty places after each, and where each slot
        comes to stand, (slots,)."""
        place = np.arange(self.slots) + gap * self.rank
        slot = np.zeros(self.slots + gap * self.batch, np.intp)
        slot[place] = np.arange(self.slots)
        filled = np.zeros(len(slot), bool)
        filled[place] = True if self.valid is None else self.valid
        return Places.of(slot, filled), place

    @cached_property
    def column(self) -> np.ndarray:
        """The column of the rectangle that each slot's step stands in, (slots,)."""
        index = np.arange(self.slots) if self.index is None else self.index
        column: np.ndarray = index % self.time
        return column

    @cached_property
    def place(self) -> np.ndarray:
        """The place of each row of the rectangle among the sequences, (batch,)."""
        place = np.empty(self.batch, np.intp)
        place[np.arange(self.batch) if self.order is None else self.order] = np.arange(self.batch)
        return place

    def edges(self, offsets: Sequence[int]) -> Edges:
        """Return the slots that hold a step whose window, of steps at `offsets`, reaches beyond its
        own sequence."""
        here, length = self._within
        beyond = (here + min(offsets) < 0) | (here + max(offsets) >= length)
        slots = np.flatnonzero(beyond if self.valid is None else beyond & self.valid)
        index = np.arange(self.slots)
        index[slots] = self.slots + np.arange(len(slots))
        return Edges(slots, self.windows(slots, offsets), index)

    def windows(self, slots: np.ndarray, offsets: Sequence[int]) -> Places:
        """Return the windows of slots, of the steps at `offsets`, one after another; there is none
        beyond the sequence, nor in a hole."""
        here, length = self._within
        window = here[slots, None] + np.asarray(offsets)
        own = (window >= 0) & (window < length[slots, None])
        slot = np.clip(slots[:, None] + np.asarray(offsets), 0, self.slots - 1)
        if self.valid is not None:
            own &= self.valid[slot]
        return Places.of(slot.reshape(-1), own.reshape(-1))

    @cached_property
    def _within(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the place of each slot in its sequence, and how many that has."""
        starts = np.flatnonzero(np.diff(self.rank, prepend=-1))
        return np.arange(self.slots) - starts[self.rank], self.lengths[self.rank]

    def rectangle(self) -> Places:
        """Return how to lay the steps out as the rectangle, row after row."""
        here = np.arange(self.slots)
        held = here if self.valid is None else here[self.valid]
        slot = np.full(self.batch * self.time, -1)
        slot[held if self.index is None else self.index[held]] = held
        return Places.of(np.maximum(slot, 0), slot >= 0)

    def native(self, name: Any, make: Callable[[], Array]) -> Array:
        """Return what `make` makes, made once under that name: index arrays on a device."""
        if name not in self._native:
            self._native[name] = make()
        return self._native[name]


def extent(mask: np.ndarray) -> np.ndarray:
    """Return True from the first to the last valid step of each row."""
    started = np.logical_or.accumulate(mask, 1)
    unfinished = np.logical_or.accumulate(mask[:, ::-1], 1)[:, ::-1]
    return started & unfinished


def _cut(lengths: np.ndarray, block_cost: float) -> list[tuple[int, int]]:
    """Return (rows, length) of the blocks for lengths in descending order: those for which slots,
    and `block_cost` for each block, are fewest. A block of sequences without steps has one slot
    for each."""
    distinct, counts = np.unique(np.maximum(lengths, 1), return_counts=True)
    distinct, counts = distinct[::-1], counts[::-1]
    rows = np.concatenate([[0], np.cumsum(counts)])
    best = np.zeros(len(distinct) + 1)
    began = np.zeros(len(distinct) + 1, np.intp)
    for stop in range(1, len(distinct) + 1):
        costs = best[:stop] + (rows[stop] - rows[:stop]) * distinct[:stop] + block_cost
        began[stop] = np.argmin(costs)
        best[stop] = costs[began[stop]]
    cuts = [len(distinct)]
    while cuts[-1]:
        cuts.append(int(began[cuts[-1]]))
    cuts.reverse()
    return [(int(rows[stop] - rows[start]), int(distinct[start])) for start, stop in pairwise(cuts)]
