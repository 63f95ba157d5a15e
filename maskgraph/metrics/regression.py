"""How far numbers are from what they should be."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import losses
from maskgraph.metrics.gathering import Steps, vectors
from maskgraph.metrics.reduction import MeanOfSteps, loss_of


class MeanSquaredError(MeanOfSteps):
    """The mean squared error of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred` alike, (batch, time) or
    (batch, time, features).

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.MeanSquaredError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[1.0, 5.0, 9.0]], [[True, True, False]])
        >>> metrics.MeanSquaredError()([[0.0, 2.0, 0.0]], y_pred)
        5.0
    """

    def __init__(self, name: str = "mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.mean_squared_error, steps)


class RootMeanSquaredError(MeanSquaredError):
    """The square root of the mean squared error of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.RootMeanSquaredError, 3.15, which ignores masks.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[3.0, 5.0, 9.0]], [[True, True, False]])
        >>> metrics.RootMeanSquaredError()([[0.0, 2.0, 0.0]], y_pred)
        3.0
    """

    def __init__(self, name: str = "root_mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(name, dtype)

    def value(self, sums: dict[Any, Any]) -> Any:
        return np.sqrt(super().value(sums))


class MeanAbsoluteError(MeanOfSteps):
    """The mean absolute error of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.MeanAbsoluteError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[1.0, 5.0, 9.0]], [[True, True, False]])
        >>> metrics.MeanAbsoluteError()([[0.0, 2.0, 0.0]], y_pred)
        2.0
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.mean_absolute_error, steps)


class MeanAbsolutePercentageError(MeanOfSteps):
    """The mean absolute error in percent of what it should be, of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.MeanAbsolutePercentageError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[1.0, 5.0, 9.0]], [[True, True, False]])
        >>> metrics.MeanAbsolutePercentageError()([[2.0, 4.0, 0.0]], y_pred)
        37.5
    """

    def __init__(
        self, name: str = "mean_absolute_percentage_error", dtype: str | None = None
    ) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.mean_absolute_percentage_error, steps)


class MeanSquaredLogarithmicError(MeanOfSteps):
    """The mean squared difference of log(1 + x), of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.MeanSquaredLogarithmicError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[3.0, 9.0]], [[True, False]])
        >>> metrics.MeanSquaredLogarithmicError()([[3.0, 0.0]], y_pred)
        0.0
    """

    def __init__(
        self, name: str = "mean_squared_logarithmic_error", dtype: str | None = None
    ) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.mean_squared_logarithmic_error, steps)


class LogCoshError(MeanOfSteps):
    """The mean logarithm of the hyperbolic cosine of the error, of the steps that exist.

    Mask in: masked steps do not count. Shapes: as for `MeanSquaredError`.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.LogCoshError, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[1.0, 9.0]], [[True, False]])
        >>> round(metrics.LogCoshError()([[0.0, 0.0]], y_pred), 4)
        0.4338
    """

    def __init__(self, name: str = "logcosh", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.log_cosh, steps)


class CosineSimilarity(MeanOfSteps):
    """The mean cosine between vectors, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred` (batch, time, features).

    Args:
        name, dtype: see `Metric`.
        axis: of the vectors.

    Agrees with: keras.metrics.CosineSimilarity, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[2.0, 0.0], [7.0, 7.0]]], [[True, False]])
        >>> metrics.CosineSimilarity()([[[1.0, 0.0], [0.0, 0.0]]], y_pred)
        1.0
    """

    def __init__(
        self, name: str = "cosine_similarity", dtype: str | None = None, axis: int = -1
    ) -> None:
        super().__init__(dtype, name)
        self.axis = axis

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return vectors(self.name, y_true, y_pred, sample_weight, mask, self.axis)

    def measured(self, steps: Steps) -> np.ndarray:
        return -loss_of(losses.cosine_similarity, steps)
