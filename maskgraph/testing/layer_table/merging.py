"""Layers that merge several tensors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from maskgraph import layers
from maskgraph.testing.layer_table.row import (
    FLOATS,
    LayerRow,
    as_list,
)


def rows() -> Iterator[LayerRow]:
    for cls in (
        layers.Add,
        layers.Subtract,
        layers.Multiply,
        layers.Average,
        layers.Maximum,
        layers.Minimum,
        layers.Concatenate,
    ):
        for mode in ("all", "any"):
            yield LayerRow(
                f"{cls.__name__}-{mode}",
                partial(cls, mask_merge=mode),
                (FLOATS, FLOATS),
                call=as_list,
                meet=mode,
                notes="Keras mixes padding into steps that exist",
            )
    yield LayerRow(
        "Concatenate-time", lambda: layers.Concatenate(axis=1), (FLOATS, FLOATS), call=as_list
    )
