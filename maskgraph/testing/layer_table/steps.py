"""Layers that work on each step alone."""

from __future__ import annotations

from collections.abc import Iterator

from maskgraph import layers
from maskgraph.testing.layer_table.row import (
    FLOATS,
    GRID,
    IDS,
    LayerRow,
)


def rows() -> Iterator[LayerRow]:
    for name, make in {
        "Dense": lambda: layers.Dense(3),
        "Dense-relu": lambda: layers.Dense(3, activation="relu", use_bias=False),
        "Activation": lambda: layers.Activation("gelu"),
        "ReLU": lambda: layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2),
        "LeakyReLU": lambda: layers.LeakyReLU(0.2),
        "ELU": lambda: layers.ELU(0.5),
        "Dropout": lambda: layers.Dropout(0.5),
        "LayerNormalization": lambda: layers.LayerNormalization(),
        "Masking": lambda: layers.Masking(),
        "TimeDistributed-Dense": lambda: layers.TimeDistributed(layers.Dense(3)),
    }.items():
        yield LayerRow(name, make, (FLOATS,))
    yield LayerRow("Dense-grid", lambda: layers.Dense(5), (GRID,))
    yield LayerRow("LayerNormalization-grid", lambda: layers.LayerNormalization([2, 3]), (GRID,))
    yield LayerRow(
        "Softmax",
        lambda: layers.Softmax(),
        (FLOATS,),
        notes="Keras takes a mask for one of the whole shape",
    )
    yield LayerRow(
        "Embedding", lambda: layers.Embedding(9, 4), (IDS,), notes="Keras drops the ids' mask"
    )
    yield LayerRow("Embedding-mask_zero", lambda: layers.Embedding(9, 4, mask_zero=True), (IDS,))
