"""Gradients, compared as outputs are: by inputs at the steps that exist, and by weights.

What is differentiated is the sum of what exists of all outputs, each element times a random
number that is the same for the same element of the same sequence, wherever padding puts it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from maskgraph.testing.leaks.alignment import Change, Layout, Part, Pieces, Seen, change, largest
from maskgraph.testing.leaks.alignment import pieces as pieces_of
from maskgraph.testing.leaks.runs import Runs, Variant
from maskgraph.testing.leaks.subjects import Gradient

Found = list[list[Gradient]]
"""For each part of a variant its gradients."""


class Gradients:
    """The gradients of a model on a batch and its variants."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self._found: dict[str, Found | None] = {}
        self._numbers = [self._drawn(i) for i in range(len(runs.layouts))]

    def changes(self, variant: Variant) -> Iterator[tuple[int | str, Change]]:
        """Yield by what, and how far each gradient is from that for the batch as it is given."""
        if variant.inject:
            return
        before, after = self._of(self.runs.base), self._of(variant)
        if not before or not after:
            return
        for n, (by, _) in enumerate(before[0]):
            layout = self._layout(by)
            old = self._pieces(by, n, self.runs.base, before)
            yield by, change(layout, old, self._pieces(by, n, variant, after))

    def of_padding(self) -> Iterator[tuple[int | str, Change]]:
        """Yield the gradients by what stands in the padding of inputs, which should be 0."""
        found = self._of(self.runs.base) if self.runs.subject.contents else None
        for by, value in found[0] if found else []:
            mask = self.runs.batch.masks[by] if isinstance(by, int) else None
            if mask is None:
                continue
            rows = {row: value[row][~mask[row]] for row in range(len(mask))}
            zeros = {row: np.zeros_like(x) for row, x in rows.items()}
            worst = change(Layout(0), zeros, rows)
            yield by, Change(worst.difference, worst.row, None, max(1.0, largest(value)))

    # -- by inputs, and by weights ---------------------------------------------------------

    def _layout(self, by: int | str) -> Layout:
        if isinstance(by, str):
            return Layout(None)
        return Layout(0, None if self.runs.batch.masks[by] is None else by)

    def _pieces(self, by: int | str, n: int, variant: Variant, found: Found) -> Pieces:
        if isinstance(by, str):  # that of a batch is the sum of those of its sequences
            return {None: np.sum([gradients[n].value for gradients in found], axis=0)}
        runs = [(p, Seen(g[n].value)) for p, g in zip(variant.parts, found, strict=True)]
        return pieces_of(self._layout(by), runs)

    def _of(self, variant: Variant) -> Found | None:
        if variant.name not in self._found:
            self._found[variant.name] = self._differentiated(variant)
        return self._found[variant.name]

    def _differentiated(self, variant: Variant) -> Found | None:
        found: Found = []
        for part, outputs in self.runs.found[variant.name]:
            cotangents = [self._cotangent(i, part, s, variant) for i, s in enumerate(outputs)]
            try:
                gradients = self.runs.subject.gradients(part.batch, cotangents)
            except Exception as error:  # anybody's code
                text = str(error).strip().split("\n")[0][:200]
                self.runs.note(f"gradients: {type(error).__name__}: {text}")
                return None
            if gradients is None:
                self.runs.note("gradients: the framework or backend has none")
                return None
            found.append(gradients)
        return found

    # -- what outputs are multiplied by ----------------------------------------------------

    def _drawn(self, output: int) -> Pieces:
        generator = np.random.default_rng([self.runs.seed, output])
        before = self.runs.pieces(self.runs.base, output)
        return {row: generator.normal(size=x.shape) for row, x in before.items()}

    def _cotangent(
        self, output: int, part: Part, seen: Seen, variant: Variant
    ) -> np.ndarray | None:
        """Return the numbers at their places in an output, 0 at what does not exist."""
        layout, drawn = self.runs.layouts[output], self._numbers[output]
        if seen.value.dtype.kind != "f":
            return None
        if layout.batch is None:
            fits = None in drawn and drawn[None].shape == seen.value.shape
            return drawn[None].astype(seen.value.dtype) if fits else None
        flat = np.zeros(seen.value.size, seen.value.dtype)
        for place, row in enumerate(map(int, part.rows)):
            index = layout.index(seen, part, place, variant.left)
            if index is not None and row in drawn and index.shape == drawn[row].shape:
                flat[index] = drawn[row]
        return flat.reshape(seen.value.shape)
