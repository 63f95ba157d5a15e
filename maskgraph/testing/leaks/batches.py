"""Batches whose padding is altered: what stands in it, and how much of it there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain

CONTENTS = ("noise", "large", "nan", "inf")
"""What is put into the padding of floats; that of ids gets other ids."""

AMOUNTS = ("right", "left", "alone")
"""How the amount of padding is changed: more of it after or before the sequences, or none."""

ALTERATIONS = (*CONTENTS, *AMOUNTS)

TEXTS = {
    "noise": "when the padding is noise",
    "large": "when the padding is large",
    "nan": "when the padding is NaN",
    "inf": "when the padding is Inf",
    "right": "when there is more padding on the right",
    "left": "when there is padding on the left",
    "alone": "when each sequence is alone, without padding",
    "as given": "with the padding as it is given",
}

LARGE = 1e6
_WIDER = 8


@dataclass(frozen=True)
class Line:
    """An axis along which an input is padded."""

    input: int
    axis: int


@dataclass(frozen=True)
class Batch:
    """The inputs of a model: values, masks (None: no padding), and what stands in the padding
    where nothing else is put (None: what stands there already)."""

    values: tuple[np.ndarray, ...]
    masks: tuple[np.ndarray | None, ...]
    pads: tuple[Any, ...]

    @property
    def size(self) -> int:
        """How many sequences there are."""
        return len(self.values[0])

    def lines(self) -> Iterator[Line]:
        """Yield the axes that are padded."""
        for i, mask in enumerate(self.masks):
            if mask is not None:
                yield from (Line(i, axis) for axis in range(1, mask.ndim))

    def steps(self, line: Line) -> np.ndarray:
        """Return which steps of an axis exist, for each sequence: (batch, steps)."""
        mask = self.masks[line.input]
        assert mask is not None
        others = tuple(a for a in range(1, mask.ndim) if a != line.axis)
        return np.asarray(mask.any(axis=others))

    # -- what stands in the padding --------------------------------------------------------

    def cleared(self) -> Batch:
        """The batch with nothing but `pads` in the padding."""
        return self._put([_pad(v, p) for v, p in zip(self.values, self.pads, strict=True)])

    def filled(
        self, filler: str, generator: np.random.Generator, vocabulary: tuple[int, int] | None
    ) -> Batch:
        """The batch with something else in the padding; ids are drawn from a vocabulary (its
        first id, and the one after its last), or from those at the steps that exist."""
        fillings = []
        for value, mask in zip(self.values, self.masks, strict=True):
            known = value if mask is None else value[mask]
            fillings.append(filling(value, filler, generator, known, vocabulary))
        return self._put(fillings)

    def _put(self, fillings: Sequence[np.ndarray]) -> Batch:
        values = []
        for value, mask, filling in zip(self.values, self.masks, fillings, strict=True):
            if mask is not None:
                value = value.copy()
                value[~mask] = filling[~mask]
            values.append(value)
        return replace(self, values=tuple(values))

    # -- how much there is of it -----------------------------------------------------------

    def widened(self, side: str) -> Batch:
        """The batch with more steps of padding; every axis gets another number of them, so that
        the axes of an output that follow it are known."""
        values, masks = list(self.values), list(self.masks)
        for n, line in enumerate(self.lines()):
            i, mask = line.input, masks[line.input]
            assert mask is not None
            pad = self.pads[i] if self.pads[i] is not None else 0
            values[i] = _widened(values[i], line.axis, _WIDER + n, side, pad)
            masks[i] = _widened(mask, line.axis, _WIDER + n, side, False)
        return replace(self, values=tuple(values), masks=tuple(masks))

    def alone(self) -> Iterator[tuple[np.ndarray, Batch]]:
        """Yield (which sequences, a batch of them without padding), those of equal lengths
        together. One without any step keeps one that is masked, as frameworks want it."""
        groups: dict[Any, list[int]] = defaultdict(list)
        for row in range(self.size):
            groups[tuple(self._bounds(line, row) for line in self.lines())].append(row)
        for bounds, found in groups.items():
            rows = np.array(found)
            values = [v[rows] for v in self.values]
            masks = [None if m is None else m[rows] for m in self.masks]
            for line, (start, stop) in zip(self.lines(), bounds, strict=True):
                key = (slice(None),) * line.axis + (slice(start, stop),)
                mask = masks[line.input]
                assert mask is not None
                values[line.input], masks[line.input] = values[line.input][key], mask[key]
            yield rows, replace(self, values=tuple(values), masks=tuple(masks))

    def _bounds(self, line: Line, row: int) -> tuple[int, int]:
        places = np.flatnonzero(self.steps(line)[row])
        return (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 1)


def filling(
    like: np.ndarray,
    filler: str,
    generator: np.random.Generator,
    known: np.ndarray,
    vocabulary: tuple[int, int] | None = None,
) -> np.ndarray:
    """Return an array of the shape and dtype of `like` that is made of nothing but filler."""
    if like.dtype.kind == "b":
        return generator.random(like.shape) < 0.5
    if like.dtype.kind in "iu":
        if vocabulary is not None:
            return generator.integers(*vocabulary, like.shape).astype(like.dtype)
        ids = np.unique(known) if known.size else np.zeros(1, like.dtype)
        return generator.choice(ids, like.shape).astype(like.dtype)
    signs = generator.choice([-1.0, 1.0], like.shape)
    made = {
        "noise": generator.normal(size=like.shape),
        "large": signs * LARGE,
        "nan": np.full(like.shape, np.nan),
        "inf": signs * np.inf,
    }[filler]
    return made.astype(like.dtype)


def _pad(like: np.ndarray, pad: Any) -> np.ndarray:
    return like if pad is None else np.full_like(like, pad)


def _widened(array: np.ndarray, axis: int, extra: int, side: str, pad: Any) -> np.ndarray:
    shape = list(array.shape)
    shape[axis] = extra
    more = np.full(shape, pad, array.dtype)
    return np.concatenate([array, more] if side == "right" else [more, array], axis)


def wanted(alterations: Sequence[str] | None) -> tuple[str, ...]:
    """Return the alterations asked for.

    Raises:
        ArgumentError: if there is no alteration of a name.
    """
    if alterations is None:
        return ALTERATIONS
    names = (alterations,) if isinstance(alterations, str) else tuple(alterations)
    for name in names:
        if name not in ALTERATIONS:
            raise ArgumentError(
                explain(
                    "check_leaks: there is no such alteration of the padding",
                    received=repr(name),
                    expected="some of " + ", ".join(ALTERATIONS),
                )
            )
    return names
