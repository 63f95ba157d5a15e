"""A product with a kernel, plus a bias: by hand in float64, and what becomes of masks."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import ShapeError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
_rng = np.random.default_rng(0)
X = _rng.normal(size=(2, 3, 4))
KERNEL, BIAS = _rng.normal(size=(4, 5)), _rng.normal(size=5)
MASK = np.array([[True, False, True], [False, False, True]])


@BACKENDS
@pytest.mark.parametrize("bias", [BIAS, None], ids=["bias", "no bias"])
@pytest.mark.parametrize("place", [(), (0,), (0, 0)], ids=["rank 3", "rank 2", "rank 1"])
def test_by_hand(backend, bias, place):
    x = X[place]
    expected = (x[..., None] * KERNEL).sum(-2) + (0 if bias is None else bias)
    with mg.use_backend(backend):
        found = ops.linear(mg.MaskedTensor(x), KERNEL, bias).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@BACKENDS
def test_the_mask_of_rows_passes_and_their_padding_is_not_seen(backend):
    x = np.where(MASK[..., None], X, np.nan)
    with mg.use_backend(backend):
        y = ops.linear(mg.MaskedTensor(x, MASK), KERNEL, BIAS)
    assert (np.asarray(y.mask) == MASK).all()
    np.testing.assert_allclose(y.numpy()[MASK], X[MASK] @ KERNEL + BIAS, rtol=1e-12)


@BACKENDS
def test_masked_steps_of_a_contracted_axis_count_for_nothing(backend):
    x = np.where(MASK, X[..., 0], np.nan)
    with mg.use_backend(backend):
        y = ops.linear(mg.MaskedTensor(x, MASK), KERNEL[:3], BIAS)
    assert y.mask is None
    expected = np.where(MASK, X[..., 0], 0) @ KERNEL[:3] + BIAS
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12)


def test_a_bias_with_a_mask_loses_it_and_is_zero_where_it_was_masked():
    exists = np.array([True, False, True, True, False])
    bias = mg.MaskedTensor(np.where(exists, BIAS, np.nan), exists)
    y = ops.linear(X, KERNEL, bias)
    assert y.mask is None
    np.testing.assert_allclose(y.numpy(), X @ KERNEL + np.where(exists, BIAS, 0), rtol=1e-12)


def test_the_dtype_is_that_in_which_all_three_meet():
    half, single = X.astype("float16"), KERNEL.astype("float32")
    assert ops.linear(half, single).dtype == "float32"
    assert ops.linear(half, single, BIAS).dtype == "float64"
    assert ops.linear(np.ones((2, 4), "int32"), single).dtype == "float32"


@pytest.mark.parametrize(
    ("x", "kernel", "bias"),
    [
        (X, KERNEL[:3], None),
        (X, KERNEL, BIAS[:4]),
        (X, KERNEL, BIAS[:1]),
        (X, KERNEL, KERNEL),
        (X, KERNEL[0], None),
        (X, KERNEL[None], None),
        (np.float64(1), KERNEL, None),
    ],
)
def test_sizes_that_differ_are_refused(x, kernel, bias):
    with pytest.raises(ShapeError, match="linear: the sizes differ"):
        ops.linear(x, kernel, bias)


def test_a_dense_layer_is_one_call_of_a_backend():
    x = mg.Input((None, 4), masked=True)
    plan = mg.Model(x, layers.Dense(5)(x)).plan(X, mask=MASK, backend="numpy", layout="padded")
    assert str(plan).count(" = linear(") == 1
    assert "matmul" not in str(plan)
    assert " = add(" not in str(plan)


@pytest.mark.parametrize("layout", ["padded", "packed"])
def test_dense_by_hand_in_both_layouts(layout):
    x = mg.Input((None, 4), masked=True)
    model = mg.Model(x, layers.Dense(5, activation="relu")(x), seed=0)
    model.set_weights([KERNEL, BIAS])
    found = model.predict(X.astype("float32"), mask=MASK, backend="numpy", layout=layout)
    expected = np.where(MASK[..., None], np.maximum(X @ KERNEL + BIAS, 0), 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
