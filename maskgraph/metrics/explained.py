"""How much of what varies is explained."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.metrics.base import Metric, one_of, ratio
from maskgraph.metrics.gathering import Steps, vectors


class R2Score(Metric):
    """The share of the variance of the steps that exist which predictions explain.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred` (batch, time, features), or
    (batch, time) with a mask of (batch, time). Where what is to be predicted does not vary, the
    score is 1 if it is met, else 0.

    Args:
        class_aggregation: "uniform_average" for the mean over features,
            "variance_weighted_average" for that weighed by their variance, None for all.
        num_regressors: for the adjusted score; 0 for the standard one.
        name, dtype: see `Metric`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.R2Score, 3.15, which ignores masks, gives NaN where a constant is
    met, and adjusts by the number of elements, not of steps.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[1.0, 2.0, 4.0, 9.0]], [[True, True, True, False]])
        >>> metrics.R2Score()([[1.0, 2.0, 3.0, 0.0]], y_pred)
        0.5
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        allowed = ("uniform_average", "variance_weighted_average", None)
        self.class_aggregation = one_of("R2Score", "class_aggregation", class_aggregation, allowed)
        if num_regressors < 0:
            raise ArgumentError(
                explain(
                    "R2Score: num_regressors out of range", received=num_regressors, expected=">= 0"
                )
            )
        self.num_regressors = num_regressors

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return vectors(self.name, y_true, y_pred, sample_weight, mask, numbers=True)

    def add(self, steps: Steps) -> None:
        if not len(steps.weights):
            return
        truth, pred = steps.y_true.astype(np.float64), steps.y_pred.astype(np.float64)
        weights = steps.weights[:, None]
        self.count("steps", len(truth))
        self.count("residual", np.sum(weights * np.square(truth - pred), axis=0))
        # means and deviations of two parts are joined, which loses nothing to cancellation
        number, mean = np.sum(weights), ratio(np.sum(weights * truth, axis=0), np.sum(weights))
        old, whole = self.sums["weights"], self.sums["weights"] + number
        apart = mean - self.sums["mean"]
        own = np.sum(weights * np.square(truth - mean), axis=0)
        self.count("deviation", own + np.square(apart) * ratio(old * number, whole))
        self.count("mean", apart * ratio(number, whole))
        self.count("weights", number)

    def value(self, sums: dict[Any, Any]) -> Any:
        residual, deviation = np.atleast_1d(sums["residual"]), np.atleast_1d(sums["deviation"])
        if not sums["steps"]:
            return 0.0 if self.class_aggregation else np.zeros_like(residual)
        scores: Any = np.where(deviation > 0, 1 - ratio(residual, deviation), residual == 0)
        if self.class_aggregation == "uniform_average":
            scores = np.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ratio(np.sum(deviation * scores), np.sum(deviation))
        freedom = sums["steps"] - self.num_regressors - 1
        if self.num_regressors and freedom > 0:
            scores = 1 - (1 - scores) * (sums["steps"] - 1) / freedom
        return scores
