"""Dot products of inputs, einsum with a kernel, and other small layers."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import ArgumentError, ShapeError
from maskgraph.layers.equation import Equation

X = [np.arange(1.0, 7).reshape(3, 2), np.array([[1.0, -1.0]])]
Y = [np.ones((1, 2)), np.arange(1.0, 5).reshape(2, 2)]


def ragged(rows):
    return mg.MaskedTensor.from_ragged([row.astype("float32") for row in rows])


def test_two_masks_of_time_make_one_of_both():
    scores = layers.Dot(axes=-1)([ragged(X), ragged(Y)])
    assert scores.mask.tolist() == [[[True, False]] * 3, [[True, True], [False] * 2, [False] * 2]]
    for found, mask, x, y in zip(scores.value, scores.mask, X, Y, strict=True):
        np.testing.assert_allclose(found[mask], (x @ y.T).ravel())


def test_attention_made_of_dots_sees_no_padding():
    scores = layers.Dot(axes=-1)([ragged(X), ragged(Y)])
    shares = layers.Softmax()(scores)
    context = layers.Dot(axes=(2, 1))([shares, ragged(Y)])
    for found, x, y in zip(context.unpad(), X, Y, strict=True):
        weights = np.exp(x @ y.T)
        expected = weights / weights.sum(axis=1, keepdims=True) @ y
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("first", [True, False])
def test_a_query_without_time_leaves_the_mask_of_the_other(first):
    query = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
    inputs, axes = ([query, ragged(X)], (1, 2)) if first else ([ragged(X), query], (2, 1))
    scores = layers.Dot(axes)(inputs)
    assert scores.mask.tolist() == [[True] * 3, [True, False, False]]
    for found, x, q in zip(scores.unpad(), X, query, strict=True):
        np.testing.assert_allclose(found, x @ q)


def test_a_mask_of_the_second_alone_is_kept():
    queries = np.ones((2, 5, 2), "float32")
    scores = layers.Dot(axes=-1)([queries, ragged(X)])
    assert scores.mask.shape == (2, 5, 3)
    assert scores.mask[1].tolist() == [[True, False, False]] * 5


@pytest.mark.parametrize("normalize", [False, True])
def test_over_time_steps_count_that_exist_in_both(normalize):
    longer = np.pad(ragged(Y).value, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan)
    other = mg.MaskedTensor(longer, np.array([[True, False, False], [True, True, False]]))
    result = layers.Dot(axes=1, normalize=normalize)([ragged(X), other])
    assert result.mask is None
    for found, x, y in zip(result.numpy(), X, Y, strict=True):
        n = min(len(x), len(y))
        x, y = x[:n], y[:n]
        if normalize:
            x, y = x / np.linalg.norm(x, axis=0), y / np.linalg.norm(y, axis=0)
        np.testing.assert_allclose(found, x.T @ y, rtol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "axes"),
    [
        ([np.ones((2, 3))], 1),
        ([np.ones((2, 3)), np.ones((2, 4))], 1),
        ([np.ones((2, 3)), np.ones((2, 3))], 0),
        ([np.ones((2, 3)), np.ones((2, 3))], 2),
        ([np.ones((2, 3))] * 3, 1),
        (np.ones((2, 3)), 1),
    ],
)
def test_inputs_without_a_dot_product_are_refused(inputs, axes):
    with pytest.raises(ShapeError, match=r"Dot\): the inputs do not fit"):
        layers.Dot(axes)(inputs)


@pytest.mark.parametrize("axes", [(1,), (1, 2, 3), (1.0, 2)])
def test_axes_that_are_none_are_refused(axes):
    with pytest.raises(ArgumentError, match="axes are wrong"):
        layers.Dot(axes)


# -- einsum with a kernel ------------------------------------------------------------------


def test_a_kernel_sees_only_steps_that_exist():
    layer = layers.EinsumDense("btd,de->be", 3)
    found = layer(ragged(X)).numpy()
    (kernel,) = layer.get_weights()
    np.testing.assert_allclose(found, [x.sum(axis=0) @ kernel for x in X], rtol=1e-5)


@pytest.mark.parametrize(
    ("equation", "sizes", "bias"),
    [
        ("btd", 3, None),
        ("btd,de", 3, None),
        ("...td...,de->...te...", (None, 3), None),
        ("...d,de->e...", 3, None),
        ("btd,de->bte", 3, None),
        ("btd,dx->bte", (None, 3), None),
        ("btd,de->bte", (None, 3), "d"),
    ],
)
def test_an_equation_that_is_none_is_refused(equation, sizes, bias):
    with pytest.raises(ArgumentError, match="EinsumDense"):
        layers.EinsumDense(equation, sizes, bias_axes=bias)


@pytest.mark.parametrize(
    ("equation", "sizes", "shape"),
    [
        ("btd,de->bte", (None, 3), (2, 4)),
        ("...td,de->...te", (None, 3), (2, 4)),
        ("btd,de->bte", (5, 3), (2, 4, 2)),
    ],
)
def test_an_input_that_does_not_fit_is_refused(equation, sizes, shape):
    with pytest.raises(ShapeError, match="the input does not fit the equation"):
        layers.EinsumDense(equation, sizes)(np.ones(shape))


def test_an_ellipsis_stands_for_any_number_of_axes():
    layer = layers.EinsumDense("...d,de->...e", 3)
    assert [layer(np.ones((2,) * n)).shape for n in (2, 3, 4)] == [(2, 3), (2, 2, 3), (2, 2, 2, 3)]


def test_a_kernel_is_drawn_by_its_number_of_connections():
    """Heads make the axes that come out many: Glorot's limit counts all of them."""
    equation = Equation.parsed("here", "btd,dhe->bthe", (None, 8, 50), "")
    draw = equation.kernel_draw("glorot_uniform")
    kernel = draw((100, 8, 50), "float32", np.random.default_rng(0))
    assert kernel.shape == (100, 8, 50)
    assert np.abs(kernel).max() == pytest.approx(np.sqrt(6 / (100 + 400)), rel=1e-3)


