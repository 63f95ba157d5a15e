"""Ops that change a tensor's shape or the order of its axes.

They act on the rectangle, padding included, and the mask moves with it. A mask describes
leading axes; where those do not survive, it is lost, which is reported, and what was masked
becomes zeros.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from maskgraph.errors import ShapeError, explain
from maskgraph.graph import Dim, Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.operands import Arguments, Mask, Tensor, spec_of
from maskgraph.ops.rule import Beside, Call, Lost, MaskRule


def mask_rank(call: Call) -> int:
    return spec_of(call.masks["x"]).rank


class Reshape(MaskRule):
    """The mask passes if its axes keep their sizes at the front."""

    def out(self, call: Call) -> Mask | Lost:
        old, new, rank = call.specs["x"].shape, tuple(call["newshape"]), mask_rank(call)
        x, spec = call["x"], call.specs["x"]
        if len(new) >= rank and all(_same_size(x, spec, a, new[a]) for a in range(rank)):
            return call.masks["x"]
        sizes = shapes.sizes(new)
        return Lost(f"the new shape {sizes} does not begin with the masked axes {old[:rank]}")

    def beside(self, call: Call) -> Beside:
        known = all(isinstance(n, int) and n >= 0 for n in call["newshape"][2:])
        return Beside.APART if known else Beside.OTHERWISE

    def on_slots(self, call: Call) -> Arguments:
        return {"newshape": (1, -1, *call["newshape"][2:])}


def _newshape(arguments: Arguments, specs: dict[str, Any]) -> None:
    shape = arguments["newshape"]
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if sum(n is None or (isinstance(n, int) and n == -1) for n in shape) > 1:
        raise ShapeError(
            explain(
                "reshape: more than one size is unknown",
                received=shape,
                expected="at most one -1",
                fix="take unknown sizes from the tensor: ops.shape(x)[1]",
            )
        )
    arguments["newshape"] = _resolved(
        arguments["x"], specs["x"], tuple(-1 if n is None else n for n in shape)
    )


def _resolved(x: Tensor, spec: Spec, new: tuple[Any, ...]) -> tuple[Any, ...]:
    """Replace a -1 by the size that it stands for, if that can be told: a batch of no sequences
    leaves it open otherwise, and a mask must know that its axis stays."""
    place = next((a for a, n in enumerate(new) if isinstance(n, int) and n == -1), None)
    if place is None:
        return new
    size = shapes.reshaped(spec, new).shape[place]
    if size is None and _others_cancel(x, spec, new, place):
        size = REGISTRY["dimension"](x, place)
    return new if size is None else (*new[:place], size, *new[place + 1 :])


def _others_cancel(x: Tensor, spec: Spec, new: tuple[Any, ...], place: int) -> bool:
    """Tell whether one size of the new shape must be that of `x` in the same place: the leading
    sizes but this one are equal, and the rest have the same product."""
    axis = 0
    while axis < min(len(new), spec.rank) and (
        axis == place or _same_size(x, spec, axis, new[axis])
    ):
        axis += 1
    return axis > place and _product(new[axis:]) == _product(spec.shape[axis:]) is not None


def _same_size(x: Tensor, spec: Spec, axis: int, size: Any) -> bool:
    """Tell whether a size is known to be that of an axis of `x`."""
    if isinstance(size, Dim):
        made = size.node.arguments
        return made.get("axis") == axis and made.get("x") is x
    return spec.shape[axis] is not None and size == spec.shape[axis]


def _product(sizes: Sequence[Any]) -> int | None:
    """Return the product of sizes, None if one is not known."""
    return math.prod(sizes) if all(isinstance(n, int) for n in sizes) else None


@define(shape=lambda x, newshape: shapes.reshaped(x, newshape), mask=Reshape(), prepare=_newshape)
def reshape(x: Tensor, newshape: Sequence[int]) -> Tensor:
    """Give a tensor another shape; one size may be -1.

    Mask out: that of x if the new shape begins with the masked axes; else it is lost.

    Raises:
        ShapeError: if the number of elements differs.
    """


class Transpose(MaskRule):
    """The mask passes if its axes stay at the front, in their new order."""

    def out(self, call: Call) -> Mask | Lost:
        rank, axes = mask_rank(call), tuple(call["axes"])
        front = axes[:rank]
        if front == tuple(range(rank)):
            return call.masks["x"]
        if sorted(front) == list(range(rank)):
            return REGISTRY["transpose"](call.masks["x"], front)
        return Lost(f"the masked axes are not the leading ones after the permutation {axes}")


def _axes(arguments: Arguments, specs: dict[str, Any]) -> None:
    rank, axes = specs["x"].rank, arguments["axes"]
    axes = tuple(reversed(range(rank))) if axes is None else tuple(axes)
    axes = tuple(shapes.canonical_axis(a, rank) for a in axes)
    if sorted(axes) != list(range(rank)):
        raise ShapeError(
            explain("transpose: not a permutation", received=axes, expected=f"of {rank} axes")
        )
    arguments["axes"] = axes


@define(
    shape=lambda x, axes: Spec(tuple(x.shape[a] for a in axes), x.dtype),
    mask=Transpose(),
    prepare=_axes,
)
def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    """Permute the axes (None: reverse them).

    Mask out: that of x if its axes stay at the front; else it is lost.
    """


class ExpandDims(MaskRule):
    def out(self, call: Call) -> Mask:
        rank, mask = mask_rank(call), call.masks["x"]
        inside = tuple(a for a in call["axis"] if a < rank)
        return REGISTRY["expand_dims"](mask, inside) if inside else mask


def _new_axes(arguments: Arguments, specs: dict[str, Any]) -> None:
    axis = arguments["axis"]
    axis = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = specs["x"].rank + len(axis)
    arguments["axis"] = tuple(sorted(shapes.canonical_axis(a, rank) for a in axis))


def _expanded(x: Spec, axis: tuple[int, ...]) -> Spec:
    rest = iter(x.shape)
    rank = x.rank + len(axis)
    return Spec(tuple(1 if a in axis else next(rest) for a in range(rank)), x.dtype)


@define(shape=_expanded, mask=ExpandDims(), prepare=_new_axes)
def expand_dims(x: Tensor, axis: int | Sequence[int]) -> Tensor:
    """Insert axes of size 1. Mask out: that of x, with the same axes if they fall among its own."""


class Squeeze(MaskRule):
    def out(self, call: Call) -> Mask | None:
        rank, mask = mask_rank(call), call.masks["x"]
        inside = tuple(a for a in call["axis"] if a < rank)
        if not inside:
            return mask
        return REGISTRY["squeeze"](mask, inside) if rank - len(inside) >= 2 else None


def _squeezed_axes(arguments: Arguments, specs: dict[str, Any]) -> None:
    x = specs["x"]
    if arguments["axis"] is None:
        arguments["axis"] = tuple(a for a, n in enumerate(x.shape) if n == 1)
    shapes.axes_of(arguments, specs)
    for a in arguments["axis"]:
        if x.shape[a] not in (1, None):
            raise ShapeError(
                explain("squeeze: the axis is not of size 1", received=f"axis {a} of {x.shape}")
            )


@define(
    shape=lambda x, axis: shapes.reduced(x, axis, False), mask=Squeeze(), prepare=_squeezed_axes
)
def squeeze(x: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """Remove axes of size 1. Mask out: that of x, without the same axes."""


class BroadcastTo(MaskRule):
    def out(self, call: Call) -> Mask | Lost:
        if len(call["shape"]) != call.specs["x"].rank:
            return Lost("new leading axes come before the masked ones")
        rank = mask_rank(call)
        return REGISTRY["broadcast_to"](call.masks["x"], tuple(call["shape"])[:rank])


@define(
    shape=lambda x, shape: Spec(shapes.broadcast(x.shape, shapes.sizes(shape)), x.dtype),
    mask=BroadcastTo(),
)
def broadcast_to(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Repeat along axes of size 1 until the shape is reached. Mask out: repeated with it."""


