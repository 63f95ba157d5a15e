"""The protocol's primitives in JAX: eager, and traceable by `jax.jit`, `jax.grad` and `jax.vmap`.

Nothing takes the way through NumPy, and no value is looked at, so that JAX's tracers see all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from maskgraph import dtypes
from maskgraph.backend import Array
from maskgraph_jax import compiling, extremes, slicing
from maskgraph_jax.fused import Fused
from maskgraph_jax.overrides import Overrides
from maskgraph_jax.packed import Packed
from maskgraph_jax.packed_recurrent import PackedRecurrent
from maskgraph_jax.place import devices, name_of
from maskgraph_jax.wide import computes_widely, precision, wide
from maskgraph_jax.windows import Windows

_NARROW = ("uint8", "int8", "int16")


@computes_widely
class JaxBackend(Fused, Overrides, Packed, PackedRecurrent, Windows):
    """JAX on one device."""

    name = "jax"
    compiles_each_shape = True

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self.place = devices()[device]
        self._numbers: dict[tuple[Any, str], Array] = {}

    @classmethod
    def devices(cls) -> list[str]:
        return list(devices())

    @classmethod
    def device_of(cls, x: Array) -> str:
        if isinstance(x, jax.core.Tracer):  # which is nowhere yet
            return next(iter(devices()))
        return name_of(min(x.devices(), key=lambda device: device.id))

    def has_values(self, x: Array) -> bool:
        return not isinstance(x, jax.core.Tracer)

    def compiles(self, op: str) -> bool:
        return op not in compiling.LEFT_OUT

    def compiled(self, function: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
        return compiling.Compiled(function, self.place)

    def gradients(
        self, function: Callable[[list[Array]], Array], arrays: list[Array]
    ) -> list[Array]:
        result, pull = jax.vjp(lambda *xs: function(list(xs)), *arrays)
        with wide():
            return list(pull(jnp.ones_like(result)))

    # -- in and out ------------------------------------------------------------------------

    def asarray(self, value: Any, dtype: str | None = None) -> Array:
        if not isinstance(value, jax.Array):
            # never a tracer, even while one is traced: plans and weights keep it
            with jax.ensure_compile_time_eval():
                return self._from_host(np.asarray(value), dtype)
        if not isinstance(value, jax.core.Tracer) and self.place not in value.devices():
            value = jax.device_put(value, self.place)
        return value if dtype is None else self.cast(value, dtype)

    def as_argument(self, value: Any, dtype: str) -> Array:
        if isinstance(value, np.ndarray) and value.dtype == dtype:
            return value.copy()  # which JAX may go on to read after the call
        return self.asarray(value, dtype)

    def _from_host(self, array: np.ndarray, dtype: str | None) -> Array:
        kind = dtypes.canonical(array.dtype)
        # a copy: what is computed later must not see what becomes of the user's buffer. To say its
        # dtype would take three times as long
        x = jnp.array(array if array.dtype == kind else array.astype(kind))
        return self.cast(x, dtype or kind)

    def to_numpy(self, x: Array) -> np.ndarray:
        # under jax.grad the number is there, within a tracer that remembers where it came from
        x = lax.stop_gradient(x) if isinstance(x, jax.core.Tracer) else x
        return np.array(x, np.float32 if x.dtype == jnp.bfloat16 else None)

    def shape(self, x: Array) -> tuple[int, ...]:
        shape: tuple[int, ...] = x.shape
        return shape

    def dtype(self, x: Array) -> str:
        return dtypes.canonical(x.dtype)

    def cast(self, x: Array, dtype: str) -> Array:
        if dtype in _NARROW and jnp.issubdtype(x.dtype, jnp.floating):
            x = x.astype(jnp.int32)  # of -1.0, JAX's uint8 is 0; elsewhere it is 255
        return x if x.dtype == dtype else x.astype(dtype)

    # -- creation --------------------------------------------------------------------------

    def full(self, shape: Sequence[int], fill_value: Any, dtype: str) -> Array:
        fill_value = dtypes.number(fill_value, dtype)
        if len(shape):
            return jnp.full(tuple(shape), fill_value, dtype)
        # numbers are kept: to make one takes three times as long as to add it
        key = (str(fill_value), dtype)
        if key not in self._numbers:
            with jax.ensure_compile_time_eval():  # not a tracer, even within jax.jit
                self._numbers[key] = jnp.full((), fill_value, dtype)
        return self._numbers[key]

    def arange(self, start: int, stop: int, step: int, dtype: str) -> Array:
        return jnp.array(np.arange(start, stop, step), dtype)  # nothing to compile

    # -- one element at a time -------------------------------------------------------------

    def negative(self, x: Array) -> Array:
        return jnp.negative(x)

    def abs(self, x: Array) -> Array:
        return _abs(x) if jnp.issubdtype(x.dtype, jnp.floating) else jnp.abs(x)

    def sign(self, x: Array) -> Array:
        return jnp.sign(x)

    def floor(self, x: Array) -> Array:
        return jnp.floor(x) if jnp.issubdtype(x.dtype, jnp.floating) else x

    def ceil(self, x: Array) -> Array:
        return jnp.ceil(x) if jnp.issubdtype(x.dtype, jnp.floating) else x

    def round(self, x: Array) -> Array:
        return jnp.round(x)

    def exp(self, x: Array) -> Array:
        return jnp.exp(x)

    def expm1(self, x: Array) -> Array:
        return jnp.expm1(x)

    def log(self, x: Array) -> Array:
        return jnp.log(x)

    def log1p(self, x: Array) -> Array:
        return jnp.log1p(x)

    def sqrt(self, x: Array) -> Array:
        return jnp.sqrt(x)

    def sin(self, x: Array) -> Array:
        return jnp.sin(x)

    def cos(self, x: Array) -> Array:
        return jnp.cos(x)

    def tanh(self, x: Array) -> Array:
        return jnp.tanh(x)

    def erf(self, x: Array) -> Array:
        return lax.erf(x)

    def isnan(self, x: Array) -> Array:
        return jnp.isnan(x)

    def isfinite(self, x: Array) -> Array:
        return jnp.isfinite(x)

    def logical_not(self, x: Array) -> Array:
        return jnp.logical_not(x)

    # -- two operands, broadcast -----------------------------------------------------------

    def add(self, x1: Array, x2: Array) -> Array:
        return jnp.add(x1, x2)

    def subtract(self, x1: Array, x2: Array) -> Array:
        return jnp.subtract(x1, x2)

    def multiply(self, x1: Array, x2: Array) -> Array:
        return jnp.multiply(x1, x2)

    def divide(self, x1: Array, x2: Array) -> Array:
        return jnp.divide(x1, x2)

    def floor_divide(self, x1: Array, x2: Array) -> Array:
        if jnp.issubdtype(x1.dtype, jnp.floating):
            return jnp.floor_divide(x1, x2)
        # an integer over 0 is 0, as in NumPy
        zero = jnp.equal(x2, 0)
        return jnp.where(zero, 0, jnp.floor_divide(x1, jnp.where(zero, 1, x2)))

    def mod(self, x1: Array, x2: Array) -> Array:
        if not jnp.issubdtype(x1.dtype, jnp.floating):
            x2 = jnp.where(jnp.equal(x2, 0), 1, x2)
        return jnp.mod(x1, x2)

    def power(self, x1: Array, x2: Array) -> Array:
        return jnp.power(x1, x2)

    def maximum(self, x1: Array, x2: Array) -> Array:
        return jnp.maximum(x1, x2)

    def minimum(self, x1: Array, x2: Array) -> Array:
        return jnp.minimum(x1, x2)

    def equal(self, x1: Array, x2: Array) -> Array:
        return jnp.equal(x1, x2)

    def less(self, x1: Array, x2: Array) -> Array:
        return jnp.less(x1, x2)

    def less_equal(self, x1: Array, x2: Array) -> Array:
        return jnp.less_equal(x1, x2)

    def logical_and(self, x1: Array, x2: Array) -> Array:
        return jnp.logical_and(x1, x2)

    def logical_or(self, x1: Array, x2: Array) -> Array:
        return jnp.logical_or(x1, x2)

    def where(self, condition: Array, x1: Array, x2: Array) -> Array:
        return jnp.where(condition, x1, x2)

    # -- along axes ------------------------------------------------------------------------

    def sum(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return jnp.sum(x, axis, _sum_dtype(x), keepdims=keepdims)

    def prod(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return jnp.prod(x, axis, _sum_dtype(x), keepdims=keepdims)

    def max(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if self._over_nothing(x, axis):
            return self._nothing(x, axis, keepdims)
        return extremes.maximum(x, axis, keepdims)

    def argmax(self, x: Array, axis: int, keepdims: bool) -> Array:
        if x.shape[axis] == 0:
            return self.cast(self._nothing(x, (axis,), keepdims), "int32")
        return jnp.argmax(x, axis, keepdims=keepdims).astype("int32")

    def cumsum(self, x: Array, axis: int) -> Array:
        return jnp.cumsum(x, axis, _sum_dtype(x))

    # -- products --------------------------------------------------------------------------

    def matmul(self, x1: Array, x2: Array) -> Array:
        return jnp.matmul(x1, x2, precision=precision())

    def einsum(self, subscripts: str, operands: Sequence[Array]) -> Array:
        return jnp.einsum(subscripts, *operands, precision=precision())

    # -- shape and place -------------------------------------------------------------------

    def reshape(self, x: Array, newshape: Sequence[int]) -> Array:
        return jnp.reshape(x, tuple(newshape))

    def transpose(self, x: Array, axes: Sequence[int]) -> Array:
        return lax.transpose(x, tuple(axes))

    def broadcast_to(self, x: Array, shape: Sequence[int]) -> Array:
        return jnp.broadcast_to(x, tuple(shape))

    def concatenate(self, xs: Sequence[Array], axis: int) -> Array:
        return lax.concatenate(xs, axis)

    def getitem(self, x: Array, key: tuple[Any, ...]) -> Array:
        return slicing.getitem(x, key)

    def flip(self, x: Array, axis: int) -> Array:
        return lax.rev(x, (axis,))

    def pad(self, x: Array, pad_width: Sequence[tuple[int, int]], constant_values: Any) -> Array:
        value = self.full((), constant_values, self.dtype(x))
        return lax.pad(x, value, [(before, after, 0) for before, after in pad_width])

    def take(self, x: Array, indices: Array, axis: int) -> Array:
        # "fill": where nobody could check an index, one that is out of range reads NaN
        return jnp.take(x, indices, axis, mode="fill")

    def take_along_axis(self, x: Array, indices: Array, axis: int) -> Array:
        return jnp.take_along_axis(x, indices, axis, mode="clip")


@jax.jit
def _abs(x: Array) -> Array:
    return jnp.maximum(x, -x)  # whose slope at 0 is 0, as elsewhere: that of jnp.abs is 1


def _sum_dtype(x: Array) -> Any:
    return jnp.int32 if x.dtype == bool else x.dtype
