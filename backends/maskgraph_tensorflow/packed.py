"""Packed batches in lanes with TensorFlow: what lanes need beside primitives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from maskgraph.backend import Array, Backend
from maskgraph.backend.lane_attention import LaneAttentionOps
from maskgraph.backend.lane_ops import LaneOps
from maskgraph.backend.lane_pooling import LanePoolingOps
from maskgraph.backend.lanes import Lanes


class Packed(LaneOps, LanePoolingOps, LaneAttentionOps, Backend):
    """Functions on (1, slots, …), whose shapes are the same for many batches."""

    def handed_over(self, arrays: list[np.ndarray]) -> Sequence[Array]:
        with self.quiet():
            return list(map(tf.constant, arrays))

    def one_by_one(self, function: Callable[..., Array], xs: Sequence[Array]) -> Array:
        if tf.executing_eagerly():
            return super().one_by_one(function, xs)
        return _mapped(function, list(xs))

    def segment_sum(self, x: Array, segments: Array, count: int) -> Array:
        return tf.math.unsorted_segment_sum(x, segments, count)

    def row_maximum(self, x: Array, packing: Lanes) -> Array:
        @tf.custom_gradient
        def maximum(x: Array) -> tuple[Array, Callable[[Array], Array]]:
            most = tf.math.unsorted_segment_max(x, self.owner(packing), packing.batch + 1)
            some = self.steps_of_rows(packing) > 0
            return self.select_valid(most[: packing.batch], some, 0), lambda d: self._to_one(
                x, d, packing
            )

        return maximum(x)

    def _to_one(self, x: Array, slope: Array, packing: Lanes) -> Array:
        """The gradient of `row_maximum`: it goes to one step, found on the rectangle."""
        exists = self._exists(packing)
        lowest = self._number(x.dtype.min, x)
        steps = tf.where(
            self.align_mask(exists, x.shape.rank + 1), self.rows(x, packing.slot), lowest
        )
        best = tf.argmax(steps, 1, tf.int32)
        slot = tf.gather(packing.slot, best, axis=1, batch_dims=1)
        slope = self.select_valid(slope, tf.reduce_any(exists, 1), 0)
        column = tf.broadcast_to(tf.range(x.shape[1]), slot.shape)
        place = tf.stack([slot, column], -1)
        return tf.scatter_nd(place, slope, x.shape)


def _mapped(function: Callable[..., Array], xs: list[Array]) -> Array:
    """Return what a function gives for each element of the leading axes, in a loop; gradients
    compute it anew."""
    count = xs[0].shape[0]

    def over(results: Sequence[Any], run: Callable[[Array], Sequence[Array]]) -> list[Array]:
        kept = [tf.TensorArray(r.dtype, count, element_shape=r.shape) for r in results]

        def body(i: Array, kept: list[Any]) -> Any:
            return i + 1, [a.write(i, r) for a, r in zip(kept, run(i), strict=True)]

        _, kept = tf.while_loop(
            lambda i, _: i < count, body, (tf.constant(0), kept), maximum_iterations=count
        )
        return [a.stack() for a in kept]

    @tf.custom_gradient
    def mapped(*xs: Array) -> Any:
        like = (
            tf.function(function, autograph=False)
            .get_concrete_function(*(tf.TensorSpec(x.shape[1:], x.dtype) for x in xs))
            .structured_outputs
        )
        [result] = over([like], lambda i: [function(*(x[i] for x in xs))])

        def gradient(slope: Array) -> list[Array]:
            floats = [k for k, x in enumerate(xs) if x.dtype.is_floating]

            def anew(i: Array) -> list[Array]:
                row = [x[i] for x in xs]
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch([row[k] for k in floats])
                    y = function(*row)
                zero = tf.UnconnectedGradients.ZERO
                return tape.gradient(y, [row[k] for k in floats], slope[i], zero)

            found = over([tf.TensorSpec(xs[k].shape[1:], xs[k].dtype) for k in floats], anew)
            slopes = dict(zip(floats, found, strict=True))
            return [slopes.get(k) for k in range(len(xs))]

        return result, gradient

    return mapped(*xs)
