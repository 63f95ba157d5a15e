"""Padding that counts in losses, metrics and statistics of data."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.oracle import (
    FEATURES,
    LENGTHS,
    VOCABULARY,
    padded,
    run_law,
    sequences_of_ids,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side, set_weights
from benchmarks.comparison.verdict import Verdict, close

BY_HAND = "a mean over `loss[mask]`"
CHOSEN = "`metric(y_true[mask], y_pred[mask])`"
NAN = float("nan")


def _pairs(features: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels and predictions between 0 and 1, (batch, time, features), and their mask."""
    generator = np.random.default_rng(seed)
    _, mask = padded(sequences_of_ids((7, 20, 3)), extra=5)
    y_pred = generator.uniform(size=(*mask.shape, features)).astype("float32")
    y_true = generator.integers(0, 2, y_pred.shape).astype("float32")
    return y_true, y_pred, mask


@case("14h", "NaN in the padding, a loss", BY_HAND)
def nan_loss(side: Side) -> Verdict:
    y_true, y_pred, mask = _pairs(2)
    y_pred[~mask] = NAN
    loss = side.k.losses.MeanSquaredError()(y_true, side.tensor(y_pred, mask))
    return close(side.number(loss), ((y_true - y_pred)[mask] ** 2).mean())


@nan_loss.with_pytorch
def _() -> Verdict:
    import torch

    y_true, y_pred, mask = _pairs(2)
    y_pred[~mask] = NAN
    each = torch.nn.MSELoss(reduction="none")(torch.tensor(y_pred), torch.tensor(y_true)).mean(-1)
    m = torch.tensor(mask).float()
    return close(float((each * m).sum() / m.sum()), ((y_true - y_pred)[mask] ** 2).mean())


@case("14i", "NaN in the padding, a metric", CHOSEN)
def nan_metric(side: Side) -> Verdict:
    y_true, y_pred, mask = _pairs(2)
    y_pred[~mask] = NAN
    metric = side.k.metrics.MeanSquaredError()
    metric.update_state(y_true, side.tensor(y_pred, mask))
    return close(side.number(metric.result()), ((y_true - y_pred)[mask] ** 2).mean())


def _metric(
    side: Side, make: Any, features: int | None = None, whole: bool = False, flat: bool = False
) -> Verdict:
    """Compare a metric of a masked batch with that of the steps that exist, gathered by hand.

    Args:
        features: of each step; None for a number.
        whole: whether predictions are class numbers.
        flat: whether the batch is (examples, features), each example masked or not.
    """
    y_true, y_pred, mask = _pairs(features or 1)
    if features is None:
        y_true, y_pred = y_true[..., 0], y_pred[..., 0]
    elif flat:
        y_true, y_pred, mask = (x.reshape(-1, *x.shape[2:]) for x in (y_true, y_pred, mask))
    if whole:
        y_true, y_pred = y_true.astype("int32"), (y_pred > 0.5).astype("int32")
    masked, gathered = make(), make()
    gathered.update_state(y_true[mask], y_pred[mask])
    masked.update_state(y_true, side.tensor(y_pred, mask))
    expected = side.array(gathered.result())
    return close(side.array(masked.result()), expected, "counts padding: off by")


@case("21a", "AUC of a masked batch", CHOSEN)
def auc(side: Side) -> Verdict:
    return _metric(side, side.k.metrics.AUC)


@case("21b", "Precision", CHOSEN)
def precision(side: Side) -> Verdict:
    return _metric(side, side.k.metrics.Precision)


@case("21c", "Recall", CHOSEN)
def recall(side: Side) -> Verdict:
    return _metric(side, side.k.metrics.Recall)


@case("21d", "F1Score of (examples, classes) with a mask of examples", CHOSEN)
def f1(side: Side) -> Verdict:
    return _metric(side, lambda: side.k.metrics.F1Score(threshold=0.5), features=2, flat=True)


@case("21e", "IoU", CHOSEN)
def iou(side: Side) -> Verdict:
    return _metric(side, lambda: side.k.metrics.IoU(2, [1]), whole=True)


@case("21f", "RootMeanSquaredError", CHOSEN)
def rmse(side: Side) -> Verdict:
    return _metric(side, side.k.metrics.RootMeanSquaredError)


@case("21g", "R2Score of (examples, outputs) with a mask of examples", CHOSEN)
def r2(side: Side) -> Verdict:
    return _metric(side, side.k.metrics.R2Score, features=2, flat=True)


@case("21h", "Mean", CHOSEN)
def mean(side: Side) -> Verdict:
    return _of_values(side, side.k.metrics.Mean)


@case("21i", "Sum", CHOSEN)
def total(side: Side) -> Verdict:
    return _of_values(side, side.k.metrics.Sum)


def _of_values(side: Side, make: Any) -> Verdict:
    _, values, mask = _pairs()
    masked, gathered = make(), make()
    masked.update_state(side.tensor(values[..., 0], mask))
    gathered.update_state(values[mask])
    expected = side.number(gathered.result())
    return close(side.number(masked.result()), expected, "counts padding: off by")


