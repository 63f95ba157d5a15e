"""Normalization on any backend; what is computed in half precision has float32 statistics."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any

Array = Any


class NormalizationOps(ABC):
    """Normalization composed of primitives, overridable where a framework has it in one."""

    if TYPE_CHECKING:  # the primitives, which Backend declares and explains

        def __getattr__(self, primitive: str) -> Any: ...

    def layer_norm(
        self,
        x: Array,
        gamma: Array | None,
        beta: Array | None,
        axis: tuple[int, ...],
        epsilon: float,
    ) -> Array:
        """Elements along `axis` with mean 0 and variance 1, times `gamma`, plus `beta`."""
        wide = self._in_float32(x)
        centred = self.subtract(wide, self.mean(wide, axis, True))
        gamma = None if gamma is None else self._in_float32(gamma)
        result = self.rms_norm(centred, gamma, axis, epsilon)
        if beta is not None:
            result = self.add(result, self._beside(self._in_float32(beta), x, axis))
        return self._as_wide_as(x, result)

    def rms_norm(
        self, x: Array, gamma: Array | None, axis: tuple[int, ...], epsilon: float
    ) -> Array:
        """Elements along `axis` with a root mean square of 1, times `gamma`."""
        wide = self._in_float32(x)
        square = self.mean(self.square(wide), axis, True)
        result = self.multiply(wide, self.rsqrt(self.add(square, self._number(epsilon, wide))))
        if gamma is not None:
            result = self.multiply(result, self._beside(self._in_float32(gamma), x, axis))
        return self._as_wide_as(x, result)

    def _in_float32(self, x: Array) -> Array:
        """`x` as float32 at least: the squares of half precision soon overflow."""
        narrow = self.dtype(x) in ("float16", "bfloat16")
        return self.cast(x, "float32") if narrow else x

    def _as_wide_as(self, x: Array, result: Array) -> Array:
        dtype = self.dtype(x)
        return result if self.dtype(result) == dtype else self.cast(result, dtype)

    def _beside(self, weight: Array, x: Array, axis: tuple[int, ...]) -> Array:
        """A weight of the sizes of `axis`, so that it broadcasts to `x`."""
        rank = len(self.shape(x))
        if are_last(axis, rank):
            return weight
        return self.expand_dims(weight, tuple(a for a in range(rank) if a not in axis))


def are_last(axis: tuple[int, ...], rank: int) -> bool:
    """Tell whether axes are the last ones of that rank, one at least."""
    return bool(axis) and axis == tuple(range(rank - len(axis), rank))
