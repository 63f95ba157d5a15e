"""Every layer gives on the backend what it gives on NumPy, gradients too, and obeys the law."""

from __future__ import annotations

import numpy as np
import pytest

from maskgraph.backend import Backend
from maskgraph.graph import SymbolicTensor
from maskgraph.masks import MaskedTensor
from maskgraph.models import Input, Model
from maskgraph.testing.law import check_law
from maskgraph.testing.layer_table import LAWFUL, LAYERS, LayerRow
from maskgraph.testing.parity import check_parity
from maskgraph.testing.sequences import Rectangle, Sequences

LENGTHS = (2, 0, 3, 1)
SIZE = 3


@pytest.mark.parametrize("row", LAYERS, ids=str)
def test_parity(backend: Backend, row: LayerRow) -> None:
    generator = np.random.default_rng(0)
    inputs = [_input(row, sequences) for sequences in row.inputs]
    model = Model(inputs, row.call(row.built(), inputs), on_mask_loss="ignore")
    data = [_data(sequences, i, generator) for i, sequences in enumerate(row.inputs)]
    parity = check_parity(model, data, [backend.name], gradients=True, tolerance=1e-5)
    assert parity.ok, parity


@pytest.mark.parametrize("row", LAWFUL, ids=str)
def test_law(backend: Backend, row: LayerRow) -> None:
    check_law(row, backend=backend.name, padding=["left"])


def _input(row: LayerRow, sequences: Sequences) -> SymbolicTensor:
    time = None if row.lawful is True else SIZE
    dtype = "float32" if sequences.kind == "floats" else "int32"
    return Input((time,) * sequences.axes + sequences.trailing, dtype)


def _data(sequences: Sequences, index: int, generator: np.random.Generator) -> MaskedTensor:
    lengths = (*LENGTHS[index:], *LENGTHS[:index])
    drawn = [sequences.draw(n, generator) for n in lengths]
    rectangle = Rectangle.place(drawn, SIZE, "right", generator, sequences.axes)
    return rectangle.filled("nan", generator)
