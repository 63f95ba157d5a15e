"""Precision and recall of classes in one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.metrics.base import Metric, one_of, ratio
from maskgraph.metrics.gathering import Steps, vectors

AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """The harmonic mean of precision and recall, the latter `beta` times as important, of the
    steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, 0 and 1, and `y_pred` (batch, time,
    classes). A class that is neither true nor predicted has 0.

    Args:
        average: None for one score a class, "micro" for that of all together, "macro" for their
            mean, "weighted" for that weighed by how often each class is true.
        beta: > 0.
        threshold: what a score must exceed, 0 < threshold <= 1; None to predict the class of the
            highest.
        name, dtype: see `Metric`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.FBetaScore, 3.15, which ignores masks and takes no axis of time.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.9, 0.1], [0.8, 0.2], [9.0, 9.0]]], [[True, True, False]])
        >>> metrics.FBetaScore(beta=2.0)([[[1, 0], [0, 1], [0, 0]]], y_pred).round(4)
        array([0.8333, 0.    ])
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self.average = one_of(type(self).__name__, "average", average, AVERAGES)
        _check_range(type(self).__name__, "beta", beta, np.inf)
        if threshold is not None:
            _check_range(type(self).__name__, "threshold", threshold, 1)
        self.beta = beta
        self.threshold = threshold

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return vectors(self.name, y_true, y_pred, sample_weight, mask)

    def add(self, steps: Steps) -> None:
        truth, weights = steps.y_true.astype(np.float64), steps.weights[:, None]
        predicted = self._predicted(steps.y_pred).astype(np.float64)
        self.count("right", np.sum(weights * predicted * truth, axis=0))
        self.count("predicted", np.sum(weights * predicted, axis=0))
        self.count("true", np.sum(weights * truth, axis=0))

    def _predicted(self, scores: np.ndarray) -> np.ndarray:
        if self.threshold is not None:
            return scores > self.threshold
        best = scores.max(axis=-1, keepdims=True, initial=-np.inf)
        return np.asarray((scores >= best) & (np.abs(scores) > 1e-9))

    def value(self, sums: dict[Any, Any]) -> Any:
        return averaged(sums["right"], sums["predicted"], sums["true"], self.average, self.beta)


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, 0 and 1, and `y_pred` (batch, time,
    classes). A class that is neither true nor predicted has 0.

    Args:
        average, threshold: as for `FBetaScore`.
        name, dtype: see `Metric`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.F1Score, 3.15, which ignores masks and takes no axis of time.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.9, 0.1], [0.8, 0.2], [9.0, 9.0]]], [[True, True, False]])
        >>> metrics.F1Score()([[[1, 0], [0, 1], [0, 0]]], y_pred).round(4)
        array([0.6667, 0.    ])
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)


def averaged(right: Any, predicted: Any, true: Any, average: str | None, beta: float = 1.0) -> Any:
    """Return the F-score of each class, or what `average` makes of them.

    Args:
        right, predicted, true: how often each class is both predicted and true, and either.
    """
    if average == "micro":
        right, predicted, true = (np.sum(x) for x in (right, predicted, true))
    scores = ratio((1 + beta**2) * np.asarray(right), beta**2 * np.asarray(true) + predicted)
    if average == "macro":
        return np.mean(scores) if scores.size else 0.0
    if average == "weighted":
        return ratio(np.sum(scores * true), np.sum(true))
    return scores


def _check_range(owner: str, name: str, value: float, highest: float) -> None:
    if not 0 < value <= highest:
        raise ArgumentError(
            explain(
                f"{owner}: {name} out of range",
                received=repr(value),
                expected="> 0" if highest == np.inf else f"> 0 and <= {highest}",
            )
        )
