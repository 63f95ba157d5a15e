"""Batch normalization: statistics over all sequences and steps of a batch, padding left out."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.layers.base.builtin import BuiltinLayer, widened
from maskgraph.ops import shapes


class BatchNormalization(BuiltinLayer):
    """Gives each entry of `axis` mean 0 and variance 1, then scales and shifts it.

    In training, by the statistics of the batch, which also move `moving_mean` and
    `moving_variance` on; else by these two. While `trainable` is False it is never in training.

    Mask in: only valid steps count in the statistics, so a padded batch gives what its sequences
    laid end to end give; a batch without any moves nothing. Mask out: that of x. Shapes: any, to
    the same; float32 at least.

    Args:
        axis: the axis whose entries each have their own statistics, the features.
        momentum: the share of the old in a new moving statistic.
        epsilon: is added to the variance.
        center: whether to shift, by beta.
        scale: whether to scale, by gamma.

    Raises:
        ArgumentError: for a momentum outside of 0 to 1.
        ShapeError: if the size of the axis is not known, or there is no such axis.

    Source: Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167
    Agrees with: keras.layers.BatchNormalization, 3.15. Weights: gamma, beta, moving_mean,
    moving_variance.

    Example:
        >>> from maskgraph import layers
        >>> norm = layers.BatchNormalization(momentum=0.5)
        >>> x = layers.Masking()([[[1.0], [3.0], [0.0]]])  # the third step is padding
        >>> norm(x, training=True).numpy().round(2).ravel().tolist()
        [-1.0, 1.0, 0.0]
        >>> norm.moving_mean.numpy().tolist()
        [1.0]
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= momentum <= 1:
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (BatchNormalization): momentum out of range",
                    received=momentum,
                    expected="a share from 0 to 1",
                )
            )
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer
        self.moving_mean_initializer = moving_mean_initializer
        self.moving_variance_initializer = moving_variance_initializer

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[shapes.canonical_axis(self.axis, len(input_shape))],)
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta")
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, trainable=False, name="moving_mean"
        )
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        x = widened(inputs)
        axis = shapes.canonical_axis(self.axis, x.ndim)
        along = [-1 if a == axis else 1 for a in range(x.ndim)]
        if training and self.trainable:
            others = [a for a in range(x.ndim) if a != axis]
            mean = ops.mean(x, others, keepdims=True)
            variance = ops.var(x, others, keepdims=True)
            some = ops.any(ops.ones_like(x, "bool"), others)
            self._move(self.moving_mean, mean, some)
            self._move(self.moving_variance, variance, some)
        else:
            mean = ops.reshape(self.moving_mean.symbol, along)
            variance = ops.reshape(self.moving_variance.symbol, along)
        y = (x - mean) * ops.rsqrt(variance + self.epsilon)
        if self.scale:
            y = y * ops.reshape(self.gamma.symbol, along)
        if self.center:
            y = y + ops.reshape(self.beta.symbol, along)
        return y

    def _move(self, moving: Any, found: Any, some: Any) -> None:
        """Let a moving statistic follow that of the batch, where there was any step."""
        found = ops.reshape(found, moving.shape)
        value = moving.symbol * self.momentum + found * (1 - self.momentum)
        self.add_update(moving, ops.cast(ops.where(some, value, moving.symbol), moving.dtype))
