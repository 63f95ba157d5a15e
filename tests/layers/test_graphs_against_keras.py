"""Whole graphs give what Keras gives: random ones, built twice from one recipe, with the same
weights. On right-padded input of layers for which Keras keeps and respects the mask; on input
without padding of all layers that both have."""

import os

import numpy as np
import pytest

import maskgraph as mg
from maskgraph.testing.sequences import Rectangle

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

FEATURES = 4
LENGTHS = (4, 1, 7, 3)
VOCABULARY = 9

# Each takes the layers of either library, and returns what is called on tensors of steps.

RESPECTING = {
    "dense": lambda L: L.Dense(FEATURES, activation="tanh"),
    "gelu": lambda L: L.Activation("gelu"),
    "relu": lambda L: L.ReLU(max_value=2.0, negative_slope=0.1),
    "leaky": lambda L: L.LeakyReLU(0.2),
    "elu": lambda L: L.ELU(0.5),
    "parametric": lambda L: L.PReLU(shared_axes=[1]),
    "norm": lambda L: L.LayerNormalization(),
    "batch norm": lambda L: L.BatchNormalization(),
    "dropout": lambda L: L.Dropout(0.5),
    "rnn": lambda L: L.SimpleRNN(FEATURES, return_sequences=True),
    "lstm": lambda L: L.LSTM(FEATURES, return_sequences=True),
    "gru": lambda L: L.GRU(FEATURES, return_sequences=True),
    "bidirectional": lambda L: L.Bidirectional(
        L.GRU(FEATURES, return_sequences=True), merge_mode="ave"
    ),
    "distributed": lambda L: L.TimeDistributed(L.Dense(FEATURES)),
    "attention to itself": lambda L: attending(L, L.MultiHeadAttention(2, 3)),
}
"""Steps to steps; Keras keeps the mask, and respects it."""

