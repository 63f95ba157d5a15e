"""How much is missing to a margin."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import losses
from maskgraph.metrics.gathering import Steps, vectors
from maskgraph.metrics.reduction import MeanOfSteps, loss_of


class Hinge(MeanOfSteps):
    """The mean hinge loss of the steps that exist.

    Mask in: masked steps do not count, nor for what the labels are. Shapes: `y_true` and `y_pred`
    alike, (batch, time) or (batch, time, features); labels are -1 and 1, or, in a whole batch, 0
    and 1.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.Hinge, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.5, 0.5, 9.0]], [[True, True, False]])
        >>> metrics.Hinge()([[1, -1, -7]], y_pred)
        1.0
    """

    def __init__(self, name: str = "hinge", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.hinge, steps)


class SquaredHinge(MeanOfSteps):
    """The mean squared hinge loss of the steps that exist.

    Mask in: masked steps do not count, nor for what the labels are. Shapes: as for `Hinge`.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.SquaredHinge, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.5, 0.5, 9.0]], [[True, True, False]])
        >>> metrics.SquaredHinge()([[1, -1, -7]], y_pred)
        1.25
    """

    def __init__(self, name: str = "squared_hinge", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.squared_hinge, steps)


class CategoricalHinge(MeanOfSteps):
    """The mean hinge loss between the right class and the best wrong one, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, one-hot, and `y_pred` (batch, time,
    classes).

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.CategoricalHinge, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.5, 0.25], [9.0, 9.0]]], [[True, False]])
        >>> metrics.CategoricalHinge()([[[1, 0], [0, 0]]], y_pred)
        0.75
    """

    def __init__(self, name: str = "categorical_hinge", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return vectors(self.name, y_true, y_pred, sample_weight, mask)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.categorical_hinge, steps)
