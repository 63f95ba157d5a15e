"""Ops that reduce or accumulate along axes; along a masked axis, only valid steps count."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskgraph import dtypes
from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.operands import Mask, Tensor, spec_of
from maskgraph.ops.rule import Call, MaskRule, Reach

Axis = int | Sequence[int] | None

_ACROSS = "it joins steps of different sequences that stand in one column of the rectangle"


class Reduction(MaskRule):
    """The mask passes if no masked axis is reduced; else what remains of it, if it still has
    a time axis: of (batch, document, sentence), reducing the last leaves (batch, document)."""

    def mixes_time(self, call: Call) -> bool:
        return builtins.any(a < spec_of(call.masks["x"]).rank for a in self.axes(call))

    def axes(self, call: Call) -> tuple[int, ...]:
        axis = call["axis"]
        return (axis,) if isinstance(axis, int) else axis

    def out(self, call: Call) -> Mask | None:
        mask = call.masks["x"]
        if not self.mixes_time(call):
            return mask
        rank = spec_of(mask).rank
        inside = tuple(a for a in self.axes(call) if a < rank)
        if call["keepdims"] or rank - len(inside) < 2:
            return None
        return REGISTRY["any"](mask, inside)

    def value(self, call: Call) -> Any:
        if not self.mixes_time(call):
            return call.run()
        mask = REGISTRY["align_mask"](call.masks["x"], call.specs["x"].rank)
        return self.over_valid(call, call["x"], mask, self.axes(call), call["keepdims"])

    def unsafe(self, call: Call) -> str | None:
        if 0 in self.axes(call) and 1 not in self.axes(call):
            return _ACROSS
        return None

    def reach(self, call: Call) -> Reach:
        axes = self.axes(call)
        if self.unsafe(call) or 1 not in axes:
            return Reach.RECTANGLE
        return Reach.BATCH if 0 in axes else Reach.SEQUENCE

    def over_valid(
        self, call: Call, x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool
    ) -> Any:
        """Reduce `x` over the elements where `mask`, which broadcasts to it, is True."""
        raise NotImplementedError


@dataclass(frozen=True)
class Neutral(Reduction):
    """Masked elements are replaced by the one that changes nothing."""

    neutral: float

    def over_valid(
        self, call: Call, x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool
    ) -> Any:
        return call.run(x=_selected(x, mask, self.neutral))


@dataclass(frozen=True)
class Extreme(Reduction):
    """Masked elements lose to every other; the extreme of nothing is 0."""

    of_largest: bool

    def over_valid(
        self, call: Call, x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool
    ) -> Any:
        dtype = call.specs["x"].dtype
        loser = dtypes.lowest(dtype) if self.of_largest else dtypes.highest(dtype)
        result = call.run(x=_selected(x, mask, loser))
        return _zero_where_empty(result, mask, x, axis, keepdims)


class Arg(Extreme):
    """The index of the extreme among the valid elements; 0 where there is none."""

    def unsafe(self, call: Call) -> str | None:
        if self.mixes_time(call):
            return "it gives a place in the rectangle, which depends on where the padding stands"
        return None

    def over_valid(
        self, call: Call, x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool
    ) -> Any:
        dtype = call.specs["x"].dtype
        loser = dtypes.lowest(dtype) if self.of_largest else dtypes.highest(dtype)
        return call.run(x=_selected(x, mask, loser))


class Mean(Reduction):
    """The sum of the valid elements by their number; the mean of nothing is 0."""

    def over_valid(
        self, call: Call, x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool
    ) -> Any:
        return _mean(x, mask, axis, keepdims)


class Variance(Reduction):
    """The mean squared distance of the valid elements from their mean."""

    def over_valid(
        self, call: Call, x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool
    ) -> Any:
        return _variance(x, mask, axis, keepdims)


class Deviation(Reduction):
    """The square root of the variance, with a gradient of 0 where that is 0 for want of steps."""

    def over_valid(
        self, call: Call, x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool
    ) -> Any:
        variance = _variance(x, mask, axis, keepdims)
        empty = REGISTRY["equal"](_number_valid(x, mask, axis, keepdims), 0)
        root = REGISTRY["sqrt"](REGISTRY["where"](empty, 1, variance))
        return REGISTRY["where"](empty, 0, root)


class LogSumExp(Reduction):
    def over_valid(
        self, call: Call, x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool
    ) -> Any:
        return masked_logsumexp(x, mask, axis, keepdims)


class Cumulative(MaskRule):
    """Masked elements add nothing; the mask passes."""

    def mixes_time(self, call: Call) -> bool:
        return bool(call["axis"] < spec_of(call.masks["x"]).rank)

    def out(self, call: Call) -> Mask:
        return call.masks["x"]

    def value(self, call: Call) -> Any:
        return (call.zeroed() if self.mixes_time(call) else call).run()

    def reach(self, call: Call) -> Reach:
        return Reach.SEQUENCE if call["axis"] == 1 else Reach.RECTANGLE

    def unsafe(self, call: Call) -> str | None:
        return _ACROSS if call["axis"] == 0 else None


def masked_logsumexp(x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool) -> Any:
    """Return log(sum(exp(x))) over the elements where `mask` is True; 0 where none is."""
    lowest = dtypes.lowest(spec_of(x).dtype)
    result = REGISTRY["logsumexp"](_selected(x, mask, lowest), axis, keepdims)
    return _zero_where_empty(result, mask, x, axis, keepdims)


def _selected(x: Tensor, mask: Mask, other: float) -> Any:
    return REGISTRY["where"](mask, x, REGISTRY["full_like"](x, other))


def _number_valid(x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool) -> Any:
    ones = REGISTRY["where"](mask, REGISTRY["ones_like"](x), REGISTRY["zeros_like"](x))
    return REGISTRY["sum"](ones, axis, keepdims)


def _zero_where_empty(
    result: Tensor, mask: Mask, x: Tensor, axis: tuple[int, ...], keepdims: bool
) -> Any:
    present = REGISTRY["logical_and"](mask, REGISTRY["ones_like"](x, "bool"))
    some = REGISTRY["any"](present, axis, keepdims)
    return REGISTRY["where"](some, result, REGISTRY["zeros_like"](result))


def _mean(x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool) -> Any:
    total = REGISTRY["sum"](_selected(x, mask, 0), axis, keepdims)
    number = _number_valid(x, mask, axis, keepdims)
    return REGISTRY["divide"](total, REGISTRY["maximum"](number, 1))


def _variance(x: Tensor, mask: Mask, axis: tuple[int, ...], keepdims: bool) -> Any:
    centred = REGISTRY["subtract"](x, _mean(x, mask, axis, True))
    return _mean(REGISTRY["square"](centred), mask, axis, keepdims)


def _total(x: Spec, axis: tuple[int, ...], keepdims: bool) -> Spec:
    dtype = "int32" if x.dtype == "bool" else x.dtype
    return shapes.reduced(Spec(x.shape, dtype), axis, keepdims)


def _index(x: Spec, axis: int, keepdims: bool) -> Spec:
    return Spec(shapes.reduced(x, (axis,), keepdims).shape, "int32")


@define(shape=_total, mask=Neutral(0), prepare=shapes.axes_of)
def sum(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum along axes. Along a masked axis valid steps only, and its mask is used up; along
    others the mask passes."""


