"""Derived functions for which TensorFlow has an op of its own, or takes a Python number.

An eager op costs some 10 to 20 µs whatever it computes, so fewer of them is faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import tensorflow as tf

from maskgraph import dtypes
from maskgraph.backend import Array, Backend
from maskgraph.backend.conditions import noted
from maskgraph_tensorflow.convert import along, ints, numbers, truth, zero_of_nothing


class Overrides(Backend):
    """What a backend need not have, where TensorFlow has something better."""

    # -- one element at a time -------------------------------------------------------------

    def square(self, x: Array) -> Array:
        return tf.square(x)

    def reciprocal(self, x: Array) -> Array:
        return tf.math.reciprocal(x)

    def rsqrt(self, x: Array) -> Array:
        return tf.math.rsqrt(x)

    def clip(self, x: Array, x_min: float, x_max: float) -> Array:
        dtype = self.dtype(x)
        x = tf.maximum(x, dtypes.number(x_min, dtype))
        return tf.minimum(x, dtypes.number(x_max, dtype))

    def relu(self, x: Array) -> Array:
        return tf.nn.relu(x)

    def relu6(self, x: Array) -> Array:
        return tf.nn.relu6(x)

    def leaky_relu(self, x: Array, negative_slope: float) -> Array:
        # tf.nn.leaky_relu rounds the slope to float32
        return tf.where(tf.greater(x, 0), x, tf.multiply(x, negative_slope))

    def elu(self, x: Array, alpha: float) -> Array:
        low = tf.nn.elu(x)
        return low if alpha == 1 else tf.where(tf.greater(x, 0), x, tf.multiply(low, alpha))

    def selu(self, x: Array) -> Array:
        return tf.nn.selu(x)

    def sigmoid(self, x: Array) -> Array:
        return tf.sigmoid(x)

    def hard_sigmoid(self, x: Array) -> Array:
        return tf.nn.relu6(x + 3) / 6

    def softplus(self, x: Array) -> Array:
        return tf.nn.softplus(x)

    def softsign(self, x: Array) -> Array:
        return tf.nn.softsign(x)

    def not_equal(self, x1: Array, x2: Array) -> Array:
        return tf.not_equal(x1, x2)

    def logical_xor(self, x1: Array, x2: Array) -> Array:
        return tf.not_equal(truth(x1), truth(x2))

    # -- along axes ------------------------------------------------------------------------

    def min(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        least = tf.cast(tf.reduce_min(numbers(x), along(axis), keepdims), x.dtype)
        return zero_of_nothing(least, x, axis)

    def any(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return tf.reduce_any(truth(x), along(axis), keepdims)

    def all(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return tf.reduce_all(truth(x), along(axis), keepdims)

    def mean(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return zero_of_nothing(tf.reduce_mean(x, along(axis), keepdims), x, axis)

    def logsumexp(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return zero_of_nothing(tf.reduce_logsumexp(x, along(axis), keepdims), x, axis)

    def softmax(self, x: Array, axis: int) -> Array:
        # along another axis TensorFlow transposes twice, which the derived softmax does without
        return tf.nn.softmax(x) if axis == x.shape.rank - 1 else super().softmax(x, axis)

    def log_softmax(self, x: Array, axis: int) -> Array:
        return tf.nn.log_softmax(x) if axis == x.shape.rank - 1 else super().log_softmax(x, axis)

    def masked_softmax(self, x: Array, mask: Array, axis: int) -> Array:
        missing = x.shape.rank - mask.shape.rank
        mask = self.expand_dims(mask, tuple(range(missing)))
        # -inf weighs nothing; but a row that is masked throughout sees something finite, or its
        # NaN, though never selected, would alarm those who search for one
        infinity = tf.constant(float("-inf"), x.dtype)
        outside = tf.where(tf.reduce_any(mask, axis, True), infinity, tf.zeros_like(infinity))
        return tf.where(mask, self.softmax(tf.where(mask, x, outside), axis), 0.0)

    # -- shape and place -------------------------------------------------------------------

    def expand_dims(self, x: Array, axis: tuple[int, ...]) -> Array:
        for a in sorted(axis):
            x = tf.expand_dims(x, a)
        return x

    def squeeze(self, x: Array, axis: tuple[int, ...]) -> Array:
        return tf.squeeze(x, axis) if axis else x  # to TensorFlow, no axes are all of them

    def stack(self, xs: Sequence[Array], axis: int) -> Array:
        return tf.stack(xs, axis)

    def split(
        self, x: Array, indices_or_sections: int | Sequence[int], axis: int
    ) -> tuple[Array, ...]:
        if isinstance(indices_or_sections, int):
            return tuple(tf.split(x, indices_or_sections, axis))
        cuts = self._cuts(x.shape[axis], indices_or_sections)
        return tuple(tf.split(x, ints([b - a for a, b in pairwise(cuts)]), axis))

    def unstack(self, x: Array, axis: int) -> tuple[Array, ...]:
        return tuple(tf.unstack(x, axis=axis))

    def repeat(self, x: Array, repeats: int, axis: int) -> Array:
        shape = self.shape(x)
        times = [repeats if a == axis + 1 else 1 for a in range(len(shape) + 1)]
        tiled = tf.tile(tf.expand_dims(x, axis + 1), ints(times))
        return self.reshape(tiled, (*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]))

    def tile(self, x: Array, repeats: Sequence[int]) -> Array:
        return tf.tile(x, ints(repeats))

    # -- masks and look-ups ----------------------------------------------------------------

    def select_valid(self, x: Array, mask: Array, fill_value: Any) -> Array:
        fill_value = dtypes.number(fill_value, self.dtype(x))
        return tf.where(self.align_mask(mask, x.shape.rank), x, fill_value)

    def _outside(self, ids: Array, rows: int) -> int | None:
        within = lambda: tf.reduce_all((ids >= 0) & (ids < rows))  # noqa: E731
        known = tf.executing_eagerly() or not noted(within)
        return super()._outside(ids, rows) if known else None

    def check_labels(self, labels: Array, num_classes: int) -> Array:
        within = lambda: tf.reduce_all((labels >= 0) & (labels < num_classes))  # noqa: E731
        known = tf.executing_eagerly() or not noted(within)
        return super().check_labels(labels, num_classes) if known else labels

    def dropout(self, x: Array, keep: Array, rate: float) -> Array:
        return tf.where(keep, tf.divide(x, (1 - rate) or 1.0), 0.0)
