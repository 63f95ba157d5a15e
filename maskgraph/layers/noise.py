"""Layers that add or multiply noise in training: drawn by NumPy, so alike on every backend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.graph import next_entropy
from maskgraph.layers.base.builtin import BuiltinLayer, share
from maskgraph.layers.regularization import noise_like
from maskgraph.ops.masking import unmasked

_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


class GaussianNoise(BuiltinLayer):
    """In training, adds normal random numbers.

    Mask out: that of x. Shapes: any. What a valid step gets does not depend on what stands in
    the padding.

    Args:
        stddev: the standard deviation of the noise, from 0 to 1.

    Raises:
        ArgumentError: for another standard deviation.

    Agrees with: keras.layers.GaussianNoise, 3.15, except for the numbers drawn.

    Example:
        >>> from maskgraph import layers
        >>> layers.GaussianNoise(0.5)([[1.0, 2.0]]).numpy().tolist()
        [[1.0, 2.0]]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = share(self, "stddev", stddev)
        self.generator = np.random.default_rng(next_entropy() if seed is None else seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.stddev == 0:
            return inputs
        return inputs + ops.random_normal(unmasked(inputs), self.stddev, self.generator)


class GaussianDropout(BuiltinLayer):
    """In training, multiplies by normal random numbers of mean 1, as noisy as dropout would be.

    Mask out: that of x. Shapes: any. What a valid step gets does not depend on what stands in
    the padding.

    Args:
        rate: the share that a dropout of the same variance, rate / (1 - rate), would drop.

    Raises:
        ArgumentError: for a rate outside of 0 to 1, or of 1, whose noise would be infinite.

    Source: Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html
    Agrees with: keras.layers.GaussianDropout, 3.15, except for the numbers drawn.

    Example:
        >>> from maskgraph import layers
        >>> layers.GaussianDropout(0.5)([[1.0, 2.0]]).numpy().tolist()
        [[1.0, 2.0]]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = share(self, "rate", rate, below_one=True)
        self.generator = np.random.default_rng(next_entropy() if seed is None else seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return inputs * (1 + ops.random_normal(unmasked(inputs), stddev, self.generator))


class AlphaDropout(BuiltinLayer):
    """In training, sets a share of the elements to what SELU has at minus infinity, and scales
    and shifts all, so that mean and variance stay.

    Mask out: that of x. Shapes: any. What a valid step gets does not depend on what stands in
    the padding.

    Args:
        rate: the share to drop, from 0 up to, but not including, 1.
        noise_shape: sizes of the random tensor; 1 where one draw serves a whole axis.

    Raises:
        ArgumentError: for a rate outside of 0 to 1, or of 1, which would leave no variance.

    Source: Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
    Agrees with: keras.layers.AlphaDropout, 3.15, except for the numbers drawn.

    Example:
        >>> from maskgraph import layers
        >>> layers.AlphaDropout(0.5)([[1.0, 2.0]]).numpy().tolist()
        [[1.0, 2.0]]
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rate = share(self, "rate", rate, below_one=True)
        self.noise_shape = noise_shape
        self.generator = np.random.default_rng(next_entropy() if seed is None else seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        keep = ops.random_keep(noise_like(inputs, self.noise_shape), self.rate, self.generator)
        dropped = -_SELU_ALPHA * _SELU_SCALE
        scale = ((1 - self.rate) * (1 + self.rate * dropped**2)) ** -0.5
        shift = -scale * dropped * self.rate
        return ops.where(keep, inputs, dropped) * scale + shift
