"""Batches without padding: which plan runs them, and that it gives what the padded one gives."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.backend.distinct import repeats
from maskgraph.errors import VocabularyError
from maskgraph.plan import Plans
from maskgraph.testing.layer_table import LAYERS
from maskgraph.testing.random_models import random_model
from maskgraph.testing.sequences import Rectangle

IDS = np.arange(1, 19, dtype="int32").reshape(3, 6)


def classifier():
    tokens = mg.Input(shape=(None,), dtype="int32", name="tokens")
    x = layers.Embedding(50, 8, mask_zero=True, name="words")(tokens)
    x = layers.Dense(8, activation="relu")(x)
    return mg.Model(tokens, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)), seed=0)


def calls(plan):
    """Return the names of the functions that a printed plan calls."""
    lines = str(plan).splitlines()[1:]
    return [line.split(" = ")[1].partition("(")[0] for line in lines if " = " in line]


# -- which plan --------------------------------------------------------------------------------


def test_it_comes_down_to_the_calls_that_one_would_write():
    plan = classifier().plan(IDS, backend="numpy")
    assert str(plan).startswith("unmasked plan on numpy")
    assert calls(plan) == ["embedding", "linear", "relu", "mean", "linear"]


def test_one_masked_step_is_enough_for_masks():
    data = IDS.copy()
    data[2, 5] = 0
    plan = classifier().plan(data, backend="numpy", layout="packed")
    assert "pack" in calls(plan)
    np.testing.assert_allclose(
        classifier().predict(data, backend="numpy")[2:],
        classifier().predict(data[2:, :5], backend="numpy"),
        rtol=1e-5,
        atol=1e-6,
    )


def test_one_layout_is_as_asked():
    assert "select_valid" in calls(classifier().plan(IDS, backend="numpy", layout="padded"))


def test_ids_that_repeat_are_computed_once_each():
    plan = classifier().plan(IDS % 4 + 1, backend="numpy")
    assert "distinct" in calls(plan)
    np.testing.assert_allclose(
        classifier().predict(IDS % 4 + 1, backend="numpy"),
        classifier().predict(IDS % 4 + 1, backend="numpy", layout="padded"),
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_table_that_is_a_constant_is_no_other():
    tokens = mg.Input(shape=(None,), dtype="int32", masked=True)
    table = np.random.default_rng(0).normal(size=(50, 4)).astype("float32")
    model = mg.Model(tokens, layers.Dense(3)(ops.embedding(table, tokens)), seed=0)
    data = mg.MaskedTensor(IDS % 4, np.ones(IDS.shape, bool))
    assert "distinct" in calls(model.plan(data, backend="numpy"))


@pytest.mark.parametrize(("backend", "name"), [("numpy", "packed_rnn"), ("torch", "rnn")])
def test_a_backend_whose_own_loop_is_for_packed_batches_gets_one(backend, name):
    x = mg.Input(shape=(None, 4), masked=True)
    data = mg.MaskedTensor(np.ones((2, 3, 4), "float32"), np.ones((2, 3), bool))
    plan = mg.Model(x, layers.GRU(4, return_sequences=True)(x)).plan(data, backend=backend)
    assert name in calls(plan)


def test_an_id_outside_the_vocabulary_is_refused():
    for wrong in (50, -1):
        data = IDS.copy()
        data[1, 1] = wrong
        with pytest.raises(VocabularyError, match=f"layer 'words'[\\s\\S]*{wrong}"):
            classifier().predict(data, backend="numpy")


@pytest.mark.parametrize(
    ("ids", "expected"),
    [([1, 2, 3, 4], False), ([1, 1, 2, 2], True), ([1, 1, 1, 9], False), ([-1] * 4, False)],
    ids=["once each", "twice each", "above the table", "below it"],
)
def test_what_repeats(ids, expected):
    assert repeats(np.array([ids]), 9) is expected
    assert not repeats(np.zeros((2, 0), int), 9)


@pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])
def test_data_on_the_host_is_looked_at_there(backend, monkeypatch):
    model = classifier()
    expected = model.predict(IDS, backend="numpy")

    def refused(self, x1, x2):
        raise AssertionError("the mask was found on the device")

    monkeypatch.setattr(type(load(backend)), "not_equal", refused)
    found = model.predict(IDS, backend=backend)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(AssertionError):
        model(load(backend).asarray(IDS))


def test_a_mask_that_a_function_of_a_framework_makes_is_found_there():
    class Signs(layers.Layer):
        backends = frozenset({"torch"})

        def call(self, inputs):
            return inputs.sign()

        def compute_output_shape(self, input_shape):
            return input_shape

    x = mg.Input(shape=(None,))
    steps = ops.with_mask(ops.expand_dims(x, 2), ops.greater(Signs()(x), 0))
    model = mg.Model(x, layers.GlobalAveragePooling1D()(layers.Dense(3)(steps)), seed=0)
    for data in (np.ones((2, 3), "float32"), np.array([[1, -1, -1], [1, 2, 3]], "float32")):
        packed, padded = (
            model.predict(data, backend="torch", layout=layout) for layout in ("packed", "padded")
        )
        np.testing.assert_allclose(packed, padded, rtol=1e-5, atol=1e-6)


# -- that it gives the same --------------------------------------------------------------------


@pytest.fixture
def never_packed(monkeypatch):
    """Let batches without padding run without masks in any case."""
    monkeypatch.setattr(Plans, "gains_packed", lambda self, seen: False)


def assert_same(model, tensors, **options):
    """Compare what runs without masks with the padded plan; return the plan's calls."""
    data = [mg.MaskedTensor(value, mask) for value, mask in tensors]
    data = data if isinstance(model.inputs, list) else data[0]
    auto, padded = (
        model.plan(data, backend="numpy", layout=layout, **options) for layout in ("auto", "padded")
    )
    with load("numpy").running():
        results = [plan.compute(tensors) for plan in (auto, padded)]
    for (a, a_mask), (b, b_mask) in zip(*(r.outputs for r in results), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(a_mask, b_mask)
    for (_, a), (_, b) in zip(*(r.updates for r in results), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    return calls(auto)


@pytest.mark.usefixtures("never_packed")
@pytest.mark.parametrize("row", LAYERS, ids=str)
def test_every_layer_gives_the_same(row):
    generator = np.random.default_rng(0)
    time = None if row.lawful is True else 3
    inputs = [
        mg.Input((time,) * s.axes + s.trailing, "float32" if s.kind == "floats" else "int32")
        for s in row.inputs
    ]
    model = mg.Model(inputs, row.call(row.built(), inputs), on_mask_loss="ignore")
    data = [
        Rectangle.place(
            [s.draw(3, generator) for _ in range(4)], 3, "right", generator, s.axes
        ).filled("zeros", generator)
        for s in row.inputs
    ]
    found = assert_same(model, [(x.value, x.mask) for x in data])
    assert not {"pack", "by_block", "unpack"} & set(found)


@pytest.mark.usefixtures("never_packed")
@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_give_the_same(seed):
    model, generator = random_model(seed, windows=seed % 2 == 0), np.random.default_rng(seed)
    values = generator.normal(size=(5, 9, 4)).astype("float32")
    assert_same(model, [(values, np.ones((5, 9), bool))])


@pytest.mark.parametrize("layer", ["BatchNormalization", "Masking", "DropMask"])
def test_layers_that_keep_numbers_or_touch_masks_give_the_same(layer):
    x = mg.Input(shape=(None, 4), masked=True)
    model = mg.Model(x, getattr(layers, layer)()(x), seed=0)
    values = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
    found = assert_same(model, [(values, np.ones((3, 5), bool))], training=True)
    assert "pack" not in found


@pytest.mark.parametrize("rate", [0.4, 1])
def test_the_same_is_dropped(rate):
    x = mg.Input(shape=(None, 4), masked=True)
    data = mg.MaskedTensor(np.ones((3, 5, 4), "float32"), np.ones((3, 5), bool))
    unmasked, padded = (  # a model each: a layer goes on drawing
        mg.Model(x, layers.Dropout(rate, seed=1)(x))(data, training=True, layout=layout).numpy()
        for layout in ("auto", "padded")
    )
    np.testing.assert_array_equal(unmasked, padded)


def test_another_mask_stays_what_it_is():
    """Two inputs, of which one has padding: nothing is taken for whole that is not."""
    a, b = (mg.Input(shape=(None, 4), masked=True) for _ in range(2))
    model = mg.Model([a, b], [layers.GlobalMaxPooling1D()(a), layers.GlobalMaxPooling1D()(b)])
    values = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    whole, mask = np.ones((2, 3), bool), np.array([[True, False, False], [True, True, False]])
    assert_same(model, [(values, whole), (np.where(mask[..., None], values, np.nan), mask)])


def test_a_mask_that_depends_on_weights_stays_beside_one_that_is_whole():
    x = mg.Input(shape=(None, 4), masked=True)
    scores = layers.Dense(4, use_bias=False, activation="relu")(x)
    kept = ops.with_mask(x, ops.greater(ops.sum(ops.drop_mask(scores), 2), 0.5))
    model = mg.Model(x, [kept, layers.GlobalAveragePooling1D()(kept)], seed=0)
    values = np.random.default_rng(1).normal(size=(3, 5, 4)).astype("float32")
    found = assert_same(model, [(values, np.ones((3, 5), bool))])
    assert "pack" not in found
    assert "greater" in found


@pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])
def test_gradients_are_the_same(backend):
    on = load(backend)
    tokens = mg.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(50, 8, mask_zero=True)(tokens)
    x = layers.TransformerEncoder(16, 2)(x)
    x = layers.Conv1D(8, 3, padding="same", activation="tanh")(x)
    x = layers.Bidirectional(layers.GRU(4, return_sequences=True))(x)
    y = ops.concatenate([layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D()(x)], 1)
    model = mg.Model(tokens, layers.Dense(3)(y), seed=0)
    found = []
    for layout in ("auto", "padded"):
        plan = model.plan(IDS, backend=backend, layout=layout)
        assert str(plan).startswith({"auto": "unmasked"}.get(layout, "padded"))
        weights = [w.native(on, w.dtype) for w in plan.weights]

        def loss(values, plan=plan):
            [(output, _)] = plan.run([(IDS, None)], values)
            return on.sum(on.square(output), (0, 1), False)

        found.append([on.to_numpy(g) for g in on.gradients(loss, weights)])
    for unmasked, padded in zip(*found, strict=True):
        np.testing.assert_allclose(unmasked, padded, rtol=1e-4, atol=1e-5)
        assert np.abs(padded).max() > 0
