"""Mean and variance of a data set that comes in batches: valid steps only, in float64."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from maskgraph.backend import owner
from maskgraph.errors import ArgumentError, explain
from maskgraph.layers.base.eager import as_data
from maskgraph.masks import MaskedTensor


class Statistics:
    """The number, mean and squared distances from it of everything added so far.

    Args:
        shape: of the entries that each have their own.

    Source: Chan et al., 1979, http://i.stanford.edu/pub/cstr/reports/cs/tr/79/773/CS-TR-79-773.pdf
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = np.zeros(shape)
        self.mean = np.zeros(shape)
        self.squares = np.zeros(shape)

    @property
    def variance(self) -> np.ndarray:
        return self.squares / np.maximum(self.count, 1)

    def add(self, batch: MaskedTensor, kept: list[int]) -> None:
        """Count what exists in a batch; `kept` are the axes of the entries."""
        host = batch.backend.to_numpy
        values = np.asarray(host(batch.value), np.float64)
        exists = np.ones(values.shape, bool)
        if batch.mask is not None:
            mask = host(batch.mask)
            exists &= mask.reshape(mask.shape + (1,) * (values.ndim - mask.ndim))
            values = np.where(exists, values, 0)  # in the padding may stand NaN
        others = tuple(a for a in range(values.ndim) if a not in kept)
        count = exists.sum(others)
        mean = values.sum(others, keepdims=True) / np.maximum(exists.sum(others, keepdims=True), 1)
        squares = np.where(exists, (values - mean) ** 2, 0).sum(others)
        self._merge(count, mean.reshape(self.mean.shape), squares)

    def _merge(self, count: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> None:
        total = np.maximum(self.count + count, 1)
        apart = mean - self.mean
        self.squares = self.squares + squares + apart**2 * self.count * count / total
        self.mean = self.mean + apart * count / total
        self.count = self.count + count


def batches_of(data: Any, mask: Any, owned_by: str, rank: int) -> Iterator[MaskedTensor]:
    """Yield a data set batch by batch.

    Args:
        data: one batch (an array, a tensor, a `MaskedTensor`, nested lists), or an iterable of
            batches, of which a tuple (x, y, …) counts for x; a list of arrays of less axes than
            `rank` is one batch of sequences.
        mask: of the one batch.
        owned_by: what an error calls it.
        rank: the least number of axes that a batch has.

    Raises:
        ArgumentError: for something else, or a mask for several batches.
    """
    if _is_one(data):
        yield as_data(data, mask, owned_by)
        return
    if mask is not None or not isinstance(data, Iterable):
        raise ArgumentError(
            explain(
                f"{owned_by}: this is not one batch of data"
                + ("" if mask is None else ", which one mask could describe"),
                received=type(data).__name__,
                expected="an array, a tensor, a MaskedTensor or a list; or an iterable of these, "
                "each a MaskedTensor if it has a mask",
            )
        )
    if isinstance(data, list | tuple) and data and all(np.ndim(x) < rank for x in data):
        yield MaskedTensor.from_ragged(data)
        return
    for batch in data:
        x = batch[0] if isinstance(batch, tuple) else batch
        yield MaskedTensor.from_ragged(x) if _is_several(x) else as_data(x, None, owned_by)


def _is_one(data: Any) -> bool:
    if isinstance(data, list | tuple):
        return bool(data) and not _is_several(data)
    return isinstance(data, MaskedTensor | np.ndarray) or owner(data) is not None


def _is_several(data: Any) -> bool:
    return isinstance(data, list) and any(hasattr(x, "shape") and np.ndim(x) for x in data)
