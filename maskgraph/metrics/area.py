"""The area under curves of true and false positives, as the threshold falls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.metrics.base import Metric, one_of, ratio
from maskgraph.metrics.confusion import Confusion, check_thresholds, exceeded_by
from maskgraph.metrics.gathering import Steps, elements, vectors

_MARGIN = 1e-7
"""How far the outer thresholds are beyond 0 and 1, as in Keras."""


class AUC(Metric):
    """The area under a curve of true and false positives as the threshold falls, of the steps
    that exist; approximated by sums over thresholds.

    Mask in: masked steps do not count. Shapes: `y_true`, 0 and 1, and `y_pred`, 0 to 1, alike,
    (batch, time) or (batch, time, labels).

    Args:
        num_thresholds: how many, evenly from 0 to 1.
        curve: "ROC", "PR" (precision and recall) or "PRGAIN".
        summation_method: "interpolation", "majoring" or "minoring".
        name, dtype: see `Metric`.
        thresholds: those between 0 and 1, in place of `num_thresholds`.
        multi_label: whether each label has a curve of its own, whose areas are averaged.
        num_labels: how many labels, checked with `multi_label`.
        label_weights: of the labels.
        from_logits: whether `y_pred` is to be put through a sigmoid.

    Raises:
        ArgumentError: for an argument out of range.

    Source: Davis and Goadrich, 2006, https://doi.org/10.1145/1143844.1143874
    Agrees with: keras.metrics.AUC, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.2, 0.1]], [[True, True, False]])
        >>> metrics.AUC()([[1, 0, 1]], y_pred)
        1.0
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self.curve = one_of("AUC", "curve", str(curve).upper(), ("ROC", "PR", "PRGAIN"))
        methods = ("interpolation", "majoring", "minoring")
        method = str(summation_method).lower()
        self.summation_method = one_of("AUC", "summation_method", method, methods)
        if thresholds is None and num_thresholds < 2:
            raise ArgumentError(
                explain("AUC: too few thresholds", received=num_thresholds, expected=">= 2")
            )
        self.num_thresholds = num_thresholds
        self.thresholds = thresholds
        if thresholds is None:
            between = np.arange(1, num_thresholds - 1) / (num_thresholds - 1)
        else:
            check_thresholds("AUC", thresholds)
            between = np.sort(np.asarray(thresholds, np.float64))
        self.limits = np.concatenate([[-_MARGIN], between, [1 + _MARGIN]])
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = label_weights
        self.from_logits = from_logits

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        kind = vectors if self.multi_label or self.label_weights is not None else elements
        return kind(self.name, y_true, y_pred, sample_weight, mask)

    def add(self, steps: Steps) -> None:
        labels, scores, weights = (x[:, None] if x.ndim == 1 else x for x in steps)
        self._check_labels(scores)
        if self.from_logits:
            scores = 1 / (1 + np.exp(-np.clip(scores.astype(np.float64), -700, 700)))
        if self.label_weights is not None and not self.multi_label:
            weights = weights * np.asarray(self.label_weights, np.float64)
        weights = np.broadcast_to(weights, scores.shape)
        if not self.multi_label:
            labels, scores, weights = (x.reshape(-1, 1) for x in (labels, scores, weights))
        exceeded = exceeded_by(np.clip(scores, 0, 1), self.limits)
        columns = zip(exceeded.T, (labels != 0).T, weights.T, strict=True)
        found = [Confusion.of(*column, len(self.limits)) for column in columns]
        for name in ("true_positives", "false_positives"):
            self.count(name, np.stack([getattr(c, name) for c in found], axis=-1))

    def value(self, sums: dict[Any, Any]) -> Any:
        """Return the area. At the first threshold, below 0, all is predicted."""
        tp, fp = sums["true_positives"], sums["false_positives"]
        if np.ndim(tp) == 0:
            return 0.0
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated(tp, fp)
        else:
            x, y = self._curve(tp, fp)
            heights = {
                "interpolation": (y[:-1] + y[1:]) / 2,
                "minoring": np.minimum(y[:-1], y[1:]),
                "majoring": np.maximum(y[:-1], y[1:]),
            }[self.summation_method]
            areas = np.sum((x[:-1] - x[1:]) * heights, axis=0)
        if self.label_weights is None or not self.multi_label:
            return np.mean(areas)
        shares = np.asarray(self.label_weights, np.float64)
        return ratio(np.sum(areas * shares), np.sum(shares))

    def _curve(self, tp: np.ndarray, fp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        recall = ratio(tp, tp[0])
        if self.curve == "ROC":
            return ratio(fp, fp[0]), recall
        if self.curve == "PR":
            return recall, ratio(tp, tp + fp)
        scale = ratio(tp[0], fp[0])
        some = tp > 0
        recall_gain = np.where(some, 1 - scale * ratio(tp[0] - tp, tp), 0)
        return np.maximum(recall_gain, 0), np.where(some, 1 - scale * ratio(fp, tp), 1)

    def _check_labels(self, scores: np.ndarray) -> None:
        expected = self.num_labels
        if self.label_weights is not None:
            expected = len(self.label_weights)
        if expected is not None and scores.shape[1] != expected:
            raise ShapeError(
                explain("AUC: wrong number of labels", received=scores.shape[1], expected=expected)
            )


def _interpolated(tp: np.ndarray, fp: np.ndarray) -> np.ndarray:
    """The area under precision and recall, where between two thresholds true positives are linear
    in all positives."""
    every = tp + fp
    slope = ratio(tp[:-1] - tp[1:], np.maximum(every[:-1] - every[1:], 0))
    intercept = tp[1:] - slope * every[1:]
    both = (every[:-1] > 0) & (every[1:] > 0)
    growth = np.where(both, ratio(every[:-1], every[1:]), 1)
    part = slope * (tp[:-1] - tp[1:] + intercept * np.log(growth))
    return np.asarray(np.sum(ratio(part, tp[0]), axis=0))
