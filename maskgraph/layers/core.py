"""Layers that work on each step alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import next_entropy
from maskgraph.layers import activations
from maskgraph.layers.builtin import (
    BuiltinLayer,
    known_features,
    positive,
    require_features,
    require_rank,
)
from maskgraph.ops.masking import unmasked


class Dense(BuiltinLayer):
    """`activation(x @ kernel + bias)` on the last axis.

    Mask out: that of x. Shapes: (batch, …, features) to (batch, …, units), float.

    Args:
        units: the size of the result's last axis.
        activation: a name or function; None for linear.

    Raises:
        ShapeError: if the feature size is not known.

    Agrees with: keras.layers.Dense, 3.15. Weights: kernel (features, units), bias (units,).

    Example:
        >>> from maskgraph import layers
        >>> layers.Dense(4)([[1.0, 2.0, 3.0]]).shape
        (1, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape: Any) -> None:
        require_rank(self, input_shape, at_least=2)
        self.kernel = self.add_weight(
            (known_features(self, input_shape), self.units), self.kernel_initializer, name="kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")

    def call(self, inputs: Any) -> Any:
        require_features(self, inputs.shape, self.kernel.shape[0])
        x = ops.matmul(inputs, self.kernel)
        if self.use_bias:
            x = ops.add(x, self.bias)
        return self.activation(x)


class Activation(BuiltinLayer):
    """An activation function on each element.

    Mask out: that of x. Shapes: any.

    Args:
        activation: a name or function.

    Agrees with: keras.layers.Activation, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.Activation("relu")([[-1.0, 2.0]]).numpy().tolist()
        [[0.0, 2.0]]
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


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


class Dropout(BuiltinLayer):
    """In training, sets a share of the elements to 0 and scales the others up.

    Mask out: that of x. Shapes: any. Drawn by NumPy, so alike on every backend for a seed.

    Args:
        rate: the share to drop, from 0 up to 1.
        noise_shape: sizes of the random tensor; 1 where one draw serves a whole axis.

    Agrees with: keras.layers.Dropout, 3.15, except for the numbers drawn.

    Example:
        >>> from maskgraph import layers
        >>> layers.Dropout(0.5)([[1.0, 2.0]]).numpy().tolist()
        [[1.0, 2.0]]
    """

    def __init__(
        self,
        rate: float,
        noise_shape: tuple[int | None, ...] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (Dropout): rate out of range",
                    received=rate,
                    expected="a share from 0 up to, but not including, 1",
                )
            )
        self.rate = rate
        self.noise_shape = noise_shape
        self.generator = np.random.default_rng(next_entropy() if seed is None else seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        like = inputs
        if self.noise_shape is not None:
            for axis, size in enumerate(self.noise_shape):
                if size == 1:
                    key = (*(slice(None),) * axis, slice(0, 1))
                    like = ops.getitem(unmasked(like), key)
        keep = ops.random_keep(unmasked(like), self.rate, self.generator)
        return ops.dropout(inputs, keep, self.rate)


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
