"""The transpose of convolution over time, which makes sequences longer."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.layers.base.builtin import positive
from maskgraph.layers.convolution.conv import Convolution


class Conv1DTranspose(Convolution):
    """Transposed convolution over time: each step adds its product with the kernel to as many
    steps of the result, `strides` apart from those of the next step.

    Mask in: its steps add nothing. Mask out: each step `strides` times; for "valid", also the
    steps that the last one reaches beyond. Shapes: (batch, time, features) to (batch, new time,
    filters), float, with a new time of `time * strides` for "same" and
    `(time - 1) * strides + max(reach, strides)` for "valid", where the reach is
    `(kernel_size - 1) * dilation_rate + 1`; no step gives none.

    Args:
        filters: the size of the result's last axis.
        kernel_size: to how many steps each step adds something.
        strides: from where one step begins in the result to where the next one does.
        padding: "valid" or "same".
        output_padding: makes the new time `(time - 1) * strides` and this number and, for
            "valid", the reach, for "same", 1 if that is odd. None: as above.
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.
        dilation_rate: from one step that is added to to the next.
        activation: a name or function; None for linear.

    Raises:
        ShapeError: if the feature size is not known.
        ArgumentError: for sizes that are not positive, or an output_padding that is not less
            than the strides.

    Agrees with: keras.layers.Conv1DTranspose, 3.15, where there is no mask. Weights: kernel
    (kernel_size, filters, features), bias (filters,).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0], [2.0], [0.0]]])
        >>> layers.Conv1DTranspose(4, 3, strides=2)(x).mask.tolist()
        [[True, True, True, True, True, False, False]]
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.output_padding = self._less_than_strides(output_padding)
        self.kernel_initializer = kernel_initializer

    def _less_than_strides(self, value: Any) -> int | None:
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if value is not None and (not isinstance(value, int) or not 0 <= value < self.strides):
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (Conv1DTranspose): output_padding out of range",
                    received=repr(value),
                    expected=f"None, or from 0 to {self.strides - 1}, less than the strides",
                )
            )
        return value

    def add_kernels(self, features: int) -> int:
        shape = (self.kernel_size, self.filters, features)
        self.kernel = self.add_weight(shape, self.kernel_initializer, name="kernel")
        return self.filters

    def convolve(self, x: Any) -> Any:
        return ops.conv_transpose(
            x, self.kernel, self.strides, self.padding, self.output_padding, self.dilation_rate
        )
