"""Adaptive pooling on any backend: each sequence, however long, is divided into as many parts."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any

from maskgraph import dtypes

Array = Any


class AdaptivePoolingOps(ABC):
    """Pooling over parts of a sequence, composed of primitives."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def adaptive_average_pool(self, inputs: Array, output_size: int, mask: Array | None) -> Array:
        """The mean of each part of (batch, time, features), which is zero where masked."""
        weights = self.cast(self._parts(inputs, output_size, mask), self.dtype(inputs))
        number = self.sum(weights, (2,), True)
        weights = self.divide(weights, self.maximum(number, self._number(1, number)))
        return self.matmul(weights, inputs)

    def adaptive_max_pool(self, inputs: Array, output_size: int, mask: Array | None) -> Array:
        """The maximum of each part of (batch, time, features)."""
        inside = self.expand_dims(self._parts(inputs, output_size, mask), (3,))
        x = self.expand_dims(inputs, (1,))
        lowest = self._number(dtypes.lowest(self.dtype(inputs)), inputs)
        result = self.max(self.where(inside, x, lowest), (2,), False)
        return self.where(self.any(inside, (2,), False), result, self._number(0, inputs))

    def _parts(self, x: Array, number: int, mask: Array | None) -> Array:
        """Which steps belong to each part, bool (batch, parts, time)."""
        mask = self.all_valid(x, 2) if mask is None else mask
        one, parts = self.full((), 1, "int32"), self.full((), number, "int32")
        place = self.subtract(self.cumsum(mask, 1), one)  # among the steps that exist
        length = self.sum(mask, (1,), True)
        index = self.arange(0, number, 1, "int32")
        begins = self.floor_divide(self.multiply(index, length), parts)
        ends = self.multiply(self.add(index, one), length)
        ends = self.floor_divide(self.add(ends, self.subtract(parts, one)), parts)
        place = self.expand_dims(place, (1,))
        inside = self.logical_and(
            self.less_equal(self.expand_dims(begins, (2,)), place),
            self.less(place, self.expand_dims(ends, (2,))),
        )
        return self.logical_and(inside, self.expand_dims(mask, (1,)))
