"""Reductions along sequences of a packed batch, over all slots at once.

A slot says to which row of the rectangle its step belongs: no need to go from block to block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from maskgraph.backend import Array
from maskgraph.backend.packing import Packing


class Owners(NamedTuple):
    """Which slots belong to which row of the rectangle.

    Attributes:
        batch: how many rows there are.
        row: the row of each slot, (slots,). Slots that hold no step of their own have rows of
            their own, behind the others: one for each sequence, so that no sequence meets what
            another one repeats.
        number: how many steps a row has, (batch, 1).
        some: whether every row has one.
    """

    batch: int
    row: Array
    number: Array
    some: bool

    @classmethod
    def of(cls, packing: Packing, like: Array) -> Owners:
        batch, row = packing.batch, packing.row
        if packing.valid is not None:
            row = np.where(packing.valid, row, row + batch)
        number = np.bincount(row, minlength=batch)[:batch, None]
        return cls(
            batch,
            torch.as_tensor(row, device=like.device),
            torch.as_tensor(number, device=like.device),
            bool(number.all()),
        )


Reduction = Callable[[Array, Owners], Array]
"""From steps (slots, features) to rows (batch, features)."""


def reduction(body: Any, xs: Sequence[Array]) -> Reduction | None:
    """Return how the op of a `BlockBody` reduces slots; None if it does not, or not so."""
    found = _REDUCTIONS.get(body.op.name)
    if found is None or body.arguments["axis"] != (1,):
        return None
    [x] = xs
    # of halves, sums are too coarse if they are taken one by one
    return found if x.dtype in (torch.float32, torch.float64) and x.numel() else None


def _sum(x: Array, owners: Owners) -> Array:
    total = x.new_zeros(2 * owners.batch, x.shape[1])
    return total.index_add(0, owners.row, x)[: owners.batch]


def _mean(x: Array, owners: Owners) -> Array:
    return _sum(x, owners) / owners.number.clamp(min=1)


def _max(x: Array, owners: Owners) -> Array:
    return _extreme(x, owners, "amax", float("-inf"))


def _min(x: Array, owners: Owners) -> Array:
    return _extreme(x, owners, "amin", float("inf"))


def _extreme(x: Array, owners: Owners, reduce: str, loser: float) -> Array:
    start = x.new_full((2 * owners.batch, x.shape[1]), loser)
    most = start.scatter_reduce(0, owners.row[:, None].expand_as(x), x, reduce)[: owners.batch]
    return most if owners.some else torch.where(owners.number > 0, most, 0.0)


_REDUCTIONS: dict[str, Reduction] = {"sum": _sum, "mean": _mean, "max": _max, "min": _min}
