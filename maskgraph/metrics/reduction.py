"""Sums and means of numbers, and of what each step gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from maskgraph.metrics.base import Metric, ratio
from maskgraph.metrics.gathering import Steps


class Sum(Metric):
    """The sum of the values that exist, each times its weight.

    Mask in: masked values do not count. Called as `update_state(values, sample_weight=None,
    mask=None)`, on values of any shape.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.Sum, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> metrics.Sum()(MaskedTensor([[1.0, 2.0, float("nan")]], [[True, True, False]]))
        3.0
    """

    def __init__(self, name: str = "sum", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def update_state(  # type: ignore[override]
        self, values: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Count the values that exist."""
        self.add(self.gather(values, values, sample_weight, mask))

    def add(self, steps: Steps) -> None:
        self.count("total", np.sum(steps.y_pred.astype(np.float64) * steps.weights))

    def value(self, sums: dict[Any, Any]) -> Any:
        return sums["total"]


class Mean(Metric):
    """The mean of the values that exist, each counted by its weight.

    Mask in: masked values do not count. Called as `update_state(values, sample_weight=None,
    mask=None)`, on values of any shape.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.Mean, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> metrics.Mean()(MaskedTensor([[1.0, 2.0, float("nan")]], [[True, True, False]]))
        1.5
    """

    def __init__(self, name: str = "mean", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def update_state(  # type: ignore[override]
        self, values: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Count the values that exist."""
        self.add(self.gather(values, values, sample_weight, mask))

    def add(self, steps: Steps) -> None:
        self.count("total", np.sum(steps.y_pred.astype(np.float64) * steps.weights))
        self.count("weights", np.sum(steps.weights))

    def value(self, sums: dict[Any, Any]) -> Any:
        return ratio(sums["total"], sums["weights"])


class MeanOfSteps(Metric):
    """The base of metrics that are the mean of what each step gives, counted by its weight: a
    subclass implements `measured(steps)`, a number for each step. Mask in: see `Metric`."""

    def measured(self, steps: Steps) -> Any:
        """Return what each step gives."""
        raise NotImplementedError

    def add(self, steps: Steps) -> None:
        measured = np.asarray(self.measured(steps), np.float64)
        self.count("total", np.sum(measured * steps.weights))
        self.count("weights", np.sum(steps.weights))

    def value(self, sums: dict[Any, Any]) -> Any:
        return ratio(sums["total"], sums["weights"])


def loss_of(function: Callable[..., Any], steps: Steps, **arguments: Any) -> np.ndarray:
    """Return a loss of each step, in float64."""
    y_true, y_pred = steps.y_true, steps.y_pred.astype(np.float64)
    if y_pred.ndim == 1:  # each element is a step
        y_true, y_pred = y_true[:, None], y_pred[:, None]
    return np.asarray(function(y_true, y_pred, **arguments))
