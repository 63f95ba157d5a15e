"""Group normalization: the statistics of each sequence alone, for groups of its features."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ShapeError, explain
from maskgraph.layers.base.builtin import BuiltinLayer, positive, widened
from maskgraph.ops import shapes


class GroupNormalization(BuiltinLayer):
    """Gives each group of features mean 0 and variance 1 over a sequence, then scales and shifts.

    Mask in: statistics span time and the features of a group, and count valid steps only. Mask
    out: that of x. Shapes: (batch, …, features, …), to the same; float32 at least.

    Args:
        groups: how many groups the axis falls into; -1 for one for each feature (instance
            normalization); 1 makes it layer normalization over a whole sequence.
        axis: that of the features.
        epsilon: is added to the variance.
        center: whether to shift, by beta.
        scale: whether to scale, by gamma.

    Raises:
        ArgumentError: for a number of groups that is neither positive nor -1.
        ShapeError: if the size of the axis is not known, or not a multiple of `groups`.

    Source: Wu and He, 2018, https://arxiv.org/abs/1803.08494
    Agrees with: keras.layers.GroupNormalization, 3.15, which counts padding. Weights: gamma,
    beta.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0, 10.0], [3.0, 30.0], [0.0, 0.0]]])
        >>> layers.GroupNormalization(groups=2)(x).numpy().round(2).tolist()
        [[[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.groups = groups if groups == -1 else positive(self, "groups", groups)
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = beta_initializer
        self.gamma_initializer = gamma_initializer

    def build(self, input_shape: Any) -> None:
        features = input_shape[shapes.canonical_axis(self.axis, len(input_shape))]
        if features is None or features % self.groups:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (GroupNormalization): the features do not fall into "
                    "groups of one size",
                    received=f"{features} features, groups={self.groups}",
                    expected="a number of features that is a multiple of the groups",
                )
            )
        if self.scale:
            self.gamma = self.add_weight((features,), self.gamma_initializer, name="gamma")
        if self.center:
            self.beta = self.add_weight((features,), self.beta_initializer, name="beta")
        number = features if self.groups == -1 else self.groups
        self.grouped = (number, features // number)

    def call(self, inputs: Any) -> Any:
        axis = shapes.canonical_axis(self.axis, inputs.ndim)
        x = widened(inputs)
        sizes = ops.shape(x)
        x = ops.reshape(x, (*sizes[:axis], *self.grouped, *sizes[axis + 1 :]))
        others = [a for a in range(1, x.ndim) if a != axis]
        mean = ops.mean(x, others, keepdims=True)
        variance = ops.var(x, others, keepdims=True)
        x = (x - mean) * ops.rsqrt(variance + self.epsilon)
        along = [1] * axis + [*self.grouped] + [1] * (inputs.ndim - axis - 1)
        if self.scale:
            x = x * ops.reshape(self.gamma.symbol, along)
        if self.center:
            x = x + ops.reshape(self.beta.symbol, along)
        return ops.merge_axes(x, axis, axis + 1)
