"""Ops that join, cut, repeat and extend tensors along an axis.

They act on the rectangle, padding included; along a masked axis the mask is treated alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskgraph.errors import ShapeError, explain
from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.masking import flipped, intersect
from maskgraph.ops.operands import Arguments, Mask, Tensor, Tensors, spec_of
from maskgraph.ops.rule import Beside, Call, MaskRule
from maskgraph.ops.shaping import mask_rank


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

    def beside(self, call: Call) -> Beside:
        return Beside.ALIGNED if call["axis"] > 1 else Beside.OTHERWISE


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

    def unsafe(self, call: Call) -> str | None:
        if 0 < call["axis"] < mask_rank(call):
            return "it cuts the rectangle, wherever the padding stands"
        return None


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
