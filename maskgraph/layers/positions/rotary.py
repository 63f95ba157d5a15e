"""Positions as rotations of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import ShapeError, explain
from maskgraph.layers.base.builtin import BuiltinLayer, require_rank
from maskgraph.layers.positions.base import float_of, positions_of
from maskgraph.ops.operands import spec_of


class RotaryEmbedding(BuiltinLayer):
    """Turns pairs of features by angles in proportion to the position, so that the product of two
    steps depends on their distance only: for queries and keys of attention.

    Feature i of the first half and feature i of the second half are a pair. Mask in: positions
    count the steps that exist, so that padding moves nothing. Mask out: that of x. Shapes: any
    with an axis of steps and one of features, such as (batch, time, features) and (batch, time,
    heads, features), unchanged.

    Args:
        max_wavelength: the bound, in units of 2π steps, that the wavelengths approach.
        scaling_factor: positions are divided by it.
        sequence_axis: the axis of steps.
        feature_axis: the axis of features, of an even size.

    Call arguments:
        start_index: the position of the first step: an integer, or an integer scalar tensor.
        positions: the positions themselves, (time,) or (batch, time), in place of those counted.

    Raises:
        ShapeError: for an odd number of features.

    Source: Su et al., 2021, https://arxiv.org/abs/2104.09864
    Signature: keras_hub.layers.RotaryEmbedding, without rope_type.

    Example:
        >>> from maskgraph import layers
        >>> layers.RotaryEmbedding()([[[1.0, 0.0], [1.0, 0.0]]]).numpy().round(2).tolist()
        [[[1.0, 0.0], [0.5400000214576721, 0.8399999737739563]]]
    """

    def __init__(
        self,
        max_wavelength: float = 10000,
        scaling_factor: float = 1.0,
        sequence_axis: int = 1,
        feature_axis: int = -1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_wavelength = max_wavelength
        self.scaling_factor = scaling_factor
        self.sequence_axis = sequence_axis
        self.feature_axis = feature_axis

    def call(
        self, inputs: Any, start_index: Any = 0, positions: Any = None, mask: Any = None
    ) -> Any:
        require_rank(self, inputs.shape, at_least=3)
        steps, features = self.sequence_axis % inputs.ndim, self.feature_axis % inputs.ndim
        half = self._half(inputs, features)
        places = positions_of(inputs, start_index, positions, steps, features)
        angles = self._angles(places, inputs.ndim, features, half)
        dtype = float_of(inputs, self.dtype)
        cosine, sine = ops.cast(ops.cos(angles), dtype), ops.cast(ops.sin(angles), dtype)
        a, b = ops.split(inputs, 2, axis=features)
        return ops.concatenate([a * cosine - b * sine, b * cosine + a * sine], axis=features)

    def _half(self, inputs: Any, features: int) -> int:
        size = inputs.shape[features]
        if size is None or size % 2:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (RotaryEmbedding): features must come in pairs",
                    received=f"shape {tuple(inputs.shape)}, features on axis {features}",
                    expected="an even number of features",
                )
            )
        return int(size) // 2

    def _angles(self, places: Any, rank: int, features: int, half: int) -> Any:
        """Return the angle of each pair at each step, of a shape that broadcasts to `rank` axes."""
        frequency = self.max_wavelength ** -(np.arange(half) / half) / self.scaling_factor
        sizes = [half if axis == features else 1 for axis in range(rank)]
        turns = frequency.astype(np.float32).reshape(sizes)
        places = ops.cast(places, "float32")
        missing = tuple(range(spec_of(places).rank, rank))
        return ops.multiply(ops.expand_dims(places, missing) if missing else places, turns)
