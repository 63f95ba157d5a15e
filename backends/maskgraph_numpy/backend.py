"""The protocol's primitives in NumPy: each says what the other backends must equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.backend import Array
from maskgraph.errors import DTypeError, explain
from maskgraph_numpy import contraction
from maskgraph_numpy.error_function import erf
from maskgraph_numpy.overrides import Overrides
from maskgraph_numpy.packed import Packed
from maskgraph_numpy.recurrent import Recurrent
from maskgraph_numpy.windows import Windows


class NumpyBackend(Packed, Recurrent, Windows, Overrides):
    """NumPy on the CPU."""

    name = "numpy"

    @classmethod
    def devices(cls) -> list[str]:
        return ["cpu"]

    @classmethod
    def device_of(cls, x: Array) -> str:
        return "cpu"

    def quiet(self) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")

    def running(self) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")

    def tokens_at_once(self) -> int | None:
        return 512

    # -- in and out ------------------------------------------------------------------------

    def asarray(self, value: Any, dtype: str | None = None) -> Array:
        return np.asarray(value, None if dtype is None else _numpy(dtype))

    def to_numpy(self, x: Array) -> np.ndarray:
        return np.asarray(x)

    def shape(self, x: Array) -> tuple[int, ...]:
        return np.shape(x)

    def dtype(self, x: Array) -> str:
        return dtypes.canonical(x.dtype)

    def cast(self, x: Array, dtype: str) -> Array:
        return np.asarray(x).astype(_numpy(dtype))

    # -- creation --------------------------------------------------------------------------

    def full(self, shape: Sequence[int], fill_value: Any, dtype: str) -> Array:
        return np.full(shape, fill_value, _numpy(dtype))

    def arange(self, start: int, stop: int, step: int, dtype: str) -> Array:
        return np.arange(start, stop, step).astype(_numpy(dtype))

    # -- one element at a time -------------------------------------------------------------

    def negative(self, x: Array) -> Array:
        return np.negative(x)

    def abs(self, x: Array) -> Array:
        return np.abs(x)

    def sign(self, x: Array) -> Array:
        return np.sign(x)

    def floor(self, x: Array) -> Array:
        return np.floor(x)

    def ceil(self, x: Array) -> Array:
        return np.ceil(x)

    def round(self, x: Array) -> Array:
        return np.round(x)

    def exp(self, x: Array) -> Array:
        return np.exp(x)

    def expm1(self, x: Array) -> Array:
        return np.expm1(x)

    def log(self, x: Array) -> Array:
        return np.log(x)

    def log1p(self, x: Array) -> Array:
        return np.log1p(x)

    def sqrt(self, x: Array) -> Array:
        return np.sqrt(x)

    def sin(self, x: Array) -> Array:
        return np.sin(x)

    def cos(self, x: Array) -> Array:
        return np.cos(x)

    def tanh(self, x: Array) -> Array:
        return np.tanh(x)

    def erf(self, x: Array) -> Array:
        return erf(x)

    def isnan(self, x: Array) -> Array:
        return np.isnan(x)

    def isfinite(self, x: Array) -> Array:
        return np.isfinite(x)

    def logical_not(self, x: Array) -> Array:
        return np.logical_not(x)

    # -- two operands, broadcast -----------------------------------------------------------

    def add(self, x1: Array, x2: Array) -> Array:
        return np.add(x1, x2)

    def subtract(self, x1: Array, x2: Array) -> Array:
        return np.subtract(x1, x2)

    def multiply(self, x1: Array, x2: Array) -> Array:
        return np.multiply(x1, x2)

    def divide(self, x1: Array, x2: Array) -> Array:
        return np.divide(x1, x2)

    def floor_divide(self, x1: Array, x2: Array) -> Array:
        return np.floor_divide(x1, x2)

    def mod(self, x1: Array, x2: Array) -> Array:
        return np.mod(x1, x2)

    def power(self, x1: Array, x2: Array) -> Array:
        return np.power(x1, x2)

    def maximum(self, x1: Array, x2: Array) -> Array:
        return np.maximum(x1, x2)

    def minimum(self, x1: Array, x2: Array) -> Array:
        return np.minimum(x1, x2)

    def equal(self, x1: Array, x2: Array) -> Array:
        return np.equal(x1, x2)

    def less(self, x1: Array, x2: Array) -> Array:
        return np.less(x1, x2)

    def less_equal(self, x1: Array, x2: Array) -> Array:
        return np.less_equal(x1, x2)

    def logical_and(self, x1: Array, x2: Array) -> Array:
        return np.logical_and(x1, x2)

    def logical_or(self, x1: Array, x2: Array) -> Array:
        return np.logical_or(x1, x2)

    def where(self, condition: Array, x1: Array, x2: Array) -> Array:
        return np.where(condition, x1, x2)

    # -- along axes ------------------------------------------------------------------------

    def sum(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        dtype = np.int32 if x.dtype == bool else x.dtype
        return np.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)

    def prod(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        dtype = np.int32 if x.dtype == bool else x.dtype
        return np.prod(x, axis=axis, keepdims=keepdims, dtype=dtype)

    def max(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if x.size:  # `initial` would be a second pass
            return np.max(x, axis=axis, keepdims=keepdims)
        nothing: Any = np.zeros((), x.dtype)
        return np.max(x, axis=axis, keepdims=keepdims, initial=nothing)

    def argmax(self, x: Array, axis: int, keepdims: bool) -> Array:
        if x.shape[axis] == 0:
            shape = list(x.shape)
            shape[axis : axis + 1] = [1] if keepdims else []
            return np.zeros(shape, np.int32)
        return np.argmax(x, axis=axis, keepdims=keepdims).astype(np.int32)

    def cumsum(self, x: Array, axis: int) -> Array:
        return np.cumsum(x, axis=axis, dtype=np.int32 if x.dtype == bool else x.dtype)

    # -- products --------------------------------------------------------------------------

    def matmul(self, x1: Array, x2: Array) -> Array:
        if x1.ndim > 2 and x2.ndim == 2:  # one product, not a batch of small ones
            *batch, size = x1.shape
            product = np.matmul(x1.reshape(math.prod(batch), size), x2)
            return product.reshape(*batch, x2.shape[1])
        return np.matmul(x1, x2)

    def einsum(self, subscripts: str, operands: Sequence[Array]) -> Array:
        return contraction.einsum(subscripts, operands)

    # -- shape and place -------------------------------------------------------------------

    def reshape(self, x: Array, newshape: Sequence[int]) -> Array:
        return np.reshape(x, newshape)

    def transpose(self, x: Array, axes: Sequence[int]) -> Array:
        return np.transpose(x, axes)

    def broadcast_to(self, x: Array, shape: Sequence[int]) -> Array:
        return np.broadcast_to(x, shape)

    def concatenate(self, xs: Sequence[Array], axis: int) -> Array:
        return np.concatenate(xs, axis=axis)

    def stack(self, xs: Sequence[Array], axis: int) -> Array:
        return np.stack(xs, axis=axis)

    def getitem(self, x: Array, key: tuple[Any, ...]) -> Array:
        return x[key]

    def flip(self, x: Array, axis: int) -> Array:
        return np.flip(x, axis)

    def pad(self, x: Array, pad_width: Sequence[tuple[int, int]], constant_values: Any) -> Array:
        return np.pad(x, pad_width, constant_values=constant_values)

    def take(self, x: Array, indices: Array, axis: int) -> Array:
        return np.take(x, indices, axis=axis)

    def take_along_axis(self, x: Array, indices: Array, axis: int) -> Array:
        return np.take_along_axis(x, indices, axis=axis)


def _numpy(dtype: str) -> np.dtype[Any]:
    try:
        return np.dtype(dtype)
    except TypeError:
        raise DTypeError(
            explain(
                f"NumPy has no {dtype}",
                expected="float16, float32 or float64",
                fix="use another dtype, or another backend",
            )
        ) from None
