"""Layers that look at other steps: statistics, shares and pooling over time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from maskgraph import layers
from maskgraph.testing.layer_table.row import FLOATS, SUMMARY, LayerRow


def rows() -> Iterator[LayerRow]:
    yield LayerRow(
        "LayerNormalization-time",
        lambda: layers.LayerNormalization(axis=1, center=False, scale=False),
        (FLOATS,),
        notes="Keras counts padding in the statistics",
    )
    yield LayerRow(
        "LayerNormalization-time-weights",
        lambda: layers.LayerNormalization(axis=1),
        (FLOATS,),
        lawful="it has one weight for each step of the rectangle",
    )
    yield LayerRow(
        "Softmax-time",
        lambda: layers.Softmax(axis=1),
        (FLOATS,),
        notes="Keras takes a mask for one of the whole shape",
    )
    yield LayerRow(
        "EinsumDense-time",
        lambda: layers.EinsumDense("btd,de->be", 3, bias_axes="e"),
        (FLOATS,),
        SUMMARY,
        notes="Keras counts padding",
    )
    for keepdims in (False, True):
        for cls in (layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D):
            yield LayerRow(
                f"{cls.__name__}{'-keepdims' * keepdims}",
                partial(cls, keepdims=keepdims),
                (FLOATS,),
                SUMMARY,
                notes="Keras ignores the mask" if cls is layers.GlobalMaxPooling1D else "",
            )
