"""True and false positives and negatives, at thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.metrics.base import Metric, positive, ratio
from maskgraph.metrics.gathering import Steps, elements, vectors

Thresholds = float | Sequence[float] | None


class Confusion(NamedTuple):
    """Sums of weights, one for each threshold, in rising order."""

    true_positives: np.ndarray
    false_positives: np.ndarray
    true_negatives: np.ndarray
    false_negatives: np.ndarray

    @classmethod
    def of(
        cls, exceeded: np.ndarray, labels: np.ndarray, weights: np.ndarray, size: int
    ) -> Confusion:
        """Return the sums for that many thresholds.

        Args:
            exceeded: how many thresholds each prediction exceeds.
            labels: bool.
            weights: of the predictions.
        """
        above, below = [], []
        for chosen in (labels, ~labels):
            found = np.bincount(exceeded.ravel(), (weights * chosen).ravel(), size + 1)
            above.append(np.cumsum(found[::-1])[::-1][1:])
            below.append(np.cumsum(found)[:-1])
        return cls(above[0], above[1], below[1], below[0])


class AtThresholds(Metric):
    """The base of metrics of a confusion matrix: predictions are positive above thresholds, among
    the top `top_k` of a step, of class `class_id` alone. Mask in: see `Metric`."""

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        if thresholds is None:
            limits: list[float] = [0.5 if top_k is None else -np.inf]
        else:
            limits = [thresholds] if isinstance(thresholds, int | float) else list(thresholds)
            check_thresholds(type(self).__name__, limits)
        self.thresholds = thresholds
        self.limits = np.asarray(limits, np.float64)
        self.top_k = None if top_k is None else positive(type(self).__name__, "top_k", top_k)
        self.class_id = class_id

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        by_step = self.top_k is not None or self.class_id is not None
        kind = vectors if by_step else elements
        return kind(self.name, y_true, y_pred, sample_weight, mask)

    def add(self, steps: Steps) -> None:
        labels, scores, weights = steps.y_true != 0, steps.y_pred, steps.weights
        # as in a comparison, NaN exceeds nothing
        chosen = ~np.isnan(scores)
        if self.top_k is not None:
            order = np.argsort(-scores, axis=-1, kind="stable")
            np.put_along_axis(chosen, order[:, self.top_k :], False, axis=-1)
        if self.class_id is not None:
            _check_class(self.name, self.class_id, scores)
            labels, scores, chosen = (x[:, self.class_id] for x in (labels, scores, chosen))
        if scores.ndim == 2:
            weights = weights[:, None]
        order = np.argsort(self.limits, kind="stable")
        exceeded = np.where(chosen, exceeded_by(scores, self.limits[order]), 0)
        found = Confusion.of(exceeded, labels, weights, len(order))
        for name, sums in found._asdict().items():
            placed = np.empty_like(sums)
            placed[order] = sums
            self.count(name, placed)

    def at_thresholds(self, values: Any) -> Any:
        """Return a value for each threshold, or that for the only one."""
        values = np.broadcast_to(values, len(self.limits))
        return values[0] if len(self.limits) == 1 else values


class Precision(AtThresholds):
    """The share of positive predictions that are right, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, 0 and 1, and `y_pred` alike, (batch,
    time) or (batch, time, classes). Without a positive prediction it is 0.

    Args:
        thresholds: what a score must exceed, 0 to 1, or several; 0.5 by default.
        top_k: predict the classes of that many highest scores of a step, above `thresholds` if
            given.
        class_id: the only class that counts.
        name, dtype: see `Metric`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.Precision, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.7, 0.8]], [[True, True, False]])
        >>> metrics.Precision()([[1, 0, -1]], y_pred)
        0.5
    """

    def value(self, sums: dict[Any, Any]) -> Any:
        return self.at_thresholds(precision(sums))


class Recall(AtThresholds):
    """The share of positive labels that are predicted, of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `Precision`. Without a positive label it
    is 0.

    Args:
        thresholds, top_k, class_id: as for `Precision`.
        name, dtype: see `Metric`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.Recall, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.2, 0.1]], [[True, True, False]])
        >>> metrics.Recall()([[1, 1, 1]], y_pred)
        0.5
    """

    def value(self, sums: dict[Any, Any]) -> Any:
        return self.at_thresholds(recall(sums))


def precision(sums: dict[Any, Any]) -> np.ndarray:
    """Return the share of positive predictions that are right."""
    hits = sums["true_positives"]
    return ratio(hits, hits + sums["false_positives"])


def recall(sums: dict[Any, Any]) -> np.ndarray:
    """Return the share of positive labels that are predicted, also called sensitivity."""
    hits = sums["true_positives"]
    return ratio(hits, hits + sums["false_negatives"])


def specificity(sums: dict[Any, Any]) -> np.ndarray:
    """Return the share of negative labels that are predicted."""
    hits = sums["true_negatives"]
    return ratio(hits, hits + sums["false_positives"])


def exceeded_by(scores: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return how many limits, in rising order, each score exceeds, compared in its own dtype."""
    limits = limits.astype(scores.dtype) if scores.dtype.kind == "f" else limits
    return np.asarray(np.searchsorted(limits, scores, side="left"))


def check_thresholds(owner: str, thresholds: Sequence[float]) -> None:
    wrong = [t for t in thresholds if not 0 <= t <= 1]
    if wrong:
        raise ArgumentError(
            explain(f"{owner}: a threshold is out of range", received=wrong[0], expected="0 to 1")
        )


def _check_class(owner: str, class_id: Any, scores: np.ndarray) -> None:
    if not isinstance(class_id, int) or not 0 <= class_id < scores.shape[-1]:
        raise ArgumentError(
            explain(
                f"{owner}: there is no class class_id",
                received=repr(class_id),
                expected=f"an integer from 0 to {scores.shape[-1] - 1}",
            )
        )
