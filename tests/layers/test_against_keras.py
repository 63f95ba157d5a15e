"""The layers in the table give what Keras gives: with its weights, in its order, and on right-
padded input, where Keras respects the mask."""

import os

import numpy as np
import pytest

from maskgraph.graph import leaves, map_tree
from maskgraph.layers import Layer
from maskgraph.masks import MaskedTensor
from maskgraph.testing.layer_table import LAYERS
from maskgraph.testing.sequences import Rectangle

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

LENGTHS = (4, 1, 6)
IN_KERAS = [row for row in LAYERS if row.keras is not None]
MASKED_IN_KERAS = [row for row in IN_KERAS if row.lawful is True and not row.notes]


def twin(layer):
    """Return Keras's layer of the same configuration."""
    config = layer.get_config()
    for name in ("name", "trainable", "dtype", "mask_merge"):
        config.pop(name, None)
    arguments = map_tree(lambda v: twin(v) if isinstance(v, Layer) else v, config)
    return class_named(type(layer).__name__)(**arguments)


def class_named(name):
    """Return Keras's layer class of a name; some are exported under another."""
    exported = vars(keras.layers).values()
    return next(cls for cls in exported if getattr(cls, "__name__", None) == name)


def twins(row):
    """Return a layer and its twin in Keras, with the same random weights."""
    layer = row.built()
    other = twin(layer)
    row.call(other, [to_keras(x) for x in batch(row, [3])])
    other.set_weights(layer.get_weights())
    if hasattr(other, "finalize_state"):  # it works with copies of its weights
        other.finalize_state()
    return layer, other


def batch(row, lengths, size=None):
    generator = np.random.default_rng(1)
    rectangles = [
        Rectangle.place(
            [s.draw(n, generator) for n in lengths],
            size or max(lengths),
            "right",
            generator,
            s.axes,
        )
        for s in row.inputs
    ]
    if size is None:
        return [MaskedTensor(r.values) for r in rectangles]
    return [
        r.filled("noise" if s.kind == "floats" else "zeros", generator)
        for r, s in zip(rectangles, row.inputs, strict=True)
    ]


def to_keras(x):
    tensor = keras.ops.convert_to_tensor(x.value)
    if x.mask is not None:
        tensor._keras_mask = keras.ops.convert_to_tensor(x.mask)
    return tensor


def assert_same(got, expected):
    """Compare the steps that exist."""
    got, expected = list(leaves(got)), list(leaves(expected))
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        theirs = keras.ops.convert_to_numpy(theirs)
        assert ours.shape == theirs.shape
        valid = ... if ours.mask is None else ours.mask
        np.testing.assert_allclose(ours.value[valid], theirs[valid], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("row", IN_KERAS, ids=str)
def test_without_a_mask(row):
    layer, other = twins(row)
    inputs = batch(row, [3, 3])
    assert_same(row.call(layer, inputs), row.call(other, [to_keras(x) for x in inputs]))


@pytest.mark.parametrize("row", MASKED_IN_KERAS, ids=str)
def test_with_right_padding(row):
    layer, other = twins(row)
    inputs = batch(row, LENGTHS, size=7)
    assert_same(row.call(layer, inputs), row.call(other, [to_keras(x) for x in inputs]))


def named(name):
    return next(row for row in LAYERS if row.name == name)


@pytest.mark.parametrize(
    ("name", "states"), [("LSTM-state", 2), ("GRU", 1), ("SimpleRNN", 1), ("Bidirectional-sum", 4)]
)
def test_with_initial_states(name, states):
    layer, other = twins(named(name))
    (x,) = batch(named(name), LENGTHS, size=7)
    initial = [np.full((3, 3), 0.1 * i, np.float32) for i in range(1, states + 1)]
    # Keras loses the mask that a tensor carries here, so it is passed by hand
    expected = other(x.value, initial_state=initial, mask=x.mask)
    assert_same(layer(x, initial_state=initial), expected)


@pytest.mark.parametrize("shape", [(3, 7, 7), (7, 7), (3, 2, 7, 7)])
@pytest.mark.parametrize("causal", [False, True])
def test_with_an_attention_mask(shape, causal):
    row = named("MultiHeadAttention-self")
    layer, other = twins(row)
    (x,) = batch(row, [7, 7, 7])
    allowed = np.random.default_rng(0).random(shape) < 0.5
    allowed[..., 0] = True  # Keras lets a query without any key look everywhere
    options = {
        "attention_mask": allowed,
        "use_causal_mask": causal,
        "return_attention_scores": True,
    }
    theirs = keras.ops.convert_to_tensor(x.value)
    assert_same(layer(x, x, **options), other(theirs, theirs, **options))


@pytest.mark.parametrize("row", IN_KERAS, ids=str)
def test_weights_have_the_same_names_and_shapes(row):
    layer, other = twins(row)
    ours = [(w.name.rpartition("/")[2], w.shape) for w in layer.weights]
    assert ours == [(w.name, tuple(w.shape)) for w in other.weights]


@pytest.mark.parametrize("row", IN_KERAS, ids=str)
def test_fresh_layers_have_the_same_name(row):
    def unnumbered(name):
        return name.rstrip("0123456789").rstrip("_")

    assert unnumbered(row.make().name) == unnumbered(twin(row.make()).name)
