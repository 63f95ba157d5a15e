"""The law, for every layer in the table: a masked step does not exist."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import ArgumentError
from maskgraph.testing.gradient_law import check_gradient_law
from maskgraph.testing.law import check_law
from maskgraph.testing.layer_table import LAWFUL
from maskgraph.testing.sequences import Sequences

FLOATS = Sequences(trailing=(4,))


@pytest.mark.parametrize("padding", ["right", "left", "holes"])
@pytest.mark.parametrize("row", LAWFUL, ids=str)
def test_layers_obey_the_law(row, padding):
    check_law(row, backend="numpy", padding=[padding], seed=len(padding))


@pytest.mark.parametrize("row", LAWFUL, ids=str)
def test_models_that_do_not_know_their_sizes_obey_the_law(row):
    inputs = [
        mg.Input((*(None,) * s.axes, *s.trailing), "float32" if s.kind == "floats" else "int32")
        for s in row.inputs
    ]
    outputs = row.call(row.built(), inputs)
    model = mg.Model(inputs if len(inputs) > 1 else inputs[0], outputs)
    how = {"meet": row.meet, "holes": row.holes, "padding": row.padding}
    check_law(model, row.inputs, backend="numpy", **how)


def test_a_deep_model_obeys_the_law():
    tokens = mg.Input((None,), "int32")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)])
    x = layers.LayerNormalization()(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    h, *states = layers.LSTM(3, return_sequences=True, return_state=True)(x)
    y = layers.LSTM(3, return_sequences=True, go_backwards=True)(h, initial_state=states)
    pooled = layers.Concatenate()([layers.GlobalMaxPooling1D()(y), states[0]])
    model = mg.Model(tokens, [layers.Dense(2)(pooled), y], seed=0)
    check_law(model, Sequences("ids", vocabulary=9), backend="numpy")


# -- the check itself ----------------------------------------------------------------------


class SeesPadding(layers.Layer):
    supports_masking = True

    def call(self, x):
        return x - ops.mean(ops.drop_mask(x), axis=1, keepdims=True)


class CountsPositions(layers.Layer):
    supports_masking = True

    def call(self, x):
        return x + ops.cumsum(ops.ones_like(ops.drop_mask(x)), axis=1)


class SaysNothing(layers.Layer):
    def call(self, x):
        return x * 2


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (SeesPadding(), "padding right of zeros(.|\n)*a masked step was seen(.|\n)*alone"),
        (CountsPositions(), "padding left"),
        (SaysNothing(), "the mask was lost"),
    ],
)
def test_a_broken_layer_is_found(layer, message):
    with pytest.raises(AssertionError, match=message):
        check_law(layer, FLOATS)


@pytest.mark.parametrize("layer", [layers.Flatten(), layers.Permute((2, 1))])
def test_a_lost_mask_is_found(layer):
    with pytest.raises(AssertionError):
        check_law(layer, FLOATS)


def test_example_data_will_do():
    examples = [np.ones((n, 2), np.float32) for n in (3, 1)]
    assert check_law(layers.GRU(3), examples).runs == 16
    assert check_law(layers.Add(), [examples] * 2, meet="all", call=lambda f, x: f(x)).runs == 16
    assert check_law(layers.Add(), [FLOATS, FLOATS], meet="all", call=lambda f, x: f(x)).runs == 16
    series = mg.Input((None, 4))
    assert check_law(mg.Model(series, layers.GRU(3)(series))).difference < 1e-5
    ids = mg.Input((None,), "int32")
    assert check_law(mg.Model({"ids": ids}, layers.Embedding(2, 4)(ids))).difference == 0


def test_a_padding_may_be_one_word():
    gru, inputs = layers.GRU(2), Sequences(trailing=(3,))
    assert check_law(gru, inputs, padding="left").runs == 8


@pytest.mark.parametrize("padding", ["rigth", ["right", "middle"], [("left", "middle")]])
def test_an_unknown_padding_is_told(padding):
    with pytest.raises(ArgumentError, match=r"unknown padding[\s\S]*'right', 'left', 'holes'"):
        check_law(layers.GRU(2), Sequences(trailing=(3,)), padding=padding)


def test_an_unknown_filler_is_told():
    x = mg.Input((None, 3), masked=True)
    model = mg.Model(x, layers.GRU(2)(x))
    with pytest.raises(ArgumentError, match=r"unknown filler\n  received: 'nna'"):
        check_gradient_law(model, backend="torch", filler="nna")


def test_inputs_that_nothing_tells_are_asked_for():
    with pytest.raises(ArgumentError, match="nothing tells what the inputs are"):
        check_law(layers.GRU(3))
