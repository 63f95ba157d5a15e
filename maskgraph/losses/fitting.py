"""How labels and predictions meet: ranks lined up, shapes checked, masks joined."""

from __future__ import annotations

from typing import Any

from maskgraph import dtypes, ops
from maskgraph.errors import ArgumentError, MaskError, ShapeError, explain
from maskgraph.losses.data import as_tensor
from maskgraph.masks.check import check_mask
from maskgraph.ops.masking import intersect
from maskgraph.ops.operands import masks_of, spec_of

Sizes = tuple[int | None, ...]


def elements(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return both for a loss that is a mean over the last axis.

    Where one of them lacks a last axis of size 1, it is given one. Where each step is a number,
    so that the mask reaches the last axis, both are.

    Raises:
        ShapeError: if the shapes do not agree.
    """
    y_true, y_pred = as_tensor(y_true), floating(as_tensor(y_pred))
    y_true, y_pred = same_rank(y_true, y_pred)
    require_same_shape(name, spec_of(y_true).shape, spec_of(y_pred).shape)
    y_true, y_pred = joined(name, y_true, y_pred)
    if mask_rank(y_pred) == spec_of(y_pred).rank:
        y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
    return ops.cast(y_true, spec_of(y_pred).dtype), y_pred


def vectors(name: str, y_true: Any, y_pred: Any, axis: int = -1) -> tuple[Any, Any]:
    """Return both for a loss of one vector with another, along `axis`.

    Raises:
        ShapeError: if the shapes do not agree.
        MaskError: if a mask reaches the axis.
    """
    y_true, y_pred = as_tensor(y_true), floating(as_tensor(y_pred))
    require_same_shape(name, spec_of(y_true).shape, spec_of(y_pred).shape)
    y_true, y_pred = joined(name, y_true, y_pred)
    axis_behind_mask(name, y_pred, axis)
    return ops.cast(y_true, spec_of(y_pred).dtype), y_pred


def classes(
    name: str, y_true: Any, y_pred: Any, axis: int = -1, ignore_class: int | None = None
) -> tuple[Any, Any]:
    """Return labels (int, masked also where they are to be ignored) and predictions of which
    `axis` has the classes.

    Raises:
        ShapeError: if the labels have not the shape of the predictions without that axis.
        MaskError: if a mask reaches the axis.
    """
    labels, y_pred = as_tensor(y_true), floating(as_tensor(y_pred))
    axis = canonical_axis(name, axis, spec_of(y_pred).rank)
    given = spec_of(labels)
    if given.rank == spec_of(y_pred).rank and given.shape[axis] == 1:
        labels = ops.squeeze(labels, axis)
    expected = tuple(n for a, n in enumerate(spec_of(y_pred).shape) if a != axis)
    if not _agree(spec_of(labels).shape, expected):
        raise ShapeError(
            explain(
                f"{name}: the labels do not fit the predictions",
                received=f"y_true of shape {given.shape}, y_pred of {spec_of(y_pred).shape}",
                expected=f"y_true of shape {expected}: one integer for each step",
                fix="vectors of classes (one-hot): CategoricalCrossentropy",
            )
        )
    labels, y_pred = joined(name, labels, y_pred)
    axis_behind_mask(name, y_pred, axis)
    if spec_of(labels).dtype != "int64":  # uint8 has no -1 to be ignored
        labels = ops.cast(labels, "int32")
    if ignore_class is not None:
        kept = ops.drop_mask(ops.not_equal(labels, ignore_class))
        labels, y_pred = joined(name, labels, y_pred, kept)
    return labels, y_pred


def joined(name: str, y_true: Any, y_pred: Any, mask: Any = None) -> tuple[Any, Any]:
    """Return both with the mask of the steps that exist in each, and in `mask`."""
    for x, m in ((y_true, masks_of(y_true)), (y_pred, masks_of(y_pred)), (y_pred, mask)):
        if m is not None:
            check_mask(name, spec_of(x).shape, spec_of(m).shape, spec_of(m).dtype)
    whole = intersect([masks_of(y_true), masks_of(y_pred), mask])
    if whole is None:
        return y_true, y_pred
    if spec_of(whole).rank > spec_of(y_true).rank:  # the mask of y_pred alone reaches so far
        raise MaskError(
            explain(
                f"{name}: the mask does not fit y_true",
                received=f"a mask of shape {spec_of(whole).shape}, y_true of shape "
                f"{spec_of(y_true).shape}",
            )
        )
    return _masked(y_true, whole), _masked(y_pred, whole)


def same_rank(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Return both with as many axes, if one lacks but a last axis of size 1."""
    s1, s2 = spec_of(x1).shape, spec_of(x2).shape
    if len(s1) + 1 == len(s2) and s2[-1] == 1:
        return ops.expand_dims(x1, -1), x2
    if len(s2) + 1 == len(s1) and s1[-1] == 1:
        return x1, ops.expand_dims(x2, -1)
    return x1, x2


def floating(x: Any) -> Any:
    """Return a tensor of floats."""
    dtype = spec_of(x).dtype
    return x if dtypes.is_float(dtype) else ops.cast(x, dtypes.FLOATX)


def mask_rank(x: Any) -> int:
    mask = masks_of(x)
    return 0 if mask is None else spec_of(mask).rank


def canonical_axis(name: str, axis: Any, rank: int) -> int:
    """Return the axis counted from the front."""
    if isinstance(axis, bool) or not isinstance(axis, int) or not -rank <= axis < rank:
        raise ArgumentError(
            explain(
                f"{name}: no such axis",
                received=f"axis={axis!r} for y_pred of rank {rank}",
                expected=f"an integer from {-rank} to {rank - 1}",
            )
        )
    return int(axis) % rank


def axis_behind_mask(name: str, y_pred: Any, axis: int) -> None:
    """Refuse a mask that tells which parts of a vector exist."""
    rank = spec_of(y_pred).rank
    if mask_rank(y_pred) > canonical_axis(name, axis, rank):
        raise MaskError(
            explain(
                f"{name}: the mask reaches the axis that the loss is taken along",
                received=f"a mask of rank {mask_rank(y_pred)}, axis {axis} of {rank}",
                expected="a mask of the axes before it",
            )
        )


def _masked(x: Any, mask: Any) -> Any:
    return x if masks_of(x) is mask else ops.with_mask(x, mask)


def require_same_shape(name: str, y_true: Sizes, y_pred: Sizes) -> None:
    """Refuse labels and predictions of different shapes.

    Raises:
        ShapeError: naming both.
    """
    if not _agree(y_true, y_pred):
        raise ShapeError(
            explain(
                f"{name}: y_true and y_pred differ in shape",
                received=f"y_true of shape {y_true}, y_pred of shape {y_pred}",
                expected="the same shape; a last axis of size 1 may be missing",
            )
        )


def _agree(s1: Sizes, s2: Sizes) -> bool:
    return len(s1) == len(s2) and all(
        a is None or b is None or a == b for a, b in zip(s1, s2, strict=True)
    )
