"""What NumPy does in place, in tiles or by an approximation of its own."""

import math

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import ops
from maskgraph.backend import load
from maskgraph.testing.op_calls import map_arrays, without_masks
from maskgraph.testing.op_sample import Sample
from maskgraph.testing.op_table import OPS

NUMPY = load("numpy")
_rng = np.random.default_rng(0)


@pytest.mark.parametrize("row", OPS, ids=str)
def test_arguments_stay_what_they_were(row):
    kept = []

    def sealed(x):
        kept.append((x, x.copy()))
        x.flags.writeable = False
        return x

    arguments = map_arrays(sealed, without_masks(row.arguments(Sample())))
    with mg.use_backend("numpy"), NUMPY.running():
        getattr(ops, row.op)(*arguments)
    for x, before in kept:
        np.testing.assert_array_equal(x, before)


def _sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x):
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


ACTIVATIONS = {
    "sigmoid": _sigmoid,
    "hard_sigmoid": lambda x: min(max(x / 6 + 0.5, 0), 1),
    "silu": lambda x: x * _sigmoid(x),
    "hard_silu": lambda x: x * min(max(x / 6 + 0.5, 0), 1),
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "log_sigmoid": lambda x: -_softplus(-x),
    "mish": lambda x: x * math.tanh(_softplus(x)),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x,
    "relu6": lambda x: min(max(x, 0), 6),
}
LINE = np.concatenate([np.linspace(-30, 30, 601), [-700.0, -100.0, 100.0, 700.0, 0.0]])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_one_number_at_a_time(name):
    expected = np.array([ACTIVATIONS[name](float(x)) for x in LINE])
    np.testing.assert_allclose(getattr(ops, name)(LINE), expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("approximate", [True, False])
def test_gelu_one_number_at_a_time(approximate):
    def right(x):
        if approximate:
            return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))

    expected = [right(float(x)) for x in LINE]
    np.testing.assert_allclose(ops.gelu(LINE, approximate), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", [*ACTIVATIONS, "gelu", "erf"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "x",
    [np.array(0.5), np.zeros((0, 3)), np.ones((3, 4)).T, np.broadcast_to(np.ones(1), (2, 3))],
    ids=["no axes", "empty", "transposed", "broadcast"],
)
def test_tensors_of_any_kind_keep_shape_and_dtype(name, dtype, x):
    x = x.astype(dtype, copy=False)
    y = getattr(NUMPY, name)(
        x, *{"gelu": (False,), "leaky_relu": (0.2,), "elu": (1.0,)}.get(name, ())
    )
    assert isinstance(y, np.ndarray)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)


# -- the error function --------------------------------------------------------------------


def test_the_error_function_to_the_last_digits():
    x = np.concatenate(
        [
            np.linspace(-7, 7, 20_001),
            np.linspace(0.46, 0.48, 2_001),  # where the approximations meet
            10.0 ** _rng.uniform(-300, 1, 5_000),
            [5.95, 6.0, 6.1, 30.0, 1e300, 5e-324, 2e-308, 0.46875],
        ]
    )
    for sign in (1, -1):
        right = np.array([math.erf(sign * v) for v in x])
        np.testing.assert_allclose(ops.erf(sign * x), right, rtol=1e-15, atol=0)


def test_the_error_function_of_special_values():
    x = np.array([math.inf, -math.inf, math.nan, 0.0, -0.0])
    y = ops.erf(x)
    np.testing.assert_array_equal(y, [1, -1, math.nan, 0, 0])
    assert np.signbit(y).tolist()[3:] == [False, True]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float16", 1e-3)])
def test_the_error_function_of_narrow_floats(dtype, tolerance):
    x = np.linspace(-7, 7, 5_001).astype(dtype)
    y = ops.erf(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, [math.erf(v) for v in x.tolist()], rtol=tolerance)


def test_the_error_function_of_more_than_a_tile_that_lies_otherwise():
    x = _rng.normal(size=(300, 200)).T[:, ::2]
    right = np.vectorize(math.erf)(x)
    np.testing.assert_allclose(ops.erf(x), right, rtol=1e-15)


# -- shares ----------------------------------------------------------------------------------


def test_masked_shares_are_those_of_the_valid_elements_alone():
    x, mask = _rng.normal(size=(5, 7)), _rng.random((5, 7)) < 0.5
    mask[0], mask[1] = False, True
    found = ops.masked_softmax(np.where(mask, x, np.nan), mask)
    for row, exists, y in zip(x, mask, found, strict=True):
        powers = np.exp(row[exists])
        np.testing.assert_allclose(y[exists], powers / powers.sum(), rtol=1e-12)
        assert (y[~exists] == 0).all()
