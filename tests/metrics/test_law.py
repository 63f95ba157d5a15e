"""The metric of padded batches is that of the flat list of the steps that exist, which Keras,
given that list, judges."""

import os
from dataclasses import dataclass, field

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import metrics
from maskgraph.backend import load, plugins
from maskgraph.masks import MaskedTensor
from maskgraph.testing import loss_table as draw
from maskgraph.testing.sequences import PADDINGS, Rectangle

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

LENGTHS = (3, 0, 5, 1, 6, 2, 4)
TIME = len(LENGTHS)  # as many steps as sequences, so that no size tells them apart


@dataclass(frozen=True)
class Row:
    """A metric in one configuration, and what it is called on."""

    metric: str
    y_true: draw.Draw
    y_pred: draw.Draw
    junk: float = np.nan
    arguments: dict = field(default_factory=dict)

    def make(self):
        return getattr(metrics, self.metric)(**self.arguments)

    def __str__(self):
        return "-".join([self.metric, *(f"{k}={v}" for k, v in self.arguments.items())])


def unit(generator, steps):
    return generator.random(steps).astype("float32")


def options(generator, steps):
    """Several right ones among the classes."""
    return (generator.random((steps, 5)) < 0.4).astype("int32")


ROWS = [
    Row("Accuracy", draw.labels, draw.labels, -1),
    Row("BinaryAccuracy", draw.binary, draw.shares),
    Row("BinaryAccuracy", draw.bits, unit, -1, {"threshold": 0.3}),
    Row("CategoricalAccuracy", draw.one_hot, draw.logits),
    Row("SparseCategoricalAccuracy", draw.labels, draw.logits, -1),
    Row("SparseCategoricalAccuracy", draw.columns, draw.logits, 10**6),
    Row("TopKCategoricalAccuracy", draw.one_hot, draw.logits, np.nan, {"k": 2}),
    Row("SparseTopKCategoricalAccuracy", draw.labels, draw.logits, -1, {"k": 2}),
    Row("SparseTopKCategoricalAccuracy", draw.float_labels, draw.logits, np.nan, {"k": 3}),
    Row("MeanSquaredError", draw.numbers, draw.numbers),
    Row("RootMeanSquaredError", draw.numbers, draw.numbers),
    Row("RootMeanSquaredError", draw.scores, draw.scores),
    Row("MeanAbsoluteError", draw.numbers, draw.numbers),
    Row("MeanAbsolutePercentageError", draw.positive, draw.numbers),
    Row("MeanSquaredLogarithmicError", draw.positive, draw.positive),
    Row("LogCoshError", draw.numbers, draw.numbers),
    Row("CosineSimilarity", draw.numbers, draw.numbers),
    Row("R2Score", draw.numbers, draw.numbers),
    Row("R2Score", draw.numbers, draw.numbers, np.nan, {"class_aggregation": None}),
    Row(
        "R2Score",
        draw.numbers,
        draw.numbers,
        np.nan,
        {"class_aggregation": "variance_weighted_average"},
    ),
    Row("R2Score", draw.scores, draw.scores, np.nan, {"num_regressors": 2}),
    Row("Hinge", draw.signs, draw.numbers),
    Row("Hinge", draw.binary, draw.numbers, -7),
    Row("SquaredHinge", draw.binary, draw.numbers),
    Row("CategoricalHinge", draw.one_hot, draw.logits),
    Row("KLDivergence", draw.probabilities, draw.probabilities),
    Row("Poisson", draw.positive, draw.positive),
    Row("BinaryCrossentropy", draw.binary, draw.shares),
    Row("BinaryCrossentropy", draw.bits, draw.scores, -1, {"from_logits": True}),
    Row("CategoricalCrossentropy", draw.one_hot, draw.probabilities),
    Row("CategoricalCrossentropy", draw.one_hot, draw.logits, 7, {"from_logits": True}),
    Row("SparseCategoricalCrossentropy", draw.labels, draw.probabilities, -1),
    Row("SparseCategoricalCrossentropy", draw.labels, draw.logits, 10**6, {"from_logits": True}),
    Row("Precision", draw.binary, draw.shares),
    Row("Precision", draw.bits, unit, -1, {"thresholds": [0.2, 0.5, 0.7]}),
    Row("Precision", options, draw.probabilities, -1, {"top_k": 2}),
    Row("Recall", draw.bits, unit, -1),
    Row("Recall", options, draw.probabilities, -1, {"class_id": 1, "thresholds": 0.2}),
    Row("Recall", options, draw.probabilities, -1, {"top_k": 2, "class_id": 3}),
    *(
        Row(metric, draw.bits, unit, -1, arguments)
        for metric in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives")
        for arguments in ({}, {"thresholds": [0.7, 0.2]})
    ),
    Row("FalseNegatives", draw.binary, draw.shares),
    Row("SensitivityAtSpecificity", draw.bits, unit, -1, {"specificity": 0.6}),
    Row("SpecificityAtSensitivity", draw.binary, draw.shares, np.nan, {"sensitivity": 0.7}),
    Row("PrecisionAtRecall", draw.bits, unit, -1, {"recall": 0.4, "num_thresholds": 9}),
    Row("RecallAtPrecision", draw.bits, unit, -1, {"precision": 0.6, "num_thresholds": 1}),
    Row("RecallAtPrecision", options, draw.probabilities, -1, {"precision": 0.5, "class_id": 2}),
    Row("AUC", draw.bits, unit, -1),
    Row("AUC", draw.binary, draw.shares),
    Row("AUC", draw.bits, unit, -1, {"curve": "PR"}),
    Row("AUC", draw.bits, unit, -1, {"curve": "PRGAIN", "num_thresholds": 9}),
    Row("AUC", draw.bits, unit, -1, {"curve": "PR", "summation_method": "majoring"}),
    Row("AUC", draw.bits, unit, -1, {"summation_method": "minoring", "num_thresholds": 5}),
    Row("AUC", draw.bits, draw.scores, -1, {"from_logits": True}),
    Row("AUC", draw.bits, unit, -1, {"thresholds": [0.1, 0.7, 0.4]}),
    Row("AUC", draw.binary, draw.shares, np.nan, {"multi_label": True, "num_labels": 3}),
    Row(
        "AUC",
        draw.binary,
        draw.shares,
        np.nan,
        {"multi_label": True, "label_weights": [1.0, 2.0, 0.5], "curve": "PR"},
    ),
    Row("AUC", draw.binary, draw.shares, np.nan, {"label_weights": [1.0, 2.0, 0.5]}),
    Row("F1Score", draw.one_hot, draw.probabilities),
    Row("F1Score", draw.binary, draw.shares, np.nan, {"threshold": 0.4, "average": "micro"}),
    Row("F1Score", draw.one_hot, draw.logits, np.nan, {"average": "macro"}),
    Row("FBetaScore", draw.one_hot, draw.logits, np.nan, {"average": "weighted", "beta": 2.0}),
    Row("IoU", draw.labels, draw.labels, -1, {"num_classes": 5, "target_class_ids": [1, 3]}),
    Row("MeanIoU", draw.labels, draw.labels, 99, {"num_classes": 5}),
    Row("MeanIoU", draw.labels, draw.labels, -1, {"num_classes": 5, "ignore_class": 2}),
    Row("MeanIoU", draw.labels, draw.logits, -1, {"num_classes": 5, "sparse_y_pred": False}),
    Row("BinaryIoU", draw.bits, unit, -1),
]

