"""What TensorFlow must be handed: its dtypes and devices, and lists of numbers as tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from maskgraph import dtypes
from maskgraph.backend import Array

DTYPES = {name: tf.as_dtype(name) for name in dtypes.ALL}
_NARROW = frozenset({tf.bool, tf.uint8, tf.int8, tf.int16})


def place(device: str) -> str:
    """Return TensorFlow's name for a device of ours: of "gpu:1" GPU:1, of "cpu" CPU:0."""
    return (device if ":" in device else device + ":0").upper()


def ints(values: Sequence[Any]) -> Array:
    """Return a shape, axes or widths as a tensor.

    These tensors are kept: making one takes longer than most ops that read it. While a function is
    traced, they are made within it: XLA takes for a constant what was made where it is read. A size
    that is known only when a traced function runs is a tensor already.
    """
    values = tuple(values)
    if tf.executing_eagerly():
        return _constant(values)
    known_later = any(map(tf.is_tensor, tf.nest.flatten(values)))
    return tf.stack(values) if known_later else np.array(values, np.int32)


@functools.lru_cache(maxsize=4096)
def _constant(values: tuple[Any, ...]) -> Array:
    with tf.device("CPU:0"):  # where GPU kernels want to find shapes
        return tf.constant(values, tf.int32)


def along(axis: tuple[int, ...]) -> Any:
    """Return the axes of a reduction in the form that is handed over fastest."""
    return axis[0] if len(axis) == 1 else ints(axis)


def numbers(x: Array) -> Array:
    """Return Booleans as int32, anything else as it is."""
    return tf.cast(x, tf.int32) if x.dtype == tf.bool else x


def truth(x: Array) -> Array:
    """Return whether each element differs from 0."""
    return x if x.dtype == tf.bool else tf.cast(x, tf.bool)


def widely(function: Callable[..., Array], *xs: Array) -> Array:
    """Compute in int32 what TensorFlow does not for Booleans and narrow integers."""
    if xs[0].dtype not in _NARROW:
        return function(*xs)
    return tf.cast(function(*(tf.cast(x, tf.int32) for x in xs)), xs[0].dtype)


def zero_of_nothing(result: Array, x: Array, axis: tuple[int, ...]) -> Array:
    """Return a reduction's result, or 0 if it was over no elements."""
    if all(x.shape[a] for a in axis):
        return result
    return tf.where(tf.equal(tf.size(x), 0), tf.zeros_like(result), result)


def not_zero(x: Array) -> Array:
    """Return 1 for 0, anything else as it is."""
    return tf.where(tf.equal(x, 0), tf.ones_like(x), x)


def index(x: Array) -> Array:
    """Return integers that may serve as indices, which narrow ones may not."""
    return x if x.dtype in (tf.int32, tf.int64) else tf.cast(x, tf.int32)
