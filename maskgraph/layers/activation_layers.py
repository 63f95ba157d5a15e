"""Activation functions as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskgraph import ops
from maskgraph.errors import ShapeError, explain
from maskgraph.layers.base.builtin import BuiltinLayer


class ReLU(BuiltinLayer):
    """x from `threshold` up to `max_value`, `negative_slope * (x - threshold)` below.

    Mask out: that of x. Shapes: any.

    Args:
        max_value: what no result exceeds; None: there is no bound.
        negative_slope: the slope below the threshold.
        threshold: where x begins to pass.

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

    Mask out: that of x. Shapes: any.

    Args:
        negative_slope: the slope where x is negative.

    Agrees with: keras.layers.LeakyReLU, 3.15.

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

    Mask out: that of x. Shapes: any.

    Args:
        alpha: minus the value that it approaches.

    Source: Clevert et al., 2015, https://arxiv.org/abs/1511.07289
    Agrees with: keras.layers.ELU, 3.15.

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
    mask passed by hand may also be of the whole shape of x: only its True elements share. Shapes:
    any, float.

    Args:
        axis: along which the shares sum to 1.

    Raises:
        ShapeError: if there is no such axis.

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


class PReLU(BuiltinLayer):
    """x where positive, `alpha * x` elsewhere, with alpha learned.

    Mask out: that of x. Shapes: (batch, …), unchanged.

    Args:
        alpha_initializer: of alpha.
        shared_axes: the axes along which one alpha serves all, counted from the batch: [1] is
            time, of which an alpha for each step would ask for a fixed length.

    Raises:
        ShapeError: if the size of an axis that is not shared is not known, or a shared one does
            not exist.

    Source: He et al., 2015, https://arxiv.org/abs/1502.01852
    Agrees with: keras.layers.PReLU, 3.15. Weights: alpha.

    Example:
        >>> from maskgraph import layers
        >>> layers.PReLU("ones", shared_axes=[1])([[[-1.0], [2.0]]]).numpy().tolist()
        [[[-1.0], [2.0]]]
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = alpha_initializer
        shared = shared_axes or ()
        self.shared_axes = (shared,) if isinstance(shared, int) else tuple(shared)

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        sizes = [1 if a in self.shared_axes else input_shape[a] for a in range(1, rank)]
        if None in sizes or not set(self.shared_axes) <= set(range(1, rank)):
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (PReLU): alpha needs sizes that are known",
                    received=f"an input of shape {tuple(input_shape)}, "
                    f"shared_axes={list(self.shared_axes)}",
                    expected=f"known sizes along the axes from 1 to {rank - 1} that are not shared",
                    fix="share alpha among the steps: PReLU(shared_axes=[1])",
                )
            )
        self.alpha = self.add_weight(sizes, self.alpha_initializer, name="alpha")

    def call(self, inputs: Any) -> Any:
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)
