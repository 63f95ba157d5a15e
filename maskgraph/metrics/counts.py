"""The four numbers of a confusion matrix."""

from __future__ import annotations

from typing import Any, ClassVar

from maskgraph.metrics.confusion import AtThresholds, Thresholds


class Count(AtThresholds):
    """The base of metrics that are one of the sums that `AtThresholds` keeps."""

    counted: ClassVar[str]

    def __init__(
        self, thresholds: Thresholds = None, name: str | None = None, dtype: str | None = None
    ) -> None:
        super().__init__(thresholds, name=name, dtype=dtype)

    def value(self, sums: dict[Any, Any]) -> Any:
        return self.at_thresholds(sums[self.counted])


class TruePositives(Count):
    """How many labels of 1 are predicted as 1, of the steps that exist; the sum of their weights.

    Mask in: masked steps do not count. Shapes: `y_true`, 0 and 1, and `y_pred` alike, (batch,
    time) or (batch, time, labels).

    Args:
        thresholds: what a score must exceed to mean 1, 0 to 1, or several; 0.5 by default.
        name, dtype: see `Metric`.

    Raises:
        ArgumentError: for a threshold out of range.

    Agrees with: keras.metrics.TruePositives, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.2, 0.8]], [[True, True, False]])
        >>> metrics.TruePositives()([[1, 1, 1]], y_pred)
        1.0
    """

    counted = "true_positives"


class TrueNegatives(Count):
    """How many labels of 0 are predicted as 0, of the steps that exist; the sum of their weights.

    Mask in: masked steps do not count. Shapes: as for `TruePositives`.

    Args:
        thresholds, name, dtype: as for `TruePositives`.

    Raises:
        ArgumentError: for a threshold out of range.

    Agrees with: keras.metrics.TrueNegatives, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.1, 0.7, 0.0]], [[True, True, False]])
        >>> metrics.TrueNegatives()([[0, 0, 0]], y_pred)
        1.0
    """

    counted = "true_negatives"


class FalsePositives(Count):
    """How many labels of 0 are predicted as 1, of the steps that exist; the sum of their weights.

    Mask in: masked steps do not count. Shapes: as for `TruePositives`.

    Args:
        thresholds, name, dtype: as for `TruePositives`.

    Raises:
        ArgumentError: for a threshold out of range.

    Agrees with: keras.metrics.FalsePositives, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.1, 0.7, 0.9]], [[True, True, False]])
        >>> metrics.FalsePositives()([[0, 0, 0]], y_pred)
        1.0
    """

    counted = "false_positives"


class FalseNegatives(Count):
    """How many labels of 1 are predicted as 0, of the steps that exist; the sum of their weights.

    Mask in: masked steps do not count. Shapes: as for `TruePositives`.

    Args:
        thresholds, name, dtype: as for `TruePositives`.

    Raises:
        ArgumentError: for a threshold out of range.

    Agrees with: keras.metrics.FalseNegatives, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.2, 0.1]], [[True, True, False]])
        >>> metrics.FalseNegatives()([[1, 1, 1]], y_pred)
        1.0
    """

    counted = "false_negatives"
