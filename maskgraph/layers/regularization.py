"""Layers against overfitting: dropout, and a penalty on what passes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import next_entropy
from maskgraph.layers.base.builtin import BuiltinLayer, require_rank, share, widened
from maskgraph.ops.masking import unmasked


def noise_like(x: Any, noise_shape: Sequence[int | None] | None) -> Any:
    """Return a tensor of the shape in which to draw noise for x: x without its mask, cut to size
    1 along the axes for which `noise_shape` says 1."""
    x = unmasked(x)
    for axis, size in enumerate(noise_shape or ()):
        if size == 1:
            x = ops.getitem(x, (*(slice(None),) * axis, slice(0, 1)))
    return x


class Dropout(BuiltinLayer):
    """In training, sets a share of the elements to 0 and scales the others up.

    Mask out: that of x. Shapes: any. Drawn by NumPy, so alike on every backend for a seed.

    Args:
        rate: the share to drop, from 0 to 1.
        noise_shape: sizes of the random tensor; 1 where one draw serves a whole axis.

    Raises:
        ArgumentError: for a rate outside of 0 to 1.

    Agrees with: keras.layers.Dropout, 3.15, except for the numbers drawn.

    Example:
        >>> from maskgraph import layers
        >>> layers.Dropout(0.5)([[1.0, 2.0]]).numpy().tolist()
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
        self.rate = share(self, "rate", rate)
        self.noise_shape = noise_shape
        self.generator = np.random.default_rng(next_entropy() if seed is None else seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        keep = ops.random_keep(noise_like(inputs, self.noise_shape), self.rate, self.generator)
        return ops.dropout(inputs, keep, self.rate)


class SpatialDropout1D(Dropout):
    """In training, drops whole features: the same ones at every step of a sequence.

    Mask out: that of x. Shapes: (batch, time, features), unchanged.

    Args:
        rate: the share of the features to drop, from 0 to 1.

    Raises:
        ArgumentError: for a rate outside of 0 to 1.
        ShapeError: for an input of another rank.

    Source: Tompson et al., 2015, https://arxiv.org/abs/1411.4280
    Agrees with: keras.layers.SpatialDropout1D, 3.15, except for the numbers drawn.

    Example:
        >>> from maskgraph import layers
        >>> layers.SpatialDropout1D(0.5)([[[1.0, 2.0]]]).numpy().tolist()
        [[[1.0, 2.0]]]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, (None, 1, None), seed, **kwargs)

    def call(self, inputs: Any, training: bool = False) -> Any:
        require_rank(self, inputs.shape, exactly=3)
        return super().call(inputs, training)


class ActivityRegularization(BuiltinLayer):
    """Passes its input on, and adds a penalty on it to `losses`: l1 times the sum of the absolute
    values and l2 times that of the squares, both by the number of sequences.

    Mask in: only valid steps are penalized. Mask out: that of x. Shapes: any.

    Args:
        l1: the weight of the absolute values.
        l2: the weight of the squares.

    Raises:
        ArgumentError: for a negative weight.

    Agrees with: keras.layers.ActivityRegularization, 3.15, which counts padding.

    Example:
        >>> from maskgraph import layers
        >>> penalty = layers.ActivityRegularization(l1=1.0)
        >>> x = penalty(layers.Masking()([[[1.0], [-3.0], [0.0]]]))
        >>> [float(loss) for loss in penalty.losses]
        [4.0]
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, weight in (("l1", l1), ("l2", l2)):
            if weight < 0:
                raise ArgumentError(
                    explain(
                        f"layer {self.name!r} (ActivityRegularization): {name} out of range",
                        received=weight,
                        expected=">= 0",
                    )
                )
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: Any) -> Any:
        x = widened(inputs)
        parts = [w * f(x) for w, f in ((self.l1, ops.abs), (self.l2, ops.square)) if w]
        penalty = reduce(ops.add, parts) if parts else ops.zeros_like(x)
        if x.ndim > 1:  # a sequence without steps is a sequence all the same: it adds 0
            penalty = ops.sum(penalty, range(1, x.ndim))
        self.add_loss(ops.mean(penalty))
        return inputs
