"""Packed batches in lanes with TensorFlow: what lanes need beside primitives."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from maskgraph.backend import Array, Backend
from maskgraph.backend.lane_ops import LaneOps
from maskgraph.backend.lane_pooling import LanePoolingOps
from maskgraph.backend.lanes import Lanes
from maskgraph_tensorflow.sequences import over_sequences


class Packed(LaneOps, LanePoolingOps, Backend):
    """Functions on (1, slots, …), whose shapes are the same for many batches."""

    def _handed_over(self, arrays: list[np.ndarray]) -> Sequence[Array]:
        with self.quiet():
            return list(map(tf.constant, arrays))

    def _each_sequence(
        self, xs: Sequence[Array], packing: Lanes, others: Sequence[Array], body: Any
    ) -> tuple[Array, ...]:
        return over_sequences(self, body, xs, others, packing)

    def _segment_sum(self, x: Array, segments: Array, count: int) -> Array:
        return tf.math.unsorted_segment_sum(x, segments, count)

    def _row_maximum(self, x: Array, packing: Lanes) -> Array:
        @tf.custom_gradient
        def maximum(x: Array) -> tuple[Array, Callable[[Array], Array]]:
            most = tf.math.unsorted_segment_max(x, self._owner(packing), packing.batch + 1)
            some = self._steps_of_rows(packing) > 0
            shown = self.select_valid(most[: packing.batch], some, 0)
            return shown, lambda slope: self._to_one(x, slope, packing)

        flat = tf.reshape(x, (packing.slots, math.prod(x.shape[1:])))
        return tf.reshape(maximum(flat), (packing.batch, *x.shape[1:]))

    def _to_one(self, x: Array, slope: Array, packing: Lanes) -> Array:
        """The gradient of the maximum of (slots, features): it goes to one step, found on the
        rectangle."""
        exists = self._exists(packing)
        steps = tf.where(exists[..., None], self._taken_rows(x, packing.slot), x.dtype.min)
        best = tf.argmax(steps, 1, tf.int32)
        slot = tf.maximum(tf.gather(packing.slot, best, axis=1, batch_dims=1), 0)
        slope = self.select_valid(slope, tf.reduce_any(exists, 1), 0)
        column = tf.broadcast_to(tf.range(x.shape[1]), slot.shape)
        return tf.scatter_nd(tf.stack([slot, column], -1), slope, x.shape)
