"""Layers of positions against their formulas, written out in float64, step by step."""

import math

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.backend import use_backend
from maskgraph.errors import ShapeError

MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 0]], bool)
FEATURES = 6
BACKENDS = ["numpy", "torch", "tensorflow", "jax"]


def drawn(*trailing, mask=MASK):
    values = np.random.default_rng(0).normal(size=(*mask.shape, *trailing)).astype("float32")
    values[~mask] = np.nan
    return mg.MaskedTensor(values, mask)


def positions(mask=MASK):
    """Yield row, step and position of each step that exists."""
    for row, steps in enumerate(mask):
        for position, step in enumerate(np.flatnonzero(steps)):
            yield row, step, position


# -- learned -------------------------------------------------------------------------------


def learned(length, x, **options):
    layer = layers.PositionEmbedding(length, **options)
    layer(x)
    table = np.random.default_rng(1).normal(size=(length, FEATURES)).astype("float32")
    layer.set_weights([table])
    return layer, table


@pytest.mark.parametrize("start", [0, 2])
def test_learned_positions_are_rows_of_the_table(start):
    x = drawn(FEATURES)
    layer, table = learned(6, x)
    got = layer(x, start_index=start)
    expected = np.zeros_like(got.value)
    for row, step, position in positions():
        expected[row, step] = table[start + position]
    np.testing.assert_array_equal(got.value, expected)
    np.testing.assert_array_equal(got.mask, MASK)


def test_positions_may_be_given():
    x = drawn(FEATURES)
    layer, table = learned(5, x)
    for given in (np.array([4, 0, 1, 1, 3]), np.arange(20).reshape(4, 5) % 5):
        got = layer(x, positions=given)
        rows = np.broadcast_to(given, MASK.shape)
        np.testing.assert_array_equal(got.value[MASK], table[rows[MASK]])
        plain = layer(np.nan_to_num(x.value), positions=given)
        np.testing.assert_array_equal(plain.value, table[rows])


def test_without_a_mask_every_step_counts():
    x = np.zeros((2, 3, FEATURES), "float32")
    layer, table = learned(4, x)
    got = layer(x)
    assert got.mask is None
    np.testing.assert_array_equal(got.value, np.stack([table[:3]] * 2))


@pytest.mark.parametrize("backend", BACKENDS)
def test_padding_may_reach_beyond_the_table_but_steps_may_not(backend):
    x = drawn(FEATURES)  # of 5 columns, and at most 4 steps
    with use_backend(backend):
        layer, _ = learned(4, x)
        assert layer(x).shape == (4, 5, FEATURES)
        short = layers.PositionEmbedding(3, name="places")
        message = (
            r"layer 'places'.*longer than the table(.|\n)*received: a step at position 3\n"
            r"  expected: positions from 0 to 2 \(sequence_length=3\)"
        )
        with pytest.raises(ShapeError, match=message):
            short(x)
        with pytest.raises(ShapeError, match="received: a step at position 4"):
            layer(np.zeros((1, 5, FEATURES), "float32"))
        with pytest.raises(ShapeError, match="received: a step at position -1"):
            layer(x, start_index=-1)


def test_the_error_names_the_layer_within_a_model():
    inputs = mg.Input((None,), dtype="int32")
    embedding = layers.TokenAndPositionEmbedding(9, 2, 4, mask_zero=True, name="tokens")
    model = mg.Model(inputs, embedding(inputs))
    assert model([[1, 2], [0, 3]]).shape == (2, 2, 4)
    with pytest.raises(ShapeError, match="layer 'tokens/position_embedding'"):
        model([[1, 2, 3]])


# -- sines ---------------------------------------------------------------------------------


