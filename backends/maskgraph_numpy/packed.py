"""Packed batches in NumPy: what is fresh is changed where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph.backend import Array, Backend
from maskgraph.backend.packing import Packing, Places

_REDUCTIONS: dict[str, tuple[Any, float]] = {
    "sum": (np.sum, 0.0),
    "mean": (np.sum, 0.0),
    "max": (np.max, -np.inf),
    "min": (np.min, np.inf),
}
"""How a block is reduced, and what changes nothing if it stands in a slot that holds no step."""


class Packed(Backend):
    """What a backend need not have for packed batches, where NumPy has something better."""

    def by_block(
        self, xs: Sequence[Array], packing: Packing, others: Sequence[Array], body: Any
    ) -> tuple[Array, ...]:
        name, valid = body.op.name, packing.valid
        if valid is None or name not in _REDUCTIONS or body.arguments["axis"] != (1,):
            return super().by_block(xs, packing, others, body)
        [x] = xs
        if x.dtype not in (np.float32, np.float64):
            return super().by_block(xs, packing, others, body)
        reduce, loser = _REDUCTIONS[name]
        x = x.copy()
        x[:, ~valid] = loser  # so no block needs a mask
        keepdims = body.arguments["keepdims"]
        parts = [reduce(block, axis=1, keepdims=keepdims) for block in self._blocks(x, packing)]
        rows = self._rows(parts, packing)
        number = np.bincount(packing.row[valid], minlength=packing.batch)
        if name == "mean":
            number = np.maximum(number, 1).astype(x.dtype)
            return (rows / number.reshape(-1, *(1,) * (rows.ndim - 1)),)
        rows[number == 0] = 0
        return (rows,)

    def laid_out(self, x: Array, places: Places) -> Array:
        taken = np.take(x, places.slot, axis=1)
        taken[:, places.empty] = 0  # few places, of an array that is fresh
        return taken
