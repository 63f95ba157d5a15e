"""Right and wrong yeses and noes, at thresholds: precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.metrics.base import Metric, ratio
from maskgraph.metrics.gathering import Steps, elements, vectors

Thresholds = float | Sequence[float] | None


class AtThresholds(Metric):
    """The base of `Precision` and `Recall`: predictions are yes above thresholds, among the top
    `top_k` of a step, of class `class_id` alone. Mask in: see `Metric`."""

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
            check_thresholds(self.name, limits)
        self.thresholds = thresholds
        self.limits = limits
        self.top_k = top_k
        self.class_id = class_id

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        by_step = self.top_k is not None or self.class_id is not None
        kind = vectors if by_step else elements
        return kind(self.name, y_true, y_pred, sample_weight, mask)

    def add(self, steps: Steps) -> None:
        yes, scores, weights = steps.y_true != 0, steps.y_pred, steps.weights
        chosen = np.ones(scores.shape, bool)
        if self.top_k is not None:
            order = np.argsort(-scores, axis=-1, kind="stable")
            np.put_along_axis(chosen, order[:, self.top_k :], False, axis=-1)
        if self.class_id is not None:
            _check_class(self.name, self.class_id, scores)
            yes, scores, chosen = (x[:, self.class_id] for x in (yes, scores, chosen))
        if scores.ndim == 2:
            weights = weights[:, None]
        weights = np.broadcast_to(weights, scores.shape)
        said = [chosen & (scores > limit) for limit in self.limits]
        self.count("right", np.array([np.sum(weights[s & yes]) for s in said]))
        self.count("said", np.array([np.sum(weights[s]) for s in said]))
        self.count("true", np.sum(weights[yes]))

    def share(self, right: Any, of: Any) -> Any:
        """Return a share at each threshold, or at the only one."""
        shares = np.broadcast_to(ratio(right, of), len(self.limits))
        return shares[0] if len(self.limits) == 1 else shares


class Precision(AtThresholds):
    """The share of what is predicted that is true, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, 0 and 1, and `y_pred` alike, (batch,
    time) or (batch, time, classes). Where nothing is predicted it is 0.

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
        return self.share(sums["right"], sums["said"])


class Recall(AtThresholds):
    """The share of what is true that is predicted, of the steps that exist.

    Mask in: masked steps do not count. Shapes and arguments: as for `Precision`. Where nothing is
    true it is 0.

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
        return self.share(sums["right"], sums["true"])


def check_thresholds(owner: str, thresholds: Sequence[float]) -> None:
    wrong = [t for t in thresholds if not 0 <= t <= 1]
    if wrong:
        raise ArgumentError(
            explain(f"{owner}: a threshold is out of range", received=wrong[0], expected="0 to 1")
        )


def _check_class(owner: str, class_id: int, scores: np.ndarray) -> None:
    if not 0 <= class_id < scores.shape[-1]:
        raise ArgumentError(
            explain(
                f"{owner}: there is no class class_id",
                received=class_id,
                expected=f"0 to {scores.shape[-1] - 1}",
            )
        )
