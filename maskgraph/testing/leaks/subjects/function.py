"""Functions of values and a mask, on the tensors of any framework."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import unflatten
from maskgraph.masks import MaskedTensor
from maskgraph.testing.leaks.alignment import Seen
from maskgraph.testing.leaks.batches import Batch
from maskgraph.testing.leaks.subjects.subject import (
    Feed,
    Filler,
    Gradient,
    Subject,
    seen_in,
    tensors_in,
)
from maskgraph.testing.leaks.subjects.tensors import Tensors


class FunctionSubject(Subject):
    """A callable: `fn(values, mask)`, or as a `Feed` says."""

    def __init__(self, function: Callable[..., Any], feed: Feed, tensors: Tensors) -> None:
        self.function = function
        self.feed = feed
        self.tensors = tensors
        self.title = getattr(function, "__qualname__", None) or type(function).__name__
        self.contents = feed.masked
        self.left = feed.lengths_name is None

    @contextmanager
    def untouched(self) -> Iterator[None]:
        with same_randomness():
            yield

    def outputs(self, batch: Batch, inject: Filler | None = None) -> list[Seen]:
        with same_randomness():
            result = self.call([self.tensors.native(x) for x in batch.values], batch)
        return seen_in(result, self.title)

    def gradients(self, batch: Batch, cotangents: list[np.ndarray | None]) -> list[Gradient] | None:
        if not self.tensors.differentiates:
            return None
        named = self.weights()

        def function(natives: list[Any]) -> list[Any]:
            made = tensors_in(self.call(natives, batch))
            return [x.value if isinstance(x, MaskedTensor) else x for x in made]

        with same_randomness():
            found = self.tensors.pullback(function, batch.values, [w for _, w in named], cotangents)
        floats = [i for i, x in enumerate(batch.values) if x.dtype.kind == "f"]
        by: list[int | str] = [*floats, *(name for name, _ in named)]
        return [Gradient(b, g) for b, g in zip(by, found, strict=False)]

    def weights(self) -> Sequence[tuple[str, Any]]:
        """Return the weights to differentiate by, and their names."""
        return []

    def call(self, natives: list[Any], batch: Batch) -> Any:
        """Call the function on native values, and masks as it wants them."""
        values = unflatten(self.feed.structure, iter(natives))
        several = isinstance(self.feed.structure, tuple)
        args = list(values) if several else [values]
        if not self.feed.masked:
            return self.function(*args)
        masks = [None if m is None else self._mask(m) for m in batch.masks]
        keyword = self.feed.lengths_name or self.feed.mask_name
        given = unflatten(self.feed.structure, iter(masks))
        if keyword is None:
            return self.function(
                *args, *([m for m in given if m is not None] if several else [given])
            )
        if several:  # one keyword takes the mask of the one input that has one
            given = next(m for m in masks if m is not None)
        return self.function(*args, **{keyword: given})

    def _mask(self, mask: np.ndarray) -> Any:
        if self.feed.lengths_name is not None:
            return self.tensors.native(lengths_of(mask))
        return self.tensors.native(~mask if self.feed.ignore else mask)


def lengths_of(mask: np.ndarray) -> np.ndarray:
    """Return how long right-padded sequences are.

    Raises:
        ArgumentError: for a mask that is more than lengths.
    """
    lengths = mask.sum(axis=1)
    if mask.ndim != 2 or not (mask == (np.arange(mask.shape[1]) < lengths[:, None])).all():
        raise ArgumentError(
            explain(
                "check_leaks: lengths cannot say what the mask says",
                received=f"a mask of shape {mask.shape}",
                expected="a mask of (batch, time), True from the first step to the last",
            )
        )
    return np.asarray(lengths)


@contextmanager
def same_randomness() -> Iterator[None]:
    """Give the generators of Python, NumPy and PyTorch back the state they had."""
    torch: Any = sys.modules.get("torch")
    states = random.getstate(), np.random.get_state(), torch and torch.random.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        if torch:
            torch.random.set_rng_state(states[2])
