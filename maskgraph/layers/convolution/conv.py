"""Convolution over time, and its transpose."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.layers import activations
from maskgraph.layers.base.builtin import known_features, positive, require_features
from maskgraph.layers.base.windows import TimeLayer, choice, one_size


class Convolution(TimeLayer):
    """What the convolutions share: the windows, the bias and the activation."""

    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.kernel_size = one_size(self, "kernel_size", kernel_size)
        self.strides = one_size(self, "strides", strides)
        self.padding = choice(self, "padding", padding, self.paddings)
        self.dilation_rate = one_size(self, "dilation_rate", dilation_rate)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = bias_initializer

    def build(self, input_shape: Any) -> None:
        self.features = known_features(self, self.channels_last(input_shape))
        filters = self.add_kernels(self.features)
        if self.use_bias:
            self.bias = self.add_weight((filters,), self.bias_initializer, name="bias")

    def add_kernels(self, features: int) -> int:
        """Make the kernels for that many features; return the number of filters."""
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        require_features(self, self.channels_last(inputs.shape), self.features)
        return self.activation(super().call(inputs))

    def over_time(self, x: Any) -> Any:
        x = self.convolve(x)
        return ops.add(x, self.bias) if self.use_bias else x

    def convolve(self, x: Any) -> Any:
        raise NotImplementedError


class Conv1D(Convolution):
    """Convolution over time: each output is `activation(window @ kernel + bias)`.

    A sequence sees zeros before its first and after its last step, wherever they stand in the
    rectangle; a hole inside is zero. Mask in: its steps are zeros. Mask out: that of x for
    "same" and "causal"; for "valid", the places where a window begins that lies within the
    sequence; with strides, as many steps at the front as the sequence alone gives. Shapes:
    (batch, time, features) to (batch, new time, filters), float.

    Args:
        filters: the size of the result's last axis.
        kernel_size: the number of steps in a window.
        strides: from one window to the next. Those of a sequence begin where it begins.
        padding: "valid" (windows lie within the sequence), "same" (as many outputs as steps, by
            strides), or "causal" (no window reaches beyond its own step).
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.
        dilation_rate: from one step of a window to the next.
        groups: into how many the features and the filters are divided.
        activation: a name or function; None for linear.

    Raises:
        ShapeError: if the feature size is not known.
        ArgumentError: for sizes that are not positive; if the groups do not divide features and
            filters.

    Agrees with: keras.layers.Conv1D, 3.15, where there is no mask. Weights: kernel (kernel_size,
    features / groups, filters), bias (filters,).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0], [2.0], [0.0]]])
        >>> layers.Conv1D(4, 3, padding="same")(x).mask.tolist()
        [[True, True, False]]
    """

    paddings = ("valid", "same", "causal")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
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
        self.groups = positive(self, "groups", groups)
        self.kernel_initializer = kernel_initializer
        self._require_groups("filters", self.filters)

    def _require_groups(self, name: str, size: int) -> None:
        if size % self.groups:
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (Conv1D): groups do not divide the {name}",
                    received=f"groups={self.groups}, {size} {name}",
                    expected=f"a divisor of {size}",
                )
            )

    def add_kernels(self, features: int) -> int:
        self._require_groups("features", features)
        shape = (self.kernel_size, features // self.groups, self.filters)
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        return self.filters

    def convolve(self, x: Any) -> Any:
        return ops.conv(x, self.kernel, self.strides, self.padding, self.dilation_rate)
