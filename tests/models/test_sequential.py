"""Stacks of layers."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import GraphError


def test_connects_at_the_first_call_and_takes_other_lengths_later():
    model = mg.Sequential([layers.Embedding(10, 4, mask_zero=True), layers.LSTM(3)])
    assert not model.is_connected
    first = model.predict(np.array([[1, 2, 0]], "int32"))
    assert model.is_connected
    np.testing.assert_allclose(model.predict(np.array([[1, 2, 0, 0, 0]])), first, atol=1e-7)


def test_with_an_input_it_is_connected_at_once():
    model = mg.Sequential([mg.Input(shape=(None,), dtype="int32")])
    model.add(layers.Embedding(10, 4, mask_zero=True))
    model.add(layers.GlobalMaxPooling1D())
    assert model.is_connected
    assert model.check().ok
    assert len(model.layers) == 2


def test_it_is_a_layer_of_other_models():
    inner = mg.Sequential([layers.Dense(4), layers.Dense(2)])
    x = mg.Input(shape=(None, 3), masked=True)
    y = inner(x)
    assert y.mask is x.mask
    assert mg.Model(x, y).predict([np.ones((2, 3)), np.ones((1, 3))]).shape == (2, 2, 2)


def test_one_seed_gives_the_same_weights_on_every_backend():
    def outputs(backend):
        model = mg.Sequential([layers.Embedding(10, 4), layers.GRU(3)], seed=5)
        return model.predict([[1, 2], [3, 4]], backend=backend)

    for backend in ("torch", "tensorflow", "jax"):
        np.testing.assert_allclose(outputs(backend), outputs("numpy"), atol=1e-6)


def test_floats_keep_their_feature_size():
    model = mg.Sequential([layers.Dense(2)])
    model(np.ones((1, 5, 3), "float32"))
    assert model.inputs.shape == (None, None, 3)


@pytest.mark.parametrize("call", [lambda m: m.check(), lambda m: m.summary()])
def test_what_needs_an_input_says_so(call):
    with pytest.raises(GraphError, match=r"needs to know the input[\s\S]*mg.Input"):
        call(mg.Sequential([layers.Dense(2)]))


def test_only_layers_can_be_stacked():
    with pytest.raises(GraphError, match="only layers can be stacked"):
        mg.Sequential([layers.Dense(2), "dense"])
    with pytest.raises(GraphError, match="same name"):
        mg.Sequential([layers.Dense(2, name="a"), layers.Dense(2, name="a")])
    with pytest.raises(GraphError, match="no layers"):
        mg.Sequential()(np.ones((1, 2)))


def test_summary_tells_shapes_parameters_and_masks(capsys):
    model = mg.Sequential(
        [
            mg.Input(shape=(None,), dtype="int32", name="ids"),
            layers.Embedding(10, 4, mask_zero=True, name="vectors"),
        ],
        name="small",
    )
    model.summary()
    out = capsys.readouterr().out
    assert "model small" in out
    assert "vectors  Embedding  (None, None, 4)  40          ids != 0" in out
    assert out.endswith("40 parameters\n")
