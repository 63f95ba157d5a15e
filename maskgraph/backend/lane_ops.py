"""Packed batches in lanes on any backend: into slots, out of them, and along each sequence.

What they compute has the same shapes for many batches, so that few programs are compiled. Where
steps lie is data: a step finds those of its own sequence because each says to which it belongs.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgraph import dtypes
from maskgraph.backend.distinct import Distinct
from maskgraph.backend.lanes import Lanes
from maskgraph.backend.packed_windows import window_offsets

Array = Any

_LONG = 64
"""Steps of a rectangle; of shorter ones, a loop over sequences takes longer than the rectangle."""

_SHARE = 0.6
"""Where more of the ids than this are distinct, a loop best computes their products step by step:
what it computed before would come from memory, and what it computes is in its cache."""


class LaneOps(ABC):
    """`PackedOps` and `PackedWindowOps` on lanes, composed of primitives."""

    _few_sizes = True

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def new_packing(self, mask: np.ndarray, block_cost: float, in_place: bool, gap: int = 0) -> Any:
        return Lanes.of(mask, in_place, gap).on(self._handed_over)

    def _handed_over(self, arrays: list[np.ndarray]) -> Sequence[Array]:
        """Arrays of Booleans and int32 as tensors."""
        return [self.asarray(array) for array in arrays]

    def pack(self, x: Array, packing: Any) -> Array:
        batch, time, *rest = self.shape(x)
        whole = (packing.batch, packing.time)
        if (batch, time) == (1, 1) != whole:
            return x
        if packing.full:
            x = self.broadcast_to(x, (*whole, *rest))
            return self.reshape(x, (1, packing.slots, *rest))
        index = packing.index
        if (batch, time) != whole:
            part = self.mod if batch == 1 else self.floor_divide
            index = part(index, self._number(packing.time, index))
        rows = self.reshape(x, (batch * time, *rest))
        return self.expand_dims(self._taken_rows(rows, index), (0,))

    def unpack(self, x: Array, packing: Any, shape: Any) -> Array:
        sizes = (packing.batch, packing.time, *self.shape(x)[2:])
        if packing.full:
            return self.reshape(x, sizes)
        found = self._taken_rows(self.squeeze(x, (0,)), packing.slot)
        return self.select_valid(found, self._exists(packing), 0)

    def _taken_rows(self, x: Array, index: Array) -> Array:
        """Rows of `x`; where an index is not one of a row, any."""
        last = self._number(self.shape(x)[0] - 1, index)
        within = self.minimum(self.maximum(index, self._number(0, index)), last)
        return self.take(x, within, 0)

    def slots_valid(self, packing: Any) -> Array:
        if packing.full:
            return self.full((1, packing.slots), True, "bool")
        return self.expand_dims(packing.valid, (0,))

    def by_block(
        self, xs: Sequence[Array], packing: Any, others: Sequence[Array], body: Any
    ) -> tuple[Array, ...]:
        """Run a function on each sequence, or, where that would take long, on the rectangle."""
        pooled = None if packing.full else self._pooling(body, xs)
        if pooled is not None:
            return (pooled(packing, **body.given(xs, others)),)
        if self._are_long(packing):
            return self._each_sequence(xs, packing, others, body)
        mask = None if packing.full else self._exists(packing)
        rectangles = [self.unpack(x, packing, None) for x in xs]
        results = body.on(self, xs, others)(rectangles, mask, others)
        return tuple(
            self.pack(result, packing) if steps else result
            for result, steps in zip(results, body.gives_steps, strict=True)
        )

    def _each_sequence(
        self, xs: Sequence[Array], packing: Lanes, others: Sequence[Array], body: Any
    ) -> tuple[Array, ...]:
        """Run a function on each sequence by itself, in a loop: with `spans` slots of each of `xs`
        among which its own are."""
        raise NotImplementedError

    def _are_long(self, packing: Any) -> bool:
        """Whether sequences are so long that a CPU best computes one after the other: what it makes
        of one stays in its cache, and it spends nothing on the differences between lengths."""
        return not packing.full and packing.time >= _LONG and self._on_cpu

    def _which_product(self, distinct: Distinct) -> Array | None:
        """Which of the products of distinct ids each slot takes; None if a loop best computes
        them anew."""
        which = distinct.which
        if which is None or self.shape(distinct.ids)[1] > _SHARE * self.shape(which)[0]:
            return None
        return which

    @property
    def _on_cpu(self) -> bool:
        return bool(self.device.partition(":")[0] == "cpu")

    def _pooling(self, body: Any, xs: Sequence[Array]) -> Any:
        """Return what computes the op of a `BlockBody` by segments; None if nothing does."""
        if body.arguments.get("axis") != (1,) or not dtypes.is_float(self.dtype(xs[0])):
            return None
        return getattr(self, f"_{body.op.name}_in_lanes", None)

    def _exists(self, packing: Any) -> Array:
        """The mask, (batch, time)."""
        return self.less_equal(self._number(0, packing.slot), packing.slot)

    # -- windows -------------------------------------------------------------------------------

    def packed_conv(
        self, inputs: Array, packing: Any, kernel: Array, padding: str, dilation_rate: int
    ) -> Array:
        taps, features = self.shape(kernel)[:2]
        offsets = window_offsets(taps, padding, dilation_rate)
        within_gaps = max(map(abs, offsets)) <= packing.gap
        in_groups = features != self.shape(inputs)[2]
        if packing.full or (in_groups and not within_gaps):
            x = self.unpack(inputs, packing, None)
            return self.pack(self.conv(x, kernel, 1, padding, dilation_rate), packing)
        alone = self.select_valid(inputs, self.slots_valid(packing), 0)
        if within_gaps:
            return self.conv(alone, kernel, 1, padding, dilation_rate)
        return self._conv_of_far_steps(alone, packing, kernel, offsets)

    def _conv_of_far_steps(
        self, x: Array, packing: Any, kernel: Array, offsets: Sequence[int]
    ) -> Array:
        """Convolve where windows reach beyond the gaps: one product for all taps, of which each
        slot then takes what its own sequence has."""
        side_by_side = self.concatenate(self.unstack(kernel, 0), 1)
        products = self.split(self.matmul(self.squeeze(x, (0,)), side_by_side), len(offsets), 1)
        total = None
        for away, product in zip(offsets, products, strict=True):
            own = self.equal(self._moved(packing.row, away, -1), packing.row)
            part = self.select_valid(self._moved(product, away, 0), own, 0)
            total = part if total is None else self.add(total, part)
        return self.expand_dims(total, (0,))

    def _moved(self, x: Array, away: int, nothing: int) -> Array:
        """For each slot what stands so many slots after it, or nothing where none is."""
        size = self.shape(x)[0]
        ahead, behind = min(max(away, 0), size), min(max(-away, 0), size)
        here = self.getitem(x, (slice(ahead, size - behind),))
        rest = [(0, 0)] * (len(self.shape(x)) - 1)
        return self.pad(here, ((behind, ahead), *rest), nothing)
