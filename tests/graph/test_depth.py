"""Deep graphs: nothing that is done with them calls itself for each node."""

import sys

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers

DEPTH = 20_000


@pytest.fixture(scope="module")
def model():
    x = start = mg.Input((None, 2), name="x", masked=True)
    for i in range(DEPTH // 2):
        x = x * 0.5 if i % 2 else layers.Activation("tanh")(x)
        x = x + 1
    assert sys.getrecursionlimit() < DEPTH / 10
    return mg.Model(start, x)


def test_a_deep_graph_is_checked(model):
    report = model.check()
    assert report.ok
    assert len(report.rows) == DEPTH + 1
    assert report.rows[-1].masks_out == report.rows[0].masks_out == ("x.mask",)


def test_a_deep_graph_computes_what_its_steps_do(model):
    rows = [np.float32([[1, -2], [3, 4]]), np.float32([[0.5, 0]])]
    results = model(rows).unpad()
    for row, result in zip(rows, results, strict=True):
        for i in range(DEPTH // 2):
            row = (row * np.float32(0.5) if i % 2 else np.tanh(row)) + np.float32(1)
        np.testing.assert_allclose(result, row, rtol=1e-5)


def test_a_deep_graph_is_a_networkx_graph_and_a_table(model, capsys):
    assert model.graph.number_of_edges() == DEPTH
    model.summary()
    assert len(capsys.readouterr().out.splitlines()) == DEPTH + 6


def test_a_deep_mask_is_named():
    x = start = mg.Input((None, 2), name="x", masked=True)
    for _ in range(DEPTH // 10):
        x = x[:, 1:]
    report = mg.Model(start, x).check()
    assert report.ok
    assert report.rows[1].masks_out == ("x.mask[:, 1:]",)
