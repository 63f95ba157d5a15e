"""Ways in which masks go wrong elsewhere, each as something that must not happen here.

The threads are those in which users of Keras and PyTorch met them. Each of them is a case of the
comparison too (`benchmarks/comparison`), which is run by `test_comparison.py`; here is what that
does not ask: the law for left padding and any filler in whole models, on every backend, and which
masks are one object.
"""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import MaskError
from maskgraph.testing import check_law
from maskgraph.testing.sequences import Sequences

IDS = Sequences("ids", vocabulary=9)
VECTORS = Sequences(trailing=(3,))


@pytest.fixture(params=["numpy", "torch", "tensorflow", "jax"])
def backend(request):
    return request.param


def embedded(name="tokens"):
    tokens = mg.Input(shape=(None,), dtype="int32", name=name)
    return tokens, layers.Embedding(9, 4, mask_zero=True)(tokens)


def lawful(tokens, outputs, backend):
    """The model loses no mask, and obeys the law."""
    model = mg.Model(tokens, outputs, seed=0, on_mask_loss="error")
    check_law(model, IDS, backend=backend)
    return model


# -- lost ------------------------------------------------------------------------------------


def test_operators_and_ops_keep_the_mask(backend):
    """keras#18416: `x * 2` loses it."""
    tokens, x = embedded()
    y = ops.relu(1 - x * 2) / 3
    assert y.mask is x.mask
    lawful(tokens, layers.LSTM(3)(y), backend)


def test_attention_leaves_the_mask_of_its_inputs_alone(backend):
    """The residual after attention, and whatever follows, is still masked."""
    tokens, x = embedded()
    attended = layers.MultiHeadAttention(2, 3)(x, x)
    residual = layers.Add()([x, attended])
    again = layers.MultiHeadAttention(2, 3)(x, x)
    assert x.mask is attended.mask is residual.mask is again.mask
    lawful(tokens, [layers.GRU(3)(residual), layers.GlobalAveragePooling1D()(again)], backend)


def test_initial_state_keeps_the_mask(backend):
    """A decoder given a state still skips padding."""
    tokens, x = embedded()
    _, h, c = layers.LSTM(4, return_state=True)(x)
    decoded = layers.LSTM(4, return_sequences=True)(x, initial_state=[h, c])
    assert decoded.mask is x.mask
    lawful(tokens, decoded, backend)


def test_merge_with_an_unmasked_input_keeps_the_mask():
    _, x = embedded()
    other = mg.Input(shape=(None, 4))
    for merge in (layers.Add(), layers.Multiply(), layers.Concatenate()):
        assert merge([x, other]).mask is x.mask
    assert (x + other).mask is x.mask


