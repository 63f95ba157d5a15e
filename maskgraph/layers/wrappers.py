"""Layers around a layer: both directions of time, and every step of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.graph import leaves, map_tree
from maskgraph.layers.base.builtin import BuiltinLayer, require_rank
from maskgraph.layers.base.layer import Layer
from maskgraph.layers.recurrent.rnn import RNN, fresh
from maskgraph.ops.masking import intersect, unmasked

_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "concat": lambda a, b: ops.concatenate([a, b], axis=-1),
    "sum": ops.add,
    "mul": ops.multiply,
    "ave": lambda a, b: ops.divide(ops.add(a, b), 2),
}


class Bidirectional(BuiltinLayer):
    """A recurrent layer run in one direction, another in the other, and their outputs merged.

    Mask in: its steps are skipped in both directions. Mask out: with `return_sequences` that of
    x, else none. Shapes: (batch, time, features) to (batch, 2 units) or (batch, time, 2 units)
    with `merge_mode="concat"`, else units in place of 2 units.

    Args:
        layer: an LSTM, or any other `RNN`. Two fresh layers are made from its configuration.
        merge_mode: "concat", "sum", "mul", "ave", or None to return both outputs.
        weights: values to begin with, the forward layer's first, in the order of `get_weights`.
        backward_layer: the layer for the other direction, if it is to be another one. If `layer`
            has `go_backwards=True`, it runs forwards, and the outputs stand in reversed order.

    Call arguments:
        initial_state: the states of the forward layer, then those of the backward layer.

    Raises:
        ArgumentError: for another kind of layer, or two layers that do not go together.
        ShapeError: when built, if `weights` do not fit.

    Source: Schuster and Paliwal, 1997, https://doi.org/10.1109/78.650093
    Agrees with: keras.layers.Bidirectional, 3.15, which ignores `weights`. Weights: the forward
    layer's, the backward layer's.

    Example:
        >>> from maskgraph import layers
        >>> layers.Bidirectional(layers.LSTM(4))([[[1.0, 2.0], [3.0, 4.0]]]).shape
        (1, 8)
    """

    def __init__(
        self,
        layer: RNN,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: RNN | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for given in (layer, backward_layer):
            if given is not None and not isinstance(given, RNN):
                raise self._wrong("it runs recurrent layers", given, "an LSTM, GRU or other RNN")
        if merge_mode is not None and merge_mode not in _MERGES:
            raise self._wrong("unknown merge_mode", repr(merge_mode), f"{', '.join(_MERGES)}, None")
        self.merge_mode = merge_mode
        self.initial_weights = weights
        self.forward_layer = _fresh(layer, "forward")
        self.backward_layer = (
            _fresh(layer, "backward", go_backwards=True)
            if backward_layer is None
            else backward_layer
        )
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.stateful = layer.stateful
        self._check_pair(self.forward_layer, self.backward_layer)

    def _wrong(self, what: str, received: Any, expected: str) -> ArgumentError:
        where = f"layer {self.name!r} (Bidirectional)"
        return ArgumentError(explain(f"{where}: {what}", received=received, expected=expected))

    def _check_pair(self, forward: RNN, backward: RNN) -> None:
        if forward.go_backwards == backward.go_backwards:
            raise self._wrong(
                "the layers must go in opposite directions",
                f"go_backwards={forward.go_backwards} for both",
                "False for one, True for the other",
            )
        for option in ("stateful", "return_sequences", "return_state"):
            a, b = getattr(forward, option), getattr(backward, option)
            if a != b:
                raise self._wrong(f"the layers differ in {option}", f"{a} and {b}", "the same")

    def build(self, input_shape: Any) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            layer.ensure_built({"sequences": input_shape})
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)

    def reset_states(self) -> None:
        """Let the next call of a stateful layer begin with the initial states again."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    reset_state = reset_states

    def call(self, sequences: Any, initial_state: Any = None) -> Any:
        ahead, back = self._halves(initial_state)
        y, *states = _listed(self.forward_layer(sequences, initial_state=ahead))
        y_back, *states_back = _listed(self.backward_layer(sequences, initial_state=back))
        if self.return_sequences:  # so that the same step of both stands in the same place
            y_back = ops.flip(y_back, 1)
        merged = (y, y_back) if self.merge_mode is None else (_MERGES[self.merge_mode](y, y_back),)
        if self.return_state:
            return (*merged, *states, *states_back)
        return merged if self.merge_mode is None else merged[0]

    def _halves(self, states: Any) -> tuple[Any, Any]:
        if states is None:
            return None, None
        given = list(leaves(states))
        ahead = self.forward_layer.num_states
        expected = ahead + self.backward_layer.num_states
        if len(given) != expected:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (Bidirectional): initial_state does not fit",
                    received=f"{len(given)} tensors" if len(given) != 1 else "a tensor",
                    expected=f"a list of {expected}: forward states, then backward states",
                )
            )
        return given[:ahead], given[ahead:]


def _fresh(layer: RNN, direction: str, **changes: Any) -> Any:
    """Return a new layer of the same configuration, without weights yet."""
    name = f"{direction}_{layer.name.removeprefix(direction + '_')}"
    return fresh(layer, **changes, name=name)


def _listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


class TimeDistributed(BuiltinLayer):
    """Applies a layer to each step: to each frame of a film, each sentence of a document.

    Mask in: of (batch, time), it passes around the layer; the further axes of a mask of (batch,
    time, …) are what the layer gets as its own mask. Mask out: (batch, time, …) if the layer
    returns a mask, else (batch, time), where a step of the latter kind exists if anything in it
    does. Shapes: (batch, time, …) to (batch, time, …), the last as the layer changes them.

    Args:
        layer: the layer; it sees (batch * time, …).

    Raises:
        ArgumentError: if `layer` is not a layer.
        ShapeError: for an input of less than three axes.

    Agrees with: keras.layers.TimeDistributed, 3.15, which makes no masks. Weights: the layer's.

    Example:
        >>> from maskgraph import layers
        >>> ids = [[[3, 7], [4, 0], [0, 0]]]  # a document of three sentences, the last empty
        >>> words = layers.TimeDistributed(layers.Embedding(9, 8, mask_zero=True))(ids)
        >>> words.mask.tolist()
        [[[True, True], [True, False], [False, False]]]
        >>> layers.TimeDistributed(layers.LSTM(4))(words).mask.tolist()
        [[True, True, False]]
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (TimeDistributed): it applies a layer",
                    received=type(layer).__name__,
                    expected="a layer, as TimeDistributed(Dense(8))",
                )
            )
        self.layer = layer

    def call(self, inputs: Any) -> Any:
        require_rank(self, inputs.shape, at_least=3)
        hierarchical = inputs.mask is not None and inputs.mask.ndim > 2
        steps = ops.merge_axes(inputs if hierarchical else unmasked(inputs), 0, 1)
        return map_tree(lambda y: self._restored(y, inputs), self.layer(steps))

    def _restored(self, y: Any, inputs: Any) -> Any:
        """Return an output of the layer with the axes and the mask of the steps."""
        y = ops.split_axis_like(y, inputs, 0, 2)
        outer = inputs.mask
        if outer is not None and outer.ndim > 2:  # the layer has seen it
            outer = None if y.mask is not None else ops.any(outer, tuple(range(2, outer.ndim)))
        mask = intersect([outer, y.mask])
        return y if mask is None or mask is y.mask else ops.with_mask(y, mask)
