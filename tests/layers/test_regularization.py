"""Noise in training, and the penalty on what passes: neither depends on the padding."""

import os

import numpy as np
import pytest
import torch

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import ArgumentError, ShapeError

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
NOISY = {
    "Dropout": lambda **o: layers.Dropout(0.4, **o),
    "SpatialDropout1D": lambda **o: layers.SpatialDropout1D(0.4, **o),
    "GaussianNoise": lambda **o: layers.GaussianNoise(0.4, **o),
    "GaussianDropout": lambda **o: layers.GaussianDropout(0.4, **o),
    "AlphaDropout": lambda **o: layers.AlphaDropout(0.4, **o),
}
each_noise = pytest.mark.parametrize("name", NOISY)


def sample(filler, seed=0):
    """Return two sequences of 4 and 2 steps, with something in the padding."""
    generator = np.random.default_rng(seed)
    mask = np.array([[True] * 4, [True, False, True, False]])
    values = generator.normal(size=(2, 4, 3)).astype("float32")
    values[~mask] = filler
    return mg.MaskedTensor(values, mask)


@each_noise
@BACKENDS
def test_noise_does_not_depend_on_what_stands_in_the_padding(name, backend):
    with mg.use_backend(backend):
        clean, dirty = (NOISY[name](seed=3)(sample(f), training=True) for f in (0, np.nan))
    np.testing.assert_array_equal(clean.numpy(), dirty.numpy())
    x = sample(0)
    assert (dirty.numpy()[x.mask] != x.value[x.mask]).any(), "there is no noise"
    assert (dirty.numpy()[~x.mask] == 0).all()
    np.testing.assert_array_equal(dirty.backend.to_numpy(dirty.mask), x.mask)


@each_noise
def test_a_seed_gives_the_same_noise_on_every_backend(name):
    results = []
    for backend in ("numpy", "torch", "tensorflow"):
        with mg.use_backend(backend):
            layer = NOISY[name](seed=3)
            results.append([layer(sample(0), training=True).numpy() for _ in range(2)])
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-6, atol=1e-6)
    assert (results[0][0] != results[0][1]).any(), "each run draws anew"


@each_noise
def test_outside_of_training_nothing_changes(name):
    x = sample(0)
    np.testing.assert_array_equal(NOISY[name]()(x).numpy(), x.numpy())


@each_noise
def test_nan_in_the_padding_does_not_reach_gradients(name):
    x = sample(np.nan)
    inputs = mg.Input((None, 3), masked=True)
    model = mg.Model(inputs, NOISY[name](seed=0)(inputs))
    plan = model.plan(x, backend="torch", training=True)
    values = torch.tensor(x.value, requires_grad=True)
    ((y, _),) = plan.run([(values, torch.tensor(x.mask))])
    (y**2).sum().backward()
    gradient = values.grad.numpy()
    assert np.isfinite(gradient).all()
    assert (gradient[~x.mask] == 0).all()
    assert (gradient[x.mask] != 0).any()


LARGE = np.random.default_rng(1).normal(1, 1, (200, 50, 20)).astype("float32")


@pytest.mark.parametrize("name", ["Dropout", "SpatialDropout1D", "GaussianDropout"])
def test_noise_that_multiplies_keeps_the_mean_and_has_the_variance_of_dropout(name):
    factors = NOISY[name](seed=0)(np.ones_like(LARGE), training=True).numpy()
    assert factors.mean() == pytest.approx(1, abs=0.03)
    assert factors.var() == pytest.approx(0.4 / 0.6, rel=0.05)


def test_noise_that_adds_has_mean_0_and_its_deviation():
    noise = NOISY["GaussianNoise"](seed=0)(LARGE, training=True).numpy() - LARGE
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(0.4, rel=0.01)
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.02


def test_alpha_dropout_keeps_mean_and_variance_of_normal_numbers():
    x = np.random.default_rng(2).normal(size=LARGE.shape).astype("float32")
    y = NOISY["AlphaDropout"](seed=0)(x, training=True).numpy()
    assert y.mean() == pytest.approx(0, abs=0.02)
    assert y.var() == pytest.approx(1, rel=0.02)
    _, counts = np.unique(y.round(5), return_counts=True)
    assert counts.max() / y.size == pytest.approx(0.4, abs=0.01)


