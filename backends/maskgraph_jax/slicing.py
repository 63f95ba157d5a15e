"""Indexing with integers, slices, None and Ellipsis: JAX's own way is a gather, compiled anew for
each key; cutting, turning and reshaping cost a third."""

from __future__ import annotations

from typing import Any

from jax import lax

from maskgraph.backend import Array


def getitem(x: Array, key: tuple[Any, ...]) -> Array:
    """Return `x[key]`."""
    cuts: list[range] = []
    shape: list[int] = []
    named = sum(k is not None and k is not Ellipsis for k in key)
    rest = x.ndim - named
    for k in key if Ellipsis in key else (*key, Ellipsis):
        if k is None:
            shape.append(1)
        elif k is Ellipsis:
            sizes = x.shape[len(cuts) : len(cuts) + rest]
            cuts += map(range, sizes)
            shape += sizes
        elif isinstance(k, slice):
            cuts.append(range(*k.indices(x.shape[len(cuts)])))
            shape.append(len(cuts[-1]))
        else:
            at = range(x.shape[len(cuts)])[k]
            cuts.append(range(at, at + 1))
    return lax.reshape(_cut(x, cuts), shape) if list(x.shape) != shape or cuts else x


def _cut(x: Array, cuts: list[range]) -> Array:
    """Return the elements at some steps of each axis."""
    turned = tuple(axis for axis, steps in enumerate(cuts) if steps.step < 0)
    forwards = [steps[::-1] if steps.step < 0 else steps for steps in cuts]
    if any(len(steps) != size for steps, size in zip(forwards, x.shape, strict=True)):
        x = lax.slice(
            x,
            [steps[0] if steps else 0 for steps in forwards],
            [steps[-1] + 1 if steps else 0 for steps in forwards],
            [steps.step for steps in forwards],
        )
    return lax.rev(x, turned) if turned else x
