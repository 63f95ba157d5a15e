"""Layers around a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from maskgraph import layers
from maskgraph.layers import Layer
from maskgraph.testing.layer_table.row import (
    DOCUMENTS,
    FLOATS,
    WORDS,
    LayerRow,
)


def _both_ways(merge_mode: str | None, **options: Any) -> Layer:
    return layers.Bidirectional(layers.LSTM(3, **options), merge_mode=merge_mode)


def _each(make: Callable[[], Layer]) -> Layer:
    return layers.TimeDistributed(make())


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
    hierarchical = "Keras makes no mask inside a TimeDistributed"
    for name, make, inputs in (
        ("Embedding", lambda: layers.Embedding(9, 4, mask_zero=True), DOCUMENTS),
        ("LSTM", lambda: layers.LSTM(3), WORDS),
        ("LSTM-sequences", lambda: layers.LSTM(3, return_sequences=True), WORDS),
        ("Pooling", lambda: layers.GlobalAveragePooling1D(), WORDS),
    ):
        yield LayerRow(
            f"TimeDistributed-{name}",
            partial(_each, make),
            (inputs,),
            notes=hierarchical,
        )
