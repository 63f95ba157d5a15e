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
from maskgraph.ops.definition import (
    Arguments,
    Call,
    Lost,
    Mask,
    MaskRule,
    Tensor,
    Tensors,
    define,
    spec_of,
)
from maskgraph.ops.masking import flipped, intersect


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


class Concatenate(MaskRule):
    """Along a masked axis the masks are joined end to end; along another they intersect."""

    def out(self, call: Call) -> Mask:
        masks, xs = call.masks["xs"], call["xs"]
        rank = max(spec_of(m).rank for m in masks if m is not None)
        if call["axis"] >= rank:
            return intersect(masks)
        full = [
            m
            if m is not None and spec_of(m).rank == rank
            else intersect([REGISTRY["all_valid"](x, rank), m])
            for x, m in zip(xs, masks, strict=True)
        ]
        return REGISTRY[call.op.name](full, call["axis"])


def _listed(arguments: Arguments, specs: dict[str, Any]) -> None:
    arguments["xs"] = list(arguments["xs"])
    if not arguments["xs"]:
        raise ShapeError("there is nothing to join: the list of tensors is empty")


def _joined(arguments: Arguments, specs: dict[str, Any]) -> None:
    _listed(arguments, specs)
    shapes.axis_of("xs")(arguments, specs)


def _concatenated(xs: list[Spec], axis: int) -> Spec:
    rows = [x.shape for x in xs]
    if len({len(r) for r in rows}) > 1:
        raise ShapeError(explain("concatenate: ranks differ", received=rows))
    sizes = []
    for a, column in enumerate(zip(*rows, strict=True)):
        if a == axis:
            sizes.append(None if None in column else sum(n for n in column if n is not None))
            continue
        known = {n for n in column if n is not None}
        if len(known) > 1:
            raise ShapeError(
                explain(
                    f"concatenate: sizes differ in axis {a}",
                    received=" and ".join(map(str, rows)),
                    expected=f"equal sizes in every axis but {axis}",
                )
            )
        sizes.append(known.pop() if known else None)
    return Spec(tuple(sizes), xs[0].dtype)


@define(shape=_concatenated, mask=Concatenate(), together=("xs",), prepare=_joined)
def concatenate(xs: Tensors, axis: int = 0) -> Tensor:
    """Join tensors along an axis.

    Mask out: along time, the masks end to end (a tensor without one exists everywhere); along
    another axis, the steps that exist in all.
    """


def _stacked_axis(arguments: Arguments, specs: dict[str, Any]) -> None:
    _listed(arguments, specs)
    shapes.axis_of("xs", added=1)(arguments, specs)


def _stacked(xs: list[Spec], axis: int) -> Spec:
    shape = shapes.broadcast(*(x.shape for x in xs))
    return Spec((*shape[:axis], len(xs), *shape[axis:]), xs[0].dtype)


@define(shape=_stacked, mask=Concatenate(), together=("xs",), prepare=_stacked_axis)
def stack(xs: Tensors, axis: int = 0) -> Tensor:
    """Join tensors along a new axis. Mask out: as for `concatenate`."""


class Split(MaskRule):
    """Along a masked axis the mask is split alike; along another each part carries it."""

    def out(self, call: Call) -> tuple[Mask, ...]:
        mask, sections = call.masks["x"], call["indices_or_sections"]
        parts = sections if isinstance(sections, int) else len(sections) + 1
        if call["axis"] >= mask_rank(call):
            return (mask,) * parts
        return tuple(REGISTRY["split"](mask, sections, call["axis"]))


def _sections(arguments: Arguments, specs: dict[str, Any]) -> None:
    shapes.axis_of()(arguments, specs)
    sections, size = arguments["indices_or_sections"], specs["x"].shape[arguments["axis"]]
    if not isinstance(sections, int):
        arguments["indices_or_sections"] = tuple(sections)
    elif sections < 1 or (size is not None and size % sections):
        raise ShapeError(
            explain(
                "split: the axis does not divide into equal parts",
                received=f"axis of size {size} into {sections}",
                fix="give the indices where to cut instead",
            )
        )


def _split(x: Spec, indices_or_sections: int | tuple[int, ...], axis: int) -> tuple[Spec, ...]:
    size = x.shape[axis]
    parts: list[int | None]
    if isinstance(indices_or_sections, int):
        part = None if size is None else size // indices_or_sections
        parts = [part] * indices_or_sections
    else:
        cuts = indices_or_sections
        last = None if size is None else max(size - cuts[-1], 0)
        parts = [*(b - a for a, b in zip((0, *cuts), cuts, strict=False)), last]
    return tuple(Spec((*x.shape[:axis], n, *x.shape[axis + 1 :]), x.dtype) for n in parts)


