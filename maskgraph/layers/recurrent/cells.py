"""Recurrent cells: what SimpleRNN, LSTM and GRU do at one step."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.layers.recurrent.cell import GatedCell, lstm_gates, with_forget_bias


class SimpleRNNCell(GatedCell):
    """One step of a SimpleRNN: `h = activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Mask in, mask out: none; the layer around a cell, `RNN`, sees the mask. Shapes: (batch,
    features) and a state (batch, units) to an output (batch, units) and a list of one state.

    Args:
        units: the size of the state.
        activation: a name, or any function written with `maskgraph.ops`.
        dropout: the share of the inputs to drop in training, the same at every step.
        recurrent_dropout: the share of the state to drop, likewise.

    Raises:
        ArgumentError: for a size or share out of range.

    Agrees with: keras.layers.SimpleRNNCell, 3.15. Weights: kernel (features, units),
    recurrent_kernel (units, units), bias (units,).

    Example:
        >>> import numpy as np
        >>> from maskgraph import layers
        >>> y, states = layers.SimpleRNNCell(4)([[1.0, 2.0]], [np.zeros((1, 4), "float32")])
        >>> y.shape, len(states)
        ((1, 4), 1)
    """

    kind = "simple"
    gates = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            "sigmoid",
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )

    def step(self, x: Any, states: list[Any], h: Any) -> list[Any]:
        x = x if self.bias is None else ops.add(x, self.bias)
        return [self.activation(ops.add(x, ops.matmul(states[0], self.recurrent_kernel)))]


class LSTMCell(GatedCell):
    """One step of an LSTM. Its states are the output h and the cell state c.

    Mask in, mask out: none; the layer around a cell, `RNN`, sees the mask. Shapes: (batch,
    features) and two states (batch, units) to an output (batch, units) and a list of two states.

    Args:
        units: the size of each state.
        activation, recurrent_activation: names, or functions written with `maskgraph.ops`.
        unit_forget_bias: whether the forget gate's bias starts at 1.
        dropout: the share of the inputs to drop in training, the same at every step.
        recurrent_dropout: the share of h to drop, likewise. One draw serves all gates.

    Raises:
        ArgumentError: for a size or share out of range.

    Source: Hochreiter and Schmidhuber, 1997, https://doi.org/10.1162/neco.1997.9.8.1735
    Agrees with: keras.layers.LSTMCell, 3.15, but that with a recurrent dropout it draws once for
    each gate. Weights: kernel (features, 4 units), recurrent_kernel (units, 4 units), bias
    (4 units,); gates i, f, c, o.

    Example:
        >>> from maskgraph import layers
        >>> layers.RNN(layers.LSTMCell(4))([[[1.0, 2.0], [3.0, 4.0]]]).shape
        (1, 4)
    """

    kind = "lstm"
    gates = 4
    num_states = 2

    def __init__(
        self,
        units: int,
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
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            recurrent_activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            with_forget_bias(bias_initializer) if unit_forget_bias else bias_initializer,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.unit_forget_bias = unit_forget_bias

    def step(self, x: Any, states: list[Any], h: Any) -> list[Any]:
        h, c = states
        z = x if self.bias is None else ops.add(x, self.bias)
        z = ops.add(z, ops.matmul(h, self.recurrent_kernel))
        return lstm_gates(z, c, self.activation, self.recurrent_activation)


class GRUCell(GatedCell):
    """One step of a GRU.

    Mask in, mask out: none; the layer around a cell, `RNN`, sees the mask. Shapes: (batch,
    features) and a state (batch, units) to an output (batch, units) and a list of one state.

    Args:
        units: the size of the state.
        activation, recurrent_activation: names, or functions written with `maskgraph.ops`.
        dropout: the share of the inputs to drop in training, the same at every step.
        recurrent_dropout: the share of the state to drop, likewise. One draw serves all gates.
        reset_after: whether the reset gate acts after the recurrent product, as in cuDNN.

    Raises:
        ArgumentError: for a size or share out of range.

    Source: Cho et al., 2014, https://arxiv.org/abs/1406.1078
    Agrees with: keras.layers.GRUCell, 3.15, but that with a recurrent dropout it draws once for
    each gate. Weights: kernel (features, 3 units), recurrent_kernel (units, 3 units), bias
    (2, 3 units), or (3 units,) without `reset_after`; gates z, r, h.

    Example:
        >>> from maskgraph import layers
        >>> layers.RNN(layers.GRUCell(4), return_sequences=True)([[[1.0], [3.0]]]).shape
        (1, 2, 4)
    """

    kind = "gru"
    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            recurrent_activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.reset_after = reset_after

    def step(self, x: Any, states: list[Any], h: Any) -> list[Any]:
        x_bias, h_bias = self._biases()
        x = x if x_bias is None else ops.add(x, x_bias)
        cut = [2 * self.units]
        x_gates, x_new = ops.split(x, cut, axis=1)
        gates_kernel, new_kernel = ops.split(self.recurrent_kernel.symbol, cut, axis=1)
        gates, new = ops.matmul(states[0], gates_kernel), None
        if self.reset_after:
            new = ops.matmul(states[0], new_kernel)
            if h_bias is not None:
                gates_bias, new_bias = ops.split(h_bias, cut, axis=0)
                gates, new = ops.add(gates, gates_bias), ops.add(new, new_bias)
        z, r = ops.split(self.recurrent_activation(ops.add(x_gates, gates)), 2, axis=1)
        if new is None:
            new = ops.matmul(ops.multiply(r, states[0]), new_kernel)
        else:
            new = ops.multiply(r, new)
        new = self.activation(ops.add(x_new, new))
        return [ops.add(ops.multiply(z, h), ops.multiply(ops.subtract(1, z), new))]

    def _biases(self) -> tuple[Any, Any]:
        """Return the bias of the inputs, and of the state; None where there is none."""
        if self.bias is None or not self.reset_after:
            return self.bias, None
        return self.bias.symbol[0], self.bias.symbol[1]
