"""Recurrent weights in PyTorch's order: made once, and anew whenever they would be others."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.backend.recurrent import Cell

torch = pytest.importorskip("torch")

from maskgraph_torch import converted as module  # noqa: E402
from maskgraph_torch.converted import converted  # noqa: E402

CELLS = [Cell("lstm"), Cell("gru"), Cell("simple")]


def weights_of(cell: Cell) -> list[Any]:
    torch.manual_seed(0)
    gates = {"lstm": 4, "gru": 3, "simple": 1}[cell.kind]
    bias = torch.randn(2, gates * 5) if cell.kind == "gru" else torch.randn(gates * 5)
    return [torch.randn(1, gates * 5), torch.randn(5, gates * 5), bias]


def anew(cell: Cell, weights: list[Any]) -> list[Any]:
    """Convert copies, which nobody knows."""
    return converted(cell, *(w.clone() for w in weights))


def assert_equal(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.kind)
@torch.no_grad()
def test_once(cell: Cell) -> None:
    weights = weights_of(cell)
    assert converted(cell, *weights) is converted(cell, *weights)
    assert_equal(converted(cell, *weights), anew(cell, weights))


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("how", ["in place", "another"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.kind)
@torch.no_grad()
def test_anew_if_one_changes(cell: Cell, how: str, place: int) -> None:
    weights = weights_of(cell)
    before = converted(cell, *weights)
    if how == "in place":
        weights[place].mul_(2)
    else:
        weights[place] = weights[place] * 2
    after = converted(cell, *weights)
    assert after is not before
    assert_equal(after, anew(cell, weights))


@torch.no_grad()
def test_anew_for_another_cell_or_without_bias() -> None:
    kernel, recurrent_kernel, bias = weights_of(Cell("gru"))
    ways = [(Cell("gru"), bias), (Cell("gru"), None), (Cell("simple"), None)]
    for cell, biases in [*ways, *ways]:
        found = converted(cell, kernel, recurrent_kernel, biases)
        copies = (kernel.clone(), recurrent_kernel.clone(), biases)
        assert_equal(found, converted(cell, *copies))


def test_gradients_go_through() -> None:
    cell, weights = CELLS[1], [w.requires_grad_() for w in weights_of(CELLS[1])]
    assert converted(cell, *weights) is not converted(cell, *weights)
    sum(w.square().sum() for w in converted(cell, *weights)).backward()
    for weight in weights:
        torch.testing.assert_close(weight.grad, 2 * weight.detach())


def test_what_is_not_told_of_changes_is_not_kept() -> None:
    with torch.inference_mode():
        weights = weights_of(CELLS[0])
        converted(CELLS[0], *weights)
        weights[0].mul_(2)
        assert_equal(converted(CELLS[0], *weights), anew(CELLS[0], weights))


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.kind)
@torch.no_grad()
def test_forgotten_with_the_kernel(cell: Cell) -> None:
    gc.collect()
    before = len(module._known)
    weights = weights_of(cell)
    converted(cell, *weights)
    assert len(module._known) == before + 1
    del weights
    gc.collect()
    assert len(module._known) == before


@pytest.mark.parametrize("layer", [layers.LSTM, layers.SimpleRNN], ids=lambda c: c.__name__)
def test_a_model_with_new_weights(layer: Any) -> None:
    x = mg.Input((None, 1))
    model = mg.Model(x, layer(3)(x), seed=0)
    data = np.random.default_rng(0).normal(size=(2, 4, 1)).astype("float32")
    for _ in range(3):
        found = model.predict(data, backend="torch")
        np.testing.assert_allclose(found, model.predict(data, backend="numpy"), atol=1e-6)
        model.set_weights([w * 0.5 + 0.1 for w in model.get_weights()])
