"""Kernels that know no lengths, on sequences of any lengths.

Sorted by length and laid side by side, sequences make a staircase. It is cut at a few moments into
rectangles, and the kernel runs over one after the other, on the sequences that go on, with the
states that the one before left. In a rectangle, a sequence that ends before it does goes on with
its last step; nobody looks at what comes of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from maskgraph.backend import Array
from maskgraph.backend.packed_recurrent import LoopOrder
from maskgraph.backend.packing import _cut
from maskgraph_torch.gru import ended

_COST = 128.0
"""What a rectangle costs beside its steps, in steps."""

HOLD = 1e4
"""An input that shuts a gate altogether, or opens it."""


class Stairs:
    """The rectangles of a loop.

    Attributes:
        sizes: (length, rows) of each, in the order of time.
        index: the slot of each of their steps, (steps,).
        over: which of these come after the end of their sequence, (steps, 1); None if none does.
        back: for each slot, which of these steps it holds, (slots,).
        last: the last step of each sequence that has one.
    """

    def __init__(self, order: LoopOrder, x: Array) -> None:
        # each new shape costs PyTorch a millisecond: of even ones there are a quarter as many
        rows = np.array(order.sizes[::2])
        rows = np.minimum(rows + rows % 2, rows[0])
        self.sizes = _cut(np.repeat(rows, 2), _COST)
        starts = np.cumsum([0, *(length for length, _ in self.sizes)])
        grids = [
            np.mgrid[start : start + length, :rows].reshape(2, -1)
            for start, (length, rows) in zip(starts, self.sizes, strict=False)
        ]
        time, row = np.concatenate(grids, 1)
        ends = order.counts[row] - 1
        at = order.begins[np.minimum(time, ends)] + row
        exists = time <= ends
        place = np.empty(len(order.slots), np.intp)
        place[at[exists]] = np.flatnonzero(exists)
        self.index, self.back, self.last = (
            torch.as_tensor(a, device=x.device)
            for a in (order.slots[at], place[order.back], place[order.last])
        )
        over = torch.as_tensor(~exists[:, None], dtype=x.dtype, device=x.device)
        self.over = None if exists.all() else over

    def run(
        self, function: Any, x: Array, first: Sequence[Array], weights: list[Array]
    ) -> tuple[Array, ...]:
        """Run one of PyTorch's recurrent functions.

        Args:
            x: packed, (slots, features).
            first: the states to begin with, (sequences, units), longest first.
            weights: as PyTorch has them.

        Returns:
            The outputs, (steps, units), and the final states.
        """
        steps = torch.index_select(x, 0, self.index)
        if self.over is not None and len(first) == 2:
            steps, weights = self._held(steps, weights)
        outputs, left, current = [], [], list(first)
        parts = steps.split([length * rows for length, rows in self.sizes])
        for part, (length, rows) in zip(parts, self.sizes, strict=True):
            left.append([state[rows:] for state in current])
            begin = [state[:rows] for state in current]
            out, *current = fused(function, part.view(length, rows, -1), begin, weights)
            outputs.append(out.flatten(0, 1))
        left.append(current)
        joined = torch.cat(outputs)
        _, *others = (torch.cat(ends) for ends in zip(*reversed(left), strict=True))
        return (joined, ended(joined, first[0], self.last), *others)

    def _held(self, steps: Array, weights: list[Array]) -> tuple[Array, list[Array]]:
        """Have an LSTM keep its cell state after the end of a sequence: one more feature, which is
        1 there, shuts the input gate and opens the forget gate."""
        kernel, *others = weights
        units = len(kernel) // 4
        column = kernel.new_zeros(len(kernel), 1)
        column[:units], column[units : 2 * units] = -HOLD, HOLD
        return torch.cat([steps, self.over], 1), [torch.cat([kernel, column], 1), *others]


def fused(
    function: Any, x: Array, first: Sequence[Array], weights: list[Array]
) -> tuple[Array, ...]:
    """Run one of PyTorch's recurrent functions over (time, batch, features): return the outputs
    and the final states, (batch, units)."""
    begin = [state.unsqueeze(0) for state in first]
    out, *final = function(
        x, tuple(begin) if len(begin) == 2 else begin[0], weights, len(weights) == 4,
        1, 0.0, torch.is_grad_enabled(), False, False,
    )  # fmt: skip
    return (out, *(state.squeeze(0) for state in final))
