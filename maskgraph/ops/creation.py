"""Ops that make tensors. On data they make them on the backend in use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskgraph import dtypes
from maskgraph.graph import Spec
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.elementwise import PASS
from maskgraph.ops.operands import Arguments, Tensor
from maskgraph.ops.rule import MaskRule

NONE = MaskRule()


def _shape(arguments: Arguments, specs: dict[str, Any]) -> None:
    shape = arguments["shape"]
    arguments["shape"] = (shape,) if isinstance(shape, int) else tuple(shape)
    arguments["dtype"] = dtypes.canonical(arguments["dtype"])


@define(shape=lambda shape, dtype: Spec(shapes.sizes(shape), dtype), mask=NONE, prepare=_shape)
def zeros(shape: Sequence[int], dtype: str = "float32") -> Tensor:
    """A tensor of zeros. Mask out: none."""


@define(shape=lambda shape, dtype: Spec(shapes.sizes(shape), dtype), mask=NONE, prepare=_shape)
def ones(shape: Sequence[int], dtype: str = "float32") -> Tensor:
    """A tensor of ones. Mask out: none."""


@define(
    shape=lambda shape, fill_value, dtype: Spec(shapes.sizes(shape), dtype),
    mask=NONE,
    prepare=_shape,
)
def full(shape: Sequence[int], fill_value: float, dtype: str = "float32") -> Tensor:
    """A tensor of one value. Mask out: none."""


def _like(arguments: Arguments, specs: dict[str, Any]) -> None:
    dtype = arguments["dtype"]
    arguments["dtype"] = specs["x"].dtype if dtype is None else dtypes.canonical(dtype)


@define(shape=lambda x, dtype: Spec(x.shape, dtype), mask=PASS, prepare=_like)
def zeros_like(x: Tensor, dtype: str | None = None) -> Tensor:
    """Zeros of the shape of x. Mask out: that of x."""


@define(shape=lambda x, dtype: Spec(x.shape, dtype), mask=PASS, prepare=_like)
def ones_like(x: Tensor, dtype: str | None = None) -> Tensor:
    """Ones of the shape of x. Mask out: that of x."""


@define(shape=lambda x, fill_value, dtype: Spec(x.shape, dtype), mask=PASS, prepare=_like)
def full_like(x: Tensor, fill_value: float, dtype: str | None = None) -> Tensor:
    """One value in the shape of x. Mask out: that of x."""


def _range(arguments: Arguments, specs: dict[str, Any]) -> None:
    if arguments["stop"] is None:
        arguments["start"], arguments["stop"] = 0, arguments["start"]
    arguments["dtype"] = dtypes.canonical(arguments["dtype"])


def _range_spec(start: Any, stop: Any, step: int, dtype: str) -> Spec:
    known = isinstance(start, int) and isinstance(stop, int)
    return Spec((len(range(start, stop, step)) if known else None,), dtype)


@define(shape=_range_spec, mask=NONE, prepare=_range)
def arange(start: int, stop: int | None = None, step: int = 1, dtype: str = "int32") -> Tensor:
    """The integers from start to stop (or from 0 to start). Mask out: none."""


def _square(arguments: Arguments, specs: dict[str, Any]) -> None:
    arguments["dtype"] = dtypes.canonical(arguments["dtype"])


@define(shape=lambda N, dtype: Spec((N, N), dtype), mask=NONE, prepare=_square)
def eye(N: int, dtype: str = "float32") -> Tensor:
    """The identity matrix. Mask out: none."""


@define(
    shape=lambda x, num_classes, dtype: Spec((*x.shape, num_classes), dtype),
    mask=PASS,
    prepare=_square,
)
def one_hot(x: Tensor, num_classes: int, dtype: str = "float32") -> Tensor:
    """Integer classes as vectors with a single 1, on a new last axis; a class outside the range
    gives zeros. Mask out: that of x."""
