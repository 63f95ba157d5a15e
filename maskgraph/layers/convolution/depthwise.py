"""Convolution over time of each feature by itself."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.layers.base.builtin import positive
from maskgraph.layers.convolution.conv import Convolution


class DepthwiseConv1D(Convolution):
    """Convolution over time of each feature by itself, with `depth_multiplier` filters each.

    Masks as for `Conv1D`: masked steps are zeros; mask out: that of x for "same"; for "valid",
    where a window begins that lies within the sequence; with strides, right-padded. Shapes:
    (batch, time, features) to (batch, new time, features * depth_multiplier), float.

    Args:
        kernel_size: the number of steps in a window.
        strides: from one window to the next. Those of a sequence begin where it begins.
        padding: "valid" or "same".
        depth_multiplier: the number of filters for each feature.
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.
        dilation_rate: from one step of a window to the next.
        activation: a name or function; None for linear.

    Raises:
        ShapeError: if the feature size is not known.
        ArgumentError: for sizes that are not positive.

    Agrees with: keras.layers.DepthwiseConv1D, 3.15, where there is no mask. Weights: kernel
    (kernel_size, features, depth_multiplier), bias (features * depth_multiplier,).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0, 5.0], [2.0, 6.0], [0.0, 0.0]]])
        >>> y = layers.DepthwiseConv1D(2, depth_multiplier=3)(x)
        >>> y.shape, y.mask.tolist()
        ((1, 2, 6), [[True, False]])
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            **kwargs,
        )
        self.depth_multiplier = positive(self, "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = depthwise_initializer

    def add_kernels(self, features: int) -> int:
        shape = (self.kernel_size, features, self.depth_multiplier)
        self.kernel = self.add_weight(shape, self.depthwise_initializer, name="kernel")
        return features * self.depth_multiplier

    def convolve(self, x: Any) -> Any:
        return depthwise(self, x, self.kernel)


class SeparableConv1D(Convolution):
    """Convolution over time of each feature by itself, then a product that mixes the features of
    each step.

    Masks as for `Conv1D`: masked steps are zeros; mask out: that of x for "same"; for "valid",
    where a window begins that lies within the sequence; with strides, right-padded. Shapes:
    (batch, time, features) to (batch, new time, filters), float.

    Args:
        filters: the size of the result's last axis.
        kernel_size: the number of steps in a window.
        strides: from one window to the next. Those of a sequence begin where it begins.
        padding: "valid" or "same".
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.
        dilation_rate: from one step of a window to the next.
        depth_multiplier: the number of filters for each feature, before they are mixed.
        activation: a name or function; None for linear.

    Raises:
        ShapeError: if the feature size is not known.
        ArgumentError: for sizes that are not positive.

    Agrees with: keras.layers.SeparableConv1D, 3.15, where there is no mask. Weights:
    depthwise_kernel (kernel_size, features, depth_multiplier), pointwise_kernel (1, features *
    depth_multiplier, filters), bias (filters,).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0, 5.0], [2.0, 6.0], [0.0, 0.0]]])
        >>> layers.SeparableConv1D(4, 2, strides=2, padding="same")(x).mask.tolist()
        [[True, False]]
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            **kwargs,
        )
        self.filters = positive(self, "filters", filters)
        self.depth_multiplier = positive(self, "depth_multiplier", depth_multiplier)
        self.depthwise_initializer = depthwise_initializer
        self.pointwise_initializer = pointwise_initializer

    def add_kernels(self, features: int) -> int:
        self.depthwise_kernel = self.add_weight(
            (self.kernel_size, features, self.depth_multiplier),
            self.depthwise_initializer,
            name="depthwise_kernel",
        )
        self.pointwise_kernel = self.add_weight(
            (1, features * self.depth_multiplier, self.filters),
            self.pointwise_initializer,
            name="pointwise_kernel",
        )
        return self.filters

    def convolve(self, x: Any) -> Any:
        return ops.conv(depthwise(self, x, self.depthwise_kernel), self.pointwise_kernel)


def depthwise(layer: Convolution, x: Any, kernel: Any) -> Any:
    """Convolve each feature with its filters: (taps, features, filters of each)."""
    taps, features, filters = kernel.shape
    # its symbol: an op on a weight alone would compute with the value of this moment
    grouped = ops.reshape(kernel.symbol, (taps, 1, features * filters))
    return ops.conv(x, grouped, layer.strides, layer.padding, layer.dilation_rate)
