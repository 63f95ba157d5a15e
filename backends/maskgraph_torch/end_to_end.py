"""An LSTM over sequences of any lengths in one call of a kernel that knows no lengths.

The kernel takes a while for each call, and then as long for each step of each row, be they many or
few. So sequences lie end to end in a few rows of one length. Between two of them is a step that
shuts all gates: it forgets all, lets nothing in and shows nothing, so the next sequence begins
with zeros. What is no number would not be forgotten, though: no gate makes a NaN a zero.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from maskgraph.backend import Array
from maskgraph.backend.packing import Packing
from maskgraph_torch.stairs import HOLD, fused

Way = Callable[..., Any]
"""From arrays to a tuple of others, or to None."""


class Rows(NamedTuple):
    """Where sequences lie.

    Attributes:
        length, number: of the rows.
        held: the slots that hold a step.
        time, row: where these lie, (held,).
        first, last: when a sequence begins and ends, in the order of the packing, (batch,).
        owner: the row that it lies in.
        some: whether it has a step.
    """

    length: int
    number: int
    held: np.ndarray
    time: np.ndarray
    row: np.ndarray
    first: np.ndarray
    last: np.ndarray
    owner: np.ndarray
    some: np.ndarray

    @classmethod
    def of(cls, packing: Packing) -> Rows:
        valid = packing.valid
        held = np.arange(packing.slots) if valid is None else np.flatnonzero(valid)
        rank = packing.rank[held]
        counts = np.bincount(rank, minlength=packing.batch)
        length = int(counts.max())
        owner, first = _stacked(counts, length)
        begins = np.cumsum(counts) - counts
        time = np.arange(len(held)) + (first - begins)[rank]
        number = int(owner.max()) + 1
        last = first + np.maximum(counts - 1, 0)
        return cls(length, number, held, time, owner[rank], first, last, owner, counts > 0)


class EndToEnd:
    """The steps of a loop over all rows at once, in the order in which the kernel takes them.

    Attributes:
        shape: how long the rows are, and how many.
        index: the slot of each step, (steps,).
        between: which of these belong to no sequence.
        shut: 1 there, else 0, (steps, 1).
        back: for each slot, which of these steps it holds, (slots,); any for one that holds none.
        shown: the last step of each row of the rectangle, (batch,); any for one without steps.
        some: whether a row has one, (batch, 1); None: all have.
    """

    def __init__(self, packing: Packing, go_backwards: bool, x: Array) -> None:
        rows: Rows = packing.native(Rows, lambda: Rows.of(packing))
        self.shape = rows.length, rows.number
        time, shown = rows.time, rows.last
        if go_backwards:
            time, shown = rows.length - 1 - time, rows.length - 1 - rows.first
        place = time * rows.number + rows.row
        index = np.zeros(rows.length * rows.number, np.intp)
        index[place] = rows.held
        shut = np.ones(len(index), bool)
        shut[place] = False
        back = np.zeros(packing.slots, np.intp)
        back[rows.held] = place
        shown = (shown * rows.number + rows.owner)[packing.place]
        self.index, self.between, self.back, self.shown, some = (
            torch.as_tensor(a, device=x.device)
            for a in (index, np.flatnonzero(shut), back, shown, rows.some[packing.place, None])
        )
        self.shut = torch.as_tensor(shut[:, None], dtype=x.dtype, device=x.device)
        self.some = None if rows.some.all() else some

    def run(self, function: Any, x: Array, weights: list[Array]) -> tuple[Array, Array] | None:
        """Run PyTorch's function for an LSTM from zeros.

        Args:
            x: packed, (1, slots, features).
            weights: as PyTorch has them.

        Returns:
            The outputs, (1, slots, units), and the last one of each row of the rectangle; None if
            there was something that is no number.
        """
        kernel, *others = weights
        units = len(kernel) // 4
        column = kernel.new_full((len(kernel), 1), -HOLD)
        column[2 * units : 3 * units] = 0  # what is new has no gate
        taken = x[0].index_select(0, self.index).index_fill_(0, self.between, 0)
        steps = torch.cat([taken, self.shut], 1).view(*self.shape, -1)
        begin = x.new_zeros(self.shape[1], units)
        weights = [torch.cat([kernel, column], 1), *others]
        out, h, c = fused(function, steps, [begin, begin], weights)
        if not (h + c).isfinite().all():  # it never is again in a row where it once was not
            return None
        flat = out.flatten(0, 1)
        shown = flat.index_select(0, self.shown)
        shown = shown if self.some is None else shown.where(self.some, 0)
        return flat.index_select(0, self.back).unsqueeze(0), shown


class EitherWay(torch.autograd.Function):
    """A function by a quick way that gives nothing if something is no number, or by a slow one. If
    it is only a slope that is no number, the slow way is gone once more, to go back on it."""

    @staticmethod
    def forward(ctx: Any, quick: Way, slow: Way, *arrays: Array | None) -> tuple[Array, ...]:
        leaves = [a if a is None else a.detach().requires_grad_(a.requires_grad) for a in arrays]
        with torch.enable_grad():
            found = quick(*leaves) or slow(*leaves)
        ctx.slow, ctx.leaves, ctx.found = slow, leaves, found
        return tuple(x.detach() for x in found)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Array) -> tuple[Array | None, ...]:
        found = ctx.found
        if not all(slope.sum().isfinite() for slope in slopes):
            with torch.enable_grad():
                found = ctx.slow(*ctx.leaves)
        asked = [i for i, wanted in enumerate(ctx.needs_input_grad[2:]) if wanted]
        results: list[Array | None] = [None] * (2 + len(ctx.leaves))
        inputs = [ctx.leaves[i] for i in asked]
        for i, slope in zip(asked, torch.autograd.grad(found, inputs, slopes, True), strict=True):
            results[2 + i] = slope
        return tuple(results)


def _stacked(counts: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the row in which each sequence lies, and where it begins there: longest first, each
    in the row that it fills best, with a step between two."""
    row, start = np.zeros((2, len(counts)), np.intp)
    rows: list[tuple[int, int]] = []  # room, and which row it is, least room first
    number = 0
    for i in np.argsort(-counts, kind="stable").tolist():
        size = int(counts[i]) + 1
        if size > 1:
            place = bisect_left(rows, (size, 0))
            if place == len(rows):
                insort(rows, (length + 1, number))
                number += 1
            room, row[i] = rows.pop(place)
            start[i] = length + 1 - room
            insort(rows, (room - size, int(row[i])))
    return row, start
