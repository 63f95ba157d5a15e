"""Attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from maskgraph import layers
from maskgraph.layers import Layer
from maskgraph.testing.layer_table.row import (
    FLOATS,
    LayerRow,
)
from maskgraph.testing.sequences import Sequences


def rows() -> Iterator[LayerRow]:
    def make() -> Layer:
        return layers.MultiHeadAttention(num_heads=2, key_dim=3)

    def itself(layer: Any, tensors: list[Any], **kwargs: Any) -> Any:
        return layer(tensors[0], tensors[0], **kwargs)

    def causal(layer: Any, tensors: list[Any]) -> Any:
        return itself(layer, tensors, use_causal_mask=True)

    def cross_causal(layer: Any, tensors: list[Any]) -> Any:
        return layer(*tensors, use_causal_mask=True)

    other = Sequences(trailing=(5,))
    yield LayerRow("MultiHeadAttention-self", make, (FLOATS,), call=itself)
    yield LayerRow("MultiHeadAttention-causal", make, (FLOATS,), call=causal)
    yield LayerRow("MultiHeadAttention-cross", make, (FLOATS, other))
    yield LayerRow(
        "MultiHeadAttention-cross-causal",
        make,
        (FLOATS, other),
        call=cross_causal,
        notes="Keras counts positions in the rectangle",
    )
    yield LayerRow(
        "MultiHeadAttention-shapes",
        lambda: layers.MultiHeadAttention(2, 3, value_dim=5, use_bias=False, output_shape=(2, 3)),
        (FLOATS,),
        call=itself,
    )
