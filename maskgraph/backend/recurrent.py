"""Recurrent layers on any backend: a loop over time that masked steps leave untouched."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

Array = Any
Activation = Callable[[Array], Array]


@dataclass(frozen=True)
class Cell:
    """What a recurrent layer computes at a step.

    Attributes:
        kind: "simple", "lstm" or "gru".
        activation: the name of the activation of the new state; see `RecurrentOps.activation`.
        recurrent_activation: that of the gates.
        reset_after: whether a GRU resets what the product has made of the state, as in cuDNN, and
            not the state itself.
    """

    kind: str
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    reset_after: bool = True


class RecurrentOps(ABC):
    """Recurrent kernels, composed of primitives. A backend may override `rnn` and `scan`."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def rnn(
        self,
        x: Array,
        mask: Array | None,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        """Run a recurrent layer over `x` (batch, time, features).

        A masked step changes neither state nor output: the states after it are those before.

        Args:
            states: the initial states, (batch, units) each; None for zeros.
            kernel: (features, gates * units); gates as in Keras: LSTM i, f, c, o; GRU z, r, h.
            recurrent_kernel: (units, gates * units).
            bias: (gates * units,), or (2, gates * units) for a GRU with `reset_after`.

        Returns:
            The outputs of all steps (batch, time, units), in the order they were computed, and
            the final states.
        """
        batch = self.shape(x)[0]
        units = self.shape(recurrent_kernel)[0]
        if go_backwards:
            x = self.flip(x, 1)
            mask = None if mask is None else self.flip(mask, 1)
        current = [self.zeros((batch, units), self.dtype(x)) if s is None else s for s in states]
        step = self._cell(cell, recurrent_kernel, bias)
        # the inputs of all steps are projected in one product; the loop only recurs
        projected = self._project(x, kernel, bias)
        # taken apart at once: a slice for each step would have a gradient as large as all of them
        inputs = self.unstack(projected, 1)
        exists: Sequence[Array | None] = (
            [None] * len(inputs) if mask is None else self.unstack(self.expand_dims(mask, (2,)), 1)
        )
        outputs = []
        for row, valid in zip(inputs, exists, strict=True):
            new = step(row, current)
            if valid is not None:
                new = [self.where(valid, n, c) for n, c in zip(new, current, strict=True)]
            current = new
            outputs.append(current[0])
        sequence = (
            self.stack(outputs, 1) if outputs else self.zeros((batch, 0, units), self.dtype(x))
        )
        return (sequence, *current)

    def scan(
        self,
        x: Array,
        mask: Array | None,
        states: Sequence[Array],
        captured: Sequence[Array],
        step: Any,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        """Run a step function over `x` (batch, time, …).

        A masked step changes neither states nor output: both stay what they were.

        Args:
            states: the initial states, (batch, …) each.
            captured: the tensors that the step reads at every step.
            step: a `maskgraph.plan.StepBody`. `step.on(backend, x, states, captured)` returns a
                function of (one step of x, states) that returns (output, new states), with a
                method `before` for the output before any step.

        Returns:
            The outputs of all steps (batch, time, …), in the order they were computed, the last
            one, and the final states.
        """
        if go_backwards:
            x = self.flip(x, 1)
            mask = None if mask is None else self.flip(mask, 1)
        batch, steps = self.shape(x)[:2]
        run = step.on(self, x, states, captured)
        current = [run.before(batch, states), *states]
        exists = [None] * steps if mask is None else self.unstack(mask, 1)
        outputs = []
        for row, valid in zip(self.unstack(x, 1), exists, strict=True):
            output, new = run(row, current[1:])
            current = [
                self._kept(valid, a, b) for a, b in zip([output, *new], current, strict=True)
            ]
            outputs.append(current[0])
        last = current[0]
        if outputs:
            sequence = self.stack(outputs, 1)
        else:
            sequence = self.zeros((batch, 0, *self.shape(last)[1:]), self.dtype(last))
        return (sequence, *current)

    def _project(self, x: Array, kernel: Array, bias: Array | None) -> Array:
        """Return what the gates of all steps get from the inputs."""
        projected = self.matmul(x, kernel)
        if bias is None:
            return projected
        return self.add(projected, self.getitem(bias, (0,)) if len(self.shape(bias)) == 2 else bias)

    def _kept(self, valid: Array | None, new: Array, old: Array) -> Array:
        """Return `new` in the rows where the step exists, `old` in the others."""
        if valid is None:
            return new
        return self.where(self.align_mask(valid, len(self.shape(new))), new, old)

    def _cell(
        self, cell: Cell, recurrent_kernel: Array, bias: Array | None
    ) -> Callable[[Array, list[Array]], list[Array]]:
        """Return a cell as a function of what its gates get from the inputs, and the states."""
        if cell.kind == "gru" and not cell.reset_after:
            act, gate = self._activations(cell)
            return lambda x, s: self._gru_resetting_first(x, s, recurrent_kernel, act, gate)
        after = self._after_products(cell)
        return lambda x, s: after(x, self._recur(s[0], cell, recurrent_kernel, bias), s)

    def _recur(self, h: Array, cell: Cell, recurrent_kernel: Array, bias: Array | None) -> Array:
        """Return what the gates get from the output before; a GRU has a bias for it."""
        product = self.matmul(h, recurrent_kernel)
        if bias is None or cell.kind != "gru":
            return product
        return self.add(product, self.getitem(bias, (1,)))

    def _after_products(self, cell: Cell) -> Callable[[Array, Array, list[Array]], list[Array]]:
        """Return what a cell makes, element by element, of what its gates get from the inputs and
        from the output before, and of the states."""
        act, gate = self._activations(cell)
        if cell.kind == "simple":
            return lambda x, recurrent, states: [act(self.add(x, recurrent))]
        step = self._lstm_step if cell.kind == "lstm" else self._gru_step
        return lambda x, recurrent, states: step(x, recurrent, states, act, gate)

    def _activations(self, cell: Cell) -> tuple[Activation, Activation]:
        return self.activation(cell.activation), self.activation(cell.recurrent_activation)

    def activation(self, name: str) -> Activation:
        """Return the function for an activation's name ("linear" is the identity)."""
        if name == "linear":
            return lambda x: x
        if name == "gelu":
            return lambda x: self.gelu(x, False)
        if name == "elu":
            return lambda x: self.elu(x, 1.0)
        if name == "leaky_relu":
            return lambda x: self.leaky_relu(x, 0.2)
        if name in ("softmax", "log_softmax"):
            return lambda x: getattr(self, name)(x, len(self.shape(x)) - 1)
        function: Activation = getattr(self, name)
        return function

    def _lstm_step(
        self, x: Array, recurrent: Array, states: list[Array], act: Activation, gate: Activation
    ) -> list[Array]:
        i, f, g, o = self.split(self.add(x, recurrent), 4, 1)
        c = self.add(self.multiply(gate(f), states[1]), self.multiply(gate(i), act(g)))
        return [self.multiply(gate(o), act(c)), c]

    def _gru_step(
        self, x: Array, recurrent: Array, states: list[Array], act: Activation, gate: Activation
    ) -> list[Array]:
        (h,) = states
        units = self.shape(h)[1]
        x_gates, x_new = self.split(x, [2 * units], 1)
        h_gates, h_new = self.split(recurrent, [2 * units], 1)
        z, r = self.split(gate(self.add(x_gates, h_gates)), 2, 1)
        return [self._updated(h, z, act(self.add(x_new, self.multiply(r, h_new))))]

    def _gru_resetting_first(
        self, x: Array, states: list[Array], kernel: Array, act: Activation, gate: Activation
    ) -> list[Array]:
        """Reset the state before it is multiplied with the kernel, which takes two products."""
        (h,) = states
        units = self.shape(h)[1]
        x_gates, x_new = self.split(x, [2 * units], 1)
        gates_kernel, new_kernel = self.split(kernel, [2 * units], 1)
        z, r = self.split(gate(self.add(x_gates, self.matmul(h, gates_kernel))), 2, 1)
        return [
            self._updated(h, z, act(self.add(x_new, self.matmul(self.multiply(r, h), new_kernel))))
        ]

    def _updated(self, h: Array, z: Array, new: Array) -> Array:
        one = self.full((), 1, self.dtype(h))
        return self.add(self.multiply(z, h), self.multiply(self.subtract(one, z), new))
