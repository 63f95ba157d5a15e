"""The law for ops: on a masked batch, each row gives what it gives alone, whatever is padding."""

from functools import partial

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import ops
from maskgraph.errors import ArgumentError, ShapeError

LENGTHS = (3, 5, 1)
TIME = 7


def batch(junk, padding="right"):
    generator = np.random.default_rng(0)
    rows = [generator.uniform(0.1, 2.0, size=(n, 4)) for n in LENGTHS]
    values = np.full((len(rows), TIME, 4), junk)
    mask = np.zeros((len(rows), TIME), bool)
    for i, row in enumerate(rows):
        where = slice(0, len(row)) if padding == "right" else slice(TIME - len(row), TIME)
        values[i, where], mask[i, where] = row, True
    return rows, mg.MaskedTensor(values, mask)


ELEMENTWISE = [
    "negative",
    "abs",
    "sign",
    "floor",
    "ceil",
    "round",
    "square",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "sin",
    "cos",
    "tanh",
    "erf",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "sigmoid",
    "hard_sigmoid",
    "silu",
    "hard_silu",
    "softplus",
    "softsign",
    "log_sigmoid",
    "mish",
    "gelu",
    "softmax",
    "log_softmax",
    "zeros_like",
    "ones_like",
]

STEPWISE = {name: getattr(ops, name) for name in ELEMENTWISE} | {
    "add": lambda x: x + 1,
    "divide": lambda x: 1 / x,
    "power": lambda x: x**0.5,
    "two operands": lambda x: x * x - x / (x + 1),
    "where": lambda x: ops.where(x > 1, x, -x),
    "features reduced": lambda x: ops.mean(x, axis=-1),
    "matmul": lambda x: ops.matmul(x, np.ones((4, 2))),
    "einsum": lambda x: ops.einsum("btd,de->bte", [x, np.ones((4, 2))]),
    "expand": lambda x: ops.expand_dims(x, -1),
    "features sliced": lambda x: x[..., 1:],
    "softmax over time": lambda x: ops.softmax(x, axis=1),
    "log-softmax over time": lambda x: ops.log_softmax(x, axis=1),
    "cumsum over time": lambda x: ops.cumsum(x, axis=1),
    "attention": lambda x: ops.matmul(
        ops.masked_softmax(
            ops.einsum("btd,bsd->bts", [ops.drop_mask(x)] * 2),
            ops.expand_dims(_mask(x), 1),
            axis=-1,
        ),
        x,
    ),
}


def _mask(x):
    mask = getattr(x, "mask", None)
    return np.ones(x.shape[:2], bool) if mask is None else mask


@pytest.mark.parametrize("padding", ["right", "left"])
@pytest.mark.parametrize("junk", [0.0, 3.0, np.nan, np.inf])
@pytest.mark.parametrize("name", STEPWISE)
def test_steps_are_those_of_each_row_alone(name, junk, padding):
    rows, x = batch(junk, padding)
    result = STEPWISE[name](x)
    if name == "attention":  # the product's rows are not masked: its mask was dropped
        result = mg.MaskedTensor(result.value, x.mask)
    assert result.mask is not None
    for row, ours in zip(rows, result.unpad(), strict=True):
        alone = STEPWISE[name](mg.MaskedTensor(row[None])).numpy()[0]
        np.testing.assert_allclose(ours, alone, rtol=1e-9, atol=1e-12)


REDUCTIONS = ["sum", "prod", "max", "min", "mean", "var", "std", "logsumexp"]

SUMMARIES = {name: partial(getattr(ops, name), axis=1) for name in REDUCTIONS} | {
    "kept": lambda x: ops.mean(x, axis=1, keepdims=True),
    "time and features": lambda x: ops.mean(x, axis=(1, 2)),
    "all positive": lambda x: ops.all(x > 0, axis=1),
    "any large": lambda x: ops.any(x > 1.9, axis=1),
    "contraction": lambda x: ops.einsum("btd,bte->bde", [x, x]),
}


@pytest.mark.parametrize("padding", ["right", "left"])
@pytest.mark.parametrize("junk", [0.0, 3.0, -9.0, np.nan, np.inf])
@pytest.mark.parametrize("name", SUMMARIES)
def test_summaries_count_valid_steps_only(name, junk, padding):
    rows, x = batch(junk, padding)
    result = SUMMARIES[name](x)
    assert result.mask is None
    for row, ours in zip(rows, result.numpy(), strict=True):
        alone = SUMMARIES[name](mg.MaskedTensor(row[None])).numpy()[0]
        np.testing.assert_allclose(ours, alone, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["sum", "max", "min", "mean", "var", "std", "logsumexp"])
def test_nothing_gives_zero(name):
    x = mg.MaskedTensor(np.full((1, 3, 2), np.nan), np.zeros((1, 3), bool))
    np.testing.assert_array_equal(getattr(ops, name)(x, axis=1).numpy(), np.zeros((1, 2)))


