"""Layers that give the elements along axes a mean, a variance or a length."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.layers.base.builtin import BuiltinLayer, widened
from maskgraph.ops import shapes

Axes = int | list[int] | tuple[int, ...]


def unit_length(x: Any, axes: list[int], epsilon: float) -> Any:
    """Return x by its Euclidean length along axes, or by `epsilon` where that is greater."""
    if x.mask is not None:
        x = ops.with_mask(x, x.mask)  # what is finite there need not be by 1e-12
    length = ops.sum(ops.square(x), axes, keepdims=True)
    return x * ops.rsqrt(ops.maximum(length, epsilon**2))


def listed(axis: Axes) -> tuple[int, ...]:
    return (axis,) if isinstance(axis, int) else tuple(axis)


def sorted_axes(axis: tuple[int, ...], rank: int) -> list[int]:
    """Return axes counted from the front, in their order.

    Raises:
        ShapeError: for an axis that does not exist.
    """
    return sorted(shapes.canonical_axis(a, rank) for a in axis)


class LayerNormalization(BuiltinLayer):
    """Gives the elements along `axis` mean 0 and variance 1, then scales and shifts them.

    Mask out: that of x. Over an axis of time, statistics count valid steps only. Shapes: any.

    Args:
        axis: the axis or axes to normalize.
        epsilon: is added to the variance.
        center: whether to shift, by beta.
        scale: whether to scale, by gamma.

    Raises:
        ShapeError: if there is no such axis, or its size, which weights need, is not known.

    Source: Ba et al., 2016, https://arxiv.org/abs/1607.06450
    Agrees with: keras.layers.LayerNormalization, 3.15. Weights: gamma, beta.

    Example:
        >>> from maskgraph import layers
        >>> layers.LayerNormalization()([[1.0, 3.0]]).numpy().round(2).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Axes = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = listed(axis)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer

    def build(self, input_shape: Any) -> None:
        shape = [input_shape[a] for a in sorted_axes(self.axis, len(input_shape))]
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta")

    def call(self, inputs: Any) -> Any:
        gamma = self.gamma if self.scale else None
        beta = self.beta if self.center else None
        return ops.layer_norm(inputs, gamma, beta, self.axis, self.epsilon)


class RMSNormalization(BuiltinLayer):
    """Gives the elements along `axis` a root mean square of 1, then scales them.

    Mask out: that of x. Over an axis of time, the mean counts valid steps only. Shapes: any, to
    the same; float32 at least.

    Args:
        axis: the axis or axes to normalize.
        epsilon: is added to the mean square.

    Raises:
        ShapeError: if the size of a normalized axis is not known, or there is no such axis.

    Source: Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467
    Agrees with: keras.layers.RMSNormalization, 3.15, which drops the mask. Weights: scale.

    Example:
        >>> from maskgraph import layers
        >>> print(layers.RMSNormalization()([[1.0, 7.0]]).numpy().round(2))
        [[0.2 1.4]]
    """

    def __init__(self, axis: Axes = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = listed(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        axes = sorted_axes(self.axis, len(input_shape))
        self.scale = self.add_weight([input_shape[a] for a in axes], "ones", name="scale")

    def call(self, inputs: Any) -> Any:
        return ops.rms_norm(widened(inputs), self.scale, self.axis, self.epsilon)


class UnitNormalization(BuiltinLayer):
    """Gives the elements along `axis` a Euclidean length of 1; where all are 0, they stay.

    Mask out: that of x. Over an axis of time, the length is that of the valid steps. Shapes: any,
    to the same; float32 at least.

    Args:
        axis: the axis or axes to normalize.

    Raises:
        ShapeError: if there is no such axis.

    Agrees with: keras.layers.UnitNormalization, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> print(layers.UnitNormalization()([[3.0, 4.0]]).numpy().round(2))
        [[0.6 0.8]]
    """

    def __init__(self, axis: Axes = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = listed(axis)

    def call(self, inputs: Any) -> Any:
        x = widened(inputs)
        return unit_length(x, sorted_axes(self.axis, x.ndim), 1e-12)