@define(shape=_total, mask=Neutral(1), prepare=shapes.axes_of)
def prod(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Multiply along axes. Masks as for `sum`."""


@define(shape=shapes.reduced, mask=Extreme(True), prepare=shapes.axes_of)
def max(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The maximum along axes; over no step at all, 0. Masks as for `sum`."""


@define(shape=shapes.reduced, mask=Extreme(False), prepare=shapes.axes_of)
def min(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The minimum along axes; over no step at all, 0. Masks as for `sum`."""


@define(shape=shapes.reduced, mask=Neutral(0), boolean=("x",), prepare=shapes.axes_of)
def any(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether any is True along axes. Masks as for `sum`."""


@define(shape=shapes.reduced, mask=Neutral(1), boolean=("x",), prepare=shapes.axes_of)
def all(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether all are True along axes. Masks as for `sum`."""


@define(shape=shapes.reduced, mask=Mean(), together=("x",), floating=True, prepare=shapes.axes_of)
def mean(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean along axes, a float; over no step at all, 0. Masks as for `sum`."""


@define(
    shape=shapes.reduced, mask=Variance(), together=("x",), floating=True, prepare=shapes.axes_of
)
def var(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The variance along axes (divided by the number of elements). Masks as for `sum`."""


@define(
    shape=shapes.reduced, mask=Deviation(), together=("x",), floating=True, prepare=shapes.axes_of
)
def std(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The standard deviation along axes. Masks as for `sum`."""


@define(
    shape=shapes.reduced, mask=LogSumExp(), together=("x",), floating=True, prepare=shapes.axes_of
)
def logsumexp(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) along axes without overflow; over no step at all, 0. Masks as for `sum`."""


@define(shape=_index, mask=Arg(True), prepare=shapes.axis_of())
def argmax(x: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """The index of the maximum along an axis, int32, among valid steps. Masks as for `sum`."""


@define(shape=_index, mask=Arg(False), prepare=shapes.axis_of())
def argmin(x: Tensor, axis: int = -1, keepdims: bool = False) -> Tensor:
    """The index of the minimum along an axis, int32, among valid steps. Masks as for `sum`."""


@define(
    shape=lambda x, axis: Spec(x.shape, "int32" if x.dtype == "bool" else x.dtype),
    mask=Cumulative(),
    prepare=shapes.axis_of(),
)
def cumsum(x: Tensor, axis: int = 0) -> Tensor:
    """Running sums along an axis; masked steps add nothing. Mask out: that of x."""
