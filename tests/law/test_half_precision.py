"""The law in float16 and bfloat16: an empty sequence, and NaN in the padding, make no NaN, neither
in outputs nor in gradients. The greatest numbers of float16 are small: 1e30 is infinite there."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.models.running import ModelRunner

MASK = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 1]], bool)
"""With a hole, empty, left-padded, whole."""
BACKENDS = [
    ("numpy", "float16"),
    *[
        (name, dtype)
        for name in ("torch", "tensorflow", "jax")
        for dtype in ("float16", "bfloat16")
    ],
]


def attended(make):
    return lambda x, dtype: make(dtype)([x, x])


LAYERS = {
    "average": lambda x, dtype: layers.GlobalAveragePooling1D(dtype=dtype)(x),
    "maximum": lambda x, dtype: layers.GlobalMaxPooling1D(dtype=dtype)(x),
    "windows": lambda x, dtype: layers.AveragePooling1D(2, dtype=dtype)(x),
    "logsumexp": lambda x, dtype: ops.logsumexp(x, axis=1),
    "variance": lambda x, dtype: ops.var(x, axis=1),
    "softmax": lambda x, dtype: layers.Softmax(axis=1, dtype=dtype)(x),
    "log_softmax": lambda x, dtype: ops.log_softmax(x, axis=1),
    "attention": attended(lambda dtype: layers.Attention(use_scale=True, dtype=dtype)),
    "additive attention": attended(lambda dtype: layers.AdditiveAttention(dtype=dtype)),
    "heads": lambda x, dtype: layers.MultiHeadAttention(2, 3, dtype=dtype)(x, x),
    "causal heads": lambda x, dtype: layers.MultiHeadAttention(2, 3, dtype=dtype)(
        x, x, use_causal_mask=True
    ),
    "simple": lambda x, dtype: layers.SimpleRNN(3, dtype=dtype)(x),
    "lstm": lambda x, dtype: layers.LSTM(3, return_sequences=True, dtype=dtype)(x),
    "gru": lambda x, dtype: layers.GRU(3, go_backwards=True, dtype=dtype)(x),
    "cell": lambda x, dtype: layers.RNN(layers.LSTMCell(3, dtype=dtype), dtype=dtype)(x),
    "layer": lambda x, dtype: layers.LayerNormalization(dtype=dtype)(x),
    "layer over time": lambda x, dtype: layers.LayerNormalization(
        axis=1, center=False, scale=False, dtype=dtype
    )(x),
    "group": lambda x, dtype: layers.GroupNormalization(2, dtype=dtype)(x),
    "rms": lambda x, dtype: layers.RMSNormalization(dtype=dtype)(x),
    "unit over time": lambda x, dtype: layers.UnitNormalization(axis=1, dtype=dtype)(x),
    "batch": lambda x, dtype: layers.BatchNormalization(dtype=dtype)(x, training=True),
}

WIDER = ("group", "rms", "unit over time", "batch")
"""Layers whose statistics, and so results, are float32 at least."""


def model_in(name, dtype):
    x = mg.Input((None, 4), dtype, masked=True)
    return mg.Model(x, LAYERS[name](x, dtype), seed=0)


def values():
    x = np.random.default_rng(0).normal(size=(4, 4, 4)).astype("float32")
    x[~MASK] = np.nan
    return x


@pytest.mark.parametrize(("backend", "dtype"), BACKENDS)
@pytest.mark.parametrize("name", LAYERS)
def test_no_nan(name, backend, dtype):
    on = load(backend, "cpu")
    data = mg.MaskedTensor(on.asarray(values(), dtype), on.asarray(MASK))
    result = model_in(name, dtype)(data)
    assert result.dtype == ("float32" if name in WIDER else dtype)
    expected = model_in(name, "float32").predict(values(), mask=MASK, backend="numpy")
    tolerance = 1e-2 if dtype == "float16" else 1e-1
    np.testing.assert_allclose(result.numpy(), expected, rtol=tolerance, atol=tolerance)
    if on.differentiates:
        by_weights, by_input = gradients(name, on, dtype)
        assert all(np.isfinite(g).all() for g in [*by_weights, by_input])
        assert (by_input[~MASK] == 0).all()
        assert by_input[MASK].any()


def gradients(name, on, dtype):
    """Those of a sum of squares, by weights and by the input."""
    model = model_in(name, dtype)
    runner = ModelRunner(model)
    data = on.asarray(values(), dtype)
    plan = runner.plan([mg.MaskedTensor(data, on.asarray(MASK))], on)
    weights = [weight.native(on, weight.dtype) for weight in plan.weights]

    def loss(arrays):
        [(y, _)] = plan.run([(arrays[-1], MASK)], arrays[:-1])
        return on.sum(on.square(y), tuple(range(len(on.shape(y)))), False)

    *by_weights, by_input = map(on.to_numpy, on.gradients(loss, [*weights, data]))
    return by_weights, by_input
