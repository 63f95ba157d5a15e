"""Layers that work on each step alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from maskgraph import layers
from maskgraph.testing.layer_table.row import FLOATS, GRID, IDS, LayerRow


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
        "Identity": lambda: layers.Identity(),
        "Rescaling": lambda: layers.Rescaling(0.5, offset=[1.0, 2.0, 3.0, 4.0]),
        "PReLU-shared": lambda: layers.PReLU(shared_axes=[1]),
        "Masking": lambda: layers.Masking(),
        "TimeDistributed-Dense": lambda: layers.TimeDistributed(layers.Dense(3)),
    }.items():
        yield LayerRow(name, make, (FLOATS,))
    yield LayerRow(
        "PReLU", lambda: layers.PReLU(), (FLOATS,), lawful="it has one weight for each step"
    )
    yield LayerRow("Dense-grid", lambda: layers.Dense(5), (GRID,))
    yield LayerRow("LayerNormalization-grid", lambda: layers.LayerNormalization([3, 2]), (GRID,))
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
    for value in (3, -1):
        yield LayerRow(
            f"Embedding-mask_value{value}",
            partial(layers.Embedding, 9, 4, mask_value=value),
            (IDS,),
            keras=None,
        )
    yield from _reversible()
    yield from _einsum()


def _reversible() -> Iterator[LayerRow]:
    def there_and_back(layer: Any, tensors: list[Any]) -> Any:
        return layer(layer(tensors[0]), reverse=True)

    make = partial(layers.ReversibleEmbedding, 9, 4)
    notes = "Keras drops the ids' mask"
    yield LayerRow("ReversibleEmbedding", make, (IDS,), notes=notes)
    for name, layer in {
        "reverse": make,
        "reverse-cap": partial(make, logit_soft_cap=0.5, mask_zero=True),
        "reverse-untied": partial(make, tie_weights=False),
    }.items():
        yield LayerRow(
            f"ReversibleEmbedding-{name}", layer, (IDS,), call=there_and_back, notes=notes
        )


def _einsum() -> Iterator[LayerRow]:
    make = layers.EinsumDense
    for name, layer, of in (
        ("", partial(make, "...d,de->...e", 3, activation="relu", bias_axes="e"), FLOATS),
        ("-heads", partial(make, "btd,dhe->bthe", (None, 2, 3), bias_axes="he"), FLOATS),
        ("-grid", partial(make, "btg...,gh->bth...", (None, 5), bias_axes="h"), GRID),
    ):
        yield LayerRow(f"EinsumDense{name}", layer, (of,), notes="Keras drops the mask")
