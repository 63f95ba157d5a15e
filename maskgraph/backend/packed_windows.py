"""Convolutions of packed batches on any backend."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from maskgraph.backend.packing import Edges, Packing, Places

Array = Any


class PackedWindowOps(ABC):
    """Convolutions of (1, slots, features), composed of primitives."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def packed_conv(
        self, inputs: Array, packing: Packing, kernel: Array, padding: str, dilation_rate: int
    ) -> Array:
        """Convolve each sequence with a kernel, as `conv` does with strides of 1."""
        taps, rows = self.shape(kernel)[:2]
        if taps == 1:
            return self.conv(inputs, kernel, 1, padding, 1)
        if rows != self.shape(inputs)[2]:
            return self._conv_apart(inputs, packing, kernel, padding, dilation_rate)
        offsets = window_offsets(taps, padding, dilation_rate)
        return self._conv_end_to_end(inputs, packing, kernel, offsets)

    def _conv_end_to_end(
        self, x: Array, packing: Packing, kernel: Array, offsets: tuple[int, ...]
    ) -> Array:
        """Convolve all slots as if they were one sequence, then those anew whose windows reach
        beyond their own: they are few. Holes, which may be many, are zeros from the beginning."""

        def make() -> Edges:
            edges = packing.edges(offsets)
            return Edges(
                self.asarray(edges.slots), self._places(edges.steps), self.asarray(edges.index)
            )

        x = self.without_holes(x, packing)
        edges = packing.native((self, "edges", offsets), make)
        taps, features, filters = self.shape(kernel)
        windows = self.reshape(self.laid_out(x, edges.steps), [-1, taps * features])
        flat = self.reshape(kernel, [taps * features, filters])
        anew = self.expand_dims(self.matmul(windows, flat), (0,))
        return self.replaced(self.shifted_products(x, kernel, offsets), edges, anew)

    def without_holes(self, x: Array, packing: Packing) -> Array:
        """(1, slots, features), zeros at masked steps within sequences."""
        if not len(packing.holes):
            return x
        return self.select_valid(x, self.slots_valid(packing), 0)

    def shifted_products(self, x: Array, kernel: Array, offsets: Sequence[int]) -> Array:
        """The sum of the products of (1, slots, features) with matrices (taps, features, filters),
        each taken from its offset; zero is what comes from beyond the ends."""
        size = self.shape(x)[1]
        total = None
        for tap, offset in enumerate(offsets):
            product = self.matmul(x, self.getitem(kernel, (tap,)))
            by = min(abs(offset), size)
            if offset > 0:
                product = self.getitem(product, (slice(None), slice(by, None)))
                product = self.pad(product, ((0, 0), (0, by), (0, 0)), 0)
            elif offset < 0:
                product = self.getitem(product, (slice(None), slice(None, size - by)))
                product = self.pad(product, ((0, 0), (by, 0), (0, 0)), 0)
            total = product if total is None else self.add(total, product)
        return total

    def replaced(self, x: Array, edges: Edges, rows: Array) -> Array:
        """(1, slots, features) with rows (1, edges, features) in place of those at the edges."""
        return self.take(self.concatenate([x, rows], 1), edges.index, 1)

    def _conv_apart(
        self, inputs: Array, packing: Packing, kernel: Array, padding: str, dilation_rate: int
    ) -> Array:
        """Lay sequences apart by as many zeros as a window reaches over, convolve them as one."""
        gap = (self.shape(kernel)[0] - 1) * dilation_rate

        def make() -> tuple[Places, Array]:
            places, place = packing.apart(gap)
            return self._places(places), self.asarray(place)

        places, place = packing.native((self, "apart", gap), make)
        apart = self.laid_out(inputs, places)
        return self.take(self.conv(apart, kernel, 1, padding, dilation_rate), place, 1)


def window_offsets(taps: int, padding: str, dilation_rate: int) -> tuple[int, ...]:
    """Return how far from a step the steps of its window are, "same" or "causal"."""
    reach = (taps - 1) * dilation_rate
    left = reach if padding == "causal" else reach // 2
    return tuple(tap * dilation_rate - left for tap in range(taps))
