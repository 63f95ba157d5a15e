"""Packed and padded: which layout runs when, and that they give the same."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.errors import ArgumentError, VocabularyError
from maskgraph.plan import LayoutPlan, Plans, Programs
from maskgraph.testing.layer_table import LAYERS
from maskgraph.testing.random_models import random_model
from maskgraph.testing.sequences import Rectangle
from maskgraph_numpy.backend import NumpyBackend


def classifier(width=64, count=2):
    tokens = mg.Input(shape=(None,), dtype="int32", name="tokens")
    x = layers.Embedding(50, width, mask_zero=True)(tokens)
    for _ in range(count):
        x = layers.Dense(width, activation="relu")(x)
    return mg.Model(tokens, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)), seed=0)


def batch(lengths, time, generator=None):
    generator = generator or np.random.default_rng(0)
    ids = generator.integers(1, 50, (len(lengths), time))
    return (ids * (np.arange(time) < np.array(lengths)[:, None])).astype("int32")


def packings(model, data, **options):
    plan = model.plan(data, backend="numpy", **options)
    return plan.packings([(np.asarray(data), None)])


# -- which layout ------------------------------------------------------------------------------


def test_auto_packs_where_there_is_much_padding():
    assert packings(classifier(256, 4), batch([200, 20, 3, 1], 400))


def test_auto_leaves_little_work_padded():
    assert not packings(classifier(4, 1), batch([3, 2], 4))


def test_packed_and_padded_are_as_asked():
    data = batch([3, 2], 4)
    assert packings(classifier(4, 1), data, layout="packed")
    assert not packings(classifier(256, 4), batch([200, 1], 200), layout="padded")


@pytest.mark.parametrize(
    "data", [batch([0, 0], 3), np.zeros((0, 4), "int32")], ids=["no step", "no row"]
)
def test_a_batch_without_any_step_runs_padded(data):
    model = classifier()
    assert not packings(model, data, layout="packed")
    assert model.predict(data, backend="numpy", layout="packed").shape == (len(data), 3)


def test_a_model_without_masks_has_nothing_to_pack():
    x = mg.Input(shape=(None, 4))
    model = mg.Model(x, layers.Dense(3)(x))
    plan = model.plan(np.ones((2, 3, 4), "float32"), backend="numpy", layout="packed")
    assert not plan.packings([(np.ones((2, 3, 4), "float32"), None)])
    assert str(plan).startswith("padded")


def test_a_mask_that_depends_on_weights_is_not_packed_by():
    """It would have to be computed before it is known where the steps of what it is made of lie."""
    x = mg.Input(shape=(None, 4))
    model = mg.Model(x, layers.Dense(3)(layers.Masking()(layers.Dense(4)(x))))
    assert not packings(model, np.ones((2, 3, 4), "float32"), layout="packed")


def test_a_mask_made_from_data_that_came_with_one_is_packed_by():
    """Ragged lists bring a mask, and the embedding makes another one of the ids."""
    model, ragged = classifier(), [[7, 3, 0, 9, 9, 9], [4, 4], [0]]
    plan = model.plan(ragged, backend="numpy", layout="packed")
    assert "linear, on slots" in str(plan)
    assert "unpack" not in str(plan)
    packed, padded = (
        model.predict(ragged, backend="numpy", layout=layout) for layout in ("packed", "padded")
    )
    np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)
    alone = model.predict([[7, 3, 9, 9, 9]], backend="numpy", layout="padded")
    np.testing.assert_allclose(packed[:1], alone, rtol=1e-5, atol=1e-6)


def test_what_needs_the_rectangle_gets_the_data_as_it_came():
    x = mg.Input(shape=(None, 4), masked=True)
    model = mg.Model(x, layers.GlobalMaxPooling1D()(layers.Dense(5)(layers.Cropping1D(1)(x))))
    values = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
    mask = mg.Mask.from_lengths([6, 4, 1]).array
    values[~mask] = np.nan
    data = mg.MaskedTensor(values, mask)
    assert "unpack" not in str(model.plan(data, backend="numpy", layout="packed"))
    packed, padded = (
        model.predict(data, backend="numpy", layout=layout) for layout in ("packed", "padded")
    )
    np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)


def test_a_mask_that_is_drawn_is_not_packed_by():
    """It would be another one where it is looked at beforehand."""
    x = mg.Input(shape=(None, 4))
    drawn = layers.Dropout(0.5, seed=0)(ops.ones_like(x[:, :, 0]))
    steps = ops.with_mask(x, ops.greater(drawn, 0))
    model = mg.Model(x, layers.GlobalAveragePooling1D()(layers.Dense(3)(steps)))
    data = np.ones((2, 50, 4), "float32")
    plan = model.plan(data, backend="numpy", training=True, layout="packed")
    assert not plan.packings([(data, None)])


def test_masking_packs_data_that_came_with_a_mask():
    x = mg.Input(shape=(None, 4))
    model = mg.Model(x, layers.GlobalAveragePooling1D()(layers.Dense(5)(layers.Masking()(x))))
    values = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
    values[1, 1] = 0
    data = mg.MaskedTensor(values, mg.Mask.from_lengths([6, 4, 1]).array)
    data.value[~data.mask] = np.nan
    assert "linear, on slots" in str(model.plan(data, backend="numpy", layout="packed"))
    packed, padded = (
        model.predict(data, backend="numpy", layout=layout) for layout in ("packed", "padded")
    )
    np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("call", ["predict", "__call__", "plan"])
def test_an_unknown_layout_is_refused(call):
    with pytest.raises(ArgumentError, match=r"unknown layout[\s\S]*'dense'[\s\S]*'auto'"):
        getattr(classifier(), call)(batch([3, 2], 4), layout="dense")


def test_a_call_takes_a_layout():
    model, data = classifier(), batch([7, 2, 0], 9)
    results = [model(data, layout=layout).numpy() for layout in ("packed", "padded", "auto")]
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(results[2], results[1], rtol=1e-5, atol=1e-6)


def test_a_plan_prints_what_runs():
    model, data = classifier(), batch([7, 2], 9)
    text = str(model.plan(data, backend="numpy", layout="packed"))
    assert text.startswith("packed")
    assert "pack(" in text
    assert "by_block(" in text
    assert "unpack" not in text, "nothing asks for a rectangle"
    assert "linear, on slots" in text
    assert "by_block, on blocks" in text
    assert text.endswith("steps computed, 22% saved, in 1 blocks of sequences of like length")


# -- what is computed --------------------------------------------------------------------------


class Counting(NumpyBackend):
    """Remembers how many rows each matrix product had."""

    def __init__(self):
        super().__init__("cpu")
        self.rows = []

    def linear(self, x, kernel, bias):
        self.rows.append(x.size // x.shape[-1])
        return super().linear(x, kernel, bias)


@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize("embedded", [False, True])
def test_a_cell_state_that_nobody_reads_is_not_told(states, embedded):
    x = tokens = mg.Input((None,), "int32") if embedded else mg.Input((None, 2), masked=True)
    if embedded:
        x = layers.Embedding(9, 2, mask_zero=True)(tokens)
    y = layers.LSTM(3, return_state=states)(x)
    model = mg.Model(tokens, list(y) if states else y)
    shown = np.array([[1, 2, 3], [4, 0, 0]])
    data = shown if embedded else mg.MaskedTensor(np.ones((2, 3, 2), "float32"), shown > 0)
    text = str(model.plan(data, backend="numpy", layout="packed"))
    name = "packed_rnn_of_ids" if embedded else "packed_rnn"
    assert (f" {name}(" in text) is states
    assert (f" {name}_shown(" in text) is not states


def test_no_arithmetic_happens_on_padding():
    model, backend = classifier(512), Counting()  # so wide that slots cost more than blocks
    plan = LayoutPlan(Plans(Programs([model.inputs], [model.outputs]), backend), "packed")
    plan.run([(np.arange(1, 28).reshape(3, 9) * (batch([7, 2, 0], 9) > 0), None)])
    # the sequence without steps shares the block of that of two
    assert backend.rows == [7 + 2 * 2, 7 + 2 * 2, 3]


def test_what_depends_on_the_id_alone_is_computed_once_for_each():
    model, backend = classifier(512), Counting()
    plan = LayoutPlan(Plans(Programs([model.inputs], [model.outputs]), backend), "packed")
    ids = np.array([[7, 7, 9, 7, 7, 9, 7], [9, 7, 9, 0, 0, 0, 0]], "int32")
    [(packed, _)] = plan.run([(ids, None)])
    assert backend.rows == [2, 2, 2], "two ids, then two sequences"
    [(padded, _)] = plan.padded.run([(ids, None)])
    np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)


def test_an_id_outside_the_vocabulary_is_refused():
    ids = np.array([[7, 7, 50, 7, 7, 7], [7, 7, 0, 0, 0, 0]], "int32")
    with pytest.raises(VocabularyError, match="50"):
        classifier().predict(ids, backend="numpy", layout="packed")


def test_positions_are_looked_up_for_steps_that_exist():
    tokens = mg.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(50, 8, mask_zero=True)(tokens)
    model = mg.Model(tokens, layers.Dense(2)(x + layers.PositionEmbedding(20)(x)), seed=0)
    data = batch([5, 2, 9], 9)
    assert "position_embedding, on slots" in str(model.plan(data, backend="numpy", layout="packed"))
    packed, padded = (
        model.predict(data, backend="numpy", layout=layout) for layout in ("packed", "padded")
    )
    np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "product",
    [lambda x, y: ops.einsum("btd,bde->bte", [x, y]), ops.matmul],
    ids=["einsum", "matmul"],
)
def test_products_with_a_matrix_for_each_sequence(product):
    """A matrix without steps, but another one for each sequence, is no weight."""
    x, y = mg.Input(shape=(None, 4), masked=True), mg.Input(shape=(4, 3))
    model = mg.Model([x, y], product(x, y))
    generator = np.random.default_rng(0)
    values = generator.normal(size=(3, 5, 4)).astype("float32")
    steps = mg.MaskedTensor(values, mg.Mask.from_lengths([5, 2, 4]).array)
    matrices = generator.normal(size=(3, 4, 3)).astype("float32")
    found = model.predict([steps, matrices], backend="numpy", layout="packed")
    for row, length in enumerate([5, 2, 4]):
        expected = values[row, :length] @ matrices[row]
        np.testing.assert_allclose(found[row, :length], expected, rtol=1e-5, atol=1e-5)


def test_what_has_more_axes_than_it_is_made_of():
    """Ids without a mask become vectors beside masked ones: their steps are the same."""
    tokens = mg.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(50, 4, mask_zero=True)(tokens)
    model = mg.Model(tokens, x + ops.one_hot(tokens, 4) * 2, seed=0)
    data = batch([5, 2, 4], 5)
    packed, padded = (
        model.predict(data, backend="numpy", layout=layout) for layout in ("packed", "padded")
    )
    np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)


def test_dropout_needs_no_rectangle_of_values():
    x = mg.Input(shape=(None, 4), masked=True)
    model = mg.Model(x, layers.GlobalMaxPooling1D()(layers.Dropout(0.4, seed=1)(x)))
    data = mg.MaskedTensor(np.ones((2, 3, 4), "float32"), mg.Mask.from_lengths([3, 1]).array)
    text = str(model.plan(data, backend="numpy", training=True, layout="packed"))
    assert "random_keep(" in text
    assert "unpack" not in text


ONLY_RECTANGLE = {"Flatten-words"}
"""Rows of the table with nothing to pack: their masks are of more than batch and time."""


@pytest.mark.parametrize("row", LAYERS, ids=str)
def test_every_layer_gives_the_same_packed(row):
    """Those that the law cannot hold for, too: they run on the rectangle."""
    generator = np.random.default_rng(0)
    time = None if row.lawful is True else 3
    inputs = [
        mg.Input((time,) * s.axes + s.trailing, "float32" if s.kind == "floats" else "int32")
        for s in row.inputs
    ]
    given = [x + 0 for x in inputs]  # which comes in slots, also to what needs the rectangle
    model = mg.Model(inputs, row.call(row.built(), given), on_mask_loss="ignore")
    for padding in row.padding:
        data = [
            Rectangle.place(
                [s.draw(n, generator) for n in np.roll([2, 0, 3, 1, 2], -i)],
                3,
                padding,
                generator,
                s.axes,
            ).filled("nan", generator)
            for i, s in enumerate(row.inputs)
        ]
        plans = [
            model.plan(data, backend="numpy", layout=layout) for layout in ("packed", "padded")
        ]
        tensors = [(x.value, x.mask) for x in data]
        with load("numpy").running():
            if str(row) not in ONLY_RECTANGLE:
                assert plans[0].packings(tensors)
            results = [plan.run(tensors) for plan in plans]
        for (a, a_mask), (b, b_mask) in zip(*results, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
            np.testing.assert_array_equal(a_mask, b_mask)


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_give_the_same_packed(seed):
    windows = seed % 2 == 0
    model, generator = random_model(seed, windows=windows), np.random.default_rng(seed)
    mask = generator.random((6, 9)) < 0.6
    mask[2] = False
    values = generator.normal(size=(6, 9, 4)).astype("float32")
    values[~mask] = np.nan
    x = mg.MaskedTensor(values, mask)
    results = (model.predict(x, backend="numpy", layout=layout) for layout in ("packed", "padded"))
    for packed, padded in zip(*results, strict=True):
        np.testing.assert_allclose(packed, padded, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("in_place", [False, True], ids=["skipped", "in place"])
def test_holes(in_place):
    """They are skipped by a loop over time, but a window sees a zero in their place."""
    x = mg.Input(shape=(None, 4), masked=True)
    y = layers.GRU(3, return_sequences=True)(x)
    if in_place:
        y = layers.Conv1D(3, 3, padding="same")(y)
    model = mg.Model(x, y, seed=0)
    mask = np.array([[1, 0, 1, 1], [0, 1, 0, 1], [1, 1, 0, 0]], bool)
    data = mg.MaskedTensor(np.random.default_rng(0).normal(size=(3, 4, 4)).astype("float32"), mask)
    plan = model.plan(data, backend="numpy", layout="packed")
    [packing] = plan.packings([(data.value, mask)])
    assert packing.slots == (4 + 3 + 2 if in_place else 3 + 2 + 2)
    packed, padded = (
        model.predict(data, backend="numpy", layout=layout) for layout in ("packed", "padded")
    )
    np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Dropout(0.4, seed=1),
        lambda: layers.LSTM(5, dropout=0.3, recurrent_dropout=0.2, return_sequences=True, seed=1),
        lambda: layers.RNN(layers.GRUCell(5, recurrent_dropout=0.3, seed=2), return_sequences=True),
        lambda: layers.MultiHeadAttention(2, 3, dropout=0.3, seed=1),
        lambda: layers.BatchNormalization(),
    ],
)
def test_training_gives_the_same_packed(make):
    """The same numbers are drawn: what is dropped does not depend on the layout."""
    x = mg.Input(shape=(None, 4), masked=True)
    generator = np.random.default_rng(0)
    mask = generator.random((6, 7)) < 0.6
    values = generator.normal(size=(6, 7, 4)).astype("float32")
    found = []
    for layout in ("packed", "padded"):
        layer = make()
        y = layer(x, x) if isinstance(layer, layers.MultiHeadAttention) else layer(x)
        data = mg.MaskedTensor(values, mask)
        plan = mg.Model(x, y, seed=0).plan(data, backend="numpy", training=True, layout=layout)
        results = plan.compute([(values, mask)])
        found.append([results.outputs[0][0], *(value for _, value in results.updates)])
    for packed, padded in zip(*found, strict=True):
        np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])
def test_gradients_are_the_same_packed(backend):
    on = load(backend)
    tokens = mg.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(50, 8, mask_zero=True)(tokens)
    x = layers.TransformerEncoder(16, 2)(x)
    x = layers.Conv1D(8, 3, padding="same", activation="tanh")(x)
    x = layers.Bidirectional(layers.GRU(4, return_sequences=True))(x)
    x = layers.LayerNormalization(axis=1, center=False, scale=False)(x)
    y = ops.concatenate([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)], 1)
    model = mg.Model(tokens, layers.Dense(3)(y), seed=0)
    data = on.asarray(batch([6, 0, 3, 9, 6], 9), "int32")
    found = []
    for layout in ("packed", "padded"):
        plan = model.plan(data, backend=backend, layout=layout)
        weights = [w.native(on, w.dtype) for w in plan.weights]

        def loss(values, plan=plan):
            [(output, _)] = plan.run([(data, None)], values)
            return on.sum(on.square(output), (0, 1), False)

        found.append([on.to_numpy(g) for g in on.gradients(loss, weights)])
    for packed, padded in zip(*found, strict=True):
        np.testing.assert_allclose(packed, padded, rtol=1e-4, atol=1e-5)
        assert np.abs(padded).max() > 0
