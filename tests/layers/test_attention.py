"""Attention, against loops in float64: where a query looks, and what comes of masks by hand.

The law for each layer, and what Keras gives, are tested from the table of layers.
"""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import ArgumentError, MaskError, ShapeError
from maskgraph.graph import leaves
from maskgraph.plan import Program
from maskgraph.testing.gradient_law import check_gradient_law

QUERY_MASK = np.array([[1, 1, 0, 1, 1, 1], [0, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0]], bool)
VALUE_MASK = np.array([[0, 1, 1, 0, 1, 1, 1], [1, 1, 1, 1, 1, 0, 0], [1, 0, 1, 0, 1, 0, 1]], bool)
ALL = np.ones_like(QUERY_MASK)

KINDS = {
    "MultiHeadAttention": (lambda **o: layers.MultiHeadAttention(2, 3, **o), False),
    "GroupQueryAttention": (lambda **o: layers.GroupQueryAttention(3, 4, 2, **o), False),
    "Attention": (layers.Attention, True),
    "Attention-concat": (lambda **o: layers.Attention(score_mode="concat", **o), True),
    "AdditiveAttention": (layers.AdditiveAttention, True),
}
EACH = pytest.mark.parametrize("kind", KINDS)
WINDOWED = pytest.mark.parametrize("kind", ["MultiHeadAttention", "GroupQueryAttention"])


def made(kind, **options):
    """Return a layer, and a call of it on query and value with masks by hand."""
    make, of_lists = KINDS[kind]
    layer = make(**options)

    def call(query, value, masks=None, **arguments):
        if of_lists:
            return layer([query, value], mask=masks, **arguments)
        names = ("query_mask", "value_mask")
        return layer(query, value, **dict(zip(names, masks or [], strict=False)), **arguments)

    return layer, call


def drawn(mask, seed, features=4):
    values = np.random.default_rng(seed).normal(size=(*mask.shape, features)).astype("float32")
    values[~mask] = np.nan
    return mg.MaskedTensor(values, mask)


def randomized(layer):
    generator = np.random.default_rng(0)
    layer.set_weights([generator.normal(scale=0.5, size=w.shape) for w in layer.weights])


# -- where a query may look ----------------------------------------------------------------


def by_loops(layer, x, y, query_mask, value_mask, looks):
    """Multi-head or grouped-query attention, step by step; `looks(i, j)` of positions."""
    weights = {w.name: w.numpy().astype(np.float64) for w in layer.weights}

    def projected(step, name):
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        return np.tensordot(step, kernel, kernel.ndim - bias.ndim) + bias

    results = np.zeros_like(x)
    for row in range(len(x)):
        keys = [(projected(v, "key"), projected(v, "value")) for v in y[row][value_mask[row]]]
        for i, t in enumerate(np.flatnonzero(query_mask[row])):
            query = projected(x[row, t], "query")
            context = np.zeros((len(query), keys[0][1].shape[1] if keys else 3))
            for head in range(len(query)):
                seen = [
                    (k[head * len(k) // len(query)], v[head * len(k) // len(query)])
                    for j, (k, v) in enumerate(keys)
                    if looks(i, j)
                ]
                shares = np.exp([k @ query[head] / np.sqrt(len(k)) for k, _ in seen])
                if seen:
                    context[head] = shares / shares.sum() @ np.array([v for _, v in seen])
            kernel = weights["attention_output/kernel"]
            results[row, t] = np.tensordot(context, kernel, 2) + weights["attention_output/bias"]
    return results


@WINDOWED
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 1, 2, 4])
@pytest.mark.parametrize("cross", [False, True])
def test_windows_count_steps_that_exist(kind, causal, window, cross):
    layer, call = made(kind, sliding_window=window)
    x = drawn(QUERY_MASK, 1)
    y = drawn(VALUE_MASK, 2) if cross else x
    call(x, y)
    randomized(layer)
    got = call(x, y, use_causal_mask=causal)
    expected = by_loops(
        layer,
        np.nan_to_num(x.value).astype(np.float64),
        np.nan_to_num(y.value).astype(np.float64),
        x.mask,
        y.mask,
        lambda i, j: (not causal or j <= i) and (window is None or abs(i - j) < window),
    )
    np.testing.assert_allclose(got.value, expected, rtol=1e-5, atol=1e-6)


