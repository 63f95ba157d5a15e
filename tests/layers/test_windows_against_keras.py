"""Windows over time give what Keras's layers give to a sequence alone, of any length."""

import itertools
import os

import numpy as np
import pytest

from maskgraph import layers

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

SIZES = (1, 2, 3, 4, 5)
STRIDES = (1, 2, 3)


def check(name, lengths, *args, **options):
    ours, theirs = (getattr(module, name)(*args, **options) for module in (layers, keras.layers))
    generator = np.random.default_rng(0)
    for length in lengths:
        x = generator.normal(size=(2, length, 2)).astype("float32")
        ours(x)
        theirs(x)
        weights = [generator.normal(size=w.shape) for w in ours.weights]
        ours.set_weights(weights)
        theirs.set_weights(weights)
        found, expected = np.asarray(ours(x)), np.asarray(theirs(x))
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize("strides", STRIDES)
@pytest.mark.parametrize("size", SIZES)
def test_convolution(size, strides, padding):
    lengths = range(size if padding == "valid" else 1, 8)
    check("Conv1D", lengths, 3, size, strides=strides, padding=padding)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", STRIDES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["MaxPooling1D", "AveragePooling1D"])
def test_pooling(name, size, strides, padding):
    check(name, range(size if padding == "valid" else 1, 8), size, strides, padding)


TRANSPOSES = [
    (size, strides, padding, more)
    for size, strides, padding in itertools.product(SIZES, STRIDES, ("valid", "same"))
    for more in (None, *range(strides))
    if padding == "valid" or more is None or size % 2 + more > 0  # Keras refuses the others
]


@pytest.mark.parametrize(("size", "strides", "padding", "more"), TRANSPOSES)
def test_transposed_convolution(size, strides, padding, more):
    options = {"strides": strides, "padding": padding, "output_padding": more}
    check("Conv1DTranspose", range(1, 5), 3, size, **options)


@pytest.mark.parametrize("name", ["AdaptiveAveragePooling1D", "AdaptiveMaxPooling1D"])
@pytest.mark.parametrize("size", SIZES)
def test_adaptive_pooling(size, name):
    check(name, range(1, 9), size)
