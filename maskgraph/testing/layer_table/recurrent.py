"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from maskgraph import layers, ops
from maskgraph.layers import Layer
from maskgraph.testing.layer_table.row import FLOATS, SUMMARY, LayerRow
from maskgraph.testing.sequences import Sequences

ROWS = Sequences(trailing=(6, 2))
"""Steps of six rows of two channels."""


class MeanCell(Layer):
    """A cell whose output is not its state: it looks at the mean of the steps so far."""

    state_size: Any = (4, [1])
    output_size = 2

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight((4, 2), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        total, (count,) = states
        total, count = total + inputs, count + 1
        return ops.tanh(ops.matmul(total / count, self.kernel)), [total, [count]]


def _steep(x: Any) -> Any:
    return ops.tanh(2 * x)


def _of_cell(cell: Callable[[int], Layer], units: int, **options: Any) -> Layer:
    return layers.RNN(cell(units), **options)


def _own(**options: Any) -> Layer:
    return layers.RNN(MeanCell(), **options)


def rows() -> Iterator[LayerRow]:
    kinds: dict[str, Callable[..., Layer]] = {
        "SimpleRNN": layers.SimpleRNN,
        "LSTM": layers.LSTM,
        "GRU": layers.GRU,
        "GRU-reset_before": partial(layers.GRU, reset_after=False),
    }
    for name, make in kinds.items():
        for sequences in (False, True):
            for backwards in (False, True):
                yield _row(name, partial(make, 3), sequences, backwards)
    for sequences in (False, True):
        for backwards in (False, True):
            yield _row("RNN-own", _own, sequences, backwards)
    yield _row("RNN-SimpleRNNCell", partial(_of_cell, layers.SimpleRNNCell, 3), True, False)
    yield _row("RNN-LSTMCell", partial(_of_cell, layers.LSTMCell, 3), False, True)
    yield _row("RNN-GRUCell", partial(_of_cell, layers.GRUCell, 3), True, True)
    yield from _options()
    yield from _convolutions()


def _row(
    name: str,
    make: Callable[..., Layer],
    sequences: bool,
    backwards: bool,
    inputs: Sequences = FLOATS,
) -> LayerRow:
    reversed_mask = "Keras reverses the outputs, not their mask"
    return LayerRow(
        f"{name}{'-sequences' * sequences}{'-backwards' * backwards}",
        partial(make, return_sequences=sequences, go_backwards=backwards),
        (inputs,),
        ("steps" if sequences else "summary",),
        keras=None if name == "RNN-own" else "",
        notes=reversed_mask if sequences and backwards else "",
    )


def _options() -> Iterator[LayerRow]:
    with_states: dict[str, tuple[Callable[..., Layer], int]] = {
        "LSTM": (partial(layers.LSTM, 3), 2),
        "RNN-stacked": (_stacked, 3),
    }
    for name, (make, states) in with_states.items():
        yield LayerRow(
            f"{name}-state",
            partial(make, return_sequences=True, return_state=True),
            (FLOATS,),
            ("steps", *["summary"] * states),
        )
    makes: dict[str, Callable[[], Layer]] = {
        "LSTM-unroll": lambda: layers.LSTM(3, unroll=True),
        "LSTM-dropout": lambda: layers.LSTM(3, dropout=0.5, recurrent_dropout=0.5, seed=1),
        "GRU-no_bias": lambda: layers.GRU(3, use_bias=False, activation="relu"),
        "RNN-GRUCell-reset_before": lambda: layers.RNN(layers.GRUCell(3, reset_after=False)),
        "RNN-LSTMCell-no_bias": lambda: layers.RNN(
            layers.LSTMCell(3, use_bias=False, activation="relu", dropout=0.5), unroll=True
        ),
        "LSTM-own_activation": lambda: layers.LSTM(3, activation=_steep),
    }
    for name, option in makes.items():
        yield LayerRow(name, option, (FLOATS,), SUMMARY, keras=None if "own" in name else "")
    yield LayerRow(
        "RNN-zero_output",
        lambda: layers.RNN(layers.LSTMCell(3), return_sequences=True, zero_output_for_mask=True),
        (FLOATS,),
    )


def _stacked(**options: Any) -> Layer:
    return layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **options)


def _convolutions() -> Iterator[LayerRow]:
    yield _row("ConvLSTM1D", partial(layers.ConvLSTM1D, 3, 3), True, True, ROWS)
    yield LayerRow(
        "ConvLSTM1D-state",
        lambda: layers.ConvLSTM1D(3, 3, padding="same", return_sequences=True, return_state=True),
        (ROWS,),
        ("steps", "summary", "summary"),
    )
    options: dict[str, dict[str, Any]] = {
        "strides": {"strides": 2, "padding": "same"},
        "strides-valid": {"strides": (2,), "use_bias": False, "activation": "relu"},
        "dilation": {"dilation_rate": 2, "recurrent_activation": "hard_sigmoid"},
        "dropout": {"dropout": 0.5, "recurrent_dropout": 0.5, "unit_forget_bias": False},
    }
    for name, given in options.items():
        yield LayerRow(
            f"ConvLSTM1D-{name}", partial(layers.ConvLSTM1D, 3, 3, **given), (ROWS,), SUMMARY
        )
