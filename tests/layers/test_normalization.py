"""Layers that normalize by statistics of the batch, of a sequence or of their kernel.

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

LENGTHS = (4, 0, 1, 6)
SIZE = 7
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])


def padded(side="right", lengths=LENGTHS, trailing=(3,), seed=0):
    """Return random sequences in a rectangle with NaN in the padding."""
    generator = np.random.default_rng(seed)
    values = np.full((len(lengths), SIZE, *trailing), np.nan, "float32")
    mask = np.zeros((len(lengths), SIZE), bool)
    for row, n in enumerate(lengths):
        places = {"right": np.arange(n), "left": np.arange(SIZE - n, SIZE)}.get(
            side, np.sort(generator.permutation(SIZE)[:n])
        )
        mask[row, places] = True
    values[mask] = generator.normal(1, 2, values[mask].shape)
    return mg.MaskedTensor(values, mask)


def valid_steps(x):
    return x.value[x.mask].astype("float64")


def built(layer, x, seed=1):
    """Return the layer with random weights, none of them negative."""
    generator = np.random.default_rng(seed)
    layer(x)
    layer.set_weights([np.abs(generator.normal(size=w.shape)) for w in layer.weights])
    return layer


# -- batch normalization in training -------------------------------------------------------


@BACKENDS
@pytest.mark.parametrize("side", ["right", "left", "holes"])
def test_a_padded_batch_gives_what_its_valid_steps_give(backend, side):
    x = padded(side)
    with mg.use_backend(backend):
        norm = built(layers.BatchNormalization(momentum=0.8, epsilon=0.01), x)
        gamma, beta, moving_mean, moving_variance = norm.get_weights()
        y = norm(x, training=True)
    steps = valid_steps(x)
    mean, variance = steps.mean(axis=0), steps.var(axis=0)
    expected = (steps - mean) / np.sqrt(variance + 0.01) * gamma + beta
    np.testing.assert_allclose(y.numpy()[x.mask], expected, rtol=1e-5, atol=1e-5)
    assert (y.numpy()[~x.mask] == 0).all()
    moved = norm.get_weights()[2:]
    np.testing.assert_allclose(moved[0], 0.8 * moving_mean + 0.2 * mean, rtol=1e-5)
    np.testing.assert_allclose(moved[1], 0.8 * moving_variance + 0.2 * variance, rtol=1e-5)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_every_axis_has_its_own_statistics(axis):
    x = padded(trailing=(2, 3))
    norm = built(layers.BatchNormalization(axis=axis, momentum=0.5), x)
    old = norm.get_weights()
    norm(x, training=True)
    exists = np.broadcast_to(x.mask[..., None, None], x.shape)
    for entry in range(x.shape[axis]):
        values = np.take(x.value, entry, axis)[np.take(exists, entry, axis)].astype("float64")
        found = [w[entry] for w in norm.get_weights()[2:]]
        before = [w[entry] for w in old[2:]]
        if not values.size:
            assert found == before
            continue
        expected = np.add(before, [values.mean(), values.var()]) / 2
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5, "center": False}, {"scale": False}])
@pytest.mark.parametrize("shape", [(4, 3), (4, 5, 3), (2, 3, 4, 3)])
def test_training_agrees_with_keras(options, shape):
    x = np.random.default_rng(0).normal(1, 2, shape).astype("float32")
    norm, theirs = layers.BatchNormalization(**options), keras.layers.BatchNormalization(**options)
    theirs.build(shape)
    theirs.set_weights(built(norm, x).get_weights())
    for _ in range(3):
        y, expected = norm(x, training=True), theirs(x, training=True)
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-5, atol=1e-5)
    for found, right in zip(norm.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)


@BACKENDS
@pytest.mark.parametrize("lengths", [(0, 0), ()])
def test_a_batch_without_steps_moves_nothing(backend, lengths):
    norm = built(layers.BatchNormalization(), padded())
    before = norm.get_weights()
    with mg.use_backend(backend):
        y = norm(padded(lengths=lengths), training=True)
    assert (y.numpy() == 0).all()
    for found, old in zip(norm.get_weights(), before, strict=True):
        assert (found == old).all()


def test_nothing_moves_but_in_training():
    x = padded()
    norm = built(layers.BatchNormalization(), x)
    frozen = built(layers.BatchNormalization(trainable=False), x)
    before = norm.get_weights()
    used, still = norm(x), frozen(x, training=True)
    np.testing.assert_array_equal(used.numpy(), still.numpy())
    for found, old in zip(norm.get_weights() + frozen.get_weights(), before * 2, strict=True):
        assert (found == old).all()


def test_in_a_model_it_is_moved_by_runs_in_training():
    x = padded()
    inputs = mg.Input((None, 3), masked=True)
    norm = layers.BatchNormalization(momentum=0)
    model = mg.Model(inputs, layers.GlobalAveragePooling1D()(norm(inputs)))
    model(x)
    assert norm.get_weights()[2].tolist() == [0, 0, 0]
    model(x, training=True)
    np.testing.assert_allclose(norm.get_weights()[2], valid_steps(x).mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("side", ["right", "left", "holes"])
def test_gradients_in_training_are_those_of_the_valid_steps(side):
    """Against PyTorch, written by hand on the valid steps laid end to end."""
    x = padded(side)
    inputs = mg.Input((None, 3), masked=True)
    norm = layers.BatchNormalization(epsilon=0.01)
    model = mg.Model(inputs, norm(inputs))
    built(norm, x)
    plan = model.plan(x, backend="torch", training=True)
    values = torch.tensor(x.value, requires_grad=True)
    weights = [torch.tensor(w.numpy(), requires_grad=w.trainable) for w in plan.weights]
    ((y, _),) = plan.run([(values, torch.tensor(x.mask))], weights)
    factors = torch.tensor(np.random.default_rng(3).normal(size=x.shape).astype("float32"))
    loss = (factors * y**2).sum()
    loss.backward()

    steps = torch.tensor(x.value[x.mask].astype("float64"), requires_grad=True)
    gamma, beta = (torch.tensor(w, dtype=torch.float64) for w in norm.get_weights()[:2])
    gamma.requires_grad_(), beta.requires_grad_()
    mean = steps.mean(dim=0)
    variance = ((steps - mean) ** 2).mean(dim=0)
    expected = (steps - mean) / torch.sqrt(variance + 0.01) * gamma + beta
    right = (factors[torch.tensor(x.mask)].double() * expected**2).sum()
    right.backward()

    assert float(loss.detach()) == pytest.approx(float(right.detach()), rel=1e-5)
    assert (values.grad.numpy()[~x.mask] == 0).all()
    np.testing.assert_allclose(values.grad.numpy()[x.mask], steps.grad, rtol=1e-4, atol=1e-5)
    found = {w.name: t.grad for t, w in zip(weights, plan.weights, strict=True)}
    np.testing.assert_allclose(found["gamma"], gamma.grad, rtol=1e-4)
    np.testing.assert_allclose(found["beta"], beta.grad, rtol=1e-4)


def test_a_momentum_that_is_no_share_is_refused():
    with pytest.raises(ArgumentError, match="momentum out of range"):
        layers.BatchNormalization(momentum=1.5)


# -- the others ----------------------------------------------------------------------------


@BACKENDS
def test_group_statistics_are_those_of_each_sequence_alone(backend):
    x = padded("holes", trailing=(4,))
    norm = built(layers.GroupNormalization(groups=2, epsilon=0.01), x)
    gamma, beta = norm.get_weights()
    with mg.use_backend(backend):
        y = norm(x)
    for row, mask, found in zip(x.value, x.mask, y.numpy(), strict=True):
        steps = row[mask].astype("float64").reshape(-1, 2, 2)
        if len(steps):
            centred = steps - steps.mean(axis=(0, 2), keepdims=True)
            scaled = centred / np.sqrt(steps.var(axis=(0, 2), keepdims=True) + 0.01)
            expected = scaled.reshape(-1, 4) * gamma + beta
            np.testing.assert_allclose(found[mask], expected, rtol=1e-4, atol=1e-5)
        assert (found[~mask] == 0).all()


@pytest.mark.parametrize("groups", [3, 8])
def test_groups_must_have_one_size(groups):
    with pytest.raises(ShapeError, match="groups of one size"):
        layers.GroupNormalization(groups)(np.ones((1, 2, 4)))


@pytest.mark.parametrize("groups", [0, -2, 1.5])
def test_a_number_of_groups_is_positive(groups):
    with pytest.raises(ArgumentError, match="groups out of range"):
        layers.GroupNormalization(groups)


@pytest.mark.parametrize("make", [layers.LayerNormalization, layers.UnitNormalization])
def test_an_axis_that_does_not_exist_is_refused(make):
    with pytest.raises(ShapeError, match="no such axis"):
        make(axis=3)(np.ones((1, 2, 4)))


@pytest.mark.parametrize(
    "layer", [layers.UnitNormalization(), layers.RMSNormalization(), layers.GroupNormalization(1)]
)
def test_half_precision_is_computed_in_float32(layer):
    x = np.full((1, 2, 4), 300, "float16")  # its square is more than the largest float16
    y = layer(x)
    assert y.dtype == "float32"
    assert np.isfinite(y.numpy()).all()


# -- spectral normalization ----------------------------------------------------------------


@BACKENDS
@pytest.mark.parametrize("iterations", [1, 3])
def test_spectral_normalization_in_training_agrees_with_keras(backend, iterations):
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    norm = layers.SpectralNormalization(layers.Dense(5), iterations)
    built(norm, x)
    theirs = keras.layers.SpectralNormalization(keras.layers.Dense(5), iterations)
    theirs(x)
    theirs.set_weights(norm.get_weights())
    with mg.use_backend(backend):
        for _ in range(3):
            y, expected = norm(x, training=True), theirs(x, training=True)
            np.testing.assert_allclose(y.numpy(), expected, rtol=1e-5, atol=1e-5)
    for found, right in zip(norm.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)


def test_spectral_normalization_finds_the_largest_singular_value():
    norm = built(layers.SpectralNormalization(layers.Dense(5), 30), padded())
    norm(padded(), training=True)
    kernel = norm.layer.kernel.numpy()
    assert np.linalg.svd(kernel, compute_uv=False)[0] == pytest.approx(1, rel=1e-4)


def test_a_kernel_of_zeros_stays():
    norm = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros"))
    u = built(norm, padded()).vector_u.numpy().copy()
    norm.layer.kernel.assign(np.zeros((3, 2)))
    assert np.isfinite(norm(padded(), training=True).numpy()).all()
    assert (norm.layer.kernel.numpy() == 0).all()
    assert (norm.vector_u.numpy() == u).all()


@pytest.mark.parametrize("layer", [layers.ReLU(), "a layer"])
def test_a_layer_without_a_kernel_is_refused(layer):
    with pytest.raises(ArgumentError, match="SpectralNormalization"):
        layers.SpectralNormalization(layer)(np.ones((1, 2)))
