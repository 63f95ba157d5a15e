"""Positions that count the steps that exist, and what is made of them.

No op in it looks at other steps, but for the sum over the mask; so that checks know who uses a
mask, the layers of positions take it as an argument of `call`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import dtypes, ops
from maskgraph.ops.masking import unmasked
from maskgraph.ops.operands import spec_of


def step_positions(x: Any, mask: Any = None, axis: int = 1) -> Any:
    """Return the position of each step of `x` among those that exist, from 0, int32.

    It has the axes of `x` up to `axis` at least; without a mask those before are of size 1. A
    step that does not exist has the position of the step before it, or -1 if there is none.
    """
    if mask is not None:
        return ops.subtract(ops.cumsum(mask, axis=axis), 1)
    return ops.expand_dims(ops.arange(ops.shape(x)[axis]), tuple(range(axis)))


def step_mask(x: Any, axis: int = 1, features: int = -1) -> Any:
    """Return which steps along an axis exist, from a mask that may say more, or None.

    A step exists if anything in it does.
    """
    mask = x.mask
    if mask is None or mask.ndim <= axis:
        return None
    later = tuple(range(axis + 1, mask.ndim))
    mask = ops.any(mask, later) if later else mask
    return ops.any(mask, features, keepdims=True) if 0 <= features < axis else mask


def given_positions(positions: Any, axis: int = 1) -> Any:
    """Return positions that were given, (time,) or (batch, time), with time on an axis."""
    if isinstance(positions, list | tuple):
        positions = np.asarray(positions)
    positions = unmasked(positions)
    missing = range(axis) if spec_of(positions).rank == 1 else range(1, axis)
    return ops.expand_dims(positions, tuple(missing)) if missing else positions


def positions_of(
    x: Any, start_index: Any, positions: Any, axis: int = 1, features: int = -1
) -> Any:
    """Return the positions given, or those counted along an axis from `start_index` on."""
    if positions is not None:
        return given_positions(positions, axis)
    counted = step_positions(x, step_mask(x, axis, features), axis)
    return ops.add(counted, start_index)


def spread(result: Any, x: Any) -> Any:
    """Return what was computed of positions with the size and the mask of `x`."""
    return ops.add(result, ops.zeros_like(x, spec_of(result).dtype))


def float_of(x: Any, otherwise: str) -> str:
    """Return the dtype of a tensor if it is a float."""
    return str(x.dtype) if dtypes.is_float(x.dtype) else otherwise
