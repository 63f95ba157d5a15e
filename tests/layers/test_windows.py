"""Windows over time against loops over each sequence alone, in float64.

A sequence is what stands from its first to its last valid step. In a convolution its holes are
zeros; in pooling they do not count.
"""

import itertools
import math

import numpy as np
import pytest
import torch

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.errors import ArgumentError, MaskError, ShapeError
from maskgraph.testing.law import check_law
from maskgraph.testing.sequences import Sequences

LENGTHS = range(8)
SIZE = 9
FEATURES = 2
PLACES = ["right", "left", "holes"]


def batch(place):
    """Return (values, mask): sequences of 0 to 7 steps, NaN wherever nothing exists."""
    generator = np.random.default_rng(len(place))
    mask = np.zeros((len(LENGTHS), SIZE), bool)
    for row, n in enumerate(LENGTHS):
        if place == "right":
            mask[row, :n] = True
        elif place == "left":
            mask[row, SIZE - n :] = True
        else:
            mask[row, generator.choice(SIZE, n, replace=False)] = True
    values = generator.normal(size=(*mask.shape, FEATURES))
    return np.where(mask[..., None], values, np.nan), mask


def alone(values, mask):
    """Yield for each row its first step, its values and its mask, from the first to the last."""
    for row, exists in zip(values, mask, strict=True):
        steps = np.flatnonzero(exists)
        part = slice(steps[0], steps[-1] + 1) if len(steps) else slice(0, 0)
        yield part.start, np.where(exists[part, None], row[part], 0), exists[part]


def windows(length, reach, strides, padding):
    """Return where each window of a sequence begins."""
    if padding == "valid":
        return range(0, length - reach + 1, strides)
    if padding == "causal":
        return range(1 - reach, length - reach + 1, strides)
    number = math.ceil(length / strides)
    before = max((number - 1) * strides + reach - length, 0) // 2
    return range(-before, number * strides - before, strides)


def check(result, outputs):
    """Compare a result with outputs by row: pairs of a place in the rectangle and a value."""
    found, mask = np.asarray(result.value), np.asarray(result.mask)
    expected, exists = np.zeros_like(found), np.zeros_like(mask)
    for row, pairs in enumerate(outputs):
        for place, value in pairs:
            expected[row, place], exists[row, place] = value, True
    np.testing.assert_array_equal(mask, exists)
    np.testing.assert_allclose(np.where(mask[..., None], found, 0), expected, atol=1e-12)


def through_windows(values, mask, reach, strides, padding, compute):
    """Return the outputs for `check`; `compute` gets a window's place and a sequence."""
    rows = []
    for first, x, exists in alone(values, mask):
        begins = windows(len(x), reach, strides, padding)
        pairs = [(j, compute(begin, x, exists)) for j, begin in enumerate(begins)]
        if strides == 1 and (padding != "valid" or reach == 1):  # a hole stays a hole
            pairs = [(first + j, y) for j, y in pairs if exists[j]]
        elif strides == 1:
            pairs = [(first + j, y) for j, y in pairs]
        rows.append(pairs)
    return rows


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_convolution(padding, strides, taps, dilation, place):
    values, mask = batch(place)
    kernel = np.random.default_rng(taps).normal(size=(taps, FEATURES, 3))

    def compute(begin, x, exists):
        places = [begin + tap * dilation for tap in range(taps)]
        return sum(x[t] @ kernel[i] if 0 <= t < len(x) else 0 for i, t in enumerate(places))

    reach = (taps - 1) * dilation + 1
    expected = through_windows(values, mask, reach, strides, padding, compute)
    x = mg.MaskedTensor(values, mask)
    check(ops.conv(x, kernel, strides, padding, dilation), expected)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("pool", ["max", "average"])
