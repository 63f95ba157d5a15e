"""Layers that say where a step stands in its sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from maskgraph import layers
from maskgraph.layers import Layer
from maskgraph.testing.layer_table.row import FLOATS, IDS, LayerRow
from maskgraph.testing.sequences import Sequences

HEADS = Sequences(trailing=(2, 4))
LONGEST = 7
"""A table that holds every sequence, and not the rectangles that they are padded to."""


def rows() -> Iterator[LayerRow]:
    def later(layer: Any, tensors: list[Any]) -> Any:
        return layer(tensors[0], start_index=3)

    kinds: dict[str, Callable[[], Layer]] = {
        "PositionEmbedding": partial(layers.PositionEmbedding, LONGEST),
        "SinePositionEncoding": partial(layers.SinePositionEncoding, 50),
        "RotaryEmbedding": partial(layers.RotaryEmbedding, 50, scaling_factor=2.0),
    }
    for name, make in kinds.items():
        yield LayerRow(name, make, (FLOATS,), keras=None)
    yield LayerRow(
        "PositionEmbedding-start",
        partial(layers.PositionEmbedding, LONGEST + 3),
        (FLOATS,),
        call=later,
        keras=None,
    )
    yield LayerRow(
        "SinePositionEncoding-start", layers.SinePositionEncoding, (FLOATS,), call=later, keras=None
    )
    yield LayerRow(
        "RotaryEmbedding-heads", layers.RotaryEmbedding, (HEADS,), call=later, keras=None
    )
    yield LayerRow(
        "RotaryEmbedding-axis",
        partial(layers.RotaryEmbedding, feature_axis=2),
        (HEADS,),
        keras=None,
    )
    for mask_zero in (False, True):
        yield LayerRow(
            f"TokenAndPositionEmbedding{'-mask_zero' * mask_zero}",
            partial(layers.TokenAndPositionEmbedding, 9, LONGEST, 4, mask_zero=mask_zero),
            (IDS,),
            keras=None,
        )