def test_stacked_recurrent_layers_and_wrappers(backend):
    """keras#23228: the second of two stacked layers runs unmasked."""
    tokens, x = embedded()
    x = layers.LSTM(4, return_sequences=True)(x)
    x = layers.Bidirectional(layers.GRU(2, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(3))(x)
    lawful(tokens, layers.SimpleRNN(3)(x), backend)


def test_embedding_in_a_time_distributed_makes_its_mask():
    """keras#3651: hierarchical models have no masks."""
    words = mg.Input(shape=(None, None), dtype="int32", name="words")
    x = layers.TimeDistributed(layers.Embedding(9, 4, mask_zero=True))(words)
    assert mg.graph.describe(x.mask) == "words != 0"
    assert x.mask.shape == (None, None, None)
    sentences = layers.TimeDistributed(layers.GlobalAveragePooling1D())(x)
    assert mg.graph.describe(sentences.mask) == "any(words != 0, axis=2)"
    assert sentences.mask.shape == (None, None)


# -- seen ------------------------------------------------------------------------------------


@pytest.mark.parametrize("junk", [np.nan, np.inf, 1e30])
def test_padding_is_never_seen(junk, backend):
    """keras#6825, pytorch#52248: NaN in the padding reaches outputs."""
    x = np.full((2, 4, 3), junk, "float32")
    mask = np.array([[True, True, False, False], [False, False, False, True]])
    x[mask] = 1
    series = mg.Input(shape=(None, 3), masked=True)
    h = layers.LayerNormalization()(layers.Dense(4)(series))
    h = layers.MultiHeadAttention(2, 2)(h, h)
    outputs = [h, layers.LSTM(2)(h), ops.max(h, axis=1), ops.softmax(h, axis=1)]
    model = mg.Model(series, outputs, seed=0)
    for result in model.predict(x, mask=mask, backend=backend):
        assert np.isfinite(result).all()
    check_law(model, VECTORS, backend=backend)


def test_softmax_over_features_whatever_the_sizes():
    """keras#19722: silently wrong when batch, time and features are equal."""
    x = np.random.default_rng(0).normal(size=(3, 3, 3)).astype("float32")
    mask = mg.Mask.from_lengths([3, 2, 1], 3)
    result = layers.Softmax()(x, mask=mask)
    np.testing.assert_allclose(result.numpy().sum(-1), mask.array, atol=1e-6)


def test_attention_takes_a_mask_of_the_keys_alone(backend):
    """tensorflow#41294: it is ignored."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(1, 4, 3)).astype("float32")
    keys = np.array([[True, True, False, False]])
    attention = layers.MultiHeadAttention(2, 3)
    with mg.use_backend(backend):
        masked = attention(x, x, key_mask=keys)
        np.testing.assert_allclose(masked.numpy(), attention(x, x[:, :2]).numpy(), atol=1e-6)


def test_merge_does_not_mix_padding_into_steps_that_exist(backend):
    """A step of a sum that is flagged valid is a sum of steps that exist."""
    a = mg.MaskedTensor(np.array([[1.0, 2.0, np.nan]]), np.array([[True, True, False]]))
    b = mg.MaskedTensor(np.array([[10.0, np.nan, np.nan]]), np.array([[True, False, False]]))
    with mg.use_backend(backend):
        assert layers.Add()([a, b]).numpy().tolist() == [[11.0, 0.0, 0.0]]
        assert layers.Add(mask_merge="any")([a, b]).numpy().tolist() == [[11.0, 2.0, 0.0]]
        assert layers.Average(mask_merge="any")([a, b]).numpy().tolist() == [[5.5, 2.0, 0.0]]


def test_left_padding_changes_nothing(backend):
    tokens, x = embedded()
    causal = layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    model = lawful(tokens, [causal, layers.LSTM(2)(causal)], backend)
    left = model.predict([[0, 0, 3, 5]], backend=backend)
    right = model.predict([[3, 5, 0, 0]], backend=backend)
    np.testing.assert_allclose(left[0][:, 2:], right[0][:, :2], atol=1e-6)
    np.testing.assert_allclose(left[1], right[1], atol=1e-6)


# -- empty -----------------------------------------------------------------------------------


def test_a_row_with_no_step_gives_zeros_and_no_nan(backend):
    """keras#18152, pytorch#41508, tensorflow#36139."""
    x = mg.MaskedTensor(np.full((1, 3, 4), np.nan, "float32"), np.zeros((1, 3), bool))
    with mg.use_backend(backend):
        for layer in (
            layers.GlobalAveragePooling1D(),
            layers.GlobalMaxPooling1D(),
            layers.LSTM(2),
            layers.Softmax(axis=1),
        ):
            assert (layer(x).numpy() == 0).all()
        attended = layers.MultiHeadAttention(2, 2)(np.ones((1, 2, 4), "float32"), x)
        assert (attended.numpy() == 0).all(), "the context is zero, and so is a fresh bias"


# -- told wrongly ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mask",
    [
        np.ones((2, 4), bool),
        np.ones((2, 6), bool),
        np.ones((1, 5), bool),
        np.ones((2, 5), "float32"),
        np.ones((2, 5), "int32"),
    ],
    ids=["short", "long", "broadcast", "float", "int"],
)
def test_wrong_masks_are_refused(mask, backend):
    with mg.use_backend(backend), pytest.raises(MaskError, match=r"\(2, 5"):
        layers.LSTM(3)(np.ones((2, 5, 3), "float32"), mask=mask)
