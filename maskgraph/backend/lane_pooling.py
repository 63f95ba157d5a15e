"""Reductions over each sequence of a batch that is packed in lanes: over segments of slots."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any

from maskgraph.backend.lanes import Lanes

Array = Any


class LanePoolingOps(ABC):
    """Reductions of (1, slots, …) to (batch, …), by a sum and a maximum that a backend has."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def _sum_in_lanes(self, packing: Lanes, x: Array, axis: Any, keepdims: bool) -> Array:
        return self._pooled(self._total(packing, x), keepdims)

    def _mean_in_lanes(self, packing: Lanes, x: Array, axis: Any, keepdims: bool) -> Array:
        total = self._total(packing, x)
        count = self.cast(self._steps_of_rows(packing), self.dtype(total))
        least_one = self.maximum(count, self._number(1, count))
        rest = range(1, len(self.shape(total)))
        return self._pooled(self.divide(total, self.expand_dims(least_one, tuple(rest))), keepdims)

    def _max_in_lanes(self, packing: Lanes, x: Array, axis: Any, keepdims: bool) -> Array:
        return self._pooled(self._row_maximum(self.squeeze(x, (0,)), packing), keepdims)

    def _min_in_lanes(self, packing: Lanes, x: Array, axis: Any, keepdims: bool) -> Array:
        highest = self._row_maximum(self.negative(self.squeeze(x, (0,))), packing)
        return self._pooled(self.negative(highest), keepdims)

    def _owner(self, packing: Lanes) -> Array:
        """The row of the rectangle that has the step of each slot, (slots,); `batch`: none has."""
        return self.where(packing.valid, packing.row, self._number(packing.batch, packing.row))

    def _steps_of_rows(self, packing: Lanes) -> Array:
        """How many steps each row of the rectangle has, (batch,)."""
        return self.sum(self._exists(packing), (1,), False)

    def _total(self, packing: Lanes, x: Array) -> Array:
        sums = self._segment_sum(self.squeeze(x, (0,)), self._owner(packing), packing.batch + 1)
        return self.getitem(sums, (slice(packing.batch),))

    def _pooled(self, pooled: Array, keepdims: bool) -> Array:
        return self.expand_dims(pooled, (1,)) if keepdims else pooled

    # -- what a backend has --------------------------------------------------------------------

    def _segment_sum(self, x: Array, segments: Array, count: int) -> Array:
        """The sums of those rows of `x` that belong to each of so many segments."""
        raise NotImplementedError

    def _row_maximum(self, x: Array, packing: Lanes) -> Array:
        """The maximum of the steps (slots, …) of each row of the rectangle, 0 where there is none.
        Of several, one step has the gradient: XLA may compute numbers anew to compare them, and
        round the last bit differently, so that none would be equal."""
        raise NotImplementedError