every_row = pytest.mark.parametrize("row", ROWS, ids=str)


class Batch:
    """Labels and predictions of sequences, padded, and flat."""

    def __init__(self, row, padding="right", filler="zeros", lengths=LENGTHS, time=TIME, seed=0):
        generator = np.random.default_rng(seed)
        self.steps = [(row.y_true(generator, n), row.y_pred(generator, n)) for n in lengths]
        truth, pred = (
            Rectangle.place(list(s), time, padding, np.random.default_rng(1))
            for s in zip(*self.steps, strict=True)
        )
        self.mask = truth.mask
        self.y_true = truth.values.copy()
        self.y_true[~self.mask] = {"zeros": 0, "noise": 3}.get(filler, row.junk)
        self.y_pred = pred.filled(filler, generator).value
        self.flat_true, self.flat_pred = (x.values[self.mask] for x in (truth, pred))
        self.weights = generator.uniform(0.5, 2, (len(lengths), time))

    def masked(self):
        return self.y_true, MaskedTensor(self.y_pred, self.mask)


def in_keras(row, y_true, y_pred, sample_weight=None):
    """Return what Keras makes of a flat list of steps."""
    twin = getattr(keras.metrics, row.metric)(**row.arguments, dtype="float64")
    if y_pred.ndim == 1 and not row.metric.endswith("IoU"):
        y_true, y_pred = y_true[:, None], y_pred[:, None]
    if "TopK" in row.metric:  # TensorFlow has no double kernel
        y_pred = y_pred.astype("float32")
    twin.update_state(y_true, y_pred, sample_weight)
    return np.asarray(twin.result())


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@every_row
@pytest.mark.parametrize("filler", ["zeros", "noise", "nan", "inf"])
@pytest.mark.parametrize("padding", PADDINGS)
def test_padding_is_not_seen(row, padding, filler):
    batch = Batch(row, padding, filler)
    assert_close(row.make()(*batch.masked()), in_keras(row, batch.flat_true, batch.flat_pred))