@pytest.mark.parametrize("features", [6, 5])
@pytest.mark.parametrize("start", [0, 7])
def test_sines_and_cosines(features, start):
    x = drawn(features)
    got = layers.SinePositionEncoding(max_wavelength=100)(x, start_index=start)
    expected = np.zeros((*MASK.shape, features))
    for row, step, position in positions():
        for i in range(features):
            angle = (start + position) / 100 ** (2 * (i // 2) / features)
            expected[row, step, i] = math.sin(angle) if i % 2 == 0 else math.cos(angle)
    np.testing.assert_allclose(got.value, expected, atol=2e-6)
    np.testing.assert_array_equal(got.mask, MASK)


def test_sines_of_positions_that_are_given():
    x = np.zeros((2, 3, 4), "float32")
    layer = layers.SinePositionEncoding()
    got = layer(x, positions=np.array([5, 6, 7]))
    np.testing.assert_allclose(got.value, layer(x, start_index=5).value)


# -- rotations -----------------------------------------------------------------------------


def rotated(vector, position, longest, scaling=1.0):
    """Turn the pairs (i, i + half) as complex numbers."""
    half = len(vector) // 2
    result = np.zeros(len(vector))
    for i in range(half):
        angle = position / scaling / longest ** (2 * i / len(vector))
        turned = complex(vector[i], vector[i + half]) * complex(math.cos(angle), math.sin(angle))
        result[i], result[i + half] = turned.real, turned.imag
    return result


@pytest.mark.parametrize(("start", "scaling"), [(0, 1.0), (3, 1.0), (3, 4.0)])
def test_rotations(start, scaling):
    x = drawn(FEATURES)
    layer = layers.RotaryEmbedding(50, scaling_factor=scaling)
    got = layer(x, start_index=start)
    expected = np.zeros(x.shape)
    for row, step, position in positions():
        expected[row, step] = rotated(x.value[row, step], start + position, 50, scaling)
    np.testing.assert_allclose(got.value, expected, atol=2e-6)


def test_rotations_of_heads():
    x = drawn(2, FEATURES)
    got = layers.RotaryEmbedding()(x)
    expected = np.zeros(x.shape)
    for row, step, position in positions():
        for head in range(2):
            expected[row, step, head] = rotated(x.value[row, step, head], position, 10000)
    np.testing.assert_allclose(got.value, expected, atol=2e-6)


def test_rotations_along_other_axes():
    x = drawn(2, FEATURES)
    expected = layers.RotaryEmbedding()(x).value
    plain = np.nan_to_num(x.value)
    # (batch, heads, time, features) with the mask of each head's steps
    moved = mg.MaskedTensor(plain.swapaxes(1, 2), np.stack([MASK] * 2, axis=1))
    got = layers.RotaryEmbedding(sequence_axis=2)(moved)
    np.testing.assert_allclose(got.value.swapaxes(1, 2), expected, atol=1e-6)
    # (batch, time, features, heads)
    moved = mg.MaskedTensor(plain.swapaxes(2, 3), MASK)
    got = layers.RotaryEmbedding(feature_axis=2)(moved)
    np.testing.assert_allclose(got.value.swapaxes(2, 3), expected, atol=1e-6)
    # (batch, features, time), without a mask
    got = layers.RotaryEmbedding(sequence_axis=2, feature_axis=1)(plain[:, :, 0].swapaxes(1, 2))
    unmasked = layers.RotaryEmbedding()(plain[:, :, 0])
    np.testing.assert_allclose(got.value.swapaxes(1, 2), unmasked.value, atol=1e-6)


def test_products_of_rotations_depend_on_distance_only():
    x = np.random.default_rng(0).normal(size=(1, 1, FEATURES)).astype("float32")
    x = np.repeat(x, 6, axis=1)
    turned = layers.RotaryEmbedding()(x).value[0].astype(np.float64)
    products = turned @ turned.T
    for distance in range(6):
        along = np.diagonal(products, distance)
        np.testing.assert_allclose(along, along[0], rtol=1e-5)


def test_rotations_leave_the_mask_object():
    x = mg.Input((None, 4), masked=True)
    for layer in (
        layers.RotaryEmbedding(),
        layers.SinePositionEncoding(),
        layers.PositionEmbedding(5),
    ):
        assert layer(x).mask is x.mask


def test_checks_know_that_positions_use_the_mask():
    x = mg.Input((None, 4), masked=True)
    plain = mg.Input((None, 4))
    for make in (
        layers.RotaryEmbedding,
        layers.SinePositionEncoding,
        lambda: layers.PositionEmbedding(5),
    ):
        assert mg.Model(x, make()(x)).check().rows[-1].consumes
        assert [f.code for f in mg.Model(plain, make()(plain)).check().findings] == ["MG004"]


# -- both ----------------------------------------------------------------------------------


def test_tokens_and_positions_are_added():
    ids = np.array([[0, 3, 7], [2, 0, 0]])
    layer = layers.TokenAndPositionEmbedding(9, 3, 4, mask_zero=True)
    layer(ids)
    generator = np.random.default_rng(0)
    tokens, places = (generator.normal(size=w.shape).astype("float32") for w in layer.weights)
    layer.set_weights([tokens, places])
    got = layer(ids)
    np.testing.assert_array_equal(got.mask, ids != 0)
    np.testing.assert_allclose(got.value[0, 1:], tokens[[3, 7]] + places[:2])
    np.testing.assert_allclose(got.value[1, :1], tokens[[2]] + places[:1])


def test_logits_come_back_from_the_embedding_of_tokens():
    embedding = layers.TokenAndPositionEmbedding(9, 3, 4, mask_zero=True)
    logits = embedding.token_embedding(embedding([[0, 3, 7]]), reverse=True)
    assert logits.shape == (1, 3, 9)
    assert logits.mask.tolist() == [[False, True, True]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.RotaryEmbedding()(np.ones((1, 2, 3))), "must come in pairs"),
        (lambda: layers.PositionEmbedding(3)(np.ones((1, 2))), "wrong rank"),
        (lambda: layers.SinePositionEncoding()(np.ones((1, 2))), "wrong rank"),
    ],
)
def test_mistakes_are_explained(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
