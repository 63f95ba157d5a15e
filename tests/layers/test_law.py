"""The law, for every layer in the table: a masked step does not exist."""

from __future__ import annotations

import pytest

from maskgraph.testing.law import check_law
from maskgraph.testing.layer_table import LAWFUL, LayerRow


@pytest.mark.parametrize("row", LAWFUL, ids=str)
@pytest.mark.parametrize("padding", ["right", "left", "holes"])
def test_law(row: LayerRow, padding: str) -> None:
    check_law(row, backend="numpy", padding=[padding])
