"""Layers that add randomness in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import next_entropy
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
)
from maskgraph.ops.masking import unmasked


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