@every_row
@pytest.mark.parametrize("shape", ["(B,)", "(B, 1)", "(B, T)", "()"])
def test_weights_are_never_confused(row, shape):
    batch = Batch(row, "left", "nan")
    weights = {
        "(B,)": batch.weights[:, 0],
        "(B, 1)": batch.weights[:, :1],
        "(B, T)": batch.weights,
        "()": np.float64(1.5),
    }[shape]
    each = weights[:, None] if shape == "(B,)" else weights
    flat = np.broadcast_to(each, batch.mask.shape)[batch.mask]
    if shape == "(B, T)":
        weights = np.where(batch.mask, weights, np.nan)
    found = row.make()(*batch.masked(), sample_weight=weights)
    assert_close(found, in_keras(row, batch.flat_true, batch.flat_pred, flat))


@every_row
def test_streaming_is_one_pass_over_all_steps(row):
    metric, truths, preds = row.make(), [], []
    for seed, (padding, time) in enumerate(zip(PADDINGS, (6, 9, 7), strict=True)):
        batch = Batch(row, padding, "nan", time=time, seed=seed)
        metric.update_state(*batch.masked())
        truths.append(batch.flat_true)
        preds.append(batch.flat_pred)
    whole = row.make()
    mask = np.ones((1, sum(map(len, truths))), bool)
    flat = np.concatenate(truths)[None], np.concatenate(preds)[None]
    expected = whole(*flat, mask=mask)
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-12, atol=1e-15)
    metric.reset_state()
    np.testing.assert_array_equal(metric(*flat, mask=mask), expected)


@every_row
@pytest.mark.parametrize(("batch", "time"), [(2, 3), (0, 3), (2, 0), (0, 0)])
def test_nothing_gives_zero(row, batch, time):
    assert (np.asarray(row.make().result()) == 0).all()
    empty = Batch(row, filler="nan", lengths=(0, 0), time=time)
    found = row.make()(empty.y_true[:batch], empty.masked()[1][:batch])
    assert (np.asarray(found) == 0).all()
    metric, some = row.make(), Batch(row)
    expected = metric(*some.masked())
    np.testing.assert_array_equal(metric(empty.y_true[:batch], empty.masked()[1][:batch]), expected)


@every_row
def test_masks_meet(row):
    batch = Batch(row)
    expected = row.make()(*batch.masked())
    first, second = batch.mask.copy(), batch.mask.copy()
    first[0] = second[1:] = True
    y_true, y_pred = MaskedTensor(batch.y_true, first), MaskedTensor(batch.y_pred, second)
    assert_close(row.make()(y_true, y_pred), expected)
    assert_close(row.make()(batch.y_true, y_pred, mask=first), expected)
    assert_close(row.make()(batch.y_true, batch.y_pred, mask=mg.Mask(batch.mask)), expected)


@every_row
def test_lists_of_sequences(row):
    batch = Batch(row, lengths=(3, 5, 1), time=5)
    truth, pred = (list(s) for s in zip(*batch.steps, strict=True))
    assert_close(row.make()(truth, pred), row.make()(*batch.masked()))


@pytest.mark.parametrize("name", [n for n in ("torch", "tensorflow", "jax") if n in plugins()])
@every_row
def test_tensors_of_every_backend(row, name):
    pytest.importorskip(name)
    backend, batch = load(name, "cpu"), Batch(row, "holes", "nan")
    expected = row.make()(*batch.masked())
    native = [backend.asarray(x) for x in (batch.y_true, batch.y_pred, batch.mask)]
    assert_close(row.make()(native[0], MaskedTensor(*native[1:])), expected)
    assert_close(row.make()(*native[:2], mask=native[2]), expected)


def test_every_metric_has_a_row():
    others = {"Metric", "Mean", "Sum", "Perplexity", "SpanF1"}  # these have tests of their own
    classes = {n for n, v in vars(metrics).items() if isinstance(v, type)}
    assert classes == {row.metric for row in ROWS} | others


@every_row
def test_configurations_make_equal_metrics(row):
    metric = row.make()
    assert type(metric).from_config(metric.get_config()).get_config() == metric.get_config()
