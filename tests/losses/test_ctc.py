"""CTC against the sum over every alignment, written out, and against PyTorch and Keras."""

import itertools
import os

import numpy as np
import pytest

from maskgraph import ops
from maskgraph.backend import load
from maskgraph.errors import ArgumentError, MaskError, ShapeError, VocabularyError
from maskgraph.losses import CTC, ctc
from maskgraph.masks import Mask, MaskedTensor

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

LABELS = [[1, 2, 2], [3, 1], [], [2], [1, 1]]
LENGTHS = [5, 3, 4, 0, 2]


def read(path, blank):
    """Return what a path of classes reads as."""
    return [c for c, _ in itertools.groupby(path) if c != blank]


def summed(labels, logits, blank=0):
    """Return the loss of one sequence, from all paths."""
    shares = np.exp(logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True)))
    steps, classes = logits.shape
    total = sum(
        np.prod([shares[t, c] for t, c in enumerate(path)])
        for path in itertools.product(range(classes), repeat=steps)
        if read(path, blank) == list(labels)
    )
    return -np.log(total) if total else np.inf


def batch(generator, labels=LABELS, lengths=LENGTHS, time=7, classes=4, junk=np.nan):
    """Return labels and logits at random places, with junk elsewhere."""
    y_true = np.full((len(labels), 4), 10**6)
    y_pred = np.full((len(labels), time, classes), junk)
    masks = np.zeros(y_true.shape, bool), np.zeros(y_pred.shape[:2], bool)
    logits = [generator.normal(size=(n, classes)) for n in lengths]
    for row, (own, steps) in enumerate(zip(labels, logits, strict=True)):
        for values, mask, given in ((y_true, masks[0], own), (y_pred, masks[1], steps)):
            places = np.sort(generator.choice(mask.shape[1], len(given), replace=False))
            values[row, places] = np.array(given).reshape(len(given), *values.shape[2:])
            mask[row, places] = True
    return MaskedTensor(y_true, masks[0]), MaskedTensor(y_pred, masks[1]), logits


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_sum_over_all_alignments(seed):
    y_true, y_pred, logits = batch(np.random.default_rng(seed))
    expected = [summed(*pair) for pair in zip(LABELS, logits, strict=True)]
    np.testing.assert_allclose(ctc(y_true, y_pred).numpy(), expected, rtol=1e-10)
    assert np.isinf(expected[3])
    assert np.isinf(expected[4])  # of two steps, none is left for the blank between
    found = CTC(reduction=None)(y_true, y_pred).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_the_blank_may_be_any_class():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(1, 4, 3))
    found = ops.ctc_loss(np.array([[0, 1, 0]]), logits, mask_index=2)
    np.testing.assert_allclose(found, [summed([0, 1, 0], logits[0], blank=2)], rtol=1e-10)


def test_nothing_to_read_in_nothing_costs_nothing():
    empty = MaskedTensor(np.full((1, 2), -1), np.zeros((1, 2), bool))
    y_pred = MaskedTensor(np.full((1, 3, 4), np.nan), np.zeros((1, 3), bool))
    assert ctc(empty, y_pred).numpy().tolist() == [0]
    assert float(CTC()(np.zeros((0, 2), int), np.zeros((0, 3, 4)))) == 0


@pytest.mark.parametrize("name", ["torch", "tensorflow", "jax"])
def test_gradients_of_the_impossible_are_zero(name):
    pytest.importorskip(name)
    backend = load(name, "cpu")
    y_true, y_pred, _ = batch(np.random.default_rng(0))

    def loss(arrays):
        each = ctc(y_true, MaskedTensor(arrays[0], y_pred.mask)).value
        return backend.sum(each, (0,), False)

    (found,) = backend.gradients(loss, [backend.asarray(y_pred.value)])
    found = backend.to_numpy(found)
    assert np.isfinite(found).all()
    assert (found[~y_pred.mask] == 0).all()
    assert (found[3:] == 0).all()
    assert (found[:3][y_pred.mask[:3]] != 0).all()


@pytest.mark.parametrize("zeros", [True, False])
def test_values_and_gradients_are_those_of_pytorch(zeros):
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(0)
    values = generator.normal(scale=3, size=(6, 20, 9))
    labels, lengths = generator.integers(1, 9, (6, 8)), np.array([8, 3, 0, 5, 1, 6])
    steps = np.array([20, 11, 7, 13, 1, 16])
    theirs = torch.tensor(values, requires_grad=True)
    expected = torch.nn.functional.ctc_loss(
        torch.log_softmax(theirs, -1).transpose(0, 1),
        torch.tensor(labels),
        torch.tensor(steps),
        torch.tensor(lengths),
        reduction="none",
    )
    expected.sum().backward()
    ours = torch.tensor(values, requires_grad=True)
    if zeros:  # labels of 0 are padding
        y_true = labels * Mask.from_lengths(lengths, 8).array
        y_pred = MaskedTensor(ours, Mask.from_lengths(steps, 20))
        found = CTC(reduction="none")(y_true, y_pred).value
    else:
        found = ops.ctc_loss(labels, ours, lengths, steps)
    found.sum().backward()
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-10)
    np.testing.assert_allclose(ours.grad, theirs.grad, rtol=1e-8, atol=1e-12)


def test_unmasked_it_is_that_of_keras():
    keras = pytest.importorskip("keras")
    generator = np.random.default_rng(0)
    y_true, y_pred = np.array([[1, 2, 3], [2, 2, 0], [4, 0, 0]]), generator.normal(size=(3, 8, 5))
    for reduction in ("sum", "none", "sum_over_batch_size"):
        expected = np.asarray(keras.losses.CTC(reduction=reduction)(y_true, y_pred))
        np.testing.assert_allclose(CTC(reduction)(y_true, y_pred), expected, rtol=1e-5)
    weights = np.array([0.5, 2, 1])
    expected = np.asarray(keras.losses.CTC()(y_true, y_pred, weights))
    np.testing.assert_allclose(CTC()(y_true, y_pred, weights), expected, rtol=1e-5)
    np.testing.assert_allclose(CTC()(y_true, y_pred, weights[:, None]), expected, rtol=1e-5)


def test_very_long_sequences_stay_exact():
    logits = np.zeros((1, 3000, 5), "float32")
    found = float(ctc(np.array([[1]]), logits)[0])
    # 1 read from n steps of one label: n * (n + 1) / 2 paths
    expected = 3000 * np.log(5) - np.log(3000 * 3001 / 2)
    assert abs(found - expected) < 1e-4 * expected


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: ctc(np.array([[9]]), x), VocabularyError, "outside the classes"),
        (lambda x: ctc(np.array([[-1]]), x), VocabularyError, "received: -1"),
        (lambda x: ctc(np.array([1]), x), ShapeError, r"target \(batch, labels\)"),
        (lambda x: ctc(np.ones((2, 1), int), x), ShapeError, "number of sequences"),
        (
            lambda x: ops.ctc_loss(np.array([[1]]), x, output_length=np.array([2.0])),
            ShapeError,
            "neither lengths nor a mask",
        ),
        (
            lambda x: ops.ctc_loss(
                np.array([[1]]),
                MaskedTensor(x, np.ones((1, 3), bool)),
                output_length=np.array([2]),
            ),
            ArgumentError,
            "one of them",
        ),
        (
            lambda x: ctc(np.array([[1]]), MaskedTensor(x, np.ones(1, bool))),
            MaskError,
            "does not tell its steps",
        ),
        (lambda x: CTC()(np.array([[1]]), x, np.ones((1, 3))), ShapeError, "sample_weight"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call(np.zeros((1, 3, 4)))
