"""Losses of numbers of any size: errors in proportion to what they should be."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.losses.base import Loss
from maskgraph.losses.fitting import elements
from maskgraph.losses.regression import EPSILON


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of 100 |y_true - y_pred| / |y_true| over the last axis, for each step. Mask out:
    of the steps that exist in both."""
    y_true, y_pred = elements("mean_absolute_percentage_error", y_true, y_pred)
    share = ops.abs(y_true - y_pred) / ops.maximum(ops.abs(y_true), EPSILON)
    return 100.0 * ops.mean(share, axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of (log(1 + y_true) - log(1 + y_pred))² over the last axis, for each step;
    negative numbers count as 0. Mask out: of the steps that exist in both."""
    y_true, y_pred = elements("mean_squared_logarithmic_error", y_true, y_pred)
    first, second = (ops.log(ops.maximum(x, EPSILON) + 1.0) for x in (y_pred, y_true))
    return ops.mean(ops.square(first - second), axis=-1)


class MeanAbsolutePercentageError(Loss):
    """The mean absolute error of the steps that exist, in percent of what it should be.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.MeanAbsolutePercentageError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[1.0, 5.0, 9.0]], [[True, True, False]])
        >>> float(losses.MeanAbsolutePercentageError()([[2.0, 4.0, 0.0]], y_pred))
        37.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_absolute_percentage_error(y_true, y_pred)


class MeanSquaredLogarithmicError(Loss):
    """The mean squared difference of log(1 + x) of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.MeanSquaredLogarithmicError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[3.0, float("nan")]], [[True, False]])
        >>> float(losses.MeanSquaredLogarithmicError()([[3.0, -1.0]], y_pred))
        0.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_squared_logarithmic_error(y_true, y_pred)