def test_index_of_the_extreme_is_a_valid_step():
    _, x = batch(99.0)
    last = np.asarray(LENGTHS)[:, None]
    assert (ops.argmax(x, axis=1).numpy() < last).all()
    _, x = batch(-99.0)
    assert (ops.argmin(x, axis=1).numpy() < last).all()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x[:, 1:], [[True, False], [True, True]]),
        (lambda x: ops.flip(x, axis=1), [[False, True, True], [True, True, True]]),
        (lambda x: ops.concatenate([x, x], axis=-1), [[True, True, False], [True, True, True]]),
        (
            lambda x: ops.concatenate([x[:, :1], x.value], axis=1),
            [[True, True, True, True], [True, True, True, True]],
        ),
        (lambda x: ops.split(x, [1], axis=1)[1], [[True, False], [True, True]]),
        (
            lambda x: ops.pad(x, [(0, 0), (1, 0), (0, 0)]),
            [[False, True, True, False], [False, True, True, True]],
        ),
        (lambda x: ops.repeat(x, 2, axis=1), [[True, True, True, True, False, False], [True] * 6]),
        (lambda x: ops.take(x, np.array([2, 0]), axis=1), [[False, True], [True, True]]),
        (lambda x: ops.reshape(x, (2, 3, 2, 1)), [[True, True, False], [True, True, True]]),
        (lambda x: ops.reshape(x, (-1, 2)), None),
        (lambda x: ops.transpose(x, (0, 2, 1)), None),
        (lambda x: ops.transpose(x, (1, 0, 2)), [[True, True], [True, True], [False, True]]),
        (lambda x: x[:, 0], None),
    ],
)
def test_masks_move_with_the_rectangle(function, expected):
    x = mg.MaskedTensor(np.ones((2, 3, 2)), np.array([[True, True, False], [True] * 3]))
    mask = function(x).mask
    assert (None if mask is None else mask.tolist()) == expected


@pytest.mark.parametrize("look_up", [ops.embedding, lambda t, i: ops.take(t, i, axis=0)])
def test_masked_ids_may_be_outside_the_table(look_up):
    ids = mg.MaskedTensor(
        np.array([[1, 0, -7, 99]], "int32"), np.array([[True, True, False, False]])
    )
    result = look_up(np.arange(6.0).reshape(3, 2), ids)
    assert result.unpad()[0].tolist() == [[2, 3], [0, 1]]


@pytest.mark.parametrize("look_up", [ops.embedding, lambda t, i: ops.take(t, i, axis=0)])
def test_masked_ids_may_be_outside_the_table_in_a_model(look_up):
    ids = mg.Input(shape=(None,), dtype="int32", masked=True)
    table = np.arange(6, dtype="float32").reshape(3, 2)
    model = mg.Model(ids, look_up(table, ids - 1))  # -1 at masked steps, which hold 0 inside
    assert model([[1, 3], [2]]).unpad()[1].tolist() == [[2, 3]]


def test_lost_masks_leave_zeros():
    x = mg.MaskedTensor(np.full((1, 2, 2), np.nan), np.array([[False, False]]))
    np.testing.assert_array_equal(ops.reshape(x, (-1, 4)).numpy(), np.zeros((1, 4)))


def test_masks_intersect():
    a = mg.MaskedTensor(np.ones((1, 3)), np.array([[True, True, False]]))
    b = mg.MaskedTensor(np.ones((1, 3)), np.array([[False, True, True]]))
    assert (a + b).mask.tolist() == [[False, True, False]]
    assert (a + np.ones((1, 3))).mask.tolist() == [[True, True, False]]


def test_equal_expressions_are_one_symbol():
    x = mg.Input(shape=(None,), dtype="int32")
    assert (x != 0).node is (x != 0).node
    assert (x != 0).node is not (x != 1).node


def test_reshape_with_sizes_of_the_tensor_itself():
    x = mg.Input(shape=(None, 6), masked=True)
    batch, time, features = ops.shape(x)
    y = ops.reshape(x, (batch, time, 2, features // 2))
    assert y.mask is x.mask
    model = mg.Model(x, ops.reshape(y, (batch, time * 2, 3)), on_mask_loss="ignore")
    assert model.predict(np.ones((2, 5, 6), "float32")).shape == (2, 10, 3)


# -- bad arguments ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: x + np.ones((2, 5, 2)), "do not broadcast"),
        (lambda x: ops.matmul(x, np.ones((3, 2))), r"\(2, 3, 2\) @ \(3, 2\)"),
        (lambda x: ops.sum(x, axis=3), "axis=3 for a tensor of rank 3"),
        (lambda x: ops.reshape(x, (5, 5)), "number of elements"),
        (lambda x: ops.reshape(x, (-1, -1)), "more than one"),
        (lambda x: ops.concatenate([x, np.ones((2, 3, 5))], axis=1), "sizes differ in axis 2"),
        (lambda x: ops.concatenate([]), "empty"),
        (lambda x: ops.split(x, 2, axis=1), "does not divide"),
        (lambda x: ops.transpose(x, (0, 0, 1)), "not a permutation"),
        (lambda x: x[:, :, :, 0], "too many indices"),
        (lambda x: x[5], "out of range"),
        (lambda x: ops.einsum("bt,de->b", [x, x]), "subscripts do not fit"),
    ],
)
def test_wrong_shapes_are_told(function, text):
    with pytest.raises(ShapeError, match=text):
        function(mg.MaskedTensor(np.ones((2, 3, 2))))


def test_wrong_arguments_are_told():
    x = np.ones((2, 3))
    with pytest.raises(ArgumentError, match=r"ops.sum has no argument dim; .*axis"):
        ops.sum(x, dim=1)
    with pytest.raises(ArgumentError, match="needs the argument 'x2'"):
        ops.add(x)
    with pytest.raises(ArgumentError, match="takes 1 arguments, got 2"):
        ops.exp(x, x)
    with pytest.raises(ArgumentError, match=r"index not supported[\s\S]*ops.take"):
        mg.Input(shape=(3,))[[0, 1]]
