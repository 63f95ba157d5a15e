"""Layers that make masks of ids and values, and the embedding that goes both ways."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import ArgumentError, DTypeError, ShapeError, VocabularyError

IDS = np.array([[0, 3, 7], [3, 3, 0]])
CARRIED = np.array([[1, 1, 0], [1, 0, 1]], bool)


@pytest.mark.parametrize("value", [0, 3, 8, -1, 100])
def test_any_id_may_be_padding(value):
    ids = np.where(IDS == 3, value, IDS)
    layer = layers.Embedding(9, 4, mask_value=value)
    got = layer(ids)
    np.testing.assert_array_equal(got.mask, ids != value)
    table = layer.get_weights()[0]
    np.testing.assert_array_equal(got.value[ids != value], table[ids[ids != value]])
    assert (got.value[ids == value] == 0).all()


def test_an_id_outside_the_vocabulary_is_refused_unless_it_is_padding():
    layer = layers.Embedding(9, 4, mask_value=-1)
    assert layer(np.array([[-1, 8]])).mask.tolist() == [[False, True]]
    with pytest.raises(VocabularyError, match="received: -2"):
        layer(np.array([[-1, -2]]))


@pytest.mark.parametrize(
    "options", [{"mask_zero": True}, {"mask_value": 0}, {"mask_zero": True, "mask_value": 0}]
)
def test_mask_zero_is_a_mask_value_of_zero(options):
    layer = layers.Embedding(9, 4, **options)
    assert (layer.mask_zero, layer.mask_value) == (True, 0)
    np.testing.assert_array_equal(layer(IDS).mask, IDS != 0)
    again = layers.Embedding.from_config(layer.get_config())
    np.testing.assert_array_equal(again(IDS).mask, IDS != 0)


@pytest.mark.parametrize("cls", [layers.Embedding, layers.ReversibleEmbedding])
def test_masks_that_ids_carry_are_kept(cls):
    ids = mg.MaskedTensor(np.where(CARRIED, IDS, 99), CARRIED)
    np.testing.assert_array_equal(cls(9, 4)(ids).mask, CARRIED)
    np.testing.assert_array_equal(cls(9, 4, mask_zero=True)(ids).mask, CARRIED & (IDS != 0))
    np.testing.assert_array_equal(cls(9, 4, mask_value=3)(ids).mask, CARRIED & (IDS != 3))


def test_masking_keeps_the_mask_that_its_input_carries():
    values = np.array([[[1.0], [0.0], [2.0]], [[0.0], [3.0], [4.0]]], "float32")
    got = layers.Masking()(mg.MaskedTensor(values, CARRIED))
    np.testing.assert_array_equal(got.mask, CARRIED & (values[..., 0] != 0))
    got = layers.Masking(mask_value=4.0)(mg.MaskedTensor(values, CARRIED))
    np.testing.assert_array_equal(got.mask, CARRIED & (values[..., 0] != 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_zero": True, "mask_value": 1}, "contradict each other"),
        ({"mask_value": 1.5}, "mask_value must be an id"),
        ({"mask_value": True}, "mask_value must be an id"),
    ],
)
@pytest.mark.parametrize("cls", [layers.Embedding, layers.ReversibleEmbedding])
def test_mask_values_that_make_no_sense(cls, options, message):
    with pytest.raises(ArgumentError, match=message):
        cls(9, 4, **options)


# -- both ways -----------------------------------------------------------------------------


def randomized(layer):
    layer(layer(IDS), reverse=True)
    generator = np.random.default_rng(0)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.weights])
    return [w.astype(np.float64) for w in layer.get_weights()]


@pytest.mark.parametrize("tie", [True, False])
@pytest.mark.parametrize("cap", [None, 0.7])
def test_logits(tie, cap):
    layer = layers.ReversibleEmbedding(9, 4, tie_weights=tie, logit_soft_cap=cap)
    weights = randomized(layer)
    kernel = weights[0].T if tie else weights[1]
    vectors = np.random.default_rng(1).normal(size=(2, 3, 4))
    expected = vectors @ kernel
    if cap is not None:
        expected = cap * np.tanh(expected / cap)
    got = layer(vectors.astype("float32"), reverse=True)
    assert got.mask is None
    np.testing.assert_allclose(got.value, expected, rtol=1e-5, atol=1e-6)


def test_logits_can_be_computed_in_another_dtype():
    layer = layers.ReversibleEmbedding(9, 4, reverse_dtype="float64")
    (table,) = randomized(layer)
    vectors = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
    got = layer(vectors, reverse=True)
    assert got.dtype == "float64"
    np.testing.assert_allclose(got.value, vectors.astype(np.float64) @ table.T, rtol=1e-12)


def test_the_mask_of_the_ids_reaches_the_logits():
    ids = mg.Input((None,), dtype="int32")
    embedding = layers.ReversibleEmbedding(9, 4, mask_zero=True)
    hidden = layers.LSTM(4, return_sequences=True)(embedding(ids))
    logits = embedding(hidden, reverse=True)
    assert logits.mask is hidden.mask
    assert mg.Model(ids, logits, on_mask_loss="error")(IDS).mask.tolist() == (IDS != 0).tolist()


def test_it_can_begin_with_the_way_back():
    vectors = np.ones((2, 3, 4), "float32")
    assert layers.ReversibleEmbedding(9, 4)(vectors, reverse=True).shape == (2, 3, 9)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: layers.ReversibleEmbedding(9, 4, logit_soft_cap=0),
            ArgumentError,
            "logit_soft_cap out of range",
        ),
        (
            lambda: layers.ReversibleEmbedding(9, 4)(np.ones((2, 3, 5)), reverse=True),
            ShapeError,
            "the last axis does not fit",
        ),
        (
            lambda: layers.ReversibleEmbedding(9, 4)(np.ones((2, 3, 4))),
            DTypeError,
            r"\(ReversibleEmbedding\): ids must be integers",
        ),
    ],
)
def test_mistakes_are_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
