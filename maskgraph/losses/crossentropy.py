"""Losses of classes: minus the logarithm of the probability that the right ones were given."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.losses.base import Loss
from maskgraph.losses.binary import smoothed
from maskgraph.losses.fitting import canonical_axis, classes, vectors
from maskgraph.losses.regression import EPSILON
from maskgraph.masks import MaskedTensor
from maskgraph.ops.operands import spec_of


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """The cross-entropy of two distributions along `axis`, for each step. Arguments as for
    `CategoricalCrossentropy`. Mask out: of the steps that exist in both."""
    name = "categorical_crossentropy"
    y_true, y_pred = vectors(name, y_true, y_pred, axis)
    y_true = smoothed(name, y_true, label_smoothing, _number_of_classes(name, y_pred, axis))
    if from_logits:
        logarithms = ops.log_softmax(y_pred, axis=axis)
    else:
        probabilities = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
        logarithms = ops.log(ops.clip(probabilities, EPSILON, 1 - EPSILON))
    return -ops.sum(y_true * logarithms, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """Minus the logarithm of the probability of the right class, for each step. Arguments as for
    `SparseCategoricalCrossentropy`. Mask out: of the steps that exist in both and are not
    ignored; native tensors, which cannot carry it, have zeros there."""
    loss = _sparse(y_true, y_pred, from_logits, ignore_class, axis)
    if isinstance(y_true, MaskedTensor) or isinstance(y_pred, MaskedTensor):
        return loss
    return ops.drop_mask(loss).value if isinstance(loss, MaskedTensor) else loss


def _sparse(
    y_true: Any, y_pred: Any, from_logits: bool, ignore_class: int | None, axis: int
) -> Any:
    """The loss of each step, with the mask of those that are not ignored."""
    name = "sparse_categorical_crossentropy"
    labels, y_pred = classes(name, y_true, y_pred, axis, ignore_class)
    labels = ops.check_labels(labels, _number_of_classes(name, y_pred, axis))
    right = ops.take_along_axis(y_pred, ops.expand_dims(labels, axis), axis=axis)
    right = ops.squeeze(right, axis)
    if from_logits:
        return ops.logsumexp(y_pred, axis=axis) - right
    probability = right / ops.sum(y_pred, axis=axis)
    return -ops.log(ops.clip(probability, EPSILON, 1 - EPSILON))


def _number_of_classes(name: str, y_pred: Any, axis: int) -> int:
    spec = spec_of(y_pred)
    number = spec.shape[canonical_axis(name, axis, spec.rank)]
    if number is None:
        raise ArgumentError(
            explain(
                f"{name}: the number of classes is not known",
                received=f"y_pred of shape {spec.shape}, axis={axis}",
                fix="give that axis a size, or name the axis that has the classes",
            )
        )
    return number


class CategoricalCrossentropy(Loss):
    """The cross-entropy of distributions over classes, such as one-hot labels, of the steps that
    exist.

    Mask in: masked steps do not count; of the axes before `axis`. Shapes: `y_true` and `y_pred`
    (batch, time, classes).

    Args:
        from_logits: whether `y_pred` is to be put through a softmax.
        label_smoothing: how much of each label is given to all classes alike, 0 to 1.
        axis: of the classes.
        reduction, name, dtype: see `Loss`.

    Agrees with: keras.losses.CategoricalCrossentropy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[[0.5, 0.5], [float("nan")] * 2]], [[True, False]])
        >>> round(float(losses.CategoricalCrossentropy()([[[0, 1], [9, 9]]], y_pred)), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return categorical_crossentropy(
            y_true, y_pred, self.from_logits, self.label_smoothing, self.axis
        )


class SparseCategoricalCrossentropy(Loss):
    """Minus the logarithm of the probability of the right class, of the steps that exist.

    Mask in: masked steps do not count, and their labels, -1 or any other, are never looked up.
    Shapes: `y_true`, integers (batch, time) or (batch, time, 1), `y_pred` (batch, time, classes).

    Args:
        from_logits: whether `y_pred` is to be put through a softmax.
        ignore_class: a label whose steps count as masked.
        reduction, name, dtype: see `Loss`.
        axis: of the classes.

    Raises:
        VocabularyError: for a label that is no class, at a step that counts.

    Agrees with: keras.losses.SparseCategoricalCrossentropy, 3.15, which looks up the labels of
    masked steps too: some backends refuse -1, others give NaN.

    Example:
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor([[[0.5, 0.5], [0.5, 0.5]]], [[True, False]])
        >>> round(float(losses.SparseCategoricalCrossentropy()([[1, -1]], y_pred)), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return _sparse(y_true, y_pred, self.from_logits, self.ignore_class, self.axis)
