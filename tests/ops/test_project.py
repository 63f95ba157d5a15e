"""A product over several axes of features, plus a bias: NumPy's, and what becomes of masks."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import ShapeError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
_rng = np.random.default_rng(0)
X = _rng.normal(size=(2, 3, 4, 5))
KERNEL, BIAS = _rng.normal(size=(4, 5, 6, 7)), _rng.normal(size=(6, 7))
MASK = np.array([[True, False, True], [False, False, True]])
CASES = [(1, X[:, :, 0], KERNEL[0], BIAS), (2, X, KERNEL, BIAS), (2, X, KERNEL[..., 0, 0], None)]
CASES += [(3, X, _rng.normal(size=(3, 4, 5, 2)), None), (2, X[0, 0], KERNEL, BIAS)]


@BACKENDS
@pytest.mark.parametrize("case", CASES, ids=lambda case: str([np.shape(a) for a in case]))
def test_is_a_tensor_product(backend, case):
    axes, x, kernel, bias = case
    with mg.use_backend(backend):
        found = ops.project(mg.MaskedTensor(x), kernel, bias, axes=axes).numpy()
    expected = np.tensordot(x, kernel, axes) + (0 if bias is None else bias)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@BACKENDS
def test_the_mask_of_axes_that_stay_passes_and_their_padding_is_not_seen(backend):
    x = np.where(MASK[..., None, None], X, np.nan)
    with mg.use_backend(backend):
        y = ops.project(mg.MaskedTensor(x, MASK), KERNEL, BIAS, axes=2)
    assert (np.asarray(y.mask) == MASK).all()
    np.testing.assert_allclose(y.numpy()[MASK], np.tensordot(X[MASK], KERNEL, 2) + BIAS)


@BACKENDS
@pytest.mark.parametrize("axes", [2, 3])
def test_masked_steps_of_a_contracted_axis_count_for_nothing(backend, axes):
    mask = _rng.random((2, 3, 4)) < 0.6
    kernel = _rng.normal(size=(3, 4, 5, 2))[0 if axes == 2 else slice(None)]
    with mg.use_backend(backend):
        y = ops.project(
            mg.MaskedTensor(np.where(mask[..., None], X, np.nan), mask), kernel, axes=axes
        )
    expected = np.tensordot(np.where(mask[..., None], X, 0), kernel, axes)
    if axes == 3:
        assert y.mask is None
        np.testing.assert_allclose(y.numpy(), expected)
    else:
        exists = mask.any(2)
        assert (np.asarray(y.mask) == exists).all()
        np.testing.assert_allclose(y.numpy()[exists], expected[exists])


def test_masked_features_of_a_kernel_count_for_nothing():
    exists = np.array([True, False, True, True])
    kernel = mg.MaskedTensor(np.where(exists[:, None, None, None], KERNEL, np.nan), exists)
    y = ops.project(X, kernel, BIAS, axes=2)
    expected = np.tensordot(X[:, :, exists], KERNEL[exists], 2) + BIAS
    assert y.mask is None
    np.testing.assert_allclose(y.numpy(), expected)


@pytest.mark.parametrize(
    ("x", "kernel", "bias", "axes"),
    [
        (X, KERNEL, BIAS, 1),
        (X, KERNEL[:3], BIAS, 2),
        (X, KERNEL, BIAS[:1], 2),
        (X, KERNEL, BIAS[0], 2),
        (X, KERNEL, BIAS, 0),
        (X[0, 0, 0], KERNEL, BIAS, 2),
        (X, KERNEL[0, :, 0, 0], None, 2),
    ],
)
def test_sizes_that_do_not_fit_are_refused(x, kernel, bias, axes):
    with pytest.raises(ShapeError, match="project: the sizes differ"):
        ops.project(x, kernel, bias, axes=axes)


def test_the_projections_of_attention_are_one_call_each():
    x = mg.Input((None, 4), masked=True)
    model = mg.Model(x, layers.MultiHeadAttention(2, 3)(x, x))
    plan = str(model.plan(X[:, :, :, 0], mask=MASK, backend="numpy"))
    assert plan.count(" = project(") == 4
    assert " = add(" not in plan


@BACKENDS
def test_a_model_contracts_time_without_its_padding(backend):
    x = mg.Input((3, 4), masked=True)
    kernel = KERNEL[:3, :4, :, 0].astype("float32")
    data = X[..., 0].astype("float32")
    model = mg.Model(x, ops.project(x + 1, kernel, axes=2))
    found = model.predict(np.where(MASK[..., None], data, np.nan), mask=MASK, backend=backend)
    expected = np.tensordot(np.where(MASK[..., None], data + 1, 0), kernel, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
