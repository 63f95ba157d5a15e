"""Layers against overfitting, which pass their input on when nothing is trained."""

from __future__ import annotations

from collections.abc import Iterator

from maskgraph import layers
from maskgraph.testing.layer_table.row import FLOATS, GRID, LayerRow


def rows() -> Iterator[LayerRow]:
    for name, make in {
        "SpatialDropout1D": lambda: layers.SpatialDropout1D(0.5),
        "GaussianNoise": lambda: layers.GaussianNoise(0.5),
        "GaussianDropout": lambda: layers.GaussianDropout(0.5),
        "AlphaDropout": lambda: layers.AlphaDropout(0.5),
        "ActivityRegularization": lambda: layers.ActivityRegularization(l1=0.1, l2=0.2),
    }.items():
        yield LayerRow(name, make, (FLOATS,))
    yield LayerRow("AlphaDropout-grid", lambda: layers.AlphaDropout(0.5, (None, 1, 2, 3)), (GRID,))
