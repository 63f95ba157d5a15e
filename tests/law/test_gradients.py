"""The law for gradients: those of a padded batch are the sum of those of each sequence alone.

NaN stands in the padding, so a product with zero anywhere on the way back would show.
"""

import numpy as np
import pytest
import torch

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.testing.layer_table import LAWFUL
from maskgraph.testing.random_models import random_model

LENGTHS = (4, 1, 6)
SIZE = 8
ROWS = [row for row in LAWFUL if len(row.inputs) == 1 and row.inputs[0].kind == "floats"]
ROWS = [row for row in ROWS if row.inputs[0].axes == 1]


def of_row(row):
    layer = row.built()
    x = mg.Input(shape=(None, *row.inputs[0].trailing), masked=True)
    return mg.Model(x, row.call(layer, [x]), on_mask_loss="ignore")


def gradients(model, backend, values, mask):
    """Return the gradients of sum(y + y**2) over all outputs by the input and by all weights."""
    plan = model.plan(mg.MaskedTensor(values, mask), backend=backend.name)
    arrays = [backend.asarray(values)] + [backend.asarray(w.numpy()) for _, w in plan.weights]

    def loss(arrays):
        x, *weights = arrays
        total = backend.zeros((), "float32")
        for y, _ in plan.run([(x, mask)], weights):
            every = tuple(range(len(backend.shape(y))))
            total = backend.add(total, backend.sum(backend.add(y, backend.square(y)), every, False))
        return total

    return [backend.to_numpy(g) for g in backend.gradients(loss, arrays)]


def check(model, backend_name, padding, trailing):
    backend = load(backend_name, "cpu")
    generator = np.random.default_rng(0)
    rows = [generator.normal(size=(n, *trailing)).astype("float32") for n in LENGTHS]
    values = np.full((len(rows), SIZE, *trailing), np.nan, "float32")
    mask = np.zeros((len(rows), SIZE), bool)
    for i, row in enumerate(rows):
        where = slice(0, len(row)) if padding == "right" else slice(SIZE - len(row), SIZE)
        values[i, where], mask[i, where] = row, True
    together, *weights = gradients(model, backend, values, mask)
    assert (together[~mask] == 0).all(), "the padding has a gradient"
    expected = None
    for i, row in enumerate(rows):
        alone, *parts = gradients(model, backend, row[None], None)
        np.testing.assert_allclose(together[i][mask[i]], alone[0], rtol=2e-3, atol=2e-4)
        if expected is None:
            expected = parts
        else:
            expected = [a + b for a, b in zip(expected, parts, strict=True)]
    for found, sums in zip(weights, expected, strict=True):
        np.testing.assert_allclose(found, sums, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("padding", ["right", "left"])
@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_of_layers(row, backend, padding):
    check(of_row(row), backend, padding, row.inputs[0].trailing)


SINGULAR = {
    "log": lambda x: ops.log(ops.square(x)),
    "log1p": lambda x: ops.log1p(ops.abs(x) - 1 + ops.square(x) + ops.abs(x)),
    "divide": lambda x: 1 / x,
    "reciprocal": ops.reciprocal,
    "rsqrt": lambda x: ops.rsqrt(ops.square(x)),
    "sqrt": lambda x: ops.sqrt(ops.square(x)),
    "power": lambda x: ops.square(x) ** 0.3,
    "unit length": lambda x: x / ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True)),
}
"""Ops whose value or slope is infinite at 0, which is what stands in the padding inside."""


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
@pytest.mark.parametrize("name", SINGULAR)
def test_of_ops_that_are_infinite_at_zero(name, backend):
    x = mg.Input(shape=(None, 4), masked=True)
    y = SINGULAR[name](layers.Dense(3)(x))  # its bias is 0, and so is what it makes of 0
    model = mg.Model(x, layers.Dense(2)(ops.tanh(y)), seed=0, on_mask_loss="error")
    check(model, backend, "right", (4,))


def test_of_ops_on_masked_tensors():
    """Without a plan, too: PyTorch records what ops do to its tensors."""
    values = torch.tensor([[[1.0], [float("nan")]]], requires_grad=True)
    weight = torch.ones((1, 1), requires_grad=True)
    x = mg.MaskedTensor(values, np.array([[True, False]]))
    y = ops.mean(ops.log(ops.matmul(x, weight)) * x, axis=1)
    y.value.sum().backward()
    assert values.grad.tolist() == [[[1.0], [0.0]]]
    assert weight.grad.tolist() == [[1.0]]


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
@pytest.mark.parametrize("seed", range(8))
def test_of_random_graphs(seed, backend):
    check(random_model(seed, 8), backend, "right", (4,))
