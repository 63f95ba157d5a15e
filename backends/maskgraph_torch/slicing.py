"""Indexing with slices of any step: torch has none that goes backwards."""

from __future__ import annotations

from typing import Any

import torch

from maskgraph.backend import Array


def getitem(x: Array, key: tuple[Any, ...]) -> Array:
    """Index with integers, slices, None and Ellipsis."""
    if any(map(_is_backwards, key)):
        x, key = _forwards(x, key)
    return x[key]


def _is_backwards(item: Any) -> bool:
    return isinstance(item, slice) and item.step is not None and item.step < 0


def _forwards(x: Array, key: tuple[Any, ...]) -> tuple[Array, tuple[Any, ...]]:
    """Turn round the axes that are read backwards; return the key that then reads forwards."""
    rest = x.ndim - sum(k is not None and k is not Ellipsis for k in key)
    forwards: list[Any] = []
    turned, axis = [], 0
    for k in key:
        if _is_backwards(k):
            size = x.shape[axis]
            steps = range(*k.indices(size))
            turned.append(axis)
            first, last = (size - 1 - steps[0], size - steps[-1]) if steps else (0, 0)
            k = slice(first, last, -k.step)
        forwards.append(k)
        axis += 0 if k is None else rest if k is Ellipsis else 1
    return torch.flip(x, turned), tuple(forwards)
