"""Layers that give their inputs a mean and a variance."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
)


class LayerNormalization(BuiltinLayer):
    """Gives the elements along `axis` mean 0 and variance 1, then scales and shifts them.

    Mask out: that of x. Over an axis of time, statistics count valid steps only. Shapes: any.

    Args:
        axis: the axis or axes to normalize.
        epsilon: is added to the variance.

    Source: Ba et al., 2016, https://arxiv.org/abs/1607.06450
    Agrees with: keras.layers.LayerNormalization, 3.15. Weights: gamma, beta.

    Example:
        >>> from maskgraph import layers
        >>> layers.LayerNormalization()([[1.0, 3.0]]).numpy().round(2).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: int | list[int] | tuple[int, ...] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = (axis,) if isinstance(axis, int) else tuple(axis)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape[a] for a in self.axis)
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta")

    def call(self, inputs: Any) -> Any:
        rank = inputs.ndim
        axes = sorted(a % rank for a in self.axis)
        mean = ops.mean(inputs, axes, keepdims=True)
        variance = ops.var(inputs, axes, keepdims=True)
        x = (inputs - mean) * ops.rsqrt(variance + self.epsilon)
        shape = [inputs.shape[a] if a in axes else 1 for a in range(rank)]
        if self.scale:
            x = x * ops.reshape(self.gamma.symbol, shape)
        if self.center:
            x = x + ops.reshape(self.beta.symbol, shape)
        return x
