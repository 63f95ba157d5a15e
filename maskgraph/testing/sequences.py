"""Random sequences, and the rectangles that they stand in: what tests of the law run on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.masks import MaskedTensor

PADDINGS = ("right", "left", "holes")
"""Where padding stands: after the sequence, before it, or anywhere between its steps."""

FILLERS = ("zeros", "noise", "nan", "inf")
"""What stands in the padding."""


@dataclass(frozen=True)
class Sequences:
    """What the sequences of one input are made of.

    Args:
        kind: "floats", or "ids" from 0 to `vocabulary` - 1.
        trailing: the axes after time.
        axes: how many axes are padded: 1 for time, 2 for sentences of words.
    """

    kind: str = "floats"
    trailing: tuple[int, ...] = ()
    vocabulary: int = 0
    axes: int = 1

    def draw(self, length: int, generator: np.random.Generator) -> np.ndarray:
        """Return one random sequence; with two axes, each of its steps is as long as it is."""
        shape = (*(length,) * self.axes, *self.trailing)
        if self.kind == "ids":
            return generator.integers(0, self.vocabulary, shape).astype(np.int32)
        return generator.normal(size=shape).astype(np.float32)

    def batch(
        self,
        lengths: Sequence[int],
        padding: str | Sequence[str],
        generator: np.random.Generator,
        size: int | None = None,
    ) -> Rectangle:
        """Return random sequences in a rectangle, by default of as many steps as the longest."""
        drawn = [self.draw(n, generator) for n in lengths or [size or 0]]
        size = max(map(len, drawn)) if size is None else size
        placed = Rectangle.place(drawn, size, padding, generator, self.axes)
        return placed if lengths else Rectangle(placed.values[:0], placed.mask[:0])


@dataclass(frozen=True)
class Rectangle:
    """A batch of sequences in one array, and the mask that tells where they are."""

    values: np.ndarray
    mask: np.ndarray

    @classmethod
    def place(
        cls,
        sequences: Sequence[np.ndarray],
        size: int,
        padding: str | Sequence[str],
        generator: np.random.Generator,
        axes: int = 1,
    ) -> Rectangle:
        """Put sequences into a rectangle of that many steps.

        Args:
            padding: one of `PADDINGS`, or several, for one sequence after the other.
            axes: how many axes of a sequence are padded.
        """
        first = sequences[0]
        shape = (len(sequences), *(size,) * axes)
        values = np.zeros((*shape, *first.shape[axes:]), first.dtype)
        mask = np.zeros(shape, bool)
        sides = itertools.cycle([padding] if isinstance(padding, str) else padding)
        for row, (sequence, side) in enumerate(zip(sequences, sides, strict=False)):
            places = np.ix_(*(_steps(n, size, side, generator) for n in sequence.shape[:axes]))
            values[row][places] = sequence
            mask[row][places] = True
        return cls(values, mask)

    def filled(self, filler: str, generator: np.random.Generator) -> MaskedTensor:
        """Return the batch with its mask, and something in the padding."""
        values = self.values.copy()
        values[~self.mask] = _filling(values[~self.mask], filler, generator)
        return MaskedTensor(values, self.mask)

    def row(self, row: int, steps: np.ndarray | None = None, masked: bool = False) -> MaskedTensor:
        """Return one sequence alone, in a batch of one.

        Args:
            steps: those to keep, bool; by default those that exist.
            masked: whether it comes with the mask of the steps kept.
        """
        kept = self.mask[row] if steps is None else steps
        places = np.ix_(*(kept.any(_others(kept.ndim, axis)) for axis in range(kept.ndim)))
        mask = self.mask[row][places][None] if masked else None
        return MaskedTensor(self.values[row][places][None], mask)


def _others(rank: int, axis: int) -> tuple[int, ...]:
    return tuple(a for a in range(rank) if a != axis)


def _steps(
    length: int, size: int, padding: str, generator: np.random.Generator
) -> np.ndarray[Any, Any]:
    """Return which steps of a rectangle a sequence takes."""
    if padding == "right":
        return np.arange(length)
    if padding == "left":
        return np.arange(size - length, size)
    if padding == "holes":
        return np.sort(generator.choice(size, length, replace=False))
    raise _unknown("padding", padding, PADDINGS)


def _filling(like: np.ndarray, filler: str, generator: np.random.Generator) -> Any:
    if filler not in FILLERS:
        raise _unknown("filler", filler, FILLERS)
    if filler == "zeros":
        return 0
    if like.dtype.kind != "f":  # ids outside any vocabulary
        return generator.integers(-9, 10**6, like.shape)
    if filler == "noise":
        return generator.normal(scale=100, size=like.shape)
    return np.nan if filler == "nan" else generator.choice([-np.inf, np.inf], like.shape)


def _unknown(what: str, name: str, known: tuple[str, ...]) -> ArgumentError:
    return ArgumentError(
        explain(
            f"sequences: unknown {what}",
            received=repr(name),
            expected="one of " + ", ".join(map(repr, known)),
        )
    )