def test_pooling(pool, padding, strides, size, place):
    values, mask = batch(place)
    reduce = np.max if pool == "max" else np.mean

    def compute(begin, x, exists):
        counted = [t for t in range(begin, begin + size) if 0 <= t < len(x) and exists[t]]
        return reduce(x[counted], axis=0) if counted else np.zeros(FEATURES)

    expected = through_windows(values, mask, size, strides, padding, compute)
    function = ops.max_pool if pool == "max" else ops.average_pool
    check(function(mg.MaskedTensor(values, mask), size, strides, padding), expected)


def transposed(x, kernel, strides, padding, output_padding, dilation):
    """Return what a sequence alone gives; where it is cut, the convolution that it is the
    transpose of says."""
    taps, filters, _ = kernel.shape
    reach = (taps - 1) * dilation + 1
    if len(x) == 0:
        return np.zeros((0, filters))
    if output_padding is None:
        number = len(x) * strides + (max(reach - strides, 0) if padding == "valid" else 0)
    else:
        odd = reach % 2 if padding == "same" else reach
        number = (len(x) - 1) * strides + odd + output_padding
    before = max((len(x) - 1) * strides + reach - number, 0) // 2 if padding == "same" else 0
    y = np.zeros((number, filters))
    for t, tap in itertools.product(range(len(x)), range(taps)):
        place = t * strides + tap * dilation - before
        if 0 <= place < number:
            y[place] += kernel[tap] @ x[t]
    return y


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("output_padding", [None, 0, 1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("taps", [1, 2, 3, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed_convolution(padding, strides, taps, dilation, output_padding, place):
    values, mask = batch(place)
    kernel = np.random.default_rng(taps).normal(size=(taps, 3, FEATURES))
    options = (strides, padding, output_padding, dilation)
    expected = []
    for first, x, exists in alone(values, mask):
        y = transposed(x, kernel, *options)
        of_hole = [j // strides < len(x) and not exists[j // strides] for j in range(len(y))]
        expected.append([(first * strides + j, y[j]) for j in range(len(y)) if not of_hole[j]])
    check(ops.conv_transpose(mg.MaskedTensor(values, mask), kernel, *options), expected)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("pool", ["max", "avg"])
def test_adaptive_pooling_is_that_of_torch(pool, number, place):
    values, mask = batch(place)
    theirs = getattr(torch.nn.functional, f"adaptive_{pool}_pool1d")
    ours = {"max": ops.adaptive_max_pool, "avg": ops.adaptive_average_pool}[pool]
    result = ours(mg.MaskedTensor(values, mask), number)
    assert result.mask is None
    for found, row, exists in zip(result.value, values, mask, strict=True):
        expected = np.zeros((number, FEATURES))
        if exists.any():
            expected = theirs(torch.tensor(row[exists]).T, number).T.numpy()
        np.testing.assert_allclose(found, expected, atol=1e-12)


# -- the ends of sequences -----------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ends", [(0, 0), (1, 0), (0, 2), (2, 3), (5, 5)])
def test_cropping(ends, place):
    values, mask = batch(place)
    expected = []
    for first, x, exists in alone(values, mask):
        kept = range(ends[0], len(x) - ends[1])
        expected.append([(first + t - ends[0], x[t]) for t in kept if exists[t]])
    x = mg.MaskedTensor(values, mask)
    check(layers.Cropping1D(ends, dtype="float64")(x), expected)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ends", [(0, 0), (1, 0), (0, 2), (2, 3)])
def test_zero_padding(ends, place):
    values, mask = batch(place)
    left, right = ends
    expected = []
    for first, x, exists in alone(values, mask):
        y = np.pad(x, (ends, (0, 0)))
        of_hole = np.pad(~exists, ends)
        expected.append([(first + j, y[j]) for j in range(left + len(x) + right) if not of_hole[j]])
    x = mg.MaskedTensor(values, mask)
    check(layers.ZeroPadding1D(ends, dtype="float64")(x), expected)


# -- rectangles that are short, and sizes that are not known --------------------------------

SHORT = {
    "conv": lambda: layers.Conv1D(3, 4),
    "conv-strides": lambda: layers.Conv1D(3, 4, strides=2),
    "max": lambda: layers.MaxPooling1D(4),
    "average": lambda: layers.AveragePooling1D(4, strides=1),
    "cropping": lambda: layers.Cropping1D((2, 2)),
}


@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("size", [0, 1, 2, 3])
def test_a_rectangle_shorter_than_a_window_gives_no_step(size, name, backend):
    values = np.ones((2, size, 4), "float32")
    with mg.use_backend(backend):
        layer = SHORT[name]()
        assert layer(values).shape[:2] == (2, 0)
        result = layer(mg.MaskedTensor(values, np.ones((2, size), bool)))
        assert result.shape[:2] == result.mask.shape == (2, 0)


LAYERS = {
    "conv": lambda **k: layers.Conv1D(3, 3, **k),
    "strides": lambda **k: layers.Conv1D(3, 3, strides=2, padding="same", **k),
    "depthwise": lambda **k: layers.DepthwiseConv1D(2, **k),
    "separable": lambda **k: layers.SeparableConv1D(3, 2, **k),
    "transpose": lambda **k: layers.Conv1DTranspose(3, 5, strides=3, **k),
    "max": lambda **k: layers.MaxPooling1D(2, **k),
    "average": lambda **k: layers.AveragePooling1D(3, 2, "same", **k),
    "adaptive": lambda **k: layers.AdaptiveMaxPooling1D(2, **k),
    "padding": lambda **k: layers.ZeroPadding1D((1, 2), **k),
}


@pytest.mark.parametrize("name", LAYERS)
def test_channels_first_is_channels_last_turned_round(name):
    x = np.random.default_rng(0).normal(size=(2, 7, 4)).astype("float32")
    last, first = LAYERS[name](), LAYERS[name](data_format="channels_first")
    expected = last(x)
    first(np.swapaxes(x, 1, 2))
    first.set_weights(last.get_weights())
    found = first(np.swapaxes(x, 1, 2))
    np.testing.assert_allclose(np.swapaxes(found.value, 1, 2), expected.value, atol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_shapes_are_known_where_time_is(name):
    def shape(size):
        return LAYERS[name]()(mg.Input((size, 4), masked=True)).shape

    known = LAYERS[name]()(np.ones((1, 7, 4), "float32")).shape
    assert shape(7)[1:] == known[1:]
    assert shape(None)[1] == (known[1] if name == "adaptive" else None)
    assert LAYERS[name]()(mg.Input((0, 4))).shape[1] is not None


NATIVE = {
    "conv": ((2, 4, 3), (3, "same", 1)),
    "conv-dilated": ((2, 4, 3), (2, "same", 2)),
    "conv-groups": ((3, 2, 4), (2, "same", 1)),
    "conv_transpose": ((3, 5, 4), (2, "same", None, 1)),
    "max_pool": (None, (3, 2, "same")),
    "average_pool": (None, (3, 2, "same")),
    "adaptive_max_pool": (None, (3, None)),
}


@pytest.mark.parametrize("name", NATIVE)
def test_traced_functions_learn_the_size_later(name):
    tf = pytest.importorskip("tensorflow")
    generator = np.random.default_rng(0)
    shape, rest = NATIVE[name]
    kernel = [] if shape is None else [generator.normal(size=shape)]
    backend, op = load("tensorflow", "cpu"), name.partition("-")[0]
    traced = tf.function(
        lambda x: getattr(backend, op)(x, *map(tf.constant, kernel), *rest),
        input_signature=[tf.TensorSpec([None, None, 4], "float64")],
        autograph=False,
    )
    for size in (7, 6):
        x = generator.normal(size=(2, size, 4))
        expected = getattr(load("numpy", "cpu"), op)(x, *kernel, *rest)
        np.testing.assert_allclose(traced(x), expected, atol=1e-12)


def test_a_model_of_windows_obeys_the_law():
    tokens = mg.Input((None,), "int32")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    x = layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="relu")(x)
    x = layers.MaxPooling1D(2, padding="same")(layers.ZeroPadding1D(1)(x))
    x = layers.Conv1DTranspose(4, 3, strides=2, padding="same")(x)
    x = layers.LSTM(3, return_sequences=True)(layers.Cropping1D((1, 0))(x))
    model = mg.Model(tokens, [x, layers.AdaptiveAveragePooling1D(2)(x)], seed=0)
    check_law(model, Sequences("ids", vocabulary=9), holes="in place", backend="numpy")
    # id 0 is a hole too, in place
    check_law(model, Sequences("ids", vocabulary=9), lengths=(7, 0, 1, 4), holes="in place")


def test_words_in_sentences():
    words = mg.Input((None, None, 4))
    by_sentence = layers.TimeDistributed(layers.Conv1D(3, 3, strides=2, padding="same"))(words)
    pooled = layers.TimeDistributed(layers.GlobalMaxPooling1D())(by_sentence)
    model = mg.Model(words, layers.MaxPooling1D(2, padding="same")(pooled), seed=0)
    check_law(model, Sequences(trailing=(4,), axes=2), backend="numpy", padding=["right", "left"])


# -- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Conv1D(0, 3), "filters out of range"),
        (lambda: layers.Conv1D(3, 0), "kernel_size out of range"),
        (lambda: layers.Conv1D(3, (3, 3)), "kernel_size out of range"),
        (lambda: layers.Conv1D(3, 3, padding="full"), r"unknown padding[\s\S]*'causal'"),
        (lambda: layers.DepthwiseConv1D(3, padding="causal"), "unknown padding"),
        (lambda: layers.Conv1D(3, 3, groups=2), "groups do not divide the filters"),
        (lambda: layers.Conv1D(4, 3, groups=4)(np.ones((1, 3, 6))), "do not divide the features"),
        (lambda: layers.Conv1D(3, 3, data_format="time_last"), "unknown data_format"),
        (lambda: layers.Conv1DTranspose(3, 3, 2, output_padding=2), "less than the strides"),
        (lambda: layers.MaxPooling1D(2, 0), "strides out of range"),
        (lambda: layers.AdaptiveMaxPooling1D(None), "output_size out of range"),
        (lambda: layers.Cropping1D((1, -1)), "cropping out of range"),
        (lambda: layers.ZeroPadding1D(1.5), "padding out of range"),
        (lambda: ops.conv(np.ones((1, 3, 2)), np.ones((2, 2, 2)), padding="x"), "unknown padding"),
        (lambda: ops.max_pool(np.ones((1, 3, 2)), 0), "out of range"),
    ],
)
def test_arguments_out_of_range_are_told(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: ops.conv(x, np.ones((2, 3, 2))),
        lambda x: ops.conv(x, np.ones((2, 2, 3))),
        lambda x: ops.conv(x[0], np.ones((2, 4, 3))),
        lambda x: ops.conv_transpose(x, np.ones((2, 4, 3))),
        lambda x: layers.Conv1D(2, 3)(x[0]),
        lambda x: layers.MaxPooling1D()(x[0]),
        lambda x: layers.UpSampling1D()(x[0]),
    ],
)
def test_shapes_that_do_not_fit_are_told(call):
    with pytest.raises(ShapeError):
        call(np.ones((1, 3, 4)))


def test_a_mask_of_features_is_not_one_of_time():
    x = mg.MaskedTensor(np.ones((1, 3, 2)), np.ones((1, 3, 2), bool))
    with pytest.raises(MaskError, match="not a mask of time"):
        layers.Cropping1D()(x)
    kernel = np.ones((2, 2, 2))
    assert ops.conv(x, kernel).mask is None
    y = ops.conv(mg.MaskedTensor(np.full((1, 3, 2), np.nan), np.zeros((1, 3, 2), bool)), kernel)
    assert (y.value == 0).all()


def test_windows_of_one_step_keep_the_mask():
    x = mg.Input((None, 4), masked=True)
    assert layers.Conv1D(3, 1)(x).mask is x.mask
    assert layers.MaxPooling1D(1)(x).mask is x.mask
    assert layers.Conv1D(3, 5, padding="same")(x).mask is x.mask