@EACH
def test_each_query_sees_what_an_attention_mask_allows(kind):
    allowed = np.random.default_rng(3).random((3, 6, 7)) < 0.5
    x, y = drawn(QUERY_MASK, 1), drawn(VALUE_MASK, 2)
    layer, call = made(kind)
    call(x, y)
    randomized(layer)
    _, scores = call(x, y, attention_mask=allowed, return_attention_scores=True)
    scores = scores.value if scores.ndim == 4 else scores.value[:, None]
    seen = allowed & QUERY_MASK[:, :, None] & VALUE_MASK[:, None, :]
    assert ((scores != 0) == seen[:, None]).all()
    total = np.broadcast_to(seen.any(-1)[:, None], scores.shape[:3])
    np.testing.assert_allclose(scores.sum(-1), total, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        *((kind, shape) for kind in KINDS for shape in [(3, 6, 7), (6, 7)]),
        ("MultiHeadAttention", (3, 2, 6, 7)),
        ("GroupQueryAttention", (3, 4, 6, 7)),
        ("GroupQueryAttention", (3, 1, 6, 7)),
    ],
)
def test_attention_masks_as_symbols_or_data_are_one(kind, shape):
    _, call = made(kind)
    allowed = np.random.default_rng(3).random(shape) < 0.5
    x, y = drawn(QUERY_MASK, 1), drawn(VALUE_MASK, 2)
    expected = call(x, y, attention_mask=allowed)
    inputs = [mg.Input((n, 4), masked=True) for n in (6, 7)]
    fixed = mg.Model(inputs, call(*inputs, attention_mask=allowed))
    np.testing.assert_allclose(fixed([x, y]).value, expected.value, rtol=1e-6, atol=1e-7)
    if len(shape) == 2:  # a symbol has an axis for the batch
        return
    symbol = mg.Input(shape[1:], dtype="bool")
    model = mg.Model([*inputs, symbol], call(*inputs, attention_mask=symbol))
    np.testing.assert_allclose(model([x, y, allowed]).value, expected.value, rtol=1e-6, atol=1e-7)


# -- masks that are carried, and masks by hand ---------------------------------------------


@EACH
def test_masks_are_the_same_objects_after_attention(kind):
    _, call = made(kind)
    query, value = (mg.Input((None, 4), masked=True) for _ in range(2))
    before = query.mask, value.mask
    output = call(query, value)
    assert output.mask is query.mask
    assert (query.mask, value.mask) == before
    assert layers.Add()([query, output]).mask is query.mask


@EACH
def test_masks_by_hand_take_the_place_of_those_carried(kind):
    x, y = drawn(QUERY_MASK, 1), drawn(VALUE_MASK, 2)
    _, call = made(kind)
    expected = call(x, y)
    plain = [np.nan_to_num(z.value) for z in (x, y)]
    wide = [mg.MaskedTensor(z, np.ones(z.shape[:2], bool)) for z in plain]
    for given in (plain, wide):
        got = call(*given, masks=[QUERY_MASK, VALUE_MASK])
        np.testing.assert_array_equal(got.mask, QUERY_MASK)
        np.testing.assert_allclose(got.value, expected.value, rtol=1e-5, atol=1e-6)


@EACH
def test_a_mask_by_hand_of_the_values_alone_leaves_the_queries(kind):
    x, y = drawn(QUERY_MASK, 1), drawn(VALUE_MASK, 2)
    _, call = made(kind)
    expected = call(x, y)
    got = call(x, np.nan_to_num(y.value), masks=[None, VALUE_MASK])
    np.testing.assert_array_equal(got.mask, QUERY_MASK)
    np.testing.assert_allclose(got.value, expected.value, rtol=1e-5, atol=1e-6)


def test_a_wider_mask_by_hand_brings_steps_back():
    """An explicit value mask is not joined with the one that the value carries."""
    y = drawn(VALUE_MASK, 2)
    layer = layers.MultiHeadAttention(2, 3)
    x, whole = drawn(ALL, 1), np.nan_to_num(y.value)
    expected = layer(x, whole)
    got = layer(x, mg.MaskedTensor(whole, VALUE_MASK), value_mask=np.ones_like(VALUE_MASK))
    np.testing.assert_allclose(got.value, expected.value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("masks", [2, 3])
def test_attention_takes_a_mask_for_each_input_or_for_query_and_value(masks):
    x, y = drawn(QUERY_MASK, 1), drawn(VALUE_MASK, 2)
    layer = layers.Attention()
    expected = layer([x, y])
    x, y = np.nan_to_num(x.value), np.nan_to_num(y.value)
    given = [QUERY_MASK, VALUE_MASK, None][:masks]
    got = layer([x, y, y], mask=given)
    np.testing.assert_allclose(got.value, expected.value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer([x, y, y], given).value, got.value)
    listed = [None if m is None else m.tolist() for m in given]
    np.testing.assert_allclose(layer([x, y, y], mask=listed).value, got.value)


def test_a_mask_of_the_key_alone_is_honoured():
    x, y = drawn(ALL, 1), drawn(VALUE_MASK, 2)
    plain = np.nan_to_num(y.value)
    layer = layers.Attention()
    got = layer([x, plain, mg.MaskedTensor(plain, VALUE_MASK)])
    np.testing.assert_allclose(got.value, layer([x, y]).value, rtol=1e-5, atol=1e-6)


# -- nothing to look at --------------------------------------------------------------------


@EACH
def test_a_query_without_a_key_gets_zeros(kind):
    x, y = drawn(ALL, 1), drawn(np.array([[1, 1], [0, 0], [1, 0]], bool), 2)
    _, call = made(kind)  # biases are zero at first
    got = call(x, y).value
    assert (got[1] == 0).all()
    assert (got[[0, 2]] != 0).all()
    assert np.isfinite(got).all()


@pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])
@EACH
def test_gradients_of_empty_rows_are_finite_and_right(kind, backend):
    """Some rows have no key, some no query, and NaN stands in the padding."""
    _, call = made(kind)
    query, value = (mg.Input((None, 4), masked=True) for _ in range(2))
    model = mg.Model([query, value], call(query, value), seed=0)
    check_gradient_law(model, backend=backend)


