"""Normalization as one op: by hand in float64, each sequence alone, and what becomes of masks."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.errors import ShapeError

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
AXES = pytest.mark.parametrize("axis", [(3,), (2, 3), (2,), (1, 3), (1,), (1, 2, 3)])
_rng = np.random.default_rng(0)
X = _rng.normal(2, 3, size=(3, 4, 5, 6))
MASK = np.array([[True, False, True, True], [False] * 4, [False, True, True, False]])


def weights(axis):
    generator = np.random.default_rng(1)
    return [generator.normal(size=[X.shape[a] for a in axis]) for _ in range(2)]


def by_hand(x, gamma, beta, axis, epsilon, centred=True):
    """Normalize in float64; gamma and beta may be None."""
    shape = [n if a in axis else 1 for a, n in enumerate(x.shape)]
    x = x - x.mean(axis, keepdims=True) if centred else x
    x = x / np.sqrt((x * x).mean(axis, keepdims=True) + epsilon)
    x = x if gamma is None else x * gamma.reshape(shape)
    return x if beta is None else x + beta.reshape(shape)


@BACKENDS
@AXES
@pytest.mark.parametrize("given", ["both", "gamma", "beta", "none"])
def test_layer_norm_by_hand(backend, axis, given):
    gamma, beta = weights(axis)
    gamma = gamma if given in ("both", "gamma") else None
    beta = beta if given in ("both", "beta") else None
    with mg.use_backend(backend):
        found = ops.layer_norm(mg.MaskedTensor(X), gamma, beta, axis, 0.1).numpy()
    np.testing.assert_allclose(found, by_hand(X, gamma, beta, axis, 0.1), rtol=1e-10, atol=1e-12)


@BACKENDS
@AXES
def test_rms_norm_by_hand(backend, axis):
    gamma, _ = weights(axis)
    with mg.use_backend(backend):
        found = ops.rms_norm(mg.MaskedTensor(X), gamma, axis, 0.1).numpy()
    np.testing.assert_allclose(found, by_hand(X, gamma, None, axis, 0.1, False), rtol=1e-10)


@BACKENDS
@pytest.mark.parametrize("axis", [(1,), (1, 3), (1, 2, 3)])
@pytest.mark.parametrize("centred", [True, False], ids=["layer_norm", "rms_norm"])
def test_along_time_each_sequence_is_as_alone(backend, axis, centred):
    x = mg.MaskedTensor(np.where(MASK[..., None, None], X, np.nan), MASK)
    with mg.use_backend(backend):
        if centred:
            y = ops.layer_norm(x, None, None, axis, 0.1)
        else:
            y = ops.rms_norm(x, None, axis, 0.1)
    assert (np.asarray(y.mask) == MASK).all()
    for row, exists, found in zip(X, MASK, y.numpy(), strict=True):
        if exists.any():
            alone = by_hand(row[exists][None], None, None, axis, 0.1, centred)[0]
            np.testing.assert_allclose(found[exists], alone, rtol=1e-10, atol=1e-12)
        assert (found[~exists] == 0).all()


def test_several_axes_stand_in_any_order():
    gamma, beta = weights((2, 3))
    found = ops.layer_norm(X, gamma, beta, [-1, 2])
    np.testing.assert_allclose(found, by_hand(X, gamma, beta, (2, 3), 1e-3), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("op", [ops.layer_norm, ops.rms_norm])
@pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])
def test_without_epsilon_the_padding_has_no_gradient(op, backend):
    """At a masked step stand zeros, whose length must not be divided by."""
    native = load(backend)
    x, gamma = np.where(MASK[..., None, None], X, 0), np.ones(6)

    def loss(arrays):
        y = op(mg.MaskedTensor(arrays[0], native.asarray(MASK)), arrays[1], axis=-1, epsilon=0)
        kept = native.select_valid(y.value, y.mask, 0)
        return native.sum(native.multiply(kept, native.asarray(_FACTORS)), (0, 1, 2, 3), False)

    found = native.gradients(loss, [native.asarray(a) for a in (x, gamma)])
    by_x, by_gamma = map(native.to_numpy, found)
    assert np.isfinite(by_x).all()
    assert (by_x[~MASK] == 0).all()
    steps, factors = X[MASK], _FACTORS[MASK]
    right = by_hand(steps, None, None, (2,), 0, centred=op is ops.layer_norm) * factors
    np.testing.assert_allclose(by_gamma, right.sum((0, 1)), rtol=1e-10)


_FACTORS = np.random.default_rng(2).normal(size=X.shape)


@BACKENDS
@pytest.mark.parametrize("op", [ops.layer_norm, ops.rms_norm])
def test_half_precision_has_float32_statistics(backend, op):
    x = np.array([[300, -300, 300, -300]], "float16")  # whose squares float16 cannot hold
    with mg.use_backend(backend):
        y = op(mg.MaskedTensor(x))
    assert y.dtype == "float16"
    np.testing.assert_allclose(y.numpy(), [[1, -1, 1, -1]], rtol=1e-3)


def test_weights_with_a_mask_lose_it():
    exists = np.array([True, False, True, True, True, True])
    gamma = mg.MaskedTensor(np.where(exists, 2.0, np.nan), exists)
    y = ops.layer_norm(X, gamma)
    assert y.mask is None
    right = by_hand(X, np.where(exists, 2.0, 0), None, (3,), 1e-3)
    np.testing.assert_allclose(y.numpy(), right, rtol=1e-10, atol=1e-12)


def test_statistics_of_a_column_are_not_safe_to_infer():
    x = mg.Input((3, 4), masked=True)
    across, along = (ops.layer_norm(x, axis=axis).node for axis in (0, 2))
    assert "different sequences" in across.target.unsafe(across)
    assert along.target.unsafe(along) is None


@pytest.mark.parametrize(
    ("op", "arguments"),
    [
        (ops.layer_norm, (np.ones(5),)),
        (ops.layer_norm, (np.ones(6), np.ones(1))),
        (ops.layer_norm, (np.ones((1, 6)),)),
        (ops.layer_norm, (np.ones((6, 5)), None, (2, 3))),
        (ops.rms_norm, (np.ones(5),)),
    ],
)
def test_weights_of_other_sizes_are_refused(op, arguments):
    with pytest.raises(ShapeError, match="the sizes of gamma or beta"):
        op(X, *arguments)


def test_an_axis_that_does_not_exist_is_refused():
    with pytest.raises(ShapeError, match="no such axis"):
        ops.rms_norm(X, axis=4)


@pytest.mark.parametrize("make", [layers.LayerNormalization, layers.RMSNormalization])
def test_a_layer_along_features_is_one_call_of_a_backend(make):
    x = mg.Input((None, 5, 6), masked=True)
    model = mg.Model(x, make(axis=(2, 3))(x))
    plan = model.plan(X, mask=MASK, backend="numpy", layout="padded")
    op = "layer_norm" if make is layers.LayerNormalization else "rms_norm"
    assert str(plan).count(f" = {op}(") == 1
    assert not any(f" = {name}(" in str(plan) for name in ("mean", "square", "rsqrt", "multiply"))


@pytest.mark.parametrize("layout", ["padded", "packed"])
@pytest.mark.parametrize("weighted", [True, False], ids=["weights", "no weights"])
@pytest.mark.parametrize("axis", [(3,), (2, 3), (1,), (1, 2, 3)])
def test_layers_by_hand_in_both_layouts(layout, weighted, axis):
    x = mg.Input((4 if weighted else None, 5, 6), masked=True)
    layer = layers.LayerNormalization(axis, 0.1, center=weighted, scale=weighted)
    model = mg.Model(x, layer(x), seed=0)
    gamma, beta = weights(axis) if weighted else (None, None)
    if weighted:
        model.set_weights([gamma, beta])
    found = model.predict(X.astype("float32"), mask=MASK, backend="numpy", layout=layout)
    for row, exists, y in zip(X, MASK, found, strict=True):
        if exists.any():
            spots = np.flatnonzero(exists)
            own = [None if w is None else w[spots] if axis[0] == 1 else w for w in (gamma, beta)]
            right = by_hand(row[exists][None], *own, axis, 0.1)[0]
            np.testing.assert_allclose(y[exists], right, rtol=1e-4, atol=1e-4)
        assert (y[~exists] == 0).all()
