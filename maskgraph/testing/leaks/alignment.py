"""Where the steps that exist stand in what a model gives, and whether they change.

Nothing tells which axes of an output are steps, except that they grow with the padding; so a
model is run on a wider rectangle, and on each sequence alone, and the sizes are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from maskgraph.testing.difference import INFINITE, difference
from maskgraph.testing.leaks.batches import Batch, Line


class Seen(NamedTuple):
    """A tensor that a model made, on the host, and the mask that it carries (None: none)."""

    value: np.ndarray
    mask: np.ndarray | None = None


class Part(NamedTuple):
    """Some of the sequences, and a batch of them."""

    rows: np.ndarray
    batch: Batch


@dataclass(frozen=True)
class Change:
    """The largest difference of a tensor from what it was.

    Attributes:
        difference: absolute; infinite where only one of two numbers is finite, or shapes differ.
        row: of the batch; None if the tensor has no axis of sequences.
        step: among those of the row that exist; None if the tensor has no steps.
        scale: the largest number that was there before, 1 at least.
    """

    difference: float = 0.0
    row: int | None = None
    step: int | None = None
    scale: float = 1.0

    def exceeds(self, tolerance: float) -> bool:
        return self.difference > tolerance * self.scale


@dataclass(frozen=True)
class Layout:
    """What the axes of a tensor are.

    Attributes:
        batch: the axis of sequences; None if there is none.
        leading: the input whose mask describes the axes after it; "own" for the tensor's own
            mask; None for neither.
        axes: further axes that follow an axis of an input.
        resized: axes that grow with the padding by another measure, as after a strided window;
            for each sequence how many steps it has alone.
    """

    batch: int | None
    leading: int | str | None = None
    axes: dict[int, Line] = field(default_factory=dict)
    resized: dict[int, dict[int, int]] = field(default_factory=dict)

    @property
    def has_steps(self) -> bool:
        return self.leading is not None or 1 in self.axes or 1 in self.resized

    def front(self, value: np.ndarray) -> np.ndarray:
        """Return a tensor with the axis of sequences first."""
        return value if self.batch is None else np.moveaxis(value, self.batch, 0)

    def index(self, seen: Seen, part: Part, place: int, left: bool) -> np.ndarray | None:
        """Return the places, in the flattened tensor, of what exists of the sequence at `place`
        of a part; None if nothing tells which they are."""
        fronted = self.front(np.arange(seen.value.size).reshape(seen.value.shape))
        if place >= len(fronted):
            return None
        places = fronted[place]
        row = int(part.rows[place])
        for axis in sorted({*self.axes, *self.resized}, reverse=True):
            if axis in self.axes:
                steps = part.batch.steps(self.axes[axis])[place]
            elif row in self.resized[axis]:
                n, size = self.resized[axis][row], places.shape[axis - 1]
                order = np.arange(size)
                steps = order >= size - n if left else order < n
            else:
                return None
            if len(steps) != places.shape[axis - 1]:
                return None
            places = np.compress(steps, places, axis - 1)
        mask = self._mask(seen, part)
        return np.asarray(places if mask is None else places[mask[place]])

    def _mask(self, seen: Seen, part: Part) -> np.ndarray | None:
        if self.leading is None:
            return None
        mask = seen.mask if self.leading == "own" else part.batch.masks[int(self.leading)]
        size = self.front(seen.value).shape
        if mask is None or mask.shape != size[: mask.ndim]:
            return None  # what comes out has another shape then, which is a change
        return mask


def layout_of(
    base: Seen,
    batch: Batch,
    wide: tuple[Seen, Batch] | None,
    alone: Sequence[tuple[Part, Seen]],
) -> Layout:
    """Return what the axes of a tensor are, from runs on a batch, on a wider one, and on each
    sequence alone."""
    axis = _batch_axis(base.value.shape, batch.size)
    if axis is None:
        return Layout(None)
    layout = Layout(axis)
    sizes = layout.front(base.value).shape
    wider = layout.front(wide[0].value).shape if wide and wide[0].value.ndim > axis else sizes
    axes: dict[int, Line] = {}
    unknown = []
    for k in range(1, len(sizes)):
        line = _line(k, sizes, wider, batch, wide[1] if wide else None)
        if line is not None:
            axes[k] = line
        elif wide and len(wider) == len(sizes) and sizes[k] != wider[k]:
            unknown.append(k)
    leading = _leading(base, layout, axes, batch)
    covered = _covered(leading, base, batch)
    resized = {
        k: {
            int(row): layout.front(seen.value).shape[k]
            for part, seen in alone
            for row in part.rows
            if seen.value.ndim == base.value.ndim
        }
        for k in unknown
        if k not in covered
    }
    rest = {k: line for k, line in axes.items() if k not in covered}
    return Layout(axis, leading, rest, resized)


def _batch_axis(shape: tuple[int, ...], size: int) -> int | None:
    return next((k for k, n in enumerate(shape) if n == size), None)


def _line(
    axis: int,
    sizes: tuple[int, ...],
    wider: tuple[int, ...],
    batch: Batch,
    wide: Batch | None,
) -> Line | None:
    """Return the axis of an input that an axis follows."""
    for line in batch.lines():
        size = batch.values[line.input].shape[line.axis]
        if wide is None:  # nothing but the size tells
            found = line.axis == axis and size == sizes[axis]
        else:
            grown = wide.values[line.input].shape[line.axis]
            found = len(wider) == len(sizes) and (size, grown) == (sizes[axis], wider[axis])
        if found:
            return line
    return None


def _leading(base: Seen, layout: Layout, axes: dict[int, Line], batch: Batch) -> int | str | None:
    if base.mask is not None and base.mask.shape == base.value.shape[: base.mask.ndim]:
        return "own"
    for i, mask in enumerate(batch.masks):
        if mask is not None and all(axes.get(k) == Line(i, k) for k in range(1, mask.ndim)):
            return i
    return None


def _covered(leading: int | str | None, base: Seen, batch: Batch) -> range:
    if leading is None:
        return range(0)
    mask = base.mask if leading == "own" else batch.masks[int(leading)]
    assert mask is not None
    return range(1, mask.ndim)


# -- comparing -----------------------------------------------------------------------------

Pieces = dict[Any, np.ndarray]
"""What exists of a tensor, by row of the batch; under None if it has no axis of sequences."""


def pieces(layout: Layout, runs: Sequence[tuple[Part, Seen]], left: bool = False) -> Pieces:
    """Return what exists of a tensor, from its parts."""
    if layout.batch is None:
        return {None: runs[0][1].value} if len(runs) == 1 else {}
    found: Pieces = {}
    for part, seen in runs:
        fits = seen.value.ndim > layout.batch
        for place, row in enumerate(part.rows):
            if not fits or place >= seen.value.shape[layout.batch]:
                found[int(row)] = seen.value
                continue
            index = layout.index(seen, part, place, left)
            if index is not None:
                found[int(row)] = seen.value.reshape(-1)[index]
    return found


def change(layout: Layout, before: Pieces, after: Pieces) -> Change:
    """Return the largest difference of what exists before and after."""
    scale = max((largest(x) for x in before.values()), default=0.0)
    worst = Change(scale=max(1.0, scale))
    for row in before.keys() & after.keys():
        a, b = after[row], before[row]
        found = difference(a, b) if a.shape == b.shape else INFINITE
        if found.absolute > worst.difference:
            step = _first_step(a, b, found.absolute) if layout.has_steps else None
            worst = Change(found.absolute, row, step, worst.scale)
    return worst


def largest(x: np.ndarray) -> float:
    """Return the largest absolute value that is finite; 0 if there is none."""
    finite = x[np.isfinite(x)] if x.dtype.kind == "f" else x
    return float(np.abs(finite.astype(np.float64)).max()) if finite.size else 0.0


def _first_step(a: np.ndarray, b: np.ndarray, size: float) -> int | None:
    """Return the first step at which the difference is as large as it gets."""
    if a.shape != b.shape or not a.ndim:
        return None
    return next(i for i in range(len(a)) if difference(a[i], b[i]).absolute == size)
