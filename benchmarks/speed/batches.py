"""The data: ids in a rectangle, 0 where there is no step, and as many steps without padding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KINDS = {
    "right": "right padding",
    "left": "left padding",
    "holes": "right padding, and 10 % of the steps masked within",
    "none": "no padding",
    "zipf": "right padding, ids by Zipf's law",
}
SIGMA = 0.6
"""Of the logarithm of lengths, about what sentences of a corpus have."""


@dataclass(frozen=True)
class Batch:
    """One batch.

    Attributes:
        ids: int32, (batch, time), 0 where there is no step.
        dense: ids of as many steps in total, without padding, (batch, mean length).
    """

    ids: np.ndarray
    dense: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        return self.ids != 0

    @property
    def fraction(self) -> float:
        """The share of the rectangle that exists."""
        return float(self.mask.mean())


def draw(
    kind: str, batch: int, time: int, vocabulary: int, fraction: float = 0.4, seed: int = 0
) -> Batch:
    """Return a batch of a kind, with lengths whose mean is `fraction` of the time axis."""
    generator = np.random.default_rng(seed)
    lengths = np.full(batch, time) if kind == "none" else draw_lengths(batch, time, fraction, seed)
    column = np.arange(time)
    mask = column < lengths[:, None]
    if kind == "left":
        mask = mask[:, ::-1]
    if kind == "holes":
        _pierce(mask, generator)
    some = _zipf if kind == "zipf" else _uniform
    ids = np.where(mask, some(generator, mask.shape, vocabulary), 0).astype("int32")
    dense = some(generator, (batch, int(mask.sum()) // batch), vocabulary).astype("int32")
    return Batch(ids, dense)


def draw_lengths(batch: int, time: int, fraction: float = 0.4, seed: int = 0) -> np.ndarray:
    """Return log-normal lengths from 1 to `time`; their sum is a multiple of `batch`, so that a
    batch without padding can have exactly as many steps."""
    if fraction >= 1:
        return np.full(batch, time)
    normal = np.random.default_rng(seed).normal(size=batch) * SIGMA
    low, high = -5.0, 25.0
    while high - low > 1e-6:  # the mean grows with the shift
        shift = (low + high) / 2
        if np.clip(np.exp(normal + shift), 1, time).mean() < fraction * time:
            low = shift
        else:
            high = shift
    lengths = np.clip(np.rint(np.exp(normal + low)), 1, time).astype(int)
    missing = -lengths.sum() % batch
    lengths[np.argsort(lengths, kind="stable")[:missing]] += 1
    return lengths


def _pierce(mask: np.ndarray, generator: np.random.Generator) -> None:
    """Take out every tenth step, never the first or last of a row; a multiple of the batch."""
    inside = mask.copy()
    inside[:, 0] = False
    inside[:, :-1] &= mask[:, 1:]
    inside[:, -1] = False
    batch = len(mask)
    number = min(round(mask.sum() / 10 / batch), inside.sum() // batch) * batch
    mask.flat[generator.choice(np.flatnonzero(inside), number, replace=False)] = False


def _uniform(generator: np.random.Generator, shape: tuple[int, ...], vocabulary: int) -> np.ndarray:
    return generator.integers(1, vocabulary, shape)


def _zipf(generator: np.random.Generator, shape: tuple[int, ...], vocabulary: int) -> np.ndarray:
    chances = 1 / np.arange(1, vocabulary)
    return generator.choice(np.arange(1, vocabulary), shape, p=chances / chances.sum())
