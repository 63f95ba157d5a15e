"""How many steps are right."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph.metrics.base import positive
from maskgraph.metrics.gathering import Steps, best, check_labels, classes, vectors
from maskgraph.metrics.reduction import MeanOfSteps


class Accuracy(MeanOfSteps):
    """The share of predictions that equal the labels, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred` alike, (batch, time).

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.Accuracy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> metrics.Accuracy()([[1, 2, -1]], MaskedTensor([[1, 3, -1]], [[True, True, False]]))
        0.5
    """

    def __init__(self, name: str = "accuracy", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> Any:
        return steps.y_true == steps.y_pred


class BinaryAccuracy(MeanOfSteps):
    """The share of labels 0 and 1 that probabilities are on the right side for, of the steps that
    exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred` alike, (batch, time) or
    (batch, time, labels).

    Args:
        name, dtype: see `Metric`.
        threshold: what a probability must exceed to mean 1.

    Agrees with: keras.metrics.BinaryAccuracy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.2, 0.7]], [[True, True, False]])
        >>> metrics.BinaryAccuracy()([[1, 1, -1]], y_pred)
        0.5
    """

    def __init__(
        self, name: str = "binary_accuracy", dtype: str | None = None, threshold: float = 0.5
    ) -> None:
        super().__init__(dtype, name)
        self.threshold = threshold

    def measured(self, steps: Steps) -> Any:
        return steps.y_true == (steps.y_pred > self.threshold)


class CategoricalAccuracy(MeanOfSteps):
    """The share of steps whose class is given the highest score, of those that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, one-hot, and `y_pred` (batch, time,
    classes).

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.CategoricalAccuracy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.1, 0.9], [0.5, 0.1]]], [[True, False]])
        >>> metrics.CategoricalAccuracy()([[[0, 1], [0, 1]]], y_pred)
        1.0
    """

    def __init__(self, name: str = "categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return vectors(self.name, y_true, y_pred, sample_weight, mask)

    def measured(self, steps: Steps) -> Any:
        return best(steps.y_true) == best(steps.y_pred)


class SparseCategoricalAccuracy(MeanOfSteps):
    """The share of steps whose class is given the highest score, of those that exist.

    Mask in: masked steps do not count, and their labels, -1 or any other, are not looked at.
    Shapes: `y_true`, integers (batch, time) or (batch, time, 1), `y_pred` (batch, time, classes).

    Args:
        name, dtype: see `Metric`.

    Raises:
        VocabularyError: for a label that is no class, at a step that exists.

    Agrees with: keras.metrics.SparseCategoricalAccuracy, 3.15, which counts such a step as wrong.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.1, 0.9], [0.5, 0.1]]], [[True, False]])
        >>> metrics.SparseCategoricalAccuracy()([[1, -1]], y_pred)
        1.0
    """

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return classes(self.name, y_true, y_pred, sample_weight, mask)

    def measured(self, steps: Steps) -> Any:
        return check_labels(self.name, steps.y_true, steps.y_pred.shape[-1]) == best(steps.y_pred)


class TopKCategoricalAccuracy(MeanOfSteps):
    """The share of steps whose class is among the `k` of the highest scores, of those that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, one-hot, and `y_pred` (batch, time,
    classes). A score as high as the last of the `k` is among them.

    Args:
        k: how many.
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.TopKCategoricalAccuracy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.1, 0.6, 0.3], [9.0, 9.0, 9.0]]], [[True, False]])
        >>> metrics.TopKCategoricalAccuracy(k=2)([[[0, 0, 1], [0, 0, 1]]], y_pred)
        1.0
    """

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: str | None = None
    ) -> None:
        super().__init__(dtype, name)
        self.k = positive(type(self).__name__, "k", k)

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return vectors(self.name, y_true, y_pred, sample_weight, mask)

    def measured(self, steps: Steps) -> Any:
        return _in_top_k(best(steps.y_true), steps.y_pred, self.k)


class SparseTopKCategoricalAccuracy(MeanOfSteps):
    """The share of steps whose class is among the `k` of the highest scores, of those that exist.

    Mask in: masked steps do not count, and their labels, -1 or any other, are not looked at.
    Shapes: `y_true`, integers (batch, time) or (batch, time, 1), `y_pred` (batch, time, classes).

    Args:
        k: how many.
        name, dtype: see `Metric`.
        from_sorted_ids: whether `y_pred` holds classes, best first, rather than scores.

    Raises:
        VocabularyError: for a label that is no class, at a step that exists.

    Agrees with: keras.metrics.SparseTopKCategoricalAccuracy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.1, 0.6, 0.3], [9.0, 9.0, 9.0]]], [[True, False]])
        >>> metrics.SparseTopKCategoricalAccuracy(k=2)([[2, -1]], y_pred)
        1.0
    """

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: str | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self.k = positive(type(self).__name__, "k", k)
        self.from_sorted_ids = from_sorted_ids

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return classes(self.name, y_true, y_pred, sample_weight, mask)

    def measured(self, steps: Steps) -> Any:
        if self.from_sorted_ids:
            return np.asarray((steps.y_true[:, None] == steps.y_pred[:, : self.k]).any(axis=-1))
        labels = check_labels(self.name, steps.y_true, steps.y_pred.shape[-1])
        return _in_top_k(labels, steps.y_pred, self.k)


def _in_top_k(labels: np.ndarray, scores: np.ndarray, k: int) -> np.ndarray:
    if not len(scores):
        return np.zeros(0, bool)
    own = np.take_along_axis(scores, labels[:, None], axis=-1)
    return np.asarray((scores > own).sum(axis=-1) < k)
