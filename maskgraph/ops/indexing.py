"""Ops that pick elements: slicing, taking rows, looking up embeddings; and sizes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.graph import Dim, Spec, SymbolicTensor
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.operands import Arguments, Mask, Tensor, spec_of
from maskgraph.ops.rule import Beside, Call, Lost, MaskRule

Key = tuple[Any, ...]


class GetItem(MaskRule):
    """The mask is sliced as the tensor is. An integer takes its axis away, and the mask with it
    when no time axis is left."""

    def out(self, call: Call) -> Mask | Lost | None:
        mask = call.masks["x"]
        rank = spec_of(mask).rank
        axis, front = 0, []
        for item in call["key"]:
            if axis == rank:
                break
            front.append(item)
            axis += item is not None
        if all(item == slice(None) for item in front):
            return mask
        taken = sum(isinstance(item, int) for item in front)
        if rank - taken + sum(item is None for item in front) < 2:
            return Lost("an integer index takes one column, valid in some rows and not in others")
        return REGISTRY["getitem"](mask, tuple(front))

    def unsafe(self, call: Call) -> str | None:
        axis, rank = 0, spec_of(call.masks["x"]).rank
        for item in call["key"]:
            if 0 < axis < rank and item is not None and item != slice(None):
                return "it takes columns of the rectangle, wherever the padding stands"
            axis += item is not None
        return None


def _full_key(arguments: Arguments, specs: dict[str, Any]) -> None:
    """Make the key a tuple with one entry for each axis (and None for each new one)."""
    key, rank = arguments["key"], specs["x"].rank
    key = key if isinstance(key, tuple) else (key,)
    for item in key:
        if not (item is None or item is Ellipsis or isinstance(item, int | slice)) or isinstance(
            item, bool
        ):
            raise ArgumentError(
                explain(
                    "index not supported",
                    received=repr(item),
                    expected="integers, slices, None and ...",
                    fix="ops.take(x, indices, axis) picks by a tensor of indices, ops.where by "
                    "a condition",
                )
            )
    used = sum(item is not None and item is not Ellipsis for item in key)
    if used > rank:
        raise ShapeError(
            explain("too many indices", received=f"{used} for a tensor of rank {rank}")
        )
    fill = (slice(None),) * (rank - used)
    if Ellipsis in key:
        place = key.index(Ellipsis)
        key = (*key[:place], *fill, *key[place + 1 :])
    else:
        key = (*key, *fill)
    arguments["key"] = key


def _sliced(x: Spec, key: Key) -> Spec:
    sizes: list[int | None] = []
    rest = iter(x.shape)
    for item in key:
        if item is None:
            sizes.append(1)
            continue
        size = next(rest)
        if isinstance(item, slice):
            sizes.append(size if item == slice(None) else _slice_size(item, size))
        elif size is not None and not -size <= item < size:
            raise ShapeError(
                explain("index out of range", received=item, expected=f"an axis of size {size}")
            )
    return Spec(tuple(sizes), x.dtype)


def _slice_size(item: slice, size: int | None) -> int | None:
    if size is None or any(isinstance(n, Dim) for n in (item.start, item.stop, item.step)):
        return None
    return len(range(*item.indices(size)))


@define(shape=_sliced, mask=GetItem(), prepare=_full_key)
def getitem(x: Tensor, key: Any) -> Tensor:
    """Slice, as `x[:, 1:]`: integers, slices, None and `...`. It acts on the rectangle.

    Mask out: sliced alike; lost where an integer picks one column of a masked axis.
    """


class Take(MaskRule):
    """Along a masked axis the mask is taken alike. A mask of the indices passes where they take
    the place of the leading axis, as in an embedding."""

    def out(self, call: Call) -> Mask | Lost | None:
        mask, ids_mask, axis = call.masks["x"], call.masks["indices"], call["axis"]
        taken = None
        if mask is not None:
            inside = axis < spec_of(mask).rank
            taken = REGISTRY["take"](mask, call["indices"], axis) if inside else mask
        if ids_mask is None:
            return taken
        if axis == 0 and mask is None:
            return ids_mask
        return Lost("a mask of the indices has no place in the result unless axis is 0")

    def value(self, call: Call) -> Any:
        return call.run(indices=_zero_indices(call))

    def unsafe(self, call: Call) -> str | None:
        mask = call.masks["x"]
        if mask is not None and call["axis"] < spec_of(mask).rank:
            return "it takes columns of the rectangle, wherever the padding stands"
        return None


def _zero_indices(call: Call) -> Any:
    mask = call.masks["indices"]
    return call["indices"] if mask is None else REGISTRY["select_valid"](call["indices"], mask, 0)


def _take_axis(arguments: Arguments, specs: dict[str, Any]) -> None:
    if arguments["axis"] is None:
        arguments["axis"] = 0
        if specs["x"].rank != 1:
            raise ArgumentError(
                explain("take needs an axis", received="axis=None", fix="ops.take(x, i, axis=0)")
            )
    shapes.axis_of()(arguments, specs)


@define(
    shape=lambda x, indices, axis: Spec(
        (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype
    ),
    mask=Take(),
    prepare=_take_axis,
)
def take(x: Tensor, indices: Tensor, axis: int | None = None) -> Tensor:
    """Pick slices along an axis by a tensor of indices of any shape.

    Mask out: taken alike along a masked axis; that of the indices for `axis=0`.
    """


class TakeAlong(MaskRule):
    def out(self, call: Call) -> Mask | Lost | None:
        mask = call.masks["x"]
        if mask is None or call["axis"] >= spec_of(mask).rank:
            return mask
        return Lost("each column picks other steps: there is no one mask for all of them")

    def beside(self, call: Call) -> Beside:
        return Beside.ALIGNED


def _along(x: Spec, indices: Spec, axis: int) -> Spec:
    others = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return Spec(shapes.broadcast(others, indices.shape), x.dtype)


@define(
    shape=_along,
    mask=TakeAlong(),
    prepare=shapes.axis_of(),
)
def take_along_axis(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """Pick elements along an axis by indices of the same rank, whose other axes broadcast with
    those of x. Mask out: that of x, unless elements move along a masked axis."""


@dataclass(frozen=True)
class Embedding(MaskRule):
    """The mask of the ids passes; a masked id may be anything, also outside the table."""

    ids: str = "ids"

    def out(self, call: Call) -> Mask:
        return call.masks[self.ids]

    def value(self, call: Call) -> Any:
        ids = REGISTRY["select_valid"](call[self.ids], call.masks[self.ids], 0)
        return call.run(**{self.ids: ids})


@define(shape=lambda table, ids: Spec((*ids.shape, table.shape[1]), table.dtype), mask=Embedding())
def embedding(table: Tensor, ids: Tensor) -> Tensor:
    """Look up rows of a table, (rows, features), by ids of any shape.

    Mask out: that of the ids.

    Raises:
        VocabularyError: for an id outside the table, at a step that exists.
    """


@define(shape=lambda x, axis: Spec((), "int32"), mask=MaskRule(), kind=Dim)
def dimension(x: Tensor, axis: int) -> Tensor:
    """One size of a tensor, known when there is data; see `shape`."""


@define(shape=lambda a, b, function: Spec((), "int32"), mask=MaskRule(), kind=Dim)
def dimension_arithmetic(a: Any, b: Any, function: Callable[[int, int], int]) -> Tensor:
    """Arithmetic on sizes that are known when there is data."""


def shape(x: Tensor) -> tuple[Any, ...]:
    """Return the sizes of a tensor: numbers where they are known, and symbolic numbers, good for
    `reshape`, `zeros`, `arange` and arithmetic, where they are known only with data."""
    sizes = spec_of(x).shape
    return tuple(REGISTRY["dimension"](x, axis) if n is None else n for axis, n in enumerate(sizes))


def _dim_operator(name: str, swapped: bool) -> Callable[..., Any]:
    function = getattr(operator, name)
    of_tensors = getattr(SymbolicTensor, f"__{'r' * swapped}{name}__")

    def method(self: Dim, other: Any) -> Any:
        if not isinstance(other, int | Dim):  # a size meets a tensor: it is a number there
            return of_tensors(self, other)
        a, b = (other, self) if swapped else (self, other)
        return REGISTRY["dimension_arithmetic"](a, b, function)

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    setattr(Dim, f"__{_name}__", _dim_operator(_name, False))
    setattr(Dim, f"__r{_name}__", _dim_operator(_name, True))
