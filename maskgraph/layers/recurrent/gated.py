"""SimpleRNN, LSTM and GRU: recurrent layers whose whole loop is one op.

They are `RNN`s of their cells. The op `ops.rnn` does the same as a loop over the cell, and is
what backends have kernels for; the loop is for what it cannot do.
"""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.backend.recurrent import Cell
from maskgraph.layers.activations import kernel_name
from maskgraph.layers.base.builtin import require_features
from maskgraph.layers.recurrent.cell import GatedCell, for_cell
from maskgraph.layers.recurrent.cells import GRUCell, LSTMCell, SimpleRNNCell
from maskgraph.layers.recurrent.rnn import RNN


class Recurrent(RNN):
    """What SimpleRNN, LSTM and GRU share: a cell of their own, and a kernel for the loop."""

    input_rank = 3
    cell: GatedCell

    def __init__(
        self,
        cell: GatedCell,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        stateful: bool,
        unroll: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs
        )
        self.units = cell.units
        self.activation = cell.activation
        self.recurrent_activation = cell.recurrent_activation
        self.use_bias = cell.use_bias
        self.dropout = cell.dropout
        self.recurrent_dropout = cell.recurrent_dropout

    def loop(
        self, sequences: Any, structure: list[Any], states: list[Any], training: bool
    ) -> tuple[Any, ...]:
        cell = self.cell
        require_features(self, sequences.shape, cell.kernel.shape[0])
        activation = kernel_name(cell.activation)
        gate = kernel_name(cell.recurrent_activation)
        if activation is None or gate is None or (training and cell.recurrent_dropout):
            return super().loop(sequences, structure, states, training)
        # zeros to begin with are for the kernel to make
        zeros = set(map(id, structure))
        outputs, *final = ops.rnn(
            cell.dropped_sequence(sequences, training),
            None,
            [None if id(s) in zeros else s for s in states],
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            cell=Cell(cell.kind, activation, gate, cell.reset_after),
            go_backwards=self.go_backwards,
        )
        return (outputs, final[0], *final)


class SimpleRNN(Recurrent):
    """`h = activation(x @ kernel + h @ recurrent_kernel + bias)`, step by step.

    Mask in: its steps are skipped. Mask out: with `return_sequences` that of x (reversed, as the
    outputs are, with `go_backwards`), else none. Shapes: (batch, time, features) to
    (batch, units) or (batch, time, units).

    Args:
        units: the size of the state.
        dropout: the share of the inputs to drop in training, the same at every step.
        recurrent_dropout: the share of the state to drop, likewise.
        return_sequences: whether to return the output of every step, not just the last.
        return_state: whether to return the final state after the output.
        go_backwards: whether to go from the last step to the first.
        stateful: whether each call goes on from the states in which the last one ended, row by
            row, until `reset_states()`. The batch size must be known.
        unroll: accepted for Keras's sake; how the loop is run makes no difference to the result.

    Raises:
        ShapeError: for an input that is not of rank 3, or a state that does not fit.

    Agrees with: keras.layers.SimpleRNN, 3.15. Weights: kernel (features, units),
    recurrent_kernel (units, units), bias (units,).

    Example:
        >>> from maskgraph import layers
        >>> layers.SimpleRNN(4)([[[1.0, 2.0], [3.0, 4.0]]]).shape
        (1, 4)
    """

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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            dropout,
            recurrent_dropout,
            seed,
            **for_cell(kwargs, "simple_rnn_cell"),
        )
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs
        )


class LSTM(Recurrent):
    """Long short-term memory. Its states are the output h and the cell state c.

    Mask in: its steps are skipped. Mask out: with `return_sequences` that of x (reversed, as the
    outputs are, with `go_backwards`), else none. Shapes: (batch, time, features) to
    (batch, units) or (batch, time, units).

    Args:
        units: the size of each state.
        unit_forget_bias: whether the forget gate's bias starts at 1.
        dropout: the share of the inputs to drop in training, the same at every step.
        recurrent_dropout: the share of h to drop, likewise. One draw serves all gates.
        return_sequences: whether to return the output of every step, not just the last.
        return_state: whether to return the final states after the output.
        go_backwards: whether to go from the last step to the first.
        stateful: whether each call goes on from the states in which the last one ended, row by
            row, until `reset_states()`. The batch size must be known.
        unroll: accepted for Keras's sake; how the loop is run makes no difference to the result.

    Raises:
        ShapeError: for an input that is not of rank 3, or states that do not fit.

    Source: Hochreiter and Schmidhuber, 1997, https://doi.org/10.1162/neco.1997.9.8.1735
    Agrees with: keras.layers.LSTM, 3.15. Weights: kernel (features, 4 units), recurrent_kernel
    (units, 4 units), bias (4 units,); gates i, f, c, o.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0], [2.0], [0.0]]])
        >>> y, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(x)
        >>> y.mask.tolist(), (y.numpy()[0, 1] == h.numpy()[0]).all()
        ([[True, True, False]], np.True_)
    """

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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            units,
            activation,
            recurrent_activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            unit_forget_bias,
            dropout,
            recurrent_dropout,
            seed,
            **for_cell(kwargs, "lstm_cell"),
        )
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs
        )
        self.unit_forget_bias = unit_forget_bias


class GRU(Recurrent):
    """Gated recurrent unit.

    Mask in: its steps are skipped. Mask out: with `return_sequences` that of x (reversed, as the
    outputs are, with `go_backwards`), else none. Shapes: (batch, time, features) to
    (batch, units) or (batch, time, units).

    Args:
        units: the size of the state.
        dropout: the share of the inputs to drop in training, the same at every step.
        recurrent_dropout: the share of the state to drop, likewise. One draw serves all gates.
        return_sequences: whether to return the output of every step, not just the last.
        return_state: whether to return the final state after the output.
        go_backwards: whether to go from the last step to the first.
        stateful: whether each call goes on from the states in which the last one ended, row by
            row, until `reset_states()`. The batch size must be known.
        unroll: accepted for Keras's sake; how the loop is run makes no difference to the result.
        reset_after: whether the reset gate acts after the recurrent product, as in cuDNN.

    Raises:
        ShapeError: for an input that is not of rank 3, or a state that does not fit.

    Source: Cho et al., 2014, https://arxiv.org/abs/1406.1078
    Agrees with: keras.layers.GRU, 3.15. Weights: kernel (features, 3 units), recurrent_kernel
    (units, 3 units), bias (2, 3 units), or (3 units,) without `reset_after`; gates z, r, h.

    Example:
        >>> from maskgraph import layers
        >>> layers.GRU(4, return_sequences=True)([[[1.0, 2.0], [3.0, 4.0]]]).shape
        (1, 2, 4)
    """

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
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            units,
            activation,
            recurrent_activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            dropout,
            recurrent_dropout,
            reset_after,
            seed,
            **for_cell(kwargs, "gru_cell"),
        )
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs
        )
        self.reset_after = reset_after