FREE = {
    "convolution": lambda L: L.Conv1D(FEATURES, 3, padding="same", activation="tanh"),
    "causal convolution": lambda L: L.Conv1D(FEATURES, 2, padding="causal", dilation_rate=2),
    "depthwise": lambda L: L.DepthwiseConv1D(3, padding="same"),
    "separable": lambda L: L.SeparableConv1D(FEATURES, 3, padding="same"),
    "transposed": lambda L: L.Conv1DTranspose(FEATURES, 3, padding="same"),
    "smoothing": lambda L: L.AveragePooling1D(3, strides=1, padding="same"),
    "maxima": lambda L: L.MaxPooling1D(2, strides=1, padding="same"),
    "twice and half": lambda L: chained(L.UpSampling1D(2), L.AveragePooling1D(2)),
    "there and back": lambda L: chained(L.ZeroPadding1D(2), L.Cropping1D((1, 3))),
    "reshaped": lambda L: chained(L.Reshape((-1, 2, FEATURES // 2)), L.Reshape((-1, FEATURES))),
    "einsum": lambda L: L.EinsumDense("btd,de->bte", (None, FEATURES), bias_axes="e"),
    "shares": lambda L: L.Softmax(),
    "rms norm": lambda L: L.RMSNormalization(),
    "unit norm": lambda L: L.UnitNormalization(),
    "group norm": lambda L: L.GroupNormalization(2),
    "norm over time": lambda L: L.LayerNormalization(axis=1, center=False, scale=False),
    "grouped attention": lambda L: attending(L, L.GroupQueryAttention(3, 4, 2)),
    "rescaling": lambda L: L.Rescaling(0.5, offset=0.1),
    "spatial dropout": lambda L: L.SpatialDropout1D(0.5),
}
"""Steps to steps; Keras loses the mask, or looks at padding."""

JOINING = {
    "add": lambda L: lambda x, y: L.Add()([x, y]),
    "subtract": lambda L: lambda x, y: L.Subtract()([x, y]),
    "average": lambda L: lambda x, y: L.Average()([x, y]),
    "maximum": lambda L: lambda x, y: L.Maximum()([x, y]),
    "minimum": lambda L: lambda x, y: L.Minimum()([x, y]),
    "gate": lambda L: lambda x, y: L.Multiply()([x, L.Activation("sigmoid")(y)]),
    "join": lambda L: lambda x, y: L.Dense(FEATURES)(L.Concatenate()([x, y])),
}
"""Two tensors of steps to one."""

FREELY_JOINING = {
    "attention": lambda L: lambda x, y: L.MultiHeadAttention(2, 3)(x, y),
    "causal attention": lambda L: (
        lambda x, y: L.MultiHeadAttention(2, 3)(x, y, use_causal_mask=True)
    ),
    "dot attention": lambda L: lambda x, y: L.Attention()([x, y]),
    "additive attention": lambda L: lambda x, y: L.AdditiveAttention()([x, y]),
}

ENDING = {
    "average pooling": lambda L: L.GlobalAveragePooling1D(),
    "last state": lambda L: L.LSTM(FEATURES),
    "both ends": lambda L: L.Bidirectional(L.SimpleRNN(FEATURES)),
}
"""Steps to one vector."""

FREELY_ENDING = {"max pooling": lambda L: L.GlobalMaxPooling1D()}


def chained(*layers):
    def call(x):
        for layer in layers:
            x = layer(x)
        return x

    return call


def attending(L, attention):
    """Attention to tensors that nobody else reads: Keras takes their mask from them."""

    def call(x):
        x = L.Dense(FEATURES)(x)
        return attention(x, x)

    return call


class Made:
    """The layers of a library, and those that were made, in order."""

    def __init__(self, library):
        self.library = library
        self.layers = []

    def __getattr__(self, name):
        def make(*args, **kwargs):
            self.layers.append(getattr(self.library.layers, name)(*args, **kwargs))
            return self.layers[-1]

        return make


def built(seed, size, library, *, ids, free):
    """Return the random model of a seed in a library, its layers in the order in which they were
    made, and the names of what it is made of."""
    generator = np.random.default_rng(seed)
    L, used = Made(library), []
    one = RESPECTING | (FREE if free else {})
    two = JOINING | (FREELY_JOINING if free else {})
    last = ENDING | (FREELY_ENDING if free else {})

    def pick(table):
        used.append(str(generator.choice(list(table))))
        return table[used[-1]](L)

    if ids:
        start = library.Input((None,), dtype="int32")
        tensors = [L.Embedding(VOCABULARY, FEATURES, mask_zero=not free)(start)]
    else:
        start = library.Input((None, FEATURES))
        tensors = [start if free else L.Masking()(start)]
    while len(tensors) < size:
        recent = tensors[-3:]
        x, y = (recent[int(generator.integers(len(recent)))] for _ in range(2))
        tensors.append(pick(two)(x, y) if generator.random() < 0.4 else pick(one)(x))
    model = library.Model(start, [tensors[-1], pick(last)(tensors[-1])])
    return model, [x for x in L.layers if x in model.layers], used


def twins(seed, size, *, ids, free):
    """Return the model in both libraries, with the same random weights, and what it is made of.

    Weights are set in the model's order; with masks layer by layer, as Keras then orders layers
    by a depth in which the ops that make the masks count too.
    """
    generator = np.random.default_rng(seed)
    ours, own, used = built(seed, size, mg, ids=ids, free=free)
    theirs, others, _ = built(seed, size, keras, ids=ids, free=free)
    weights = [w + 0.1 * generator.normal(size=w.shape) for w in ours.get_weights()]
    ours.set_weights(weights)
    if free:
        theirs.set_weights(weights)
    else:
        for layer, other in zip(own, others, strict=True):
            other.set_weights(layer.get_weights())
    return ours, theirs, used


def batch(seed, lengths, ids):
    """Return right-padded sequences, zeros in the padding, and where they are."""
    generator = np.random.default_rng(seed)
    sequences = [
        generator.integers(1, VOCABULARY, n).astype("int32")
        if ids
        else generator.normal(size=(n, FEATURES)).astype("float32")
        for n in lengths
    ]
    size = max(lengths) + (1 if len(set(lengths)) > 1 else 0)
    found = Rectangle.place(sequences, size, "right", generator)
    return found.values, found.mask


def assert_same(ours, theirs, mask, tolerance, used):
    """Compare the steps that exist, relative to the largest number that is expected."""
    steps, summary = (keras.ops.convert_to_numpy(x) for x in theirs)
    if mask is not None:
        np.testing.assert_array_equal(ours[0].mask, mask)
        steps, own = steps[mask], ours[0].value[mask]
    else:
        own = ours[0].value
    scale = max(np.abs(steps).max(), np.abs(summary).max())
    assert np.isfinite(scale)
    for found, expected in ((own, steps), (ours[1].value, summary)):
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= tolerance * scale, used


def tolerance(size):
    return 1e-5 if size < 20 else 1e-4


def run(seed, *, free):
    size, ids = 5 + 5 * (seed % 6), seed % 2 == 0
    ours, theirs, used = twins(seed, size, ids=ids, free=free)
    x, mask = batch(seed, (5, 5) if free else LENGTHS, ids)
    with mg.use_backend("numpy"):
        found = ours(x)
    assert_same(found, theirs(x, training=False), None if free else mask, tolerance(size), used)


@pytest.mark.parametrize("seed", range(15))
def test_with_right_padding(seed):
    run(seed, free=False)


@pytest.mark.parametrize("seed", range(100, 115))
def test_without_padding(seed):
    run(seed, free=True)


def test_every_layer_takes_part():
    """The seeds above are enough to see all of the tables."""
    seen = set()
    for seeds, free in ((range(15), False), (range(100, 115), True)):
        for seed in seeds:
            seen |= set(built(seed, 5 + 5 * (seed % 6), mg, ids=seed % 2 == 0, free=free)[2])
    tables = (RESPECTING, FREE, JOINING, FREELY_JOINING, ENDING, FREELY_ENDING)
    assert seen == {name for table in tables for name in table}