class MergeAxes(MaskRule):
    """The merged axis is masked if all the axes it is made of were, or none."""

    def out(self, call: Call) -> Mask | Lost:
        rank, first, last = mask_rank(call), call["first"], call["last"]
        if first >= rank:
            return call.masks["x"]
        if last < rank:
            if rank - (last - first) < 2:
                return Lost("the axes of batch and time become one, which no mask describes")
            return REGISTRY["merge_axes"](call.masks["x"], first, last)
        return Lost(f"masked and other axes become one (axes {first} to {last})")


def _merged(x: Spec, first: int, last: int) -> Spec:
    size: int | None = 1
    for n in x.shape[first : last + 1]:
        size = None if n is None or size is None else size * n
    return Spec((*x.shape[:first], size, *x.shape[last + 1 :]), x.dtype)


@define(shape=_merged, mask=MergeAxes())
def merge_axes(x: Tensor, first: int, last: int) -> Tensor:
    """Make one axis of the axes from first to last. Mask out: merged alike where it can be."""


class SplitAxisLike(MaskRule):
    def out(self, call: Call) -> Mask | Lost:
        mask = call.masks["x"]
        if mask is None:
            return None
        if call["axis"] >= mask_rank(call):
            return mask
        return REGISTRY["split_axis_like"](mask, call["like"], call["axis"], call["count"])

    def beside(self, call: Call) -> Beside:
        return Beside.OTHERWISE


def _split_like(x: Spec, like: Spec, axis: int, count: int) -> Spec:
    return Spec((*x.shape[:axis], *like.shape[axis : axis + count], *x.shape[axis + 1 :]), x.dtype)


@define(shape=_split_like, mask=SplitAxisLike())
def split_axis_like(x: Tensor, like: Tensor, axis: int, count: int) -> Tensor:
    """Undo `merge_axes`: the axis becomes the axes `axis … axis + count - 1` of `like`."""
