"""Sizes that are known only with data."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import ops

X = np.arange(6, dtype="float32").reshape(1, 3, 2)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x, n: x * n, X * 3),
        (lambda x, n: n * x, X * 3),
        (lambda x, n: x - n, X - 3),
        (lambda x, n: n - x, 3 - X),
        (lambda x, n: x + (n * 2 - 1), X + 5),
        (lambda x, n: ops.reshape(x, (-1, n * 2)), X.reshape(1, 6)),
    ],
)
@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
def test_sizes_are_numbers_to_tensors(function, expected, backend):
    x = mg.Input((None, 2))
    model = mg.Model(x, function(x, ops.shape(x)[1]))
    np.testing.assert_array_equal(model.predict(X, backend=backend), expected)
