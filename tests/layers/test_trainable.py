"""`trainable` may be set at any time, and is seen by the next run: as in Keras, which judges."""

import os

import numpy as np
import pytest

import maskgraph as mg

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

X = np.random.default_rng(0).normal(2, 3, (4, 5, 3)).astype("float32")
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])


def moving(norm):
    return norm.get_weights()[2:]


def norm_in(library, place):
    """Return a BatchNormalization, and what to call on data for it to be run."""
    norm = library.layers.BatchNormalization(momentum=0.5)
    if place == "alone":
        return norm, norm
    if place == "in a wrapper":
        return norm, library.layers.TimeDistributed(norm)
    x = library.Input((None, 3))
    model = library.Model(x, norm(x))
    return norm, model if place == "in a model" else library.Model(x, model(x))


PLACES = ["alone", "in a wrapper", "in a model", "in a nested model"]


@BACKENDS
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("whole", [False, True], ids=["the layer", "what it is in"])
def test_a_layer_frozen_after_a_call_is_not_moved(place, whole, backend):
    with mg.use_backend(backend):
        norm, run = norm_in(mg, place)
        run(X, training=True)
        before = moving(norm)
        (run if whole else norm).trainable = False
        frozen = run(X, training=True).numpy()
        for found, old in zip(moving(norm), before, strict=True):
            np.testing.assert_array_equal(found, old)
        np.testing.assert_array_equal(frozen, run(X).numpy())
        (run if whole else norm).trainable = True
        run(X, training=True)
        assert (moving(norm)[0] != before[0]).all()


@pytest.mark.parametrize("place", ["alone", "in a model"])
def test_what_is_frozen_and_thawed_is_moved_as_in_keras(place):
    (ours, run), (theirs, keras_run) = norm_in(mg, place), norm_in(keras, place)
    for trainable in (True, False, True):
        ours.trainable = theirs.trainable = trainable
        found, expected = run(X, training=True), keras_run(X, training=True)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(moving(ours), moving(theirs), rtol=1e-5)


def bidirectional(library, **options):
    layer = library.layers.Bidirectional(library.layers.GRU(2), **options)
    layer(X)
    return layer


def flags(layer):
    return len(layer.trainable_weights), [w.trainable for w in layer.weights]


def test_the_flag_holds_for_all_layers_inside_as_in_keras():
    ours, theirs = bidirectional(mg), bidirectional(keras)
    for trainable in (False, True):
        ours.trainable = theirs.trainable = trainable
        assert flags(ours) == flags(theirs)
        assert ours.forward_layer.trainable == theirs.forward_layer.trainable == trainable


def test_a_layer_made_frozen_has_nothing_to_train_as_in_keras():
    ours, theirs = bidirectional(mg, trainable=False), bidirectional(keras, trainable=False)
    assert ours.trainable_weights == theirs.trainable_weights == []


def test_statistics_stay_out_of_training_when_a_layer_is_thawed():
    ours, theirs = (library.layers.BatchNormalization() for library in (mg, keras))
    for norm in (ours, theirs):
        norm(X)
        norm.trainable = False
        norm.trainable = True
    assert flags(ours) == flags(theirs) == (2, [True, True, False, False])


def test_a_configuration_tells_what_holds_now_as_in_keras():
    for library in (mg, keras):
        layer = library.layers.Dense(2, trainable=True)
        layer.trainable = False
        assert layer.get_config()["trainable"] is False
        assert type(layer).from_config(layer.get_config()).trainable is False
