"""Packed batches of few shapes, for backends that compile anew for each shape that they meet.

Sequences lie end to end in a few rows of one length, the lanes, longest first, each in the first
lane that has room for it. Only how many lanes there are, and how long, is part of a shape, and
both are rounded up; where the sequences lie is data. So another batch of the same rectangle
mostly finds its program compiled.

In a packed tensor, (1, slots, …), the lanes lie one after another. Slots that no sequence takes
repeat a step that exists: whatever is computed there is as finite as the data. Where windows ask
for it, such slots follow each sequence, so that no window reaches another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from maskgraph.backend.packing import extent

Array = Any

SIZES = ("batch", "time", "lanes", "width", "gap")
TENSORS = ("row", "first", "last", "index", "valid", "slot", "count", "order", "begins")
"""The attributes of lanes: those that are part of shapes, and those that are data."""

_SPANS = 4
_SHORT = 16
"""So many spans there are, and none is shorter than this: each is compiled by itself."""

_FEWEST_SLOTS = 128
"""Fewer slots than this are not worth another shape."""


@dataclass(frozen=True, eq=False)
class Lanes:
    """The place of every step of one mask, as a `Packing` tells it for other backends.

    Attributes:
        batch, time: the sizes of the rectangle.
        lanes, width: the sizes of what its steps lie in.
        gap: how many slots between sequences none takes, at least.
        row: the row of the rectangle that each slot belongs to, (slots,); `batch` for a slot that
            no sequence takes.
        first, last: the first and the last slot of each row, (batch,); any for a row without steps.
        index: which step of the rectangle, row after row, each slot holds, (slots,); None: nothing
            is padding, and all steps are where they are in the rectangle.
        valid: which slots hold a step that exists, (slots,); None: all of them.
        slot: the slot of each step of the rectangle, (batch, time), -1 for one that is masked;
            None: as they are.
        count: how many slots each row has, (batch,).
        order: the rows, those of few slots first, (batch,).
        begins: where in `order` the rows begin that fit each of the `spans`, but none before it;
            (spans + 1,).
    """

    batch: int
    time: int
    lanes: int
    width: int
    gap: int
    row: Array
    first: Array
    last: Array
    index: Array = None
    valid: Array = None
    slot: Array = None
    count: Array = None
    order: Array = None
    begins: Array = None

    @classmethod
    def of(cls, mask: np.ndarray, in_place: bool, gap: int = 0) -> Lanes:
        """Lay out the steps of a mask.

        Args:
            mask: bool, (batch, time), with at least one valid step.
            in_place: whether masked steps between the first and the last valid one of a sequence
                keep their slots, as a convolution needs; else they go the way of all padding.
            gap: how many slots after each sequence are to be left free.
        """
        if mask.all():
            return cls._whole(*mask.shape)
        batch, time = mask.shape
        steps = extent(mask) if in_place else mask
        counts = steps.sum(1)
        width = _rounded(int(counts.max()), time // 4, time) + gap
        lane, start = _stacked(np.where(counts > 0, counts + gap, 0), width)
        few = max(batch // 64, -(-_FEWEST_SLOTS // width))
        lanes = _rounded(int(lane.max()) + 1, few, batch)
        first = lane * width + start
        at_row, at_time = np.nonzero(steps)  # row after row
        begins = np.cumsum(counts) - counts
        here = first[at_row] + np.arange(len(at_row)) - begins[at_row]
        flat, exists = at_row * time + at_time, mask[at_row, at_time]
        row = np.full(lanes * width, batch)
        row[here] = at_row
        valid = np.zeros(lanes * width, bool)
        valid[here] = exists
        index = np.full(lanes * width, flat[0])
        # a masked step that keeps its slot repeats the one before it
        index[here] = flat[np.maximum.accumulate(np.where(exists, np.arange(len(flat)), 0))]
        slot = np.full(mask.size, -1)
        slot[flat[exists]] = here[exists]
        last = first + np.maximum(counts - 1, 0)
        order = np.argsort(counts, kind="stable")
        begins = np.searchsorted(counts[order], [-1, *spans(time, lanes * width)], side="right")
        places = (row, first, last, index, valid, slot.reshape(mask.shape), counts, order, begins)
        return cls(batch, time, lanes, width, gap, *map(_narrow, places))

    @classmethod
    def _whole(cls, batch: int, time: int) -> Lanes:
        """Lay out a rectangle without padding: as it is."""
        row = np.repeat(np.arange(batch), time)
        first = np.arange(batch) * time
        return cls(batch, time, batch, time, 0, *map(_narrow, (row, first, first + time - 1)))

    def on(self, handed_over: Callable[[list[np.ndarray]], Sequence[Array]]) -> Lanes:
        """Return the same with a backend's tensors in place of NumPy's arrays."""
        arrays: dict[str, Any] = {name: getattr(self, name) for name in TENSORS}
        there = {name: array for name, array in arrays.items() if array is not None}
        tensors: Any = handed_over(list(there.values()))
        return replace(self, **dict(zip(there, tensors, strict=True)))

    @property
    def slots(self) -> int:
        return self.lanes * self.width

    @property
    def form(self) -> str:
        """What the slots make, in words."""
        return f"{self.lanes} lanes of {self.width} steps"

    @property
    def full(self) -> bool:
        """Whether the rectangle has no padding."""
        return self.index is None


def spans(time: int, slots: int) -> list[int]:
    """Return the few lengths that sequences are rounded up to where they are looked at one by one:
    so many slots are looked at."""
    step = max(-(-time // _SPANS), _SHORT)
    return list(dict.fromkeys(min(span, slots) for span in range(step, time + step, step)))


def _rounded(size: int, step: int, most: int) -> int:
    """Return a size rounded up to a multiple of `step`, but to no more than `most`."""
    step = max(step, 1)
    return min(-(-size // step) * step, most)


def _stacked(counts: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lane in which each sequence lies, and where it begins there: longest first, each
    in the first lane that has room for it."""
    lane = np.zeros(len(counts), np.intp)
    start = np.zeros(len(counts), np.intp)
    taken: list[int] = []  # of each lane; a list is faster than an array for so few
    for i in np.argsort(-counts, kind="stable").tolist():
        count = int(counts[i])
        if count:
            at = next((k for k, n in enumerate(taken) if n + count <= width), len(taken))
            if at == len(taken):
                taken.append(0)
            lane[i], start[i] = at, taken[at]
            taken[at] += count
    return lane, start


def _narrow(array: np.ndarray) -> np.ndarray:
    return array if array.dtype == bool else array.astype(np.int32)
