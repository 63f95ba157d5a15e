"""Long short-term memory whose products are convolutions, for sequences of rows."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.layers import activations
from maskgraph.layers.base.builtin import known_features, positive, require_features
from maskgraph.layers.base.windows import choice, one_size
from maskgraph.layers.recurrent.cell import (
    DropoutCell,
    for_cell,
    lstm_gates,
    with_forget_bias,
)
from maskgraph.layers.recurrent.rnn import RNN


class ConvLSTMCell(DropoutCell):
    """One step of a ConvLSTM1D: (batch, rows, channels) and two states of (batch, rows, filters).

    Mask in, mask out: none; the layer around a cell sees the mask.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        dilation_rate: Any,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout, recurrent_dropout, seed, **kwargs)
        self.filters = positive(self, "filters", filters)
        self.kernel_size = one_size(self, "kernel_size", kernel_size)
        self.strides = one_size(self, "strides", strides)
        self.padding = choice(self, "padding", padding, ("valid", "same"))
        self.dilation_rate = one_size(self, "dilation_rate", dilation_rate)
        if self.strides > 1 and self.dilation_rate > 1:
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (ConvLSTMCell): strides and dilation_rate do not go "
                    "together",
                    received=f"strides={self.strides}, dilation_rate={self.dilation_rate}",
                    expected="one of them to be 1",
                )
            )
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.state_size = [self.filters, self.filters]
        self.output_size = self.filters

    def build(self, input_shape: Any) -> None:
        channels, width = known_features(self, input_shape), 4 * self.filters
        if input_shape[-2] is None:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (ConvLSTMCell): the number of rows must be known",
                    received=tuple(input_shape),
                    expected="(batch, time, rows, channels) with a number for rows",
                    fix="give it in Input(shape=(None, rows, channels))",
                )
            )
        self.kernel = self.add_weight(
            (self.kernel_size, channels, width), self.kernel_initializer, name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            (self.kernel_size, self.filters, width),
            self.recurrent_initializer,
            name="recurrent_kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight((width,), self.bias_initializer, name="bias")
        self.rows = self._rows_out(int(input_shape[-2]))

    def _rows_out(self, rows: int) -> int:
        reach = (self.kernel_size - 1) * self.dilation_rate
        begins = max(rows - reach, 0) if self.padding == "valid" else rows
        return -(-begins // self.strides)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Return the states before the first step: zeros."""
        shape = (batch_size, self.rows, self.filters)
        return [ops.zeros(shape, self.dtype), ops.zeros(shape, self.dtype)]

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        require_features(self, inputs.shape, self.kernel.shape[1])
        x = self.dropped(inputs, self.dropout, training)
        z = ops.conv(x, self.kernel, self.strides, self.padding, self.dilation_rate)
        h, c = self.dropped(states[0], self.recurrent_dropout, training), states[1]
        z = z if self.bias is None else ops.add(z, self.bias)
        z = ops.add(z, ops.conv(h, self.recurrent_kernel, padding="same"))
        new = lstm_gates(z, c, self.activation, self.recurrent_activation)
        return new[0], new


class ConvLSTM1D(RNN):
    """An LSTM over steps that are rows of channels: its products with kernels are convolutions.

    Mask in: of (batch, time); its steps are skipped. Rows carry no mask: one of (batch, time,
    rows) is lost, and a step exists if any of its rows does. Mask out: with `return_sequences`
    that of x (reversed, as the outputs are, with `go_backwards`), else none. Shapes: (batch, time,
    rows, channels) to (batch, new rows, filters) or (batch, time, new rows, filters).

    Args:
        filters: the channels of each state.
        kernel_size, strides, dilation_rate: of the convolution of the inputs, over the rows; that
            of the state has the same kernel size, steps of 1, and "same" padding.
        padding: "valid" or "same".
        data_format: "channels_last", or None for the same.
        unit_forget_bias: whether the forget gate's bias starts at 1.
        return_sequences: whether to return the output of every step, not just the last.
        return_state: whether to return the final states after the output.
        go_backwards: whether to go from the last step to the first.
        stateful: whether each call goes on from the states in which the last one ended, row by
            row, until `reset_states()`. The batch size must be known.
        dropout: the share of the inputs to drop in training, the same at every step.
        recurrent_dropout: the share of h to drop, likewise. One draw serves all gates.

    Raises:
        ArgumentError: for a size out of range, or data in another format.
        ShapeError: for an input that is not of rank 4, or whose number of rows is not known.

    Source: Shi et al., 2015, https://arxiv.org/abs/1506.04214
    Agrees with: keras.layers.ConvLSTM1D, 3.15, but that in training it draws once for each gate.
    Weights: kernel (kernel size, channels, 4 filters), recurrent_kernel (kernel size, filters,
    4 filters), bias (4 filters,); gates i, f, c, o.

    Example:
        >>> import numpy as np
        >>> from maskgraph import layers
        >>> film = np.ones((1, 5, 6, 3), "float32")  # five steps of six rows of three channels
        >>> layers.ConvLSTM1D(4, kernel_size=3, return_sequences=True)(film).shape
        (1, 5, 4, 4)
    """

    input_rank = 4

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        if data_format not in (None, "channels_last"):
            raise ArgumentError(
                explain(
                    "ConvLSTM1D: unknown data_format",
                    received=repr(data_format),
                    expected="'channels_last': (batch, time, rows, channels)",
                    fix="move the channels to the end: layers.Permute((1, 3, 2))",
                )
            )
        cell = ConvLSTMCell(
            filters,
            kernel_size,
            strides,
            padding,
            dilation_rate,
            activation,
            recurrent_activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            with_forget_bias(bias_initializer) if unit_forget_bias else bias_initializer,
            dropout,
            recurrent_dropout,
            seed,
            **for_cell(kwargs, "conv_lstm_cell"),
        )
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, **kwargs)
        self.filters = cell.filters
