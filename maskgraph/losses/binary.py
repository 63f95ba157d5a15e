"""Losses of labels that are 0 or 1."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.losses.base import Loss
from maskgraph.losses.fitting import axis_behind_mask, elements
from maskgraph.losses.regression import EPSILON


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The mean over `axis` of the cross-entropy of labels 0 and 1 with probabilities, for each
    step. Arguments as for `BinaryCrossentropy`. Mask out: of the steps that exist in both."""
    name = "binary_crossentropy"
    y_true, y_pred = elements(name, y_true, y_pred)
    axis_behind_mask(name, y_pred, axis)
    y_true = smoothed(name, y_true, label_smoothing, 2)
    return ops.mean(_binary(y_true, y_pred, from_logits), axis=axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The mean over `axis` of the binary cross-entropy, each element weighed by how wrong it is,
    for each step. Arguments as for `BinaryFocalCrossentropy`. Mask out: of the steps in both.

    Source: Lin et al., 2017, https://arxiv.org/abs/1708.02002
    """
    name = "binary_focal_crossentropy"
    y_true, y_pred = elements(name, y_true, y_pred)
    axis_behind_mask(name, y_pred, axis)
    y_true = smoothed(name, y_true, label_smoothing, 2)
    probability = ops.sigmoid(y_pred) if from_logits else y_pred
    wrong = 1.0 - (y_true * probability + (1.0 - y_true) * (1.0 - probability))
    loss = ops.power(wrong, gamma) * _binary(y_true, y_pred, from_logits)
    if apply_class_balancing:
        loss = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * loss
    return ops.mean(loss, axis=axis)


def _binary(y_true: Any, y_pred: Any, from_logits: bool) -> Any:
    if from_logits:
        return ops.softplus(y_pred) - y_true * y_pred
    probability = ops.clip(y_pred, EPSILON, 1 - EPSILON)
    return -(y_true * ops.log(probability) + (1.0 - y_true) * ops.log(1.0 - probability))


def smoothed(name: str, y_true: Any, amount: float, number: int) -> Any:
    """Give a part of what the labels say to all classes alike."""
    if not 0 <= amount <= 1:
        raise ArgumentError(
            explain(f"{name}: label_smoothing out of range", received=amount, expected="0 to 1")
        )
    return y_true * (1.0 - amount) + amount / number if amount else y_true


class BinaryCrossentropy(Loss):
    """The cross-entropy of labels 0 and 1 with probabilities, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred` (batch, time, labels), or
    (batch, time) with a mask of (batch, time).

    Args:
        from_logits: whether `y_pred` is to be put through a sigmoid.
        label_smoothing: how much of each label is given to both classes alike, 0 to 1.
        axis: over which the mean is taken for each step.
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.BinaryCrossentropy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[0.5, 0.5, 7.0]], [[True, True, False]])
        >>> round(float(losses.BinaryCrossentropy()([[0, 1, -1]], y_pred)), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return binary_crossentropy(
            y_true, y_pred, self.from_logits, self.label_smoothing, self.axis
        )


class BinaryFocalCrossentropy(Loss):
    """The binary cross-entropy of the steps that exist, each element weighed by how wrong it is.

    Mask in: masked steps do not count. Shapes: as for `BinaryCrossentropy`.

    Args:
        apply_class_balancing: whether class 1 is weighed by `alpha`, class 0 by 1 - `alpha`.
        alpha: the weight of class 1.
        gamma: the power of how wrong it is.
        from_logits, label_smoothing, axis: as for `BinaryCrossentropy`.
        reduction, name, dtype: see `Loss`.

    Source: Lin et al., 2017, https://arxiv.org/abs/1708.02002
    Agrees with: keras.losses.BinaryFocalCrossentropy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[0.5, 0.5, 7.0]], [[True, True, False]])
        >>> round(float(losses.BinaryFocalCrossentropy()([[0, 1, -1]], y_pred)), 4)
        0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return binary_focal_crossentropy(
            y_true,
            y_pred,
            self.apply_class_balancing,
            self.alpha,
            self.gamma,
            self.from_logits,
            self.label_smoothing,
            self.axis,
        )
