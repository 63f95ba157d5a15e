"""Activation functions as layers."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
)


class ReLU(BuiltinLayer):
    """`max(x, 0)`, optionally capped, leaky below the threshold.

    Mask out: that of x. Shapes: any.

    Agrees with: keras.layers.ReLU, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.ReLU(max_value=1.0)([[-1.0, 2.0]]).numpy().tolist()
        [[0.0, 1.0]]
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def call(self, inputs: Any) -> Any:
        if self.negative_slope == 0 and self.threshold == 0:
            x = ops.relu(inputs)
        else:
            below = self.negative_slope * (inputs - self.threshold)
            x = ops.where(inputs >= self.threshold, inputs, below)
        return x if self.max_value is None else ops.minimum(x, self.max_value)


class LeakyReLU(BuiltinLayer):
    """x where positive, `negative_slope * x` elsewhere.

    Mask out: that of x. Shapes: any. Agrees with: keras.layers.LeakyReLU, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.LeakyReLU(0.5)([[-1.0, 2.0]]).numpy().tolist()
        [[-0.5, 2.0]]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = negative_slope

    def call(self, inputs: Any) -> Any:
        return ops.leaky_relu(inputs, self.negative_slope)


class ELU(BuiltinLayer):
    """x where positive, `alpha * (e**x - 1)` elsewhere.

    Mask out: that of x. Shapes: any. Agrees with: keras.layers.ELU, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.ELU()([[2.0]]).numpy().tolist()
        [[2.0]]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return ops.elu(inputs, self.alpha)


class Softmax(BuiltinLayer):
    """Shares along an axis that sum to 1.

    Mask out: that of x. Along a masked axis only valid steps share; a row with none is 0. A
    mask passed by hand may also be of the whole shape of x: only its True elements share.

    Agrees with: keras.layers.Softmax, 3.15, where that honours the mask.

    Example:
        >>> from maskgraph import layers
        >>> layers.Softmax()([[1.0, 1.0]]).numpy().tolist()
        [[0.5, 0.5]]
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return ops.softmax(inputs, self.axis)
