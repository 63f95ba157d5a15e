"""The law for gradients, of what the table of layers does not hold: singular ops, whole graphs.

NaN stands in the padding, so a product with zero anywhere on the way back would show.
"""

import numpy as np
import pytest
import torch

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.testing.gradient_law import check_gradient_law
from maskgraph.testing.random_models import random_model

BACKENDS = pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])

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


@BACKENDS
@pytest.mark.parametrize("name", SINGULAR)
def test_of_ops_that_are_infinite_at_zero(name, backend):
    x = mg.Input(shape=(None, 4), masked=True)
    y = SINGULAR[name](layers.Dense(3)(x))  # its bias is 0, and so is what it makes of 0
    model = mg.Model(x, layers.Dense(2)(ops.tanh(y)), seed=0, on_mask_loss="error")
    check_gradient_law(model, backend=backend)


def test_of_ops_on_masked_tensors():
    """Without a plan, too: PyTorch records what ops do to its tensors."""
    values = torch.tensor([[[1.0], [float("nan")]]], requires_grad=True)
    weight = torch.ones((1, 1), requires_grad=True)
    x = mg.MaskedTensor(values, np.array([[True, False]]))
    y = ops.mean(ops.log(ops.matmul(x, weight)) * x, axis=1)
    y.value.sum().backward()
    assert values.grad.tolist() == [[[1.0], [0.0]]]
    assert weight.grad.tolist() == [[1.0]]


@BACKENDS
@pytest.mark.parametrize("seed", range(8))
def test_of_random_graphs(seed, backend):
    check_gradient_law(random_model(seed, 8), backend=backend)


def test_a_layer_that_counts_the_padding_is_found():
    class Counts(layers.Layer):
        supports_masking = True

        def call(self, inputs):
            return inputs * ops.shape(inputs)[1]

    x = mg.Input(shape=(None, 4), masked=True)
    model = mg.Model(x, Counts()(layers.Dense(4)(x)), seed=0)
    with pytest.raises(AssertionError, match=r"weight 'kernel'"):
        check_gradient_law(model, backend="torch")
