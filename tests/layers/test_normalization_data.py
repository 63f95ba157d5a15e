"""Normalization by statistics of a data set, which count what exists.

What stands at masked steps is NaN throughout; the judge is NumPy in float64 on the valid steps
alone, and Keras on input without padding.
"""

import os

import numpy as np
import pytest
import torch

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import ArgumentError, ShapeError

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")


def padded(lengths=(4, 0, 1, 6), size=7):
    """Return random sequences, right-padded with NaN."""
    values = np.full((len(lengths), size, 3), np.nan, "float32")
    mask = np.arange(size) < np.reshape(lengths, (-1, 1))
    values[mask] = np.random.default_rng(0).normal(1, 2, values[mask].shape)
    return mg.MaskedTensor(values, mask)


def valid_steps(x):
    return x.value[x.mask].astype("float64")


def whole(x):
    return [x]


def in_batches(x):
    return [[mg.MaskedTensor(x.value[i : i + 1], x.mask[i : i + 1]) for i in range(len(x))]]


def with_a_mask(x):
    return [x.value, x.mask]


def ragged(x):
    return [x.unpad()]


def nested(x):
    return [[row.tolist() for row in x.unpad()]]


def generated(x):
    return [((row[None], "a label") for row in x.unpad())]


def on_torch(x):
    return [mg.MaskedTensor(torch.tensor(x.value), torch.tensor(x.mask))]


@pytest.mark.parametrize(
    "given", [whole, in_batches, with_a_mask, ragged, nested, generated, on_torch]
)
@pytest.mark.parametrize("axis", [-1, 2, None])
def test_adapt_counts_valid_steps_only(given, axis):
    x = padded()
    norm = layers.Normalization(axis=axis)
    norm.adapt(*given(x))
    steps = valid_steps(x)
    along = None if axis is None else 0
    mean, variance, _ = norm.get_weights()
    np.testing.assert_array_equal(mean, steps.mean(axis=along).astype("float32"))
    np.testing.assert_allclose(variance, steps.var(axis=along), rtol=1e-7)
    y = norm(x).numpy()[x.mask]
    np.testing.assert_allclose(y.mean(axis=along), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(axis=along), 1, rtol=1e-5)


def test_adapt_to_many_batches_is_one_pass_over_all():
    """Far from 0, where a sum of squares would lose every digit of the variance."""
    generator = np.random.default_rng(0)
    data = 1e6 + generator.normal(size=(1000, 2))
    norm = layers.Normalization()
    norm.adapt(data[i : i + 7] for i in range(0, 1000, 7))
    np.testing.assert_allclose(norm.get_weights()[0], data.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(norm.get_weights()[1], data.var(axis=0), rtol=1e-6)


def test_adapt_again_starts_anew_and_models_take_it():
    inputs = mg.Input((None, 1), masked=True)
    norm = layers.Normalization()
    model = mg.Model(inputs, norm(inputs))
    one, other = (np.array([[[a], [a + 2.0]]], "float32") for a in (1, 11))
    norm.adapt(one)
    assert model(mg.MaskedTensor(one, np.ones((1, 2), bool))).numpy().ravel().tolist() == [-1, 1]
    norm.adapt(other)
    assert model(mg.MaskedTensor(other, np.ones((1, 2), bool))).numpy().ravel().tolist() == [-1, 1]


@pytest.mark.parametrize("axis", [-1, 1, [1, 2], None])
def test_adapt_agrees_with_keras(axis):
    x = np.random.default_rng(0).normal(1, 2, (4, 5, 3)).astype("float32")
    norm, theirs = layers.Normalization(axis=axis), keras.layers.Normalization(axis=axis)
    norm.adapt(x)
    theirs.adapt(x)
    np.testing.assert_allclose(norm(x).numpy(), theirs(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("data", "mask", "message"),
    [
        (padded(lengths=(0, 0)), None, "no valid step"),
        ([], None, "no valid step"),
        (7, None, "not one batch"),
        ([np.ones((2, 3)), np.ones((2, 3))], np.ones((2, 2), bool), "one mask could describe"),
    ],
)
def test_data_to_which_nothing_adapts_is_refused(data, mask, message):
    with pytest.raises(ArgumentError, match=message):
        layers.Normalization().adapt(data, mask)


def test_a_batch_of_other_sizes_is_refused():
    norm = layers.Normalization()
    with pytest.raises(ShapeError, match="a batch does not fit"):
        norm.adapt(np.ones((2, n)) for n in (3, 4))
    assert norm.get_weights()[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "options",
    [
        {"mean": 1},
        {"variance": 1},
        {"mean": [1, 2], "variance": 1},
        {"mean": [[1]], "variance": [[1]]},
    ],
)
def test_given_statistics_that_do_not_go_together_are_refused(options):
    with pytest.raises(ArgumentError, match="mean"):
        layers.Normalization(**options)


def test_given_statistics_are_not_overwritten():
    with pytest.raises(ArgumentError, match="were given"):
        layers.Normalization(mean=0, variance=1).adapt([[1.0]])
