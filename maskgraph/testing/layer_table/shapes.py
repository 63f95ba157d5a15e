"""Layers that change shapes, or give up the mask."""

from __future__ import annotations

from collections.abc import Iterator

from maskgraph import layers, ops
from maskgraph.testing.layer_table.row import DOCUMENTS, DROPS, FLOATS, GRID, SUMMARY, LayerRow
from maskgraph.testing.sequences import Sequences


def rows() -> Iterator[LayerRow]:
    lost = "Keras drops the mask"
    yield LayerRow("Reshape", lambda: layers.Reshape((-1, 2, 2)), (FLOATS,), notes=lost)
    yield LayerRow("Permute", lambda: layers.Permute((1, 3, 2)), (GRID,), notes=lost)
    yield LayerRow("Flatten-words", lambda: layers.Flatten(), (DOCUMENTS,), notes=lost)
    yield LayerRow(
        "Flatten", lambda: layers.Flatten(), (FLOATS,), SUMMARY, lawful="it needs a fixed length"
    )
    yield LayerRow("RepeatVector", lambda: layers.RepeatVector(2), (Sequences(),), notes=lost)
    yield LayerRow("Permute-time", lambda: layers.Permute((2, 1)), (FLOATS,), lawful=DROPS)
    yield LayerRow("DropMask", lambda: layers.DropMask(), (FLOATS,), lawful=DROPS, keras=None)
    yield LayerRow("Lambda", lambda: layers.Lambda(lambda x: x * 2), (FLOATS,), lawful=DROPS)
    yield LayerRow(
        "Lambda-mask",
        lambda: layers.Lambda(lambda x: ops.exp(x), mask=lambda x, mask: mask),
        (FLOATS,),
        keras=None,
    )
