"""Masks that are given by hand: those of the sequences, and of where a query may look."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import MaskError, explain
from maskgraph.layers.base.layer import Layer
from maskgraph.ops.masking import unmasked
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


def allowed_by(layer: Layer, attention_mask: Any, heads: bool) -> Any:
    """Return an `attention_mask` as (batch, heads, T, S), some sizes of which may be 1; None as
    it is.

    Args:
        heads: whether it may have an axis of heads.

    Raises:
        MaskError: if it is not bool, or of another rank.
    """
    if attention_mask is None:
        return None
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
    missing = {2: (0, 1), 3: (1,)}.get(len(shape))
    return mask if missing is None else ops.expand_dims(mask, missing)