# -- the rest ------------------------------------------------------------------------------


def test_an_alpha_for_each_step_needs_a_fixed_length():
    with pytest.raises(ShapeError, match=r"shared_axes=\[1\]"):
        layers.PReLU()(mg.Input((None, 3)))
    with pytest.raises(ShapeError, match="alpha needs sizes"):
        layers.PReLU(shared_axes=3)(mg.Input((4, 3)))
    assert layers.PReLU(shared_axes=1)(mg.Input((None, 3))).shape == (None, None, 3)


def test_prelu_learns_the_slope_below_0():
    layer = layers.PReLU(shared_axes=[1])
    layer(np.ones((1, 2, 2)))
    layer.set_weights([np.array([[0.5, -1.0]])])
    assert layer(np.array([[[-2.0, -2.0], [3.0, 3.0]]])).numpy().tolist() == [[[-1, 2], [3, 3]]]


@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_a_vector_is_repeated_a_whole_number_of_times(n):
    with pytest.raises(ArgumentError, match="n out of range"):
        layers.RepeatVector(n)


def test_a_pooled_sequence_is_repeated():
    pooled = layers.GlobalAveragePooling1D()(ragged(X))
    repeated = layers.RepeatVector(2)(pooled)
    assert repeated.mask is None
    np.testing.assert_array_equal(repeated.numpy(), np.stack([pooled.numpy()] * 2, axis=1))
    with pytest.raises(ShapeError, match="wrong rank"):
        layers.RepeatVector(2)(ragged(X))


def test_rescaling_makes_floats_of_integers():
    x = mg.MaskedTensor(np.array([[2, 4]], "int32"), np.array([[True, False]]))
    y = layers.Rescaling(scale=0.5, offset=1)(x)
    assert (y.dtype, y.numpy().tolist(), y.mask.tolist()) == ("float32", [[2, 0]], [[True, False]])
