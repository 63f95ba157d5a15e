"""The recurrent layer: any cell, run over time.

A masked step is skipped: states and output after it are those before it, so the final state is
that of the last step that exists, and a sequence without steps gives the initial state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from maskgraph import dtypes, ops
from maskgraph.errors import GraphError, ShapeError, explain
from maskgraph.graph import Spec, SymbolicTensor, leaves, map_tree, source, unflatten
from maskgraph.layers.base.builtin import BuiltinLayer, require_rank
from maskgraph.layers.base.layer import Layer
from maskgraph.layers.recurrent.cell import one_sequence
from maskgraph.layers.recurrent.memory import Memory
from maskgraph.layers.recurrent.stacked_cells import StackedRNNCells, check_cell, initial_state
from maskgraph.ops.operands import spec_of
from maskgraph.plan import StepBody


class RNN(BuiltinLayer):
    """A recurrent cell run over the steps of a sequence.

    A cell is a layer written with `maskgraph.ops`. It has a `state_size` (an integer, or a list
    or tuple of them, nested as the states are) and `call(self, inputs, states, training=False)`,
    which returns (output, new states). It may have an `output_size`, and a
    `get_initial_state(batch_size)`; without one, the states start as zeros.

    Mask in: its steps are skipped: output and states after them are those before. Mask out: with
    `return_sequences` that of x (reversed, as the outputs are, with `go_backwards`), else none.
    Shapes: (batch, time, …) to (batch, output size) or (batch, time, output size).

    Args:
        cell: the cell, or a list of cells to be stacked.
        return_sequences: whether to return the output of every step, not just the last.
        return_state: whether to return the final states after the output.
        go_backwards: whether to go from the last step to the first.
        stateful: whether each call goes on from the states in which the last one ended, row by
            row, until `reset_states()`. The batch size must be known.
        unroll: accepted for Keras's sake; how the loop is run makes no difference to the result.
        zero_output_for_mask: likewise; masked steps of what leaves the engine are zeros anyhow,
            and the last output is that of the last step that exists.

    Call arguments:
        initial_state: the states to begin with, in place of the cell's.

    Raises:
        ArgumentError: if `cell` is not a cell.
        ShapeError: for an input or a state that does not fit.

    Agrees with: keras.layers.RNN, 3.15. Weights: the cell's.

    Example:
        >>> from maskgraph import layers, ops
        >>> class RunningMean(layers.Layer):
        ...     state_size = [1, 1]
        ...     output_size = 1
        ...     def call(self, inputs, states):
        ...         total, count = states[0] + inputs, states[1] + 1
        ...         return total / count, [total, count]
        >>> x = layers.Masking()([[[2.0], [0.0], [4.0]]])
        >>> layers.RNN(RunningMean())(x).numpy().tolist()
        [[3.0]]
    """

    input_rank: ClassVar[int | None] = None
    """The rank of what comes in, if the cell fixes it."""

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        check_cell(self, self.cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self._memory = Memory(self)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states, as the cell orders them."""
        size = self.cell.state_size
        return [size] if isinstance(size, int) else list(size)

    @property
    def num_states(self) -> int:
        return len(list(leaves(self.state_size)))

    @property
    def fixed_batch(self) -> bool:
        return self.stateful or super().fixed_batch

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """Return the states before the first step, as a list, nested as the cell orders them."""
        states = initial_state(self.cell, batch_size)
        return list(states) if isinstance(states, list | tuple) else [states]

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        batch, _, *rest = input_shape
        states = map_tree(lambda size: (batch, size), self.cell.state_size)
        shapes = {self.cell.signature.first: (batch, *rest), "states": states}
        self.cell.ensure_built(shapes)

    def call(self, sequences: Any, initial_state: Any = None, training: bool = False) -> Any:
        self._check(sequences.shape)
        structure = self.get_initial_state(ops.shape(sequences)[0])
        states = self._start(sequences, structure, initial_state)
        outputs, last, *final = self.loop(sequences, structure, states, training)
        if self.stateful:
            for weight, value in zip(leaves(self._memory.states), final, strict=True):
                self.add_update(weight, value)
        result = outputs if self.return_sequences else last
        return (result, *unflatten(structure, iter(final))) if self.return_state else result

    def _check(self, shape: Any) -> None:
        at_least = 3 if self.input_rank is None else None
        require_rank(self, shape, exactly=self.input_rank, at_least=at_least)

    # -- the loop --------------------------------------------------------------------------

    def loop(
        self, sequences: Any, structure: list[Any], states: list[Any], training: bool
    ) -> tuple[Any, ...]:
        """Return the outputs of all steps, the last output, and the final states.

        Args:
            structure: the initial states of the cell, nested as it orders them.
            states: the states to begin with, in a flat list.
        """
        first = [_as_float(s, sequences.dtype, self.cell.dtype) for s in states]
        with one_sequence(ops.shape(sequences)[0]):
            body = self._traced(sequences, structure, [spec_of(s).dtype for s in first])
        result: tuple[Any, ...] = ops.scan(
            sequences, None, first, list(body.captured), body, self.go_backwards
        )
        return result

    def _traced(self, sequences: Any, structure: list[Any], kinds: list[str]) -> StepBody:
        """Return one step of the cell, called once on symbols."""
        batch, _, *rest = sequences.shape
        x = source("input", "step", Spec((batch, *rest), sequences.dtype))
        sizes = [tuple(spec_of(s).shape[1:]) for s in leaves(structure)]
        states = [
            source("input", f"state_{i}", Spec((batch, *size), kind))
            for i, (size, kind) in enumerate(zip(sizes, kinds, strict=True))
        ]
        result = self.cell(x, unflatten(structure, iter(states)))
        if not isinstance(result, list | tuple) or len(result) != 2:
            raise self._wrong_cell("call() must return (output, new_states)", repr(result))
        output, new = result[0], list(leaves(result[1]))
        if not isinstance(output, SymbolicTensor):
            raise self._wrong_cell("its output must be one tensor", repr(output))
        if any(n is None for n in output.shape[1:]):
            raise self._wrong_cell("its output's sizes must be known", output.shape)
        shapes = [tuple(s.shape[1:]) for s in new]
        if shapes != sizes:
            raise self._wrong_cell(
                "its new states do not fit those before", shapes, f"{sizes}, after the batch axis"
            )
        pairs = zip(new, kinds, strict=True)
        new = [s if s.dtype == kind else ops.cast(s, kind) for s, kind in pairs]
        return StepBody(self.name, x, states, output, new)

    def _wrong_cell(self, what: str, received: Any, expected: str | None = None) -> Exception:
        where = f"layer {self.name!r} ({type(self).__name__}): cell {self.cell.name!r}"
        kind = GraphError if expected is None else ShapeError
        return kind(explain(f"{where}: {what}", received=received, expected=expected))

    # -- states ----------------------------------------------------------------------------

    def _start(self, sequences: Any, structure: list[Any], given: Any) -> list[Any]:
        """Return the states to begin with, in a flat list."""
        own = list(leaves(structure))
        if self.stateful:
            remembered = self._memory.states_for(sequences.shape)
            own = [weight.symbol for weight in leaves(remembered)]
        if given is None:
            return own
        states = list(leaves(given))
        shapes = [None if s is None else tuple(spec_of(s).shape) for s in states]
        sizes = [tuple(spec_of(s).shape[1:]) for s in own]
        fits = len(states) == len(own) and all(
            shape is None or _same(shape[1:], size)
            for shape, size in zip(shapes, sizes, strict=True)
        )
        if not fits:
            kinds = ", ".join(dict.fromkeys(f"(batch, {', '.join(map(str, n))})" for n in sizes))
            raise ShapeError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): initial_state does not fit",
                    received=", ".join(map(str, shapes)),
                    expected=f"{len(own)} of shape {kinds}",
                    fix="give the states that return_state=True returns, without the output",
                )
            )
        return [o if s is None else s for s, o in zip(states, own, strict=True)]

    @property
    def states(self) -> Any:
        """The states kept between calls, weights; None unless `stateful` and called."""
        return self._memory.states

    def reset_states(self) -> None:
        """Let the next call begin with the initial states again."""
        self._memory.reset()

    reset_state = reset_states


def _same(shape: Sequence[int | None], size: Sequence[int | None]) -> bool:
    """Tell whether sizes agree as far as they are known."""
    return len(shape) == len(size) and all(
        a == b or a is None or b is None for a, b in zip(shape, size, strict=True)
    )


def _as_float(state: Any, *kinds: str) -> Any:
    """Return a state in the float dtype in which it meets the inputs and the cell's weights."""
    floats = [k for k in (spec_of(state).dtype, *kinds) if dtypes.is_float(k)]
    kind = dtypes.promote(floats, [])
    return state if spec_of(state).dtype == kind else ops.cast(state, kind)


def fresh(layer: Layer, **changes: Any) -> Any:
    """Return a new layer of the same configuration, and with it those that it is made of."""
    config = map_tree(lambda v: fresh(v) if isinstance(v, Layer) else v, layer.get_config())
    return type(layer).from_config({**config, **changes})