@define(shape=_split, mask=Split(), prepare=_sections)
def split(x: Tensor, indices_or_sections: int | Sequence[int], axis: int = 0) -> tuple[Tensor, ...]:
    """Cut a tensor into equal parts, or at indices. Mask out: along time, cut alike."""


class Along(MaskRule):
    """An op that acts on the mask as on the tensor, if it acts along a masked axis."""

    def out(self, call: Call) -> Mask:
        mask = call.masks["x"]
        if call["axis"] >= mask_rank(call):
            return mask
        return call.run(x=mask)


class Flip(Along):
    """As along any axis; reversed twice, the mask is the one it was."""

    def out(self, call: Call) -> Mask:
        mask = call.masks["x"]
        return mask if call["axis"] >= mask_rank(call) else flipped(mask, call["axis"])


@define(shape=lambda x, axis: x, mask=Flip(), prepare=shapes.axis_of())
def flip(x: Tensor, axis: int) -> Tensor:
    """Reverse an axis. Mask out: along time, reversed with it."""


@define(
    shape=lambda x, repeats, axis: Spec(
        tuple(
            n if a != axis else None if n is None else n * repeats for a, n in enumerate(x.shape)
        ),
        x.dtype,
    ),
    mask=Along(),
    prepare=shapes.axis_of(),
)
def repeat(x: Tensor, repeats: int, axis: int) -> Tensor:
    """Repeat each slice along an axis. Mask out: along time, repeated with it."""


class Tile(MaskRule):
    def out(self, call: Call) -> Mask:
        mask, front = call.masks["x"], tuple(call["repeats"])[: mask_rank(call)]
        return mask if set(front) <= {1} else REGISTRY["tile"](mask, front)


def _repeats(arguments: Arguments, specs: dict[str, Any]) -> None:
    repeats, rank = tuple(arguments["repeats"]), specs["x"].rank
    if len(repeats) > rank:
        raise ShapeError(explain("tile: too many repeats", received=repeats, expected=rank))
    arguments["repeats"] = (1,) * (rank - len(repeats)) + repeats


@define(
    shape=lambda x, repeats: Spec(
        tuple(None if n is None else n * r for n, r in zip(x.shape, repeats, strict=True)), x.dtype
    ),
    mask=Tile(),
    prepare=_repeats,
)
def tile(x: Tensor, repeats: Sequence[int]) -> Tensor:
    """Repeat the whole tensor along its axes. Mask out: along time, repeated with it."""


class Pad(MaskRule):
    """Steps that are added do not exist."""

    def out(self, call: Call) -> Mask:
        mask = call.masks["x"]
        front = tuple(call["pad_width"])[: mask_rank(call)]
        return mask if set(front) <= {(0, 0)} else REGISTRY["pad"](mask, front, False)


def _widths(arguments: Arguments, specs: dict[str, Any]) -> None:
    width, rank = arguments["pad_width"], specs["x"].rank
    pairs = tuple((int(a), int(b)) for a, b in width)
    if len(pairs) != rank:
        raise ShapeError(
            explain("pad: one pair an axis is needed", received=pairs, expected=f"{rank} pairs")
        )
    arguments["pad_width"] = pairs


@define(
    shape=lambda x, pad_width, constant_values: Spec(
        tuple(
            None if n is None else n + a + b for n, (a, b) in zip(x.shape, pad_width, strict=True)
        ),
        x.dtype,
    ),
    mask=Pad(),
    prepare=_widths,
)
def pad(x: Tensor, pad_width: Sequence[tuple[int, int]], constant_values: float = 0) -> Tensor:
    """Add a border of one value. Mask out: added steps do not exist."""


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


def _split_like(x: Spec, like: Spec, axis: int, count: int) -> Spec:
    return Spec((*x.shape[:axis], *like.shape[axis : axis + count], *x.shape[axis + 1 :]), x.dtype)


@define(shape=_split_like, mask=SplitAxisLike())
def split_axis_like(x: Tensor, like: Tensor, axis: int, count: int) -> Tensor:
    """Undo `merge_axes`: the axis becomes the axes `axis … axis + count - 1` of `like`."""
