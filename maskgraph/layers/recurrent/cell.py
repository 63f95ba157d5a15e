"""What recurrent cells share: dropout that is the same at every step, weights, and gates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import numpy as np

from maskgraph import ops
from maskgraph.graph import next_entropy
from maskgraph.layers import activations, initializers
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
    known_features,
    positive,
    require_features,
    share,
)

_batch: ContextVar[Any] = ContextVar("batch", default=None)


@contextmanager
def one_sequence(batch: Any) -> Iterator[None]:
    """Let cells that are called in the block draw once for a whole sequence.

    Args:
        batch: the number of sequences, symbolic or not.
    """
    token = _batch.set(batch)
    try:
        yield
    finally:
        _batch.reset(token)


class DropoutCell(BuiltinLayer):
    """A cell that may drop a share of its inputs and of its state, the same at every step."""

    def __init__(
        self, dropout: float, recurrent_dropout: float, seed: int | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = share(self, "dropout", dropout, below_one=True)
        self.recurrent_dropout = share(self, "recurrent_dropout", recurrent_dropout, below_one=True)
        self.generator = np.random.default_rng(next_entropy() if seed is None else seed)

    def dropped(self, x: Any, rate: float, training: bool) -> Any:
        """Return one step of the inputs, or a state, with a share set to 0 in training."""
        if not training or rate == 0:
            return x
        batch = _batch.get()
        # drawn from a tensor that does not change with the steps, the numbers do not, either
        like = x if batch is None else ops.zeros((batch, *x.shape[1:]))
        return ops.dropout(x, ops.random_keep(like, rate, self.generator), rate)

    def dropped_sequence(self, x: Any, training: bool) -> Any:
        """Return a sequence of inputs (batch, time, features), dropped alike at every step."""
        if not training or self.dropout == 0:
            return x
        like = ops.zeros((ops.shape(x)[0], 1, *x.shape[2:]))
        return ops.dropout(x, ops.random_keep(like, self.dropout, self.generator), self.dropout)


class GatedCell(DropoutCell):
    """What the cells of SimpleRNN, LSTM and GRU share: their weights, and how they start."""

    kind: ClassVar[str]
    """The name by which `ops.rnn` knows the cell."""
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
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout, recurrent_dropout, seed, **kwargs)
        self.units = positive(self, "units", units)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.recurrent_initializer = recurrent_initializer
        self.bias_initializer = bias_initializer
        self.state_size: Any = self.units if self.num_states == 1 else [units] * self.num_states
        self.output_size = self.units

    def build(self, input_shape: Any) -> None:
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

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Return the states before the first step: zeros."""
        return [ops.zeros((batch_size, self.units), self.dtype) for _ in range(self.num_states)]

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        require_features(self, inputs.shape, self.kernel.shape[0])
        h, *rest = states if isinstance(states, list | tuple) else [states]
        x = ops.matmul(self.dropped(inputs, self.dropout, training), self.kernel)
        new = self.step(x, [self.dropped(h, self.recurrent_dropout, training), *rest], h)
        return new[0], new

    def step(self, x: Any, states: list[Any], h: Any) -> list[Any]:
        """Return the new states, the output first.

        Args:
            x: the inputs times the kernel, without bias.
            states: those before, `h` with a share of it dropped.
            h: the output before, whole.
        """
        raise NotImplementedError


def for_cell(kwargs: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what a layer and its cell have in common."""
    return {"name": name, **{k: kwargs[k] for k in ("dtype", "trainable") if k in kwargs}}


def lstm_gates(z: Any, c: Any, activation: Any, recurrent_activation: Any) -> list[Any]:
    """Return h and c for what all gates together get, and c before."""
    i, f, g, o = ops.split(z, 4, axis=-1)
    kept = ops.multiply(recurrent_activation(f), c)
    c = ops.add(kept, ops.multiply(recurrent_activation(i), activation(g)))
    return [ops.multiply(recurrent_activation(o), activation(c)), c]


def with_forget_bias(initializer: Any) -> initializers.Draw:
    """Return an initializer of the bias of an LSTM's gates, with ones for the forget gate."""
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
