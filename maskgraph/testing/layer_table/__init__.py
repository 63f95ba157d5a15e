"""The table of all layers, which every test of layers draws from."""

from __future__ import annotations

from maskgraph.testing.layer_table import (
    attention,
    merging,
    normalization,
    over_time,
    positions,
    recurrent,
    regularization,
    shapes,
    steps,
    transformer,
    windows,
    wrappers,
)
from maskgraph.testing.layer_table.row import LayerRow as LayerRow
from maskgraph.testing.layer_table.row import as_list as as_list
from maskgraph.testing.layer_table.row import one_by_one as one_by_one

LAYERS: tuple[LayerRow, ...] = tuple(
    row
    for family in (
        steps,
        normalization,
        regularization,
        over_time,
        windows,
        recurrent,
        wrappers,
        attention,
        positions,
        transformer,
        merging,
        shapes,
    )
    for row in family.rows()
)
"""Every layer in each configuration that matters."""

LAWFUL: tuple[LayerRow, ...] = tuple(row for row in LAYERS if row.lawful is True)
"""The rows for which the law can hold."""
