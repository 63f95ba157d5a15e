"""What a model takes, and how it refuses the rest: the same on every backend."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import (
    BackendError,
    DeviceError,
    DTypeError,
    MaskError,
    ShapeError,
    VocabularyError,
)

BACKENDS = ["numpy", "torch", "tensorflow", "jax"]


@pytest.fixture(scope="module")
def tagger():
    tokens = mg.Input(shape=(None,), dtype="int32", name="tokens")
    x = layers.Embedding(10, 4, mask_zero=True, name="embedding")(tokens)
    x = layers.GRU(3, return_sequences=True)(x)
    pooled = layers.GlobalMaxPooling1D()(x)
    return mg.Model(tokens, [x, pooled], seed=0)


@pytest.fixture(scope="module")
def classifier():
    series = mg.Input(shape=(None, 2), name="series")
    return mg.Model(series, layers.LSTM(3)(series), seed=0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_id_outside_the_vocabulary(tagger, backend):
    for bad in (10, -1):
        with pytest.raises(VocabularyError) as error:
            tagger.predict([[3, bad]], backend=backend)
        text = str(error.value)
        assert "embedding" in text
        assert f"received: {bad}" in text
        assert "ids from 0 to 9" in text


@pytest.mark.parametrize("backend", BACKENDS)
def test_masked_id_may_be_anything(tagger, backend):
    ids = np.array([[3, 4, -1, 99]], "int32")
    mask = np.array([[True, True, False, False]])
    steps, pooled = tagger.predict(ids, mask=mask, backend=backend)
    alone_steps, alone_pooled = tagger.predict([[3, 4]], backend=backend)
    np.testing.assert_allclose(steps[:, :2], alone_steps, atol=1e-6)
    np.testing.assert_allclose(pooled, alone_pooled, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ids_computed_at_masked_steps_may_be_anything(backend):
    ids = mg.Input(shape=(None,), dtype="int32", masked=True)
    model = mg.Model(ids, layers.Embedding(5, 2)(4 - ids), seed=0)
    result = model.predict([[4, 3], [2]], backend=backend)
    assert (result[1, 1] == 0).all()
    shifted = mg.Model(ids, layers.Embedding(5, 2)(ids + 9 - 9 * ops.sign(ids)), seed=0)
    assert shifted.predict([[4, 3], [2]], backend=backend).shape == (2, 2, 2)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [[], np.zeros((0, 5), "int32")])
def test_empty_batch(tagger, backend, batch):
    steps, pooled = tagger.predict(batch, backend=backend)
    assert steps.shape[0] == 0
    assert pooled.shape == (0, 3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [[[], []], np.zeros((2, 0), "int32")])
def test_no_steps_at_all(tagger, backend, batch):
    steps, pooled = tagger.predict(batch, backend=backend)
    assert steps.shape == (2, 0, 3)
    np.testing.assert_array_equal(pooled, np.zeros((2, 3)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_ragged_floats_bring_their_mask(classifier, backend):
    rows = [np.ones((3, 2), "float32"), np.ones((1, 2), "float32"), []]
    together = classifier.predict(rows, backend=backend)
    for i, row in enumerate(rows[:2]):
        alone = classifier.predict(row[None], backend=backend)
        np.testing.assert_allclose(together[i], alone[0], atol=1e-6)
    np.testing.assert_array_equal(together[2], np.zeros(3))


def test_wrong_rank(classifier):
    with pytest.raises(ShapeError, match=r"input 'series': wrong rank[\s\S]*\(5, 2\)"):
        classifier.predict(np.zeros((5, 2), "float32"))


def test_wrong_size(classifier):
    with pytest.raises(ShapeError, match=r"input 'series': wrong shape[\s\S]*\(5, 2, 3\)"):
        classifier.predict(np.zeros((5, 2, 3), "float32"))


def test_floats_for_ids(tagger):
    with pytest.raises(DTypeError, match=r"input 'tokens'[\s\S]*float32[\s\S]*int32"):
        tagger.predict(np.array([[1.5, 2.0]], "float32"))


def test_ids_beyond_int32(tagger):
    with pytest.raises(DTypeError, match="int64"):
        tagger.predict(np.array([[2**40]]))


def test_mask_of_the_wrong_shape_names_both(classifier):
    x = np.zeros((2, 5, 2), "float32")
    with pytest.raises(MaskError, match=r"series[\s\S]*\(2, 4\)[\s\S]*\(2, 5, 2\)"):
        classifier.predict(x, mask=np.ones((2, 4), bool))


def test_mask_that_would_broadcast_is_refused(classifier):
    with pytest.raises(MaskError, match=r"\(1, 5\)"):
        classifier.predict(np.zeros((2, 5, 2), "float32"), mask=np.ones((1, 5), bool))


def test_float_mask_is_refused(classifier):
    with pytest.raises(MaskError, match=r"float32 mask[\s\S]*bool"):
        classifier.predict(np.zeros((2, 5, 2), "float32"), mask=np.ones((2, 5), "float32"))


def test_symbolic_mask_of_the_wrong_shape():
    x = mg.Input(shape=(5, 2))
    mask = mg.Input(shape=(4,), dtype="bool")
    with pytest.raises(MaskError, match=r"layer 'lstm[\s\S]*\(None, 4\)[\s\S]*\(None, 5, 2\)"):
        layers.LSTM(3)(x, mask=mask)


def test_wrong_number_of_inputs():
    a, b = mg.Input(shape=(2,), name="a"), mg.Input(shape=(2,), name="b")
    model = mg.Model([a, b], a + b)
    with pytest.raises(ShapeError, match=r"received: list of 1[\s\S]*2 inputs: a, b"):
        model.predict([np.zeros((1, 2), "float32")])
    with pytest.raises(ShapeError, match="received: a, c"):
        model.predict({"a": np.zeros((1, 2)), "c": np.zeros((1, 2))})
    with pytest.raises(ShapeError, match="number of sequences"):
        model.predict([np.zeros((1, 2), "float32"), np.zeros((3, 2), "float32")])


def test_unknown_backend_and_device(classifier):
    x = np.zeros((2, 5, 2), "float32")
    with pytest.raises(BackendError, match=r"unknown backend[\s\S]*'tensorflew'[\s\S]*numpy"):
        classifier.predict(x, backend="tensorflew")
    with pytest.raises(DeviceError, match=r"'cuda:7'[\s\S]*cpu"):
        classifier.predict(x, backend="numpy", device="cuda:7")


@pytest.mark.parametrize("device", ["cpu", "CPU", "cpu:0"])
def test_common_names_of_devices(classifier, device):
    x = np.zeros((2, 5, 2), "float32")
    assert classifier.predict(x, backend="torch", device=device).shape == (2, 3)


def test_mask_by_hand_is_the_mask_of_lengths(classifier):
    x = np.ones((2, 5, 2), "float32")
    by_mask = classifier.predict(x, mask=mg.Mask.from_lengths([3, 5], 5))
    np.testing.assert_allclose(by_mask, classifier.predict([x[0, :3], x[1]]), atol=1e-7)


def test_frameworks_ragged_tensors_are_inputs(tagger):
    import tensorflow as tf
    import torch
    from torch.nn.utils.rnn import pack_sequence

    rows = [[3, 1, 4], [1, 5]]
    expected = tagger.predict(rows)
    ragged = tagger.predict(tf.ragged.constant(rows, dtype=tf.int32))
    packed = tagger.predict(pack_sequence([torch.tensor(r) for r in rows]))
    for result in (ragged, packed):
        for ours, theirs in zip(expected, result, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_an_input_may_fix_the_size_of_its_batch():
    assert mg.Input((None, 4), batch_size=2).shape == (2, None, 4)
    assert mg.Input(batch_shape=(2, None, 4)).shape == (2, None, 4)
    x = mg.Input((2,), batch_size=3)
    model = mg.Model(x, x * 2)
    assert model(np.ones((3, 2), "float32")).shape == (3, 2)
    with pytest.raises(ShapeError, match=r"wrong shape\n.*\(4, 2\)"):
        model(np.ones((4, 2), "float32"))


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"shape": (2,), "batch_shape": (1, 2)},
        {"batch_shape": (3, None), "batch_size": 3},
    ],
)
def test_an_input_takes_its_shape_once(sizes):
    with pytest.raises(ShapeError, match="one of shape and batch_shape"):
        mg.Input(**sizes)
