"""Attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from maskgraph import layers
from maskgraph.layers import Layer
from maskgraph.testing.layer_table.row import (
    FLOATS,
    LayerRow,
    as_list,
)
from maskgraph.testing.sequences import Sequences

OTHER = Sequences(trailing=(5,))
COUNTS = "Keras counts positions in the rectangle"


def itself(layer: Any, tensors: list[Any], **kwargs: Any) -> Any:
    return layer(tensors[0], tensors[0], **kwargs)


def causal(layer: Any, tensors: list[Any]) -> Any:
    return itself(layer, tensors, use_causal_mask=True)


def cross_causal(layer: Any, tensors: list[Any]) -> Any:
    return layer(*tensors, use_causal_mask=True)


def rows() -> Iterator[LayerRow]:
    yield from _multi_head()
    yield from _grouped_query()
    yield from _of_lists()


def _multi_head() -> Iterator[LayerRow]:
    def make(**options: Any) -> Layer:
        return layers.MultiHeadAttention(num_heads=2, key_dim=3, **options)

    name = "MultiHeadAttention"
    windowed = partial(make, sliding_window=2)
    yield LayerRow(f"{name}-self", make, (FLOATS,), call=itself)
    yield LayerRow(f"{name}-causal", make, (FLOATS,), call=causal)
    yield LayerRow(f"{name}-cross", make, (FLOATS, OTHER))
    yield LayerRow(f"{name}-cross-causal", make, (FLOATS, OTHER), call=cross_causal, notes=COUNTS)
    yield LayerRow(
        f"{name}-shapes",
        lambda: layers.MultiHeadAttention(2, 3, value_dim=5, use_bias=False, output_shape=(2, 3)),
        (FLOATS,),
        call=itself,
    )
    yield LayerRow(f"{name}-gate", partial(make, use_gate=True, value_dim=2), (FLOATS, OTHER))
    yield LayerRow(f"{name}-window", windowed, (FLOATS,), call=itself)
    yield LayerRow(f"{name}-window-causal", windowed, (FLOATS,), call=causal)
    yield LayerRow(f"{name}-window-cross", windowed, (FLOATS, OTHER), notes=COUNTS)


def _grouped_query() -> Iterator[LayerRow]:
    def make(**options: Any) -> Layer:
        return layers.GroupQueryAttention(3, 4, 2, **options)

    name, notes = "GroupQueryAttention", "Keras warns that its projections destroy the mask"
    yield LayerRow(f"{name}-self", make, (FLOATS,), call=itself, notes=notes)
    yield LayerRow(
        f"{name}-causal",
        partial(make, use_bias=False, use_gate=True, sliding_window=3),
        (FLOATS,),
        call=causal,
        notes=notes,
    )
    yield LayerRow(f"{name}-cross", make, (FLOATS, OTHER), notes=notes)


def _of_lists() -> Iterator[LayerRow]:
    def with_key(layer: Any, tensors: list[Any]) -> Any:
        query, other = tensors
        return layer([query, other, other])

    def causal_list(layer: Any, tensors: list[Any]) -> Any:
        return layer([tensors[0], tensors[0]], use_causal_mask=True)

    kinds: dict[str, Callable[[], Layer]] = {
        "Attention": layers.Attention,
        "Attention-scale": partial(layers.Attention, use_scale=True),
        "Attention-concat": partial(layers.Attention, score_mode="concat", use_scale=True),
        "AdditiveAttention": layers.AdditiveAttention,
        "AdditiveAttention-no_scale": partial(layers.AdditiveAttention, use_scale=False),
    }
    for name, make in kinds.items():
        yield LayerRow(name, make, (FLOATS, FLOATS), call=as_list)
    yield LayerRow("Attention-key", layers.Attention, (FLOATS, FLOATS), call=with_key)
    yield LayerRow("Attention-causal", layers.Attention, (FLOATS,), call=causal_list)
    yield LayerRow(
        "AdditiveAttention-causal", layers.AdditiveAttention, (FLOATS,), call=causal_list
    )
