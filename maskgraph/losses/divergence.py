"""Losses of distributions and of counts."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.losses.base import Loss
from maskgraph.losses.fitting import elements, vectors
from maskgraph.losses.regression import EPSILON


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """The sum of y_true * log(y_true / y_pred) over the last axis, for each step. Mask out: of
    the steps that exist in both.

    Source: Kullback and Leibler, 1951, https://doi.org/10.1214/aoms/1177729694
    """
    y_true, y_pred = vectors("kl_divergence", y_true, y_pred)
    y_true, y_pred = (ops.clip(x, EPSILON, 1) for x in (y_true, y_pred))
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """The mean of y_pred - y_true * log(y_pred) over the last axis, for each step. Mask out: of
    the steps that exist in both."""
    y_true, y_pred = elements("poisson", y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + EPSILON), axis=-1)


class KLDivergence(Loss):
    """The Kullback-Leibler divergence of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred`, probabilities (batch, time,
    classes).

    Args:
        reduction, name, dtype: see `Loss`.

    Source: Kullback and Leibler, 1951, https://doi.org/10.1214/aoms/1177729694
    Agrees with: keras.losses.KLDivergence, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[[0.5, 0.5], [9.0, 9.0]]], [[True, False]])
        >>> round(float(losses.KLDivergence()([[[1.0, 0.0], [0.0, 0.0]]], y_pred)), 4)
        0.6931
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "kl_divergence",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return kl_divergence(y_true, y_pred)


class Poisson(Loss):
    """Minus the log-likelihood of counts, up to a constant, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, counts, and `y_pred`, rates (batch,
    time, features), or (batch, time) with a mask of (batch, time).

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.Poisson, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[1.0, float("nan")]], [[True, False]])
        >>> round(float(losses.Poisson()([[3, -1]], y_pred)), 4)
        1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "poisson",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return poisson(y_true, y_pred)
