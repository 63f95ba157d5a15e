"""Losses of numbers: how far predictions are from what they should be."""

from __future__ import annotations

import math
from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.losses.base import Loss
from maskgraph.losses.fitting import elements, vectors

EPSILON = 1e-7
"""Keras's, which keeps logarithms and quotients finite."""


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of (y_true - y_pred)² over the last axis, for each step. Mask out: of the steps
    that exist in both."""
    y_true, y_pred = elements("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """The mean of |y_true - y_pred| over the last axis, for each step. Mask out: of the steps
    that exist in both."""
    y_true, y_pred = elements("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """The mean over the last axis of a loss that is quadratic up to `delta` and linear beyond,
    for each step. Mask out: of the steps that exist in both.

    Source: Huber, 1964, https://doi.org/10.1214/aoms/1177703732
    """
    y_true, y_pred = elements("huber", y_true, y_pred)
    error = ops.abs(y_pred - y_true)
    near, far = 0.5 * ops.square(error), delta * error - 0.5 * delta**2
    return ops.mean(ops.where(error <= delta, near, far), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """The mean of log(cosh(y_pred - y_true)) over the last axis, for each step. Mask out: of the
    steps that exist in both."""
    y_true, y_pred = elements("log_cosh", y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between vectors along `axis`, for each step; 0 for a vector
    of zeros. Mask out: of the steps that exist in both."""
    y_true, y_pred = vectors("cosine_similarity", y_true, y_pred, axis)
    return -ops.sum(_unit(y_true, axis) * _unit(y_pred, axis), axis=axis)


def _unit(x: Any, axis: int) -> Any:
    length = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(length, EPSILON**2))


class MeanSquaredError(Loss):
    """The mean squared error of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred` (batch, time, features), or
    (batch, time) with a mask of (batch, time).

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.MeanSquaredError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[1.0, 5.0, float("nan")]], [[True, True, False]])
        >>> float(losses.MeanSquaredError()([[0.0, 2.0, -1.0]], y_pred))
        5.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(Loss):
    """The mean absolute error of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.MeanAbsoluteError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[1.0, 5.0, 9.0]], [[True, True, False]])
        >>> float(losses.MeanAbsoluteError()([[0.0, 2.0, 0.0]], y_pred))
        2.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_error",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return mean_absolute_error(y_true, y_pred)


class Huber(Loss):
    """The Huber loss of the steps that exist: quadratic near, linear far.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        delta: the error at which it becomes linear, > 0.
        reduction, name, dtype: see `Loss`.

    Raises:
        ArgumentError: if `delta` is not positive.

    Source: Huber, 1964, https://doi.org/10.1214/aoms/1177703732
    Agrees with: keras.losses.Huber, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[1.0, 5.0, 9.0]], [[True, True, False]])
        >>> float(losses.Huber()([[0.0, 2.0, 0.0]], y_pred))
        1.5
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        if not delta > 0:
            raise ArgumentError(
                explain("Huber: delta out of range", received=repr(delta), expected="> 0")
            )
        self.delta = delta

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return huber(y_true, y_pred, self.delta)


class LogCosh(Loss):
    """The logarithm of the hyperbolic cosine of the error, of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.LogCosh, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[2.0, float("nan")]], [[True, False]])
        >>> round(float(losses.LogCosh()([[2.0, 0.0]], y_pred)), 6)
        0.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "log_cosh",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return log_cosh(y_true, y_pred)


class CosineSimilarity(Loss):
    """Minus the cosine between vectors, of the steps that exist.

    Mask in: masked steps do not count; of the axes before `axis`. Shapes: `y_true` and `y_pred`
    (batch, time, features).

    Args:
        axis: of the vectors.
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.CosineSimilarity, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[[2.0, 0.0], [7.0, 7.0]]], [[True, False]])
        >>> float(losses.CosineSimilarity()([[[1.0, 0.0], [0.0, 0.0]]], y_pred))
        -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return cosine_similarity(y_true, y_pred, self.axis)
