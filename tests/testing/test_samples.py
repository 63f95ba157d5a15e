"""Random data fits what a model declares, and has in it what goes wrong with padding."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import GraphError
from maskgraph.testing.samples import random_inputs


def test_sequences_differ_in_length_and_one_is_empty():
    x = mg.Input((None, 3))
    data = random_inputs(mg.Model(x, layers.LSTM(2)(x)))
    assert data.mask.sum(axis=1).tolist() == [4, 1, 0, 6]
    assert np.isnan(data.value[~data.mask]).all()
    assert np.isfinite(data.value[data.mask]).all()


def test_ids_are_in_the_smallest_vocabulary_also_inside_wrappers():
    words = mg.Input((None, None), "int32")
    x = layers.TimeDistributed(layers.Embedding(3, 2))(words)
    data = random_inputs(mg.Model(words, x, on_mask_loss="ignore"))
    assert data.shape == (4, 6, 3)
    ids = data.value[data.mask]
    assert set(np.unique(ids)) == {0, 1, 2}


def test_inputs_have_their_structure_and_lengths_of_their_own():
    a, b = mg.Input((None, 2), name="a"), mg.Input((None,), "bool", name="b")
    c = mg.Input((3,), name="c")
    y = [layers.LSTM(2)(a), mg.ops.any(b, axis=1), layers.Dense(1)(c)]
    data = random_inputs(mg.Model({"a": a, "b": b, "c": c}, y))
    assert list(data) == ["a", "b", "c"]
    assert data["a"].mask.sum(axis=1).tolist() == [4, 1, 0, 6]
    assert data["b"].mask.sum(axis=1).tolist() == [1, 0, 6, 4]
    assert data["c"].mask is None
    assert [t.dtype for t in data.values()] == ["float32", "bool", "float32"]


def test_a_fixed_number_of_steps_is_kept():
    x = mg.Input((2, 3), masked=True)
    data = random_inputs(mg.Model(x, layers.LSTM(2)(x)))
    assert data.shape == (4, 2, 3)
    assert data.mask.sum(axis=1).tolist() == [2, 1, 0, 2]


def test_one_seed_gives_one_data():
    x = mg.Input((None, 3))
    model = mg.Model(x, layers.LSTM(2)(x))
    one, same, other = (random_inputs(model, seed).numpy() for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_a_stack_without_an_input_is_refused():
    with pytest.raises(GraphError, match=r"does not know its input yet.*\n.*mg.Input"):
        random_inputs(mg.Sequential([layers.LSTM(2)]))
