"""Layers around a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from maskgraph import layers
from maskgraph.layers import Layer
from maskgraph.models import Input, Model
from maskgraph.testing.layer_table.recurrent import ROWS, MeanCell
from maskgraph.testing.layer_table.row import DOCUMENTS, FLOATS, WORDS, LayerRow
from maskgraph.testing.sequences import Sequences

BOOKS = Sequences(trailing=(4,), axes=3)
"""Chapters of sentences of words."""


def _both_ways(merge_mode: str | None, **options: Any) -> Layer:
    return layers.Bidirectional(layers.LSTM(3, **options), merge_mode=merge_mode)


def _each(make: Callable[[], Layer]) -> Layer:
    return layers.TimeDistributed(make())


def _sentence_model() -> Model:
    words = Input((None, 4), masked=True)
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True))(words)
    return Model(words, layers.GlobalAveragePooling1D()(both))


def _both_ways_of_any(make: Callable[..., Layer], mode: str | None, **options: Any) -> Layer:
    return layers.Bidirectional(make(**options), merge_mode=mode)  # type: ignore[arg-type]


def _of_any_recurrent_layer() -> Iterator[LayerRow]:
    kinds: dict[str, tuple[Callable[..., Layer], Sequences]] = {
        "own": (lambda **options: layers.RNN(MeanCell(), **options), FLOATS),
        "stacked": (
            lambda **options: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **options),
            FLOATS,
        ),
        "ConvLSTM1D": (lambda **options: layers.ConvLSTM1D(3, 2, **options), ROWS),
        "unroll": (lambda **options: layers.GRU(3, unroll=True, **options), FLOATS),
    }
    zeroed = "Keras puts zeros at valid steps of the layer that goes backwards"
    for name, (make, inputs) in kinds.items():
        for mode in ("concat", "sum", "mul", "ave", None) if name == "own" else ("concat",):
            for sequences in (True,) if name == "own" else (False, True):
                yield LayerRow(
                    f"Bidirectional-{name}-{mode}{'-sequences' * sequences}",
                    partial(_both_ways_of_any, make, mode, return_sequences=sequences),
                    (inputs,),
                    ("steps" if sequences else "summary",) * (1 if mode else 2),
                    keras=None if name == "own" else "",
                    notes=zeroed if name == "unroll" and sequences else "",
                )


def _backwards_first(**options: Any) -> Layer:
    return layers.Bidirectional(
        layers.LSTM(3, go_backwards=True, **options), backward_layer=layers.GRU(3, **options)
    )


def rows() -> Iterator[LayerRow]:
    for mode in ("concat", "sum", "mul", "ave", None):
        for sequences in (False, True):
            yield LayerRow(
                f"Bidirectional-{mode}{'-sequences' * sequences}",
                partial(_both_ways, mode, return_sequences=sequences),
                (FLOATS,),
                ("steps" if sequences else "summary",) * (1 if mode else 2),
            )
    yield LayerRow(
        "Bidirectional-state",
        lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True, return_state=True)),
        (FLOATS,),
        ("steps", "summary", "summary"),
    )
    yield from _of_any_recurrent_layer()
    for sequences in (False, True):
        yield LayerRow(
            f"Bidirectional-backwards_first{'-sequences' * sequences}",
            partial(_backwards_first, return_sequences=sequences),
            (FLOATS,),
            ("steps" if sequences else "summary",),
            notes="Keras reverses the outputs, not their mask" if sequences else "",
        )
    hierarchical = "Keras makes no mask inside a TimeDistributed"
    for name, make, inputs in (
        ("Embedding", lambda: layers.Embedding(9, 4, mask_zero=True), DOCUMENTS),
        ("LSTM", lambda: layers.LSTM(3), WORDS),
        ("LSTM-sequences", lambda: layers.LSTM(3, return_sequences=True), WORDS),
        ("Pooling", lambda: layers.GlobalAveragePooling1D(), WORDS),
        ("Bidirectional", lambda: layers.Bidirectional(layers.LSTM(3)), WORDS),
        ("own", lambda: layers.RNN(MeanCell()), WORDS),
        ("Model", _sentence_model, WORDS),
        ("nested", lambda: layers.TimeDistributed(layers.LSTM(3)), BOOKS),
        (
            "nested-sequences",
            lambda: layers.TimeDistributed(layers.GRU(3, return_sequences=True)),
            BOOKS,
        ),
    ):
        yield LayerRow(
            f"TimeDistributed-{name}",
            partial(_each, make),
            (inputs,),
            keras=None if name in ("own", "Model") else "",
            notes=hierarchical,
        )
