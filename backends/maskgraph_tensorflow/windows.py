"""Windows over time with TensorFlow's kernels, where a CPU has them with their gradients."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from maskgraph.backend import Array, Backend
from maskgraph_tensorflow.convert import ints


class Windows(Backend):
    """Convolution and pooling as TensorFlow has them: not in groups, nor strided and dilated."""

    def _border(self, x: Array, reach: int, strides: int, padding: str) -> tuple[int, int]:
        size = self.shape(x)[1]
        if padding != "same" or strides == 1 or isinstance(size, int):
            return super()._border(x, reach, strides, padding)
        added = tf.maximum(reach - 1 - (size - 1) % strides, 0)  # known when a function runs
        return added // 2, added - added // 2

    def _widened(self, x: Array, left: Any, right: Any, value: float) -> Array:
        wide = super()._widened(x, left, right, value)
        wide.set_shape((x.shape[0], None, x.shape[2]))  # lost where a width is known later
        return wide

    def valid_conv(self, x: Array, kernel: Array, strides: int, dilation_rate: int) -> Array:
        reach = (kernel.shape[0] - 1) * dilation_rate + 1
        grouped = x.shape[2] != kernel.shape[1]
        if grouped or (strides > 1 and dilation_rate > 1) or _may_have_none(x, reach):
            return super().valid_conv(x, kernel, strides, dilation_rate)
        return tf.nn.convolution(x, kernel, strides, "VALID", dilations=dilation_rate)

    def full_conv_transpose(
        self, x: Array, kernel: Array, strides: int, dilation_rate: int
    ) -> Array:
        if dilation_rate > 1 or _may_have_none(x, 1):
            return super().full_conv_transpose(x, kernel, strides, dilation_rate)
        (batch, size, _), (taps, filters, _) = self.shape(x), self.shape(kernel)
        shape = ints((batch, (size - 1) * strides + taps, filters))
        return tf.nn.conv1d_transpose(x, kernel, shape, strides, "VALID")

    def max_over_windows(self, x: Array, pool_size: int, strides: int) -> Array:
        if not x.dtype.is_floating or _may_have_none(x, pool_size):
            return super().max_over_windows(x, pool_size, strides)
        return tf.nn.max_pool1d(x, pool_size, strides, "VALID")

    def mean_over_windows(self, x: Array, pool_size: int, strides: int) -> Array:
        if _may_have_none(x, pool_size):
            return super().mean_over_windows(x, pool_size, strides)
        return tf.nn.avg_pool1d(x, pool_size, strides, "VALID")


def _may_have_none(x: Array, reach: int) -> bool:
    """Whether there may be no window of that reach within `x`, which is an error to a kernel."""
    batch, size, features = x.shape
    return not batch or not features or size is None or size < reach
