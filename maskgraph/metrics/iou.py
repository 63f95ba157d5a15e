"""How far what is predicted and what is true overlap, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.metrics.base import Metric, positive, ratio
from maskgraph.metrics.gathering import Steps, best, check_labels, classes, elements, vectors


class IoU(Metric):
    """The mean over classes of intersection over union, of the steps that exist: of the steps of
    a class, true or predicted, the share of those that are both.

    Mask in: masked steps do not count, and their labels are not looked at. Shapes: `y_true` and
    `y_pred`, integers (batch, time) or, where not sparse, scores (batch, time, classes). A class
    that never occurs does not count.

    Args:
        num_classes: how many there are.
        target_class_ids: those of the mean.
        name, dtype: see `Metric`.
        ignore_class: a label whose steps count as masked.
        sparse_y_true, sparse_y_pred: whether they are integers rather than scores.
        axis: of the scores.

    Raises:
        VocabularyError: for a label that is no class, at a step that counts.
        ArgumentError: for a number of classes that is not positive, or a target that is no class.

    Agrees with: keras.metrics.IoU, 3.15, which ignores masks and, silently, labels that are no
    class.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0, 1, 1, 0]], [[True, True, True, False]])
        >>> metrics.IoU(num_classes=2, target_class_ids=[1])([[0, 1, 0, -1]], y_pred)
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        num_classes = positive(type(self).__name__, "num_classes", num_classes)
        wrong = [i for i in target_class_ids if not 0 <= i < num_classes]
        if wrong:
            raise ArgumentError(
                explain(
                    f"{type(self).__name__}: a target is no class",
                    received=wrong[0],
                    expected=f"0 to {num_classes - 1}",
                )
            )
        self.num_classes = num_classes
        self.target_class_ids = target_class_ids
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        rest = (sample_weight, mask, self.axis)
        if self.sparse_y_true and self.sparse_y_pred:
            return elements(self.name, y_true, y_pred, sample_weight, mask)
        if self.sparse_y_true:
            steps = classes(self.name, y_true, y_pred, *rest)
            return steps._replace(y_pred=best(steps.y_pred))
        if self.sparse_y_pred:
            steps = classes(self.name, y_pred, y_true, *rest)
            return Steps(best(steps.y_pred), steps.y_true, steps.weights)
        steps = vectors(self.name, y_true, y_pred, *rest)
        return Steps(best(steps.y_true), best(steps.y_pred), steps.weights)

    def add(self, steps: Steps) -> None:
        if self.ignore_class is not None:
            kept = steps.y_true != self.ignore_class
            steps = Steps(*(x[kept] for x in steps))
        size = self.num_classes
        truth = check_labels(self.name, steps.y_true, size)
        predicted = check_labels(self.name, steps.y_pred, size, "prediction")
        pairs = np.bincount(truth * size + predicted, steps.weights, size**2)
        self.count("pairs", pairs.reshape(size, size))

    def value(self, sums: dict[Any, Any]) -> Any:
        if np.ndim(sums["pairs"]) == 0:
            return 0.0
        both = np.diagonal(sums["pairs"])
        any_ = sums["pairs"].sum(axis=0) + sums["pairs"].sum(axis=1) - both
        targets = list(self.target_class_ids)
        occurs = any_[targets] > 0
        return ratio(np.sum(ratio(both, any_)[targets][occurs]), np.sum(occurs))


class MeanIoU(IoU):
    """The mean over all classes of intersection over union, of the steps that exist.

    Mask in: masked steps do not count, and their labels are not looked at. Shapes: as for `IoU`.

    Args:
        num_classes, ignore_class, sparse_y_true, sparse_y_pred, axis: as for `IoU`.
        name, dtype: see `Metric`.

    Raises:
        VocabularyError: for a label that is no class, at a step that counts.
        ArgumentError: for a number of classes that is not positive.

    Agrees with: keras.metrics.MeanIoU, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0, 1, 1, 0]], [[True, True, True, False]])
        >>> metrics.MeanIoU(num_classes=2)([[0, 1, 0, -1]], y_pred)
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: str | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        targets = range(positive("MeanIoU", "num_classes", num_classes))
        options = (ignore_class, sparse_y_true, sparse_y_pred, axis)
        super().__init__(num_classes, targets, name, dtype, *options)


class BinaryIoU(IoU):
    """The mean intersection over union of labels 0 and 1, of the steps that exist.

    Mask in: masked steps do not count, and their labels are not looked at. Shapes: `y_true`, 0
    and 1, and `y_pred`, probabilities, alike.

    Args:
        target_class_ids: those of the mean.
        threshold: from which on a probability means 1.
        name, dtype: see `Metric`.

    Raises:
        VocabularyError: for a label other than 0 and 1, at a step that exists.

    Agrees with: keras.metrics.BinaryIoU, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.1, 0.9, 0.7, 0.2]], [[True, True, True, False]])
        >>> metrics.BinaryIoU()([[0, 1, 0, -1]], y_pred)
        0.5
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def add(self, steps: Steps) -> None:
        super().add(steps._replace(y_pred=(steps.y_pred >= self.threshold).astype(np.int64)))
