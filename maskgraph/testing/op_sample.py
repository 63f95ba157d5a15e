"""The arguments that the table of ops is filled with: small arrays, some of them masked."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

FEATURES = 4
_IDS = 5
_MASK = np.array([[0, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]], bool)
_OTHER = np.array([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 1, 0]], bool)
SIZES = _MASK.shape


class Masked(NamedTuple):
    """An array, and the mask of its leading axes."""

    values: np.ndarray
    mask: np.ndarray


class Sample:
    """Arguments for ops: each name is always the same numbers.

    Args:
        batch, time: the sizes, at most 3 and 4.
        dtype: of floats.
        padding: what stands at masked steps; for integers some id outside the vocabulary, unless
            it is 0.
    """

    def __init__(
        self,
        batch: int = SIZES[0],
        time: int = SIZES[1],
        dtype: str = "float64",
        padding: float = 0,
    ) -> None:
        self.batch = batch
        self.time = time
        self.dtype = dtype
        self.padding = padding
        self.mask = _MASK[:batch, :time]
        self.other_mask = _OTHER[:batch, :time]

    def floats(self, seed: int, *shape: int) -> np.ndarray:
        """Return normal random numbers."""
        return np.random.default_rng(seed).normal(size=shape).astype(self.dtype)

    def plain(self, seed: int, *trailing: int) -> np.ndarray:
        """Return numbers of (batch, time, …) without a mask."""
        return self.floats(seed, *SIZES, *trailing)[: self.batch, : self.time]

    def masked(self, values: np.ndarray, other: bool = False) -> Masked:
        """Return values with a mask, and the padding at masked steps."""
        mask = self.other_mask if other else self.mask
        values = values.copy()
        kind = values.dtype.kind
        values[~mask] = self.padding if kind == "f" else bool(self.padding) * 99
        return Masked(values, mask)

    @cached_property
    def x(self) -> Masked:
        return self.masked(self.plain(0, FEATURES))

    @cached_property
    def y(self) -> Masked:
        return self.masked(self.plain(1, FEATURES), other=True)

    @cached_property
    def positive(self) -> Masked:
        return self.masked(np.abs(self.plain(2, FEATURES)) + self.floats(0).dtype.type(0.1))

    @cached_property
    def column(self) -> Masked:
        return self.masked(self.plain(3, 1))

    @cached_property
    def grid(self) -> Masked:
        return self.masked(self.plain(4, 2, 3))

    @cached_property
    def whole(self) -> Masked:
        """Integers from -6 to 6, none of them 0."""
        drawn = np.random.default_rng(5).integers(1, 7, (*SIZES, FEATURES)).astype(np.int32)
        drawn[..., ::2] *= -1
        return self.masked(drawn[: self.batch, : self.time])

    @cached_property
    def flags(self) -> Masked:
        return self.masked(self.plain(6, FEATURES) > 0)

    @cached_property
    def ids(self) -> Masked:
        """(batch, time), from 0 to 4."""
        drawn = np.random.default_rng(7).integers(0, _IDS, SIZES).astype(np.int32)
        return self.masked(drawn[: self.batch, : self.time])

    @cached_property
    def table(self) -> np.ndarray:
        return self.floats(8, _IDS, FEATURES)

    @cached_property
    def kernel(self) -> np.ndarray:
        return self.floats(9, FEATURES, 3)

    @cached_property
    def scale(self) -> np.ndarray:
        return self.floats(10, FEATURES)

    @property
    def generator(self) -> np.random.Generator:
        """A fresh one each time, of the same numbers."""
        return np.random.default_rng(11)
