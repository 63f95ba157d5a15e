"""Recurrent cells on top of each other, as one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import leaves, map_tree
from maskgraph.layers.base.builtin import BuiltinLayer
from maskgraph.layers.base.layer import Layer
from maskgraph.ops import zeros


def check_cell(layer: Layer, cell: Any) -> None:
    """Refuse what is not a recurrent cell.

    Raises:
        ArgumentError: naming the layer and what the cell lacks.
    """
    lacks = None
    if not isinstance(cell, Layer):
        lacks = "it is not a maskgraph layer"
    elif not isinstance(getattr(cell, "state_size", None), int | list | tuple):
        lacks = "it has no state_size"
    if lacks is not None:
        raise ArgumentError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): not a recurrent cell: {lacks}",
                received=repr(cell),
                expected="a layer with state_size (an integer, or a list of them) and "
                "call(inputs, states) that returns (output, new_states)",
                fix="take LSTMCell, GRUCell or SimpleRNNCell, or write one with maskgraph.ops",
            )
        )


def output_size(cell: Any) -> int:
    """Return the size of a cell's output: by default that of its first state."""
    size = getattr(cell, "output_size", None)
    return int(next(leaves(cell.state_size)) if size is None else size)


def initial_state(cell: Any, batch_size: Any) -> Any:
    """Return the states of a cell before the first step, as it orders them."""
    own = getattr(cell, "get_initial_state", None)
    if own is not None:
        return own(batch_size=batch_size)
    return map_tree(lambda size: zeros((batch_size, size), cell.dtype), cell.state_size)


class StackedRNNCells(BuiltinLayer):
    """Cells on top of each other, each fed with the output of the one before, as one cell.

    Mask in, mask out: none; the layer around it, `RNN`, sees the mask. Shapes: (batch, features)
    and a list of the states of each cell to the last cell's output and a list of their new states.

    Args:
        cells: the cells, the first one first. `RNN` takes such a list as well.

    Raises:
        ArgumentError: if there is none, or one is not a cell.

    Agrees with: keras.layers.StackedRNNCells, 3.15. Weights: those of the cells, in order.

    Example:
        >>> from maskgraph import layers
        >>> cell = layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(3)])
        >>> layers.RNN(cell)([[[1.0, 2.0], [3.0, 4.0]]]).shape
        (1, 3)
    """

    def __init__(self, cells: Sequence[Layer], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, list | tuple) or not cells:
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (StackedRNNCells): there is nothing to stack",
                    received=repr(cells),
                    expected="a list of cells, as [LSTMCell(8), LSTMCell(8)]",
                )
            )
        for cell in cells:
            check_cell(self, cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        return output_size(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            cell.ensure_built({cell.signature.first: input_shape})
            input_shape = (input_shape[0], output_size(cell))

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Return the states of each cell before the first step."""
        return [initial_state(cell, batch_size) for cell in self.cells]

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        new_states = []
        for cell, own in zip(self.cells, states, strict=True):
            several = isinstance(own, list | tuple)
            inputs, new = cell(inputs, list(own) if several else [own])
            single = not several and isinstance(new, list | tuple)
            new_states.append(new[0] if single else new)
        return inputs, new_states
