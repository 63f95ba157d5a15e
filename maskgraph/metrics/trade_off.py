"""The best that one rate can be where another is good enough, over all thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.metrics.base import positive
from maskgraph.metrics.confusion import AtThresholds, precision, recall, specificity


class TradeOff(AtThresholds):
    """The base of metrics that look for the best threshold: a subclass implements `rates(sums)`,
    (the rate to be best, the rate that must be good enough), for each threshold. Mask in: see
    `Metric`."""

    def __init__(
        self,
        least: str,
        value: Any,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: str | None,
    ) -> None:
        number = positive(type(self).__name__, "num_thresholds", num_thresholds)
        thresholds = np.linspace(0, 1, number).tolist() if number > 1 else [0.5]
        super().__init__(thresholds, class_id=class_id, name=name, dtype=dtype)
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ArgumentError(
                explain(
                    f"{type(self).__name__}: {least} out of range",
                    received=repr(value),
                    expected="0 to 1",
                )
            )
        self.num_thresholds = num_thresholds
        self.least = value

    def rates(self, sums: dict[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    def value(self, sums: dict[Any, Any]) -> Any:
        best, enough = self.rates(sums)
        return np.max(best, where=enough >= self.least, initial=0)


class SensitivityAtSpecificity(TradeOff):
    """The best sensitivity, the share of labels of 1 that are predicted, at thresholds where the
    specificity, the share of labels of 0 that are, is at least a given one; of the steps that
    exist.

    Mask in: masked steps do not count. Shapes: `y_true`, 0 and 1, and `y_pred`, 0 to 1, alike,
    (batch, time) or (batch, time, classes). Where no threshold will do it is 0.

    Args:
        specificity: the least to ask for, 0 to 1.
        num_thresholds: how many, evenly from 0 to 1.
        class_id: the only class that counts.
        name, dtype: see `Metric`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.SensitivityAtSpecificity, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.3, 0.4, 0.1]], [[True, True, True, False]])
        >>> metrics.SensitivityAtSpecificity(1.0)([[1, 1, 0, 1]], y_pred)
        0.5
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def rates(self, sums: dict[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
        return recall(sums), specificity(sums)


class SpecificityAtSensitivity(TradeOff):
    """The best specificity, the share of labels of 0 that are predicted, at thresholds where the
    sensitivity, the share of labels of 1 that are, is at least a given one; of the steps that
    exist.

    Mask in: masked steps do not count. Shapes: as for `SensitivityAtSpecificity`. Where no
    threshold will do it is 0.

    Args:
        sensitivity: the least to ask for, 0 to 1.
        num_thresholds, class_id, name, dtype: as for `SensitivityAtSpecificity`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.SpecificityAtSensitivity, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.3, 0.4, 0.1]], [[True, True, True, True]])
        >>> metrics.SpecificityAtSensitivity(1.0)([[1, 1, 0, 0]], y_pred)
        0.5
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def rates(self, sums: dict[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
        return specificity(sums), recall(sums)


class PrecisionAtRecall(TradeOff):
    """The best precision at thresholds where the recall is at least a given one, of the steps
    that exist.

    Mask in: masked steps do not count. Shapes: as for `SensitivityAtSpecificity`. Where no
    threshold will do it is 0.

    Args:
        recall: the least to ask for, 0 to 1.
        num_thresholds, class_id, name, dtype: as for `SensitivityAtSpecificity`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.PrecisionAtRecall, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.3, 0.4, 0.1]], [[True, True, True, False]])
        >>> metrics.PrecisionAtRecall(0.5)([[1, 1, 0, 1]], y_pred)
        1.0
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def rates(self, sums: dict[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
        return precision(sums), recall(sums)


class RecallAtPrecision(TradeOff):
    """The best recall at thresholds where the precision is at least a given one, of the steps
    that exist.

    Mask in: masked steps do not count. Shapes: as for `SensitivityAtSpecificity`. Where no
    threshold will do it is 0.

    Args:
        precision: the least to ask for, 0 to 1.
        num_thresholds, class_id, name, dtype: as for `SensitivityAtSpecificity`.

    Raises:
        ArgumentError: for an argument out of range.

    Agrees with: keras.metrics.RecallAtPrecision, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.9, 0.3, 0.4, 0.1]], [[True, True, True, False]])
        >>> metrics.RecallAtPrecision(0.8)([[1, 1, 0, 1]], y_pred)
        0.5
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def rates(self, sums: dict[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
        return recall(sums), precision(sums)
