"""What a stateful layer keeps from one call to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maskgraph.backend import load, of
from maskgraph.errors import ShapeError, explain
from maskgraph.graph import SymbolicTensor, Weight, leaves, map_tree
from maskgraph.plan import Plan, Program

if TYPE_CHECKING:
    from maskgraph.layers.recurrent.rnn import RNN


class Memory:
    """The states of a recurrent layer between calls.

    As in Keras they are not among the layer's weights: they belong to the data.

    Attributes:
        states: weights, nested as the cell orders its states; None before the first call.
    """

    def __init__(self, layer: RNN) -> None:
        self._layer = layer
        self.states: Any = None
        self._batch: int | None = None

    def states_for(self, shape: Any) -> Any:
        """Return the states for sequences of a shape, made at the first call.

        Raises:
            ShapeError: if the batch size is not known, or not that of the calls before.
        """
        batch = shape[0]
        if batch is None:
            raise self._wrong(
                "a stateful layer must know the batch size",
                tuple(shape),
                "a number in the first place",
                "mg.Input(batch_shape=(32, None, 8)) in place of mg.Input(shape=(None, 8))",
            )
        if self.states is None:
            self.states = map_tree(_weight, self._layer.get_initial_state(batch))
            self._batch = batch
        if batch != self._batch:
            raise self._wrong(
                "a stateful layer keeps its batch size",
                f"a batch of {batch}",
                f"{self._batch}, as in the first call",
                "make another layer, or give batches of this size",
            )
        return self.states

    def _wrong(self, what: str, received: Any, expected: str, fix: str) -> ShapeError:
        where = f"layer {self._layer.name!r} ({type(self._layer).__name__})"
        text = explain(f"{where}: {what}", received=received, expected=expected, fix=fix)
        return ShapeError(text)

    def reset(self) -> None:
        """Give the states their initial values."""
        if self.states is not None:
            values = leaves(self._layer.get_initial_state(self._batch))
            for weight, value in zip(leaves(self.states), values, strict=True):
                weight.assign(_numbers(value))


def _weight(value: Any) -> Weight:
    numbers = _numbers(value)
    return Weight(
        "rnn_state",
        numbers.shape,
        str(numbers.dtype),
        lambda shape, dtype, generator: numbers,
        trainable=False,
    )


def _numbers(value: Any) -> np.ndarray:
    """Return an initial state, which depends on weights at most, as NumPy's."""
    if isinstance(value, SymbolicTensor):
        plan = Plan(Program([], [value]), load("numpy", "cpu"))
        ((value, _),) = plan.run([])
    backend = of(value)
    return np.asarray(value if backend is None else backend.to_numpy(value))
