"""Pooling through windows over time: only the steps that exist count."""

from __future__ import annotations

from typing import Any

from maskgraph import dtypes
from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops.definition import define
from maskgraph.ops.operands import Arguments, Mask, Tensor, spec_of
from maskgraph.ops.rule import Call, Reach
from maskgraph.ops.windows import OverTime, ThroughWindows, Windows, check_windows


class Pool(ThroughWindows):
    """What the two ways of pooling share: a window in which nothing exists gives 0."""

    def windows(self, call: Call) -> Windows:
        return Windows(call["pool_size"], call["strides"], call["padding"])


class MaxPool(Pool):
    """Masked steps lose to every other."""

    def aligned_value(self, call: Call, x: Tensor, exists: Mask, padding: str) -> Any:
        lowest = dtypes.lowest(call.specs["inputs"].dtype)
        x = REGISTRY["where"](exists, x, REGISTRY["full_like"](x, lowest))
        number = REGISTRY["cast"](exists, "float32")
        some = REGISTRY["greater"](call.run(inputs=number, padding=padding), 0)
        result = call.run(inputs=x, padding=padding)
        return REGISTRY["where"](some, result, REGISTRY["zeros_like"](result))


class AveragePool(Pool):
    """The share of zeros for masked steps is taken out again."""

    def aligned_value(self, call: Call, x: Tensor, exists: Mask, padding: str) -> Any:
        result = call.run(inputs=x, padding=padding)
        number = REGISTRY["cast"](exists, spec_of(result).dtype)
        share = call.run(inputs=number, padding=padding)
        none = REGISTRY["equal"](share, 0)
        return REGISTRY["divide"](result, REGISTRY["where"](none, 1, share))


def _check_pool(arguments: Arguments, specs: dict[str, Any]) -> None:
    if arguments["strides"] is None:
        arguments["strides"] = arguments["pool_size"]
    check_windows(arguments, specs)


def _pooled(inputs: Spec, pool_size: int, strides: int, padding: str) -> Spec:
    batch, size, features = inputs.shape
    return Spec((batch, Windows(pool_size, strides, padding).number(size), features), inputs.dtype)


@define(shape=_pooled, mask=MaxPool(), prepare=_check_pool)
def max_pool(
    inputs: Tensor, pool_size: int, strides: int | None = None, padding: str = "valid"
) -> Tensor:
    """The maximum of the steps that exist in each window of (batch, time, features); 0 where
    none does. Mask out: as for `conv`.

    Args:
        pool_size: the number of steps in a window.
        strides: from one window to the next; None: `pool_size`.
        padding: "valid", or "same", which adds steps that do not count.
    """


@define(shape=_pooled, mask=AveragePool(), together=("inputs",), floating=True, prepare=_check_pool)
def average_pool(
    inputs: Tensor, pool_size: int, strides: int | None = None, padding: str = "valid"
) -> Tensor:
    """The mean of the steps that exist in each window of (batch, time, features), a float; 0
    where none does. Mask out: as for `conv`.

    Args:
        pool_size: the number of steps in a window.
        strides: from one window to the next; None: `pool_size`.
        padding: "valid", or "same", which adds steps that do not count.
    """


class AdaptivePool(OverTime):
    """The backend is told which steps exist."""

    in_place = False

    def mixes_time(self, call: Call) -> bool:
        return True

    def out_mask(self, call: Call, mask: Mask) -> None:
        return None

    def over_valid(self, call: Call, x: Tensor, mask: Mask) -> Any:
        return call.run(inputs=x, mask=mask)

    def reach(self, call: Call) -> Reach:
        return Reach.SEQUENCE


def _binned(inputs: Spec, output_size: int, mask: Spec | None) -> Spec:
    return Spec((inputs.shape[0], output_size, inputs.shape[2]), inputs.dtype)


@define(
    shape=_binned,
    mask=AdaptivePool(),
    together=("inputs",),
    floating=True,
    prepare=check_windows,
)
def adaptive_average_pool(inputs: Tensor, output_size: int, mask: Tensor = None) -> Tensor:
    """The mean of each of `output_size` parts of a sequence, as equal as can be, each from
    floor(i L / n) to ceil((i + 1) L / n) of its L steps; of no step at all, 0.

    Mask in: that of the inputs (the argument `mask` is how the backend gets it: pass None); its
    steps are left out before the sequence is divided. Mask out: none.
    """


@define(shape=_binned, mask=AdaptivePool(), prepare=check_windows)
def adaptive_max_pool(inputs: Tensor, output_size: int, mask: Tensor = None) -> Tensor:
    """The maximum of each of `output_size` parts of a sequence. Masks and parts as for
    `adaptive_average_pool`."""
