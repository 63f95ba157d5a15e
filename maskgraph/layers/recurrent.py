"""Recurrent layers: SimpleRNN, LSTM and GRU.

A masked step is skipped: the states after it are those before it, so the final state is that of
the last step that exists, and a sequence without steps gives the initial state.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from maskgraph import ops
from maskgraph.errors import ShapeError, explain
from maskgraph.layers import activations, initializers
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
    known_features,
    positive,
    require_features,
    require_rank,
)


class Recurrent(BuiltinLayer):
    """What the recurrent layers share: their weights, states, and what they return."""

    cell: ClassVar[str]
    gates: ClassVar[int]
    num_states: ClassVar[int] = 1
    reset_after: bool = False

    def __init__(
        self,
        units: int,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive(self, "units", units)
        self.activation = activations.kernel_name(activation)
        self.recurrent_activation = activations.kernel_name(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards

    def build(self, input_shape: Any) -> None:
        require_rank(self, input_shape, exactly=3)
        width = self.gates * self.units
        self.kernel = self.add_weight(
            (known_features(self, input_shape), width), self.kernel_initializer, name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width), self.recurrent_initializer, name="recurrent_kernel"
        )
        self.bias = None
        if self.use_bias:
            shape = (2, width) if self.reset_after else (width,)
            self.bias = self.add_weight(shape, self.bias_initializer, name="bias")

    def call(self, sequences: Any, initial_state: Any = None) -> Any:
        require_rank(self, sequences.shape, exactly=3)
        require_features(self, sequences.shape, self.kernel.shape[0])
        outputs, *states = ops.rnn(
            sequences,
            None,
            self._states(initial_state),
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            cell=self.cell,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            go_backwards=self.go_backwards,
            reset_after=self.reset_after,
        )
        result = outputs if self.return_sequences else states[0]
        return (result, *states) if self.return_state else result

    def _states(self, given: Any) -> list[Any]:
        """Return the initial states as a list; None stands for zeros."""
        if given is None:
            return [None] * self.num_states
        states = list(given) if isinstance(given, list | tuple) else [given]
        shapes = [None if s is None else tuple(s.shape) for s in states]
        fits = all(s is None or (len(s) == 2 and s[1] in (self.units, None)) for s in shapes)
        if len(states) != self.num_states or not fits:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): initial_state does not fit",
                    received=", ".join(map(str, shapes)),
                    expected=f"{self.num_states} of shape (batch, {self.units})",
                    fix="give the states that return_state=True returns, without the output",
                )
            )
        return states


class SimpleRNN(Recurrent):
    """`h = activation(x @ kernel + h @ recurrent_kernel + bias)`, step by step.

    Mask in: its steps are skipped. Mask out: with `return_sequences` that of x (reversed, as the
    outputs are, with `go_backwards`), else none. Shapes: (batch, time, features) to
    (batch, units) or (batch, time, units).

    Args:
        units: the size of the state.
        return_sequences: whether to return the output of every step, not just the last.
        return_state: whether to return the final state after the output.
        go_backwards: whether to go from the last step to the first.

    Raises:
        ShapeError: for an input that is not of rank 3, or a state that does not fit.

    Agrees with: keras.layers.SimpleRNN, 3.15. Weights: kernel (features, units),
    recurrent_kernel (units, units), bias (units,).

    Example:
        >>> from maskgraph import layers
        >>> layers.SimpleRNN(4)([[[1.0, 2.0], [3.0, 4.0]]]).shape
        (1, 4)
    """

    cell = "simple"
    gates = 1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
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
            return_sequences,
            return_state,
            go_backwards,
            **kwargs,
        )


class LSTM(Recurrent):
    """Long short-term memory. Its states are the output h and the cell state c.

    Mask in: its steps are skipped. Mask out: with `return_sequences` that of x (reversed, as the
    outputs are, with `go_backwards`), else none. Shapes: (batch, time, features) to
    (batch, units) or (batch, time, units).

    Args:
        units: the size of each state.
        unit_forget_bias: whether the forget gate's bias starts at 1.
        return_sequences: whether to return the output of every step, not just the last.
        return_state: whether to return the final states after the output.
        go_backwards: whether to go from the last step to the first.

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

    cell = "lstm"
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            recurrent_activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            _with_forget_bias(bias_initializer) if unit_forget_bias else bias_initializer,
            return_sequences,
            return_state,
            go_backwards,
            **kwargs,
        )
        self.unit_forget_bias = unit_forget_bias


def _with_forget_bias(initializer: Any) -> initializers.Draw:
    """Return an initializer of the bias of all gates, with ones for the forget gate."""
    draw = initializers.get(initializer)

    def bias(shape: tuple[int, ...], dtype: str, generator: np.random.Generator) -> np.ndarray:
        units = shape[0] // 4
        parts = [
            draw((units,), dtype, generator),
            np.ones(units, dtype),
            draw((2 * units,), dtype, generator),
        ]
        return np.concatenate(parts)

    return bias


class GRU(Recurrent):
    """Gated recurrent unit.

    Mask in: its steps are skipped. Mask out: with `return_sequences` that of x (reversed, as the
    outputs are, with `go_backwards`), else none. Shapes: (batch, time, features) to
    (batch, units) or (batch, time, units).

    Args:
        units: the size of the state.
        return_sequences: whether to return the output of every step, not just the last.
        return_state: whether to return the final state after the output.
        go_backwards: whether to go from the last step to the first.
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

    cell = "gru"
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        reset_after: bool = True,
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
            return_sequences,
            return_state,
            go_backwards,
            **kwargs,
        )
        self.reset_after = reset_after