@case("21j", "an activity regulariser on a masked batch", "`(x ** 2)[mask].sum()`")
def activity(side: Side) -> Verdict:
    def loss(x: Any) -> float:
        layer = side.k.layers.ActivityRegularization(l2=0.5)
        layer(x)
        [found] = layer.losses
        return side.number(found)

    sequences = sequences_of_vectors()
    found = loss(side.tensor(*padded(sequences, junk=100)))
    alone = np.mean([loss(side.tensor(s[None])) for s in sequences])
    return close(found, alone, "counts padding: off by")


@case("21k", "`Normalization.adapt` to a masked batch", "statistics of `x[mask]`")
def adapt(side: Side) -> Verdict:
    sequences = sequences_of_vectors()
    layer = side.k.layers.Normalization()
    layer.adapt(side.tensor(*padded(sequences, junk=100)))
    steps = np.concatenate(sequences)
    probe = steps[None]
    expected = (probe - steps.mean(0)) / steps.std(0)
    return close(side.array(layer(side.tensor(probe))), expected, "counts padding: off by")


@case("22a", "`sample_weight` of shape (batch,) with a mask of (batch, time)", BY_HAND)
def weights_of_sequences(side: Side) -> Verdict:
    return _weighted(side, LENGTHS, lambda w: w)


@case("22b", "`sample_weight` of shape (batch, 1)", BY_HAND)
def weights_in_a_column(side: Side) -> Verdict:
    return _weighted(side, LENGTHS, lambda w: w[:, None])


@case("22c", "`sample_weight` of shape (batch,), batch = time", BY_HAND)
def weights_of_equal_sizes(side: Side) -> Verdict:
    return _weighted(side, (4, 1, 3, 2), lambda w: w, extra=0)


def _weighted(side: Side, lengths: Any, shaped: Any, extra: int = 1) -> Verdict:
    values, mask = padded(sequences_of_vectors(lengths), extra=extra)
    y_true = np.random.default_rng(1).normal(size=values.shape).astype("float32")
    weights = np.arange(1, len(lengths) + 1).astype("float32")
    loss = side.k.losses.MeanSquaredError()(
        y_true, side.tensor(values, mask), sample_weight=shaped(weights)
    )
    each = ((y_true - values) ** 2).mean(axis=-1) * weights[:, None]
    return close(side.number(loss), each[mask].mean(), "the loss is off by")


@case("22d", "CTC of a masked prediction", "`input_lengths`")
def ctc(side: Side) -> Verdict:
    sequences = sequences_of_vectors((6, 4, 5))
    labels = np.array([[1, 2], [3, 1], [2, 2]], "int32")
    loss = side.k.losses.CTC()
    found = side.number(loss(labels, side.tensor(*padded(sequences, junk=1))))
    alone = [
        side.number(loss(row[None], side.tensor(s[None])))
        for row, s in zip(labels, sequences, strict=True)
    ]
    return close(found, np.mean(alone), "the loss is off by")


@case("23", "labels of -1 in the padding, sparse cross-entropy", "`ignore_index=-1`")
def padded_labels(side: Side) -> Verdict:
    sequences = sequences_of_vectors()
    logits, mask = padded(sequences)
    labels = np.where(mask, np.random.default_rng(1).integers(0, FEATURES, mask.shape), -1)
    loss = side.k.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = side.number(loss(labels.astype("int32"), side.tensor(logits, mask)))
    return close(found, _cross_entropy(logits[mask], labels[mask]), "the loss is off by")


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    logits = logits.astype("float64")
    chosen = np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return float((np.log(np.exp(logits).sum(axis=1)) - chosen).mean())


@padded_labels.with_pytorch
def _() -> Verdict:
    import torch

    logits, mask = padded(sequences_of_vectors())
    labels = np.where(mask, np.random.default_rng(1).integers(0, FEATURES, mask.shape), -1)
    loss = torch.nn.CrossEntropyLoss(ignore_index=-1)
    found = loss(torch.tensor(logits).reshape(-1, FEATURES), torch.tensor(labels).reshape(-1))
    return close(float(found), _cross_entropy(logits[mask], labels[mask]), "the loss is off by")


@case("24a", "the mask of logits from a tied embedding", "nothing: the mask beside the tensor")
def tied_logits(side: Side) -> Verdict:
    return run_law(side, _language_model(side), sequences_of_ids())


@case("24b", "the loss of a language model with tied weights", "`ignore_index`")
def language_model_loss(side: Side) -> Verdict:
    model = _language_model(side)
    sequences = sequences_of_ids()
    ids, _ = padded(sequences)
    labels = np.roll(ids, -1, axis=1)
    loss = side.k.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = side.number(loss(labels, model(side.tensor(ids))))
    logits = [side.array(model(side.tensor(s[None])))[0] for s in sequences]
    rows = [labels[i, : len(s)] for i, s in enumerate(sequences)]
    expected = _cross_entropy(np.concatenate(logits), np.concatenate(rows))
    return close(found, expected, "the loss is off by")


def _language_model(side: Side) -> Any:
    k = side.k
    tokens = k.Input(shape=(None,), dtype="int32")
    embedding = k.layers.ReversibleEmbedding(VOCABULARY, FEATURES, mask_zero=True)
    hidden = k.layers.LSTM(FEATURES, return_sequences=True)(embedding(tokens))
    model = k.Model(tokens, embedding(hidden, reverse=True))
    set_weights(model)
    return model