def test_alpha_dropout_agrees_with_keras_on_what_it_does_to_an_element():
    x = np.linspace(-2, 2, 4000, dtype="float32").reshape(1, -1, 1)
    ours = NOISY["AlphaDropout"](seed=0)(x, training=True).numpy().ravel()
    theirs = np.asarray(keras.layers.AlphaDropout(0.4)(x, training=True)).ravel()
    found = []
    for y in (ours, theirs):
        values, counts = np.unique(y.round(5), return_counts=True)
        dropped = values[counts.argmax()]
        kept = np.abs(y - dropped) > 1e-3
        found.append([dropped, *np.polyfit(x.ravel()[kept], y[kept], 1)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


def test_whole_features_are_dropped():
    y = layers.SpatialDropout1D(0.5, seed=0)(np.ones((5, 6, 8)), training=True).numpy()
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0, 2}
    with pytest.raises(ShapeError, match="wrong rank"):
        layers.SpatialDropout1D(0.5)(np.ones((5, 6)))


def test_one_draw_serves_an_axis():
    layer = layers.AlphaDropout(0.5, noise_shape=(None, 1, None), seed=0)
    y = layer(np.ones((5, 6, 8)), training=True).numpy()
    assert (y == y[:, :1]).all()
    assert len(np.unique(y)) == 2


@pytest.mark.parametrize(
    "make",
    [layers.Dropout, layers.SpatialDropout1D, layers.GaussianDropout, layers.AlphaDropout],
)
@pytest.mark.parametrize("rate", [-0.1, 2, "half", None, float("nan")])
def test_a_rate_that_is_no_share_is_refused(make, rate):
    with pytest.raises(ArgumentError, match="rate out of range"):
        make(rate)


@pytest.mark.parametrize("make", [layers.GaussianDropout, layers.AlphaDropout])
def test_noise_that_would_be_infinite_is_refused(make):
    """Keras takes the rate, and divides by 0 when it is called."""
    with pytest.raises(ArgumentError, match=r"rate out of range[\s\S]*less than 1"):
        make(1)


@BACKENDS
@pytest.mark.parametrize("make", ["Dropout", "SpatialDropout1D"])
def test_a_rate_of_1_drops_everything_as_in_keras(make, backend):
    x = sample(np.nan)
    with mg.use_backend(backend):
        y = getattr(layers, make)(1)(x, training=True)
    ones = np.ones((2, 4, 3), "float32")
    theirs = np.asarray(getattr(keras.layers, make)(1.0)(ones, training=True))
    np.testing.assert_array_equal(y.numpy(), theirs)
    np.testing.assert_array_equal(y.backend.to_numpy(y.mask), x.mask)


def test_a_rate_of_1_has_gradients_of_0():
    inputs = mg.Input((None, 3), masked=True)
    model = mg.Model(inputs, layers.Dropout(1)(layers.Dense(3)(inputs)))
    x = sample(np.nan)
    plan = model.plan(x, backend="torch", training=True)
    values = torch.tensor(x.value, requires_grad=True)
    ((y, _),) = plan.run([(values, torch.tensor(x.mask))])
    (y**2).sum().backward()
    assert (values.grad.numpy() == 0).all()


def test_other_numbers_out_of_range_are_refused():
    for stddev in (2, "wide"):
        with pytest.raises(ArgumentError, match="stddev out of range"):
            layers.GaussianNoise(stddev)
    with pytest.raises(ArgumentError, match="l2 out of range"):
        layers.ActivityRegularization(l2=-1)


# -- activity regularization ---------------------------------------------------------------


@BACKENDS
@pytest.mark.parametrize("training", [False, True])
def test_the_penalty_is_that_of_the_valid_steps(backend, training):
    x = sample(np.nan)
    with mg.use_backend(backend):
        layer = layers.ActivityRegularization(l1=0.1, l2=0.2)
        y = layer(x, training=training)
        (loss,) = layer.losses
    steps = x.value[x.mask].astype("float64")
    expected = (0.1 * np.abs(steps).sum() + 0.2 * (steps**2).sum()) / 2
    assert float(loss) == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(y.numpy()[x.mask], x.value[x.mask])


def test_a_batch_pays_the_mean_of_what_its_sequences_pay_alone():
    """One without steps counts, and pays nothing."""
    x = sample(np.nan)
    rows = [*(row[None] for row in x.unpad()), np.zeros((1, 0, 3), "float32")]
    layer, alone = layers.ActivityRegularization(l1=0.3, l2=0.2), []
    for row in rows:
        layer(row)
        alone.extend(float(loss) for loss in layer.losses)
    layer(mg.MaskedTensor.from_ragged([row[0] for row in rows]))
    assert alone[2] == 0
    assert float(layer.losses[0]) == pytest.approx(np.mean(alone), rel=1e-6)


@pytest.mark.parametrize("options", [{"l1": 0.1}, {"l2": 0.2}, {"l1": 0.1, "l2": 0.2}, {}])
@pytest.mark.parametrize("shape", [(4,), (4, 3), (2, 3, 5), (0, 3)])
def test_the_penalty_agrees_with_keras(options, shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    ours, theirs = (m.ActivityRegularization(**options) for m in (layers, keras.layers))
    ours(x), theirs(x)
    assert [float(v) for v in ours.losses] == pytest.approx([float(v) for v in theirs.losses])


def test_a_model_gives_the_penalties_of_its_layers():
    x = sample(np.nan)
    inputs = mg.Input((None, 3), masked=True)
    penalized = layers.ActivityRegularization(l2=1.0)(inputs)
    model = mg.Model(inputs, layers.GlobalMaxPooling1D()(penalized))
    model(x)
    steps = x.value[x.mask].astype("float64")
    assert [float(v) for v in model.losses] == pytest.approx([(steps**2).sum() / 2])
