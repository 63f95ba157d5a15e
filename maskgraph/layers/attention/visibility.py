"""Where a query may look: at values that exist, not later ones, not far ones, not forbidden ones.

Positions count the steps that exist, in queries and values each, so that padding moves nothing.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import MaskError, explain
from maskgraph.layers.base.layer import Layer
from maskgraph.layers.positions.base import step_positions
from maskgraph.ops.masking import intersect, unmasked
from maskgraph.ops.operands import spec_of


def carrying(layer: Layer, x: Any, mask: Any = None) -> Any:
    """Return `x` with a mask given explicitly in place of its own.

    Raises:
        MaskError: for a mask that does not fit, or that is of more than batch and time.
    """
    if isinstance(mask, list | tuple):
        mask = np.asarray(mask)
    if mask is not None and mask is not x.mask:
        x = ops.with_mask(x, unmasked(mask))
    if x.mask is not None and x.mask.ndim != 2:
        raise MaskError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): the mask is of more than time",
                received=f"shape {x.mask.shape}",
                expected="(batch, time)",
                fix="make one axis of the axes of steps: ops.merge_axes(x, 1, 2)",
            )
        )
    return x


def visible(
    layer: Layer,
    query: Any,
    value: Any,
    exists: Any,
    *,
    attention_mask: Any = None,
    causal: bool = False,
    window: int | None = None,
    heads: bool = False,
    only_queries: bool = False,
) -> Any:
    """Return where a query may look, bool, or None: everywhere.

    Its shape broadcasts to (batch, T, S), with `heads` to (batch, heads, T, S).

    Args:
        exists: the mask of values and keys.
        window: how many steps a query sees: itself and `window - 1` before it, and, unless
            `causal`, as many after it.
        only_queries: whether a query that does not exist may look nowhere.
    """
    parts = []
    if exists is not None:
        parts.append(ops.expand_dims(exists, 1))
    if only_queries and query.mask is not None:
        parts.append(ops.expand_dims(query.mask, 2))
    if causal or window is not None:
        parts.extend(_near(query, value, exists, causal, window))
    by_head = None
    if attention_mask is not None:
        mask = _checked(layer, attention_mask, heads)
        if spec_of(mask).rank == 4:
            by_head = mask
        else:
            parts.append(mask)
    allowed = reduce(ops.logical_and, parts) if parts else None
    if allowed is not None and heads:
        allowed = ops.expand_dims(allowed, 1)
    return intersect([allowed, by_head])


def _near(query: Any, value: Any, exists: Any, causal: bool, window: int | None) -> list[Any]:
    """Return the conditions on how far before a query a value stands."""
    # within one mask the order of steps that exist is that of the rectangle, their distance is not
    same_order = window is None and exists is query.mask
    masks = (None, None) if same_order else (query.mask, exists)
    positions = map(step_positions, (query, value), masks)
    distance = ops.subtract(
        *(ops.expand_dims(p, a) for p, a in zip(positions, (2, 1), strict=True))
    )
    near = [ops.greater_equal(distance, 0)] if causal else []
    if window is not None:
        near.append(ops.less(ops.abs(distance), window))
    return near


def _checked(layer: Layer, attention_mask: Any, heads: bool) -> Any:
    """Return an attention mask as (batch, T, S) or (batch, heads, T, S)."""
    if isinstance(attention_mask, list | tuple):
        attention_mask = np.asarray(attention_mask)
    shape, dtype = spec_of(attention_mask)
    ranks = (2, 3, 4) if heads else (2, 3)
    if dtype != "bool" or len(shape) not in ranks:
        raise MaskError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): attention_mask is wrong",
                received=f"{dtype} of shape {shape}",
                expected="bool of shape (batch, T, S)"
                + (", (T, S) or (batch, heads, T, S)" if heads else " or (T, S)")
                + ", True where a query may look",
                fix="compare: attention_mask != 0",
            )
        )
    mask = unmasked(attention_mask)
    return ops.expand_dims(mask, 0) if len(shape) == 2 else mask