# -- in one op, and in several -------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("cross", [False, True])
@EACH
def test_returning_scores_changes_no_output(kind, backend, causal, cross):
    x = drawn(QUERY_MASK, 1)
    y = drawn(VALUE_MASK, 2) if cross else x
    layer, call = made(kind, **({"sliding_window": 3} if kind == "MultiHeadAttention" else {}))
    with mg.use_backend(backend, "cpu"):
        call(x, y)
        randomized(layer)
        alone = call(x, y, use_causal_mask=causal)
        output, scores = call(x, y, use_causal_mask=causal, return_attention_scores=True)
    np.testing.assert_array_equal(output.mask, alone.mask)
    np.testing.assert_allclose(output.numpy(), alone.numpy(), rtol=1e-5, atol=1e-6)
    assert scores.shape[-2:] == (6, y.shape[1])


@pytest.mark.parametrize("kind", ["MultiHeadAttention", "GroupQueryAttention", "Attention"])
def test_only_what_asks_for_weights_is_made_of_several_ops(kind):
    _, call = made(kind, dropout=0.5)
    x = mg.Input((None, 4), masked=True)

    def ops_of(**arguments):
        program = Program([x], [next(leaves(call(x, x, **arguments)))])
        return {n.target.name for n in program.nodes if not n.is_source}

    assert "attention" in ops_of()
    assert "attention" in ops_of(use_causal_mask=True)
    assert "masked_softmax" in ops_of(return_attention_scores=True)
    assert "masked_softmax" in ops_of(training=True)
    assert not ops_of() & {"masked_softmax", "softmax", "drop_mask"}


# -- options -------------------------------------------------------------------------------


@WINDOWED
def test_flash_attention_changes_nothing(kind):
    x = drawn(QUERY_MASK, 1)
    layer, call = made(kind)
    expected = call(x, x)
    for flash in (True, False):
        other, call = made(kind, flash_attention=flash)
        call(x, x)
        other.set_weights(layer.get_weights())
        np.testing.assert_array_equal(call(x, x).value, expected.value)


@EACH
def test_dropout_is_for_training(kind):
    x = drawn(QUERY_MASK, 1)
    _, call = made(kind, dropout=0.5, seed=0)
    plain = call(x, x)
    np.testing.assert_array_equal(call(x, x, training=False).value, plain.value)
    trained = call(x, x, training=True)
    assert not np.allclose(trained.value, plain.value)
    assert np.isfinite(trained.value).all()


def test_a_wide_window_is_none():
    x = drawn(QUERY_MASK, 1)
    layer = layers.MultiHeadAttention(2, 3)
    expected = layer(x, x, use_causal_mask=True)
    wide = layers.MultiHeadAttention(2, 3, sliding_window=6)
    wide(x, x)
    wide.set_weights(layer.get_weights())
    np.testing.assert_allclose(wide(x, x, use_causal_mask=True).value, expected.value, atol=1e-6)


# -- mistakes ------------------------------------------------------------------------------

X = np.ones((3, 6, 4), "float32")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Attention(score_mode="sum"), ArgumentError, "score_mode is wrong"),
        (lambda: layers.Attention(dropout=1), ArgumentError, "dropout is wrong"),
        (lambda: layers.Attention()([X]), ArgumentError, "inputs is wrong"),
        (lambda: layers.Attention()([X, X], mask=[None] * 4), ArgumentError, "mask is wrong"),
        (lambda: layers.Attention()([X, X[:, :, :2]]), ShapeError, "differ in their features"),
        (lambda: layers.Attention()([X, X, X[:, :2]]), ShapeError, "differ in length"),
        (
            lambda: layers.Attention()([X, X], attention_mask=np.ones((3, 2, 6, 6), bool)),
            MaskError,
            "attention_mask is wrong",
        ),
        (
            lambda: layers.Attention()([mg.MaskedTensor(X, X == 1), X]),
            MaskError,
            "the mask is of more than time",
        ),
        (
            lambda: layers.MultiHeadAttention(2, 3, sliding_window=0),
            ArgumentError,
            "sliding_window is wrong",
        ),
        (
            lambda: layers.GroupQueryAttention(3, 4, 3),
            ArgumentError,
            "num_key_value_heads is wrong\n  received: 3\n  expected: a divisor of 4",
        ),
        (lambda: layers.GroupQueryAttention(0, 4, 2), ArgumentError, "head_dim is wrong"),
    ],
)
def test_mistakes_are_explained(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert str(caught.value).startswith("layer '")
