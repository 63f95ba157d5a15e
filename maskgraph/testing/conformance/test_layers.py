"""Every layer gives on the backend what it gives on NumPy, gradients too, and obeys the law."""

from __future__ import annotations

import numpy as np
import pytest

from maskgraph.backend import Backend
from maskgraph.graph import SymbolicTensor, leaves
from maskgraph.masks import MaskedTensor
from maskgraph.models import Input, Model
from maskgraph.models.running import ModelRunner
from maskgraph.testing.gradient_law import check_gradient_law
from maskgraph.testing.law import check_law
from maskgraph.testing.layer_table import LAYERS, LayerRow
from maskgraph.testing.parity import check_parity
from maskgraph.testing.sequences import Rectangle, Sequences

LENGTHS = (2, 0, 3, 1)
SIZE = 3


@pytest.mark.parametrize("row", LAYERS, ids=str)
def test_parity(backend: Backend, row: LayerRow) -> None:
    model, data = _problem(row)
    parity = check_parity(model, data, [backend.name], gradients=True, tolerance=1e-5)
    assert parity.ok, parity


@pytest.mark.parametrize("row", LAYERS, ids=str)
def test_parity_in_float64(backend: Backend, reference: Backend, row: LayerRow) -> None:
    model, data = _problem(row)
    runner = ModelRunner(model)
    tensors = runner.admit(data)
    found, expected = (_outputs(runner, tensors, b) for b in (backend, reference))
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-10)


def test_law(backend: Backend, lawful: LayerRow) -> None:
    """Padding right, left and between; an empty sequence; zeros, noise, NaN and Inf."""
    check_law(lawful, backend=backend.name, lengths=(3, 0, 5, 1), padding=[lawful.padding])


@pytest.mark.parametrize("lengths", [(1, 0), (0, 0)], ids=["one step", "no step"])
def test_law_of_hardly_any_steps(backend: Backend, lawful: LayerRow, lengths: tuple[int]) -> None:
    check_law(lawful, backend=backend.name, lengths=lengths, padding=["right"])


def test_no_sequence_at_all(backend: Backend, lawful: LayerRow) -> None:
    generator, layer = np.random.default_rng(0), lawful.built()
    some, none = (
        list(
            leaves(
                lawful.call(
                    layer,
                    [
                        s.batch(n, "right", generator, 3).filled("nan", generator)
                        for s in lawful.inputs
                    ],
                )
            )
        )
        for n in ([2], [])
    )
    for one, nothing in zip(some, none, strict=True):
        assert nothing.shape == (0, *one.shape[1:])
        assert (nothing.mask is None) == (one.mask is None)
        if nothing.mask is not None:
            assert backend.shape(nothing.mask) == (0, *backend.shape(one.mask)[1:])


@pytest.mark.parametrize("lengths", [(3, 0, 5, 1), (1,), (0,), ()], ids=str)
def test_gradient_law(backend: Backend, lawful: LayerRow, lengths: tuple[int]) -> None:
    if not backend.differentiates:
        pytest.skip(f"{backend.name} does not differentiate")
    check_gradient_law(lawful, backend=backend.name, lengths=lengths)


def test_layouts(backend: Backend, lawful: LayerRow) -> None:
    """Packed, without arithmetic on padding, a layer gives what it gives on the rectangle."""
    model, _ = _problem(lawful)
    runner, generator = ModelRunner(model), np.random.default_rng(0)
    for padding, filler in zip(lawful.padding, ("nan", "noise", "inf"), strict=False):
        data = [_data(s, i, generator, padding, filler) for i, s in enumerate(lawful.inputs)]
        tensors = runner.admit(data)
        packed, padded = (
            _outputs(runner, tensors, backend, layout=layout) for layout in ("packed", "padded")
        )
        for a, b in zip(packed, padded, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-10)
            assert (a.mask is None) == (b.mask is None)
            if a.mask is not None:
                masks = [backend.to_numpy(x.mask) for x in (a, b)]
                np.testing.assert_array_equal(masks[0], masks[1])


def _problem(row: LayerRow) -> tuple[Model, list[MaskedTensor]]:
    """Return a model of a layer alone, and data for each of its inputs."""
    generator = np.random.default_rng(0)
    inputs = [_input(row, sequences) for sequences in row.inputs]
    model = Model(inputs, row.call(row.built(), inputs), on_mask_loss="ignore")
    return model, [_data(sequences, i, generator) for i, sequences in enumerate(row.inputs)]


def _outputs(
    runner: ModelRunner, tensors: list[MaskedTensor], backend: Backend, layout: str = "padded"
) -> list[MaskedTensor]:
    plan = runner.plan(tensors, backend, precision="float64", layout=layout)
    with backend.running():
        return [MaskedTensor(*pair) for pair in plan.run([t.on(backend) for t in tensors])]


def _input(row: LayerRow, sequences: Sequences) -> SymbolicTensor:
    time = None if row.lawful is True else SIZE
    dtype = "float32" if sequences.kind == "floats" else "int32"
    return Input((time,) * sequences.axes + sequences.trailing, dtype)


def _data(
    sequences: Sequences,
    index: int,
    generator: np.random.Generator,
    padding: str = "right",
    filler: str = "nan",
) -> MaskedTensor:
    lengths = (*LENGTHS[index:], *LENGTHS[:index])
    drawn = [sequences.draw(n, generator) for n in lengths]
    rectangle = Rectangle.place(drawn, SIZE, padding, generator, sequences.axes)
    return rectangle.filled(filler, generator)
