"""Metrics without a twin in the table, and what is told about what does not fit."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import metrics
from maskgraph.errors import ArgumentError, DTypeError, MaskError, ShapeError, VocabularyError
from maskgraph.masks import MaskedTensor

MASK = np.array([[True, True, False], [False, False, True]])
VALUES = np.array([[1.0, 2.0, np.nan], [np.inf, np.nan, 6.0]])


def test_mean_and_sum():
    mean, total = metrics.Mean(), metrics.Sum()
    assert (mean.result(), total.result()) == (0, 0)
    assert (mean(MaskedTensor(VALUES, MASK)), total(MaskedTensor(VALUES, MASK))) == (3, 9)
    assert (mean(VALUES, mask=MASK), total(VALUES, mask=MASK)) == (3, 18)
    assert (mean(9.0), total(9.0)) == (27 / 7, 27)
    mean.reset_state()
    assert mean(VALUES, sample_weight=[1, 3], mask=MASK) == 21 / 5
    assert metrics.Sum()([[1.0, 2.0], [3.0]]) == 6


def test_the_result_has_the_dtype_that_was_asked_for():
    assert metrics.F1Score(dtype="float32")(np.eye(2), np.eye(2)).dtype == "float32"
    third = metrics.Mean(dtype="float32")([1.0, 0.0, 0.0])
    assert third == np.float32(1 / 3)
    assert metrics.Mean()([1.0, 0.0, 0.0]) == 1 / 3


def test_perplexity_counts_tokens_not_batches():
    generator = np.random.default_rng(0)
    tokens, logits = generator.integers(1, 7, (4, 5)), generator.normal(size=(4, 5, 7))
    shifted = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    each = -np.take_along_axis(shifted, tokens[..., None], axis=-1)[..., 0]
    metric = metrics.Perplexity(from_logits=True)
    assert metric.result() == 0
    lengths = (5, 1, 0, 2)
    for row, length in enumerate(lengths):
        exists = (np.arange(5) < length)[None]
        padded = np.where(exists, tokens[row], -1)
        metric.update_state(padded, MaskedTensor(logits[row][None], exists))
    exists = np.arange(5) < np.array(lengths)[:, None]
    assert metric.result() == pytest.approx(np.exp(each[exists].mean()), rel=1e-12)
    by_token = metrics.Perplexity(from_logits=True, mask_token_id=0)
    assert by_token(np.where(exists, tokens, 0), logits) == pytest.approx(metric.result())
    shares = metrics.Perplexity()
    assert shares(tokens, np.exp(shifted), mask=exists) == pytest.approx(metric.result())


def test_ignored_classes_are_no_steps():
    labels, scores = np.array([[0, 1, 255]]), np.array([[[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]])
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=255)
    assert metric(labels, scores) == pytest.approx(-np.log([0.9, 0.5]).mean())


def test_a_constant_that_is_met_is_explained():
    assert metrics.R2Score()(np.ones((3, 1)), np.ones((3, 1))) == 1
    assert metrics.R2Score()(np.ones((3, 1)), np.zeros((3, 1))) == 0


def test_a_large_mean_takes_nothing_from_the_score():
    generator = np.random.default_rng(0)
    y_true = generator.normal(size=(50, 1))
    y_pred = y_true + generator.normal(size=(50, 1), scale=0.3)
    expected = 1 - np.square(y_true - y_pred).sum() / np.square(y_true - y_true.mean()).sum()
    metric = metrics.R2Score()
    for part in np.split(np.arange(50), 5):
        metric.update_state(y_true[part] + 1e8, y_pred[part] + 1e8)
    assert metric.result() == pytest.approx(expected, abs=1e-6)


def test_sorted_ids():
    metric = metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True)
    ids = MaskedTensor(np.array([[[7, 3, 1], [2, 9, 4], [5, 5, 5]]]), MASK[:1])
    assert metric(np.array([[3, 4, 5]]), ids) == 0.5


X = np.full((3, 4, 2), 0.5)
LABELS = np.zeros((3, 4), int)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: metrics.Accuracy()(LABELS, LABELS[:, :2]), ShapeError, "accuracy: .*differ"),
        (lambda: metrics.MeanSquaredError()(X[..., :1], X), ShapeError, "differ in shape"),
        (lambda: metrics.SparseCategoricalAccuracy()(X, X), ShapeError, "Categorical"),
        (
            lambda: metrics.SparseCategoricalAccuracy()(LABELS - 1, X),
            VocabularyError,
            r"outside the classes[\s\S]*-1",
        ),
        (lambda: metrics.MeanIoU(2)(LABELS, LABELS + 2), VocabularyError, "a prediction is"),
        (lambda: metrics.Mean()(X, mask=np.ones((3, 4))), MaskError, "dtype"),
        (lambda: metrics.Mean()(X, mask=np.ones((3, 5), bool)), MaskError, "does not fit"),
        (lambda: metrics.F1Score()(X, X, mask=X > 0), MaskError, "reaches into the steps"),
        (lambda: metrics.Mean()(X, np.ones(4)), ShapeError, r"\(3,\) or \(3, 4\)"),
        (lambda: metrics.Mean()(mg.Input((3,))), DTypeError, "symbolic"),
        (lambda: metrics.Precision(thresholds=[0.5, 2]), ArgumentError, "threshold"),
        (lambda: metrics.Precision(class_id=5)(X, X), ArgumentError, "class_id"),
        (lambda: metrics.Precision(class_id="a")(X, X), ArgumentError, "class_id"),
        (lambda: metrics.Recall(top_k=0), ArgumentError, "Recall: top_k out of range"),
        (lambda: metrics.TruePositives(2), ArgumentError, "TruePositives: a threshold"),
        (lambda: metrics.PrecisionAtRecall(1.5), ArgumentError, "PrecisionAtRecall: recall out"),
        (lambda: metrics.PrecisionAtRecall(0.5, 0), ArgumentError, "num_thresholds out of range"),
        (lambda: metrics.AUC(curve=3), ArgumentError, "AUC: unknown curve"),
        (lambda: metrics.MeanIoU(2.5), ArgumentError, "MeanIoU: num_classes out of range"),
        (lambda: metrics.Metric()(X, X), NotImplementedError, r"Metric does not define add\(\)"),
        (lambda: metrics.AUC(curve="ROCK"), ArgumentError, "curve"),
        (lambda: metrics.AUC(num_thresholds=1), ArgumentError, "too few"),
        (lambda: metrics.AUC(multi_label=True, num_labels=3)(X, X), ShapeError, "labels"),
        (lambda: metrics.F1Score(average="mean"), ArgumentError, "F1Score: unknown average"),
        (lambda: metrics.F1Score(threshold=0.0), ArgumentError, "threshold"),
        (lambda: metrics.TopKCategoricalAccuracy(k=0), ArgumentError, "k out of range"),
        (lambda: metrics.IoU(2, [2]), ArgumentError, "target"),
        (lambda: metrics.R2Score("mean"), ArgumentError, "class_aggregation"),
        (lambda: metrics.CosineSimilarity(axis=5)(X, X), ShapeError, "no such axis"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
