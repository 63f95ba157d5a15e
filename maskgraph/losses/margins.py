"""Losses of margins: predictions beyond the margin cost nothing."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.losses.base import Loss
from maskgraph.losses.fitting import elements, vectors


def hinge(y_true: Any, y_pred: Any) -> Any:
    """The mean of max(1 - y_true * y_pred, 0) over the last axis, for each step. Labels are -1
    and 1; if all that exist are 0 and 1, they are taken so. Mask out: of the steps in both."""
    return ops.mean(_missing(*elements("hinge", y_true, y_pred)), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """The mean of max(1 - y_true * y_pred, 0)² over the last axis, for each step. Labels and
    mask out as for `hinge`."""
    return ops.mean(ops.square(_missing(*elements("squared_hinge", y_true, y_pred))), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(1 + the best wrong class - the right one, 0), for each step; `y_true` is one-hot. Mask
    out: of the steps that exist in both."""
    y_true, y_pred = vectors("categorical_hinge", y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.relu(wrong - right + 1.0)


def _missing(y_true: Any, y_pred: Any) -> Any:
    """What is missing to the margin."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    signs = ops.where(binary, 2.0 * y_true - 1.0, y_true)
    return ops.relu(1.0 - signs * y_pred)


class Hinge(Loss):
    """The hinge loss of the steps that exist.

    Mask in: masked steps do not count, nor for what the labels are. Shapes: `y_true` and `y_pred`
    (batch, time, features), or (batch, time) with a mask of (batch, time); labels are -1 and 1,
    or all 0 and 1.

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.Hinge, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[0.5, 0.5, 9.0]], [[True, True, False]])
        >>> float(losses.Hinge()([[1, -1, -7]], y_pred))
        1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "hinge",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return hinge(y_true, y_pred)


class SquaredHinge(Loss):
    """The squared hinge loss of the steps that exist.

    Mask in: masked steps do not count, nor for what the labels are. Shapes: as for `Hinge`.

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.SquaredHinge, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[0.5, 0.5, 9.0]], [[True, True, False]])
        >>> float(losses.SquaredHinge()([[1, -1, -7]], y_pred))
        1.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "squared_hinge",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return squared_hinge(y_true, y_pred)


class CategoricalHinge(Loss):
    """The hinge loss between the right class and the best wrong one, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, one-hot, and `y_pred` (batch, time,
    classes).

    Args:
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.CategoricalHinge, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[[0.5, 0.25], [9.0, 9.0]]], [[True, False]])
        >>> float(losses.CategoricalHinge()([[[1, 0], [0, 0]]], y_pred))
        0.75
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_hinge",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return categorical_hinge(y_true, y_pred)
