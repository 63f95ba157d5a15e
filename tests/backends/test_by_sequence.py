"""Reductions of packed batches give what each sequence gives alone, slopes too."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from maskgraph import ops
from maskgraph.backend import load
from maskgraph.backend.packing import Packing
from maskgraph.graph import Spec, source
from maskgraph.plan.block_body import BlockBody
from maskgraph_torch.by_sequence import reduction

MASK = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]], bool)
WEIGHTS = torch.arange(1.0, 9.0).reshape(4, 2)
names = pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])


def body_of(name: str, *, axis: tuple[int, ...] = (1,), keepdims: bool = False) -> BlockBody:
    symbol = source("input", "x", Spec((1, None, 2), "float32"))
    arguments = {"x": symbol, "axis": axis, "keepdims": keepdims}
    return BlockBody(getattr(ops, name), arguments, {symbol: (None, None, 2)}, [False])


def reduced(name: str, values: np.ndarray, keepdims: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a reduction of a packed batch with few blocks, and its slopes by the rectangle."""
    backend = load("torch")
    packing = Packing(MASK, block_cost=100)
    x = torch.tensor(values, requires_grad=True)
    slots = backend.pack(x, packing)
    body = body_of(name, keepdims=keepdims)
    assert reduction(body, [slots]) is not None
    [rows] = backend.by_block([slots], packing, [], body)
    [slope] = torch.autograd.grad((rows * WEIGHTS.reshape(rows.shape)).sum(), [x])
    return rows.detach().numpy(), slope.numpy()


def alone(name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, slopes = np.zeros((4, 2), "float32"), np.zeros_like(values)
    for row, exists in enumerate(MASK):
        if exists.any():
            x = torch.tensor(values[row][exists], requires_grad=True)
            result = getattr(torch, {"max": "amax", "min": "amin"}.get(name, name))(x, 0)
            [slope] = torch.autograd.grad((result * WEIGHTS[row]).sum(), [x])
            rows[row], slopes[row][exists] = result.detach().numpy(), slope.numpy()
    return rows, slopes


@names
@pytest.mark.parametrize("keepdims", [False, True])
def test_each_sequence_alone(name: str, keepdims: bool) -> None:
    """Also where several steps are the largest, and in a sequence without steps."""
    values = np.random.default_rng(0).integers(-2, 2, (4, 4, 2)).astype("float32")
    rows, slopes = reduced(name, values, keepdims)
    expected_rows, expected_slopes = alone(name, values)
    assert rows.shape == ((4, 1, 2) if keepdims else (4, 2))
    np.testing.assert_allclose(rows.reshape(4, 2), expected_rows, rtol=1e-6)
    np.testing.assert_allclose(slopes, expected_slopes, rtol=1e-6)


@names
@pytest.mark.parametrize("block_cost", [0, 100])
def test_each_sequence_alone_on_numpy(name: str, block_cost: int) -> None:
    backend, packing = load("numpy"), Packing(MASK, block_cost)
    values = np.random.default_rng(0).normal(size=(4, 4, 2)).astype("float32")
    slots = backend.pack(values, packing)
    if packing.valid is not None:
        slots[:, ~packing.valid] = np.nan
    [rows] = backend.by_block([slots], packing, [], body_of(name))
    np.testing.assert_allclose(rows, alone(name, values)[0], rtol=1e-6)
    [rows] = backend.by_block([slots], packing, [], body_of(name, keepdims=True))
    np.testing.assert_allclose(rows[:, 0], alone(name, values)[0], rtol=1e-6)


@names
@pytest.mark.parametrize(("row", "step"), [(0, 3), (2, 1), (3, 1)])
def test_what_is_not_a_number_stays_in_its_sequence(name: str, row: int, step: int) -> None:
    """Though slots that hold no step repeat it."""
    values = np.ones((4, 4, 2), "float32")
    values[~MASK] = np.nan
    values[row, step] = np.nan
    rows, slopes = reduced(name, values, False)
    others = np.arange(4) != row
    assert np.isfinite(rows[others]).all()
    assert np.isfinite(slopes[others]).all()


def test_others_go_from_block_to_block() -> None:
    x = torch.ones(1, 3, 2)
    assert reduction(body_of("sum"), [x.half()]) is None
    assert reduction(body_of("sum", axis=(1, 2)), [x]) is None
    assert reduction(body_of("var"), [x]) is None
