"""Recurrent layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from maskgraph import layers
from maskgraph.layers import Layer
from maskgraph.testing.layer_table.row import (
    FLOATS,
    SUMMARY,
    LayerRow,
)


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
                reversed_mask = "Keras reverses the outputs, not their mask"
                yield LayerRow(
                    f"{name}{'-sequences' * sequences}{'-backwards' * backwards}",
                    partial(make, 3, return_sequences=sequences, go_backwards=backwards),
                    (FLOATS,),
                    ("steps" if sequences else "summary",),
                    notes=reversed_mask if sequences and backwards else "",
                )
    yield LayerRow(
        "LSTM-state",
        lambda: layers.LSTM(3, return_sequences=True, return_state=True),
        (FLOATS,),
        ("steps", "summary", "summary"),
    )
    yield LayerRow(
        "GRU-no_bias", lambda: layers.GRU(3, use_bias=False, activation="relu"), (FLOATS,), SUMMARY
    )
