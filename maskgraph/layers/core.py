"""Layers that work on each step alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.layers import activations
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
    known_features,
    positive,
    require_features,
    require_rank,
    widened,
)


class Dense(BuiltinLayer):
    """`activation(x @ kernel + bias)` on the last axis.

    Mask out: that of x. Shapes: (batch, …, features) to (batch, …, units), float.

    Args:
        units: the size of the result's last axis.
        activation: a name or function; None for linear.
        use_bias: whether there is a bias.

    Raises:
        ArgumentError: for a size that is not positive, or an unknown activation.
        ShapeError: if the feature size is not known, or is another than at the first call.

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
        bias = self.bias if self.use_bias else None
        return self.activation(ops.linear(inputs, self.kernel, bias))


class Activation(BuiltinLayer):
    """An activation function on each element.

    Mask out: that of x. Shapes: any.

    Args:
        activation: a name or function; None for linear.

    Raises:
        ArgumentError: for an unknown name.

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


class Identity(BuiltinLayer):
    """Returns its input.

    Mask out: that of x. Shapes: any.

    Agrees with: keras.layers.Identity, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.Identity()([[1.0, 2.0]]).numpy().tolist()
        [[1.0, 2.0]]
    """

    def call(self, inputs: Any) -> Any:
        return inputs


class Rescaling(BuiltinLayer):
    """`x * scale + offset`.

    Mask out: that of x. Shapes: any, of any dtype; the result is float32 at least.

    Args:
        scale: a number, or an array that broadcasts to the last axes.
        offset: likewise.

    Agrees with: keras.layers.Rescaling, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.Rescaling(0.5, offset=1)([[2, 4]]).numpy().tolist()
        [[2.0, 3.0]]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = np.asarray(scale, "float32")
        self.offset = np.asarray(offset, "float32")

    def call(self, inputs: Any) -> Any:
        return widened(inputs) * self.scale + self.offset
