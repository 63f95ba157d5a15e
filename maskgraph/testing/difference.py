"""How far two arrays are apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Difference(NamedTuple):
    """The largest difference between two arrays, or between all of several pairs.

    Attributes:
        absolute: the largest distance of two elements.
        relative: the largest, where what is expected is above 1 in proportion to that.
    """

    absolute: float = 0.0
    relative: float = 0.0

    def with_(self, other: Difference) -> Difference:
        """Return the larger of the two."""
        return Difference(max(self.absolute, other.absolute), max(self.relative, other.relative))


NONE = Difference()
INFINITE = Difference(np.inf, np.inf)


def difference(found: np.ndarray, expected: np.ndarray) -> Difference:
    """Return how far `found` is from `expected`: infinitely if shapes differ, or if only one of
    them is NaN somewhere.

    Example:
        >>> import numpy as np
        >>> difference(np.array([1.5, np.nan]), np.array([1.0, np.nan]))
        Difference(absolute=0.5, relative=0.5)
    """
    if found.shape != expected.shape:
        return INFINITE
    if not found.size:
        return NONE
    a, b = found.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):
        distance = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b))
    distance[np.isnan(distance)] = np.inf
    scaled = np.isfinite(b) & (expected.dtype.kind == "f")  # integers and bools must be equal
    relative = distance / np.where(scaled, np.maximum(1, np.abs(b)), 1)
    return Difference(float(distance.max()), float(relative.max()))
