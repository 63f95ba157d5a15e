"""The protocol's primitives in TensorFlow: eager, and traceable by `tf.function`.

Nothing takes the way through NumPy, so that a `GradientTape` sees all. Ops run where `quiet` and
`running` say: left to itself, TensorFlow would move a CPU's tensors to a GPU that it finds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import tensorflow as tf

from maskgraph import dtypes
from maskgraph.backend import Array
from maskgraph_tensorflow import compiling, ragged, slicing
from maskgraph_tensorflow.convert import (
    DTYPES,
    along,
    index,
    ints,
    not_zero,
    numbers,
    place,
    truth,
    widely,
    zero_of_nothing,
)
from maskgraph_tensorflow.overrides import Overrides
from maskgraph_tensorflow.packed import Packed
from maskgraph_tensorflow.recurrent import Recurrent
from maskgraph_tensorflow.windows import Windows


class TensorflowBackend(Windows, Packed, Overrides, Recurrent):
    """TensorFlow on one device."""

    name = "tensorflow"

    @classmethod
    def devices(cls) -> list[str]:
        gpus = tf.config.get_visible_devices("GPU")
        return [*(f"gpu:{i}" for i in range(len(gpus))), "cpu"]

    @classmethod
    def device_of(cls, x: Array) -> str:
        name = str(x.device).rpartition("device:")[2].lower()
        return name if name.startswith("gpu") else "cpu"

    def quiet(self) -> AbstractContextManager[Any]:
        return tf.device(place(self.device))

    def running(self) -> AbstractContextManager[Any]:
        return self.quiet()

    def has_values(self, x: Array) -> bool:
        return bool(tf.executing_eagerly())

    def compiles(self, op: str) -> bool:
        return op not in compiling.LEFT_OUT

    def compiled(self, function: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
        return compiling.Compiled(function)

    def gradients(
        self, function: Callable[[list[Array]], Array], arrays: list[Array]
    ) -> list[Array]:
        with self.running():
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(arrays)
                result = function(list(arrays))
            found = tape.gradient(
                result, arrays, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return [tf.convert_to_tensor(g) for g in found]  # that of a look-up comes as rows

    def from_ragged(self, value: Any) -> tuple[Array, Array] | None:
        return ragged.to_padded(value)

    def to_ragged(self, values: Array, mask: Array, kind: str) -> Any:
        if kind == "ragged_tensor":
            return ragged.ragged_tensor(values, mask)
        return super().to_ragged(values, mask, kind)

    # -- in and out ------------------------------------------------------------------------

    def asarray(self, value: Any, dtype: str | None = None) -> Array:
        with self.quiet():
            if tf.is_tensor(value):
                return self._placed(value, dtype)
            value = np.asarray(value)
            with tf.init_scope():  # a tensor with values, even while a function is traced
                tensor = tf.convert_to_tensor(value)
                return self._placed(tensor, dtype or dtypes.canonical(value.dtype))

    def _placed(self, x: Array, dtype: str | None) -> Array:
        if tf.executing_eagerly() and self.device_of(x) != self.device:
            x = tf.identity(x)
        return x if dtype is None else tf.cast(x, DTYPES[dtype])

    def to_numpy(self, x: Array) -> np.ndarray:
        array = np.asarray(x.numpy())
        return array.astype(np.float32) if x.dtype == tf.bfloat16 else array

    def shape(self, x: Array) -> tuple[int, ...]:
        sizes = tuple(x.shape)
        if None not in sizes:
            return sizes
        known_later = tf.unstack(tf.shape(x))
        return tuple(b if a is None else a for a, b in zip(sizes, known_later, strict=True))

    def dtype(self, x: Array) -> str:
        return dtypes.canonical(x.dtype)

    def cast(self, x: Array, dtype: str) -> Array:
        return tf.cast(x, DTYPES[dtype])

    # -- creation --------------------------------------------------------------------------

    def full(self, shape: Sequence[int], fill_value: Any, dtype: str) -> Array:
        with self.quiet():
            number = tf.constant(dtypes.number(fill_value, dtype), DTYPES[dtype])
            return tf.fill(ints(shape), number) if len(shape) else number

    def arange(self, start: int, stop: int, step: int, dtype: str) -> Array:
        with self.quiet():
            # an empty range is an error to TensorFlow, unless it ends where it starts
            stop = tf.maximum(start, stop) if step > 0 else tf.minimum(start, stop)
            return tf.cast(tf.range(start, stop, step, tf.int64), DTYPES[dtype])

    # -- one element at a time -------------------------------------------------------------

    def negative(self, x: Array) -> Array:
        return widely(tf.negative, x)

    def abs(self, x: Array) -> Array:
        return widely(tf.abs, x)

    def sign(self, x: Array) -> Array:
        return widely(tf.sign, x)

    def floor(self, x: Array) -> Array:
        return tf.floor(x) if x.dtype.is_floating else x

    def ceil(self, x: Array) -> Array:
        return tf.math.ceil(x) if x.dtype.is_floating else x

    def round(self, x: Array) -> Array:
        return tf.round(x)

    def exp(self, x: Array) -> Array:
        return tf.exp(x)

    def expm1(self, x: Array) -> Array:
        return tf.math.expm1(x)

    def log(self, x: Array) -> Array:
        return tf.math.log(x)

    def log1p(self, x: Array) -> Array:
        return tf.math.log1p(x)

    def sqrt(self, x: Array) -> Array:
        return tf.sqrt(x)

    def sin(self, x: Array) -> Array:
        return tf.sin(x)

    def cos(self, x: Array) -> Array:
        return tf.cos(x)

    def tanh(self, x: Array) -> Array:
        return tf.tanh(x)

    def erf(self, x: Array) -> Array:
        if x.dtype == tf.float64:  # where TensorFlow makes NaN of infinity
            x = tf.clip_by_value(x, -10.0, 10.0)
        return tf.math.erf(x)

    def isnan(self, x: Array) -> Array:
        return tf.math.is_nan(x) if x.dtype.is_floating else tf.zeros_like(x, tf.bool)

    def isfinite(self, x: Array) -> Array:
        return tf.math.is_finite(x) if x.dtype.is_floating else tf.ones_like(x, tf.bool)

    def logical_not(self, x: Array) -> Array:
        return tf.logical_not(truth(x))

    # -- two operands, broadcast -----------------------------------------------------------

    def add(self, x1: Array, x2: Array) -> Array:
        return widely(tf.add, x1, x2)

    def subtract(self, x1: Array, x2: Array) -> Array:
        return tf.subtract(x1, x2)

    def multiply(self, x1: Array, x2: Array) -> Array:
        return widely(tf.multiply, x1, x2)

    def divide(self, x1: Array, x2: Array) -> Array:
        return tf.divide(x1, x2)

    def floor_divide(self, x1: Array, x2: Array) -> Array:
        if x1.dtype.is_integer:
            # over 0 it is 0, as in NumPy: what stands in the padding must not raise
            zero = tf.equal(x2, 0)
            return tf.where(zero, tf.zeros_like(x1), tf.math.floordiv(x1, not_zero(x2)))
        # floor(x1 / x2) would make 10 of 1 // 0.1, whose remainder is not 0 but nearly 0.1
        quotient = tf.round((x1 - tf.math.floormod(x1, x2)) / x2)
        return tf.stop_gradient(tf.where(tf.equal(x2, 0), x1 / x2, quotient))

    def mod(self, x1: Array, x2: Array) -> Array:
        return tf.math.floormod(x1, not_zero(x2) if x2.dtype.is_integer else x2)

    def power(self, x1: Array, x2: Array) -> Array:
        return widely(tf.pow, x1, x2)

    def maximum(self, x1: Array, x2: Array) -> Array:
        return widely(tf.maximum, x1, x2)

    def minimum(self, x1: Array, x2: Array) -> Array:
        return widely(tf.minimum, x1, x2)

    def equal(self, x1: Array, x2: Array) -> Array:
        return tf.equal(x1, x2)

    def less(self, x1: Array, x2: Array) -> Array:
        return tf.less(numbers(x1), numbers(x2))

    def less_equal(self, x1: Array, x2: Array) -> Array:
        return tf.less_equal(numbers(x1), numbers(x2))

    def logical_and(self, x1: Array, x2: Array) -> Array:
        return tf.logical_and(truth(x1), truth(x2))

    def logical_or(self, x1: Array, x2: Array) -> Array:
        return tf.logical_or(truth(x1), truth(x2))

    def where(self, condition: Array, x1: Array, x2: Array) -> Array:
        return tf.where(condition, x1, x2)

    # -- along axes ------------------------------------------------------------------------

    def sum(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return tf.reduce_sum(numbers(x), along(axis), keepdims)

    def prod(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return tf.reduce_prod(numbers(x), along(axis), keepdims)

    def max(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        most = tf.cast(tf.reduce_max(numbers(x), along(axis), keepdims), x.dtype)
        return zero_of_nothing(most, x, axis)

    def argmax(self, x: Array, axis: int, keepdims: bool) -> Array:
        if x.shape[axis] == 0:
            return tf.reduce_sum(tf.zeros_like(x, tf.int32), axis, keepdims)
        if x.dtype.is_floating:  # to NumPy, nothing is larger than NaN
            x = tf.where(tf.math.is_nan(x), tf.constant(float("inf"), x.dtype), x)
        found = tf.argmax(x, axis, tf.int32)
        return tf.expand_dims(found, axis) if keepdims else found

    def cumsum(self, x: Array, axis: int) -> Array:
        return tf.cumsum(numbers(x), axis)

    # -- products --------------------------------------------------------------------------

    def matmul(self, x1: Array, x2: Array) -> Array:
        if x2.shape.rank == 2 and x1.shape.rank > 2:  # one product, not a batch of small ones
            *batch, size = self.shape(x1)
            rows = self.reshape(x1, (math.prod(batch), size))
            return self.reshape(widely(tf.matmul, rows, x2), (*batch, self.shape(x2)[1]))
        vectors = [a for a, x in ((-2, x1), (-1, x2)) if x.shape.rank == 1]
        x1 = tf.expand_dims(x1, 0) if -2 in vectors else x1
        x2 = tf.expand_dims(x2, 1) if -1 in vectors else x2
        product = widely(tf.matmul, x1, x2)
        return tf.squeeze(product, vectors) if vectors else product

    def einsum(self, subscripts: str, operands: Sequence[Array]) -> Array:
        return widely(lambda *xs: tf.einsum(subscripts, *xs), *operands)

    # -- shape and place -------------------------------------------------------------------

    def reshape(self, x: Array, newshape: Sequence[int]) -> Array:
        return tf.reshape(x, ints(newshape))

    def transpose(self, x: Array, axes: Sequence[int]) -> Array:
        return tf.transpose(x, ints(axes))

    def broadcast_to(self, x: Array, shape: Sequence[int]) -> Array:
        return tf.broadcast_to(x, ints(shape))

    def concatenate(self, xs: Sequence[Array], axis: int) -> Array:
        return tf.concat(xs, axis)

    def getitem(self, x: Array, key: tuple[Any, ...]) -> Array:
        return slicing.getitem(x, key)

    def flip(self, x: Array, axis: int) -> Array:
        return tf.reverse(x, ints((axis,)))

    def pad(self, x: Array, pad_width: Sequence[tuple[int, int]], constant_values: Any) -> Array:
        value = dtypes.number(constant_values, self.dtype(x))
        widths = ints([tuple(pair) for pair in pad_width])
        return tf.raw_ops.PadV2(input=x, paddings=widths, constant_values=value)

    def take(self, x: Array, indices: Array, axis: int) -> Array:
        # a third of the cost of tf.gather, which tries for a sparse read first
        return tf.raw_ops.GatherV2(params=x, indices=index(indices), axis=axis)

    def take_along_axis(self, x: Array, indices: Array, axis: int) -> Array:
        return slicing.take_along_axis(x, index(indices), axis)
