"""The runs of a model that are compared: on the batch as it is, and with its padding altered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.testing.leaks.alignment import (
    Change,
    Layout,
    Part,
    Pieces,
    Seen,
    change,
    layout_of,
    pieces,
)
from maskgraph.testing.leaks.batches import AMOUNTS, CONTENTS, TEXTS, Batch, filling
from maskgraph.testing.leaks.subjects import Filler, NodeRun, Subject

Outputs = list[tuple[Part, list[Seen]]]
Nodes = list[tuple[Part, dict[str, NodeRun]]]
SAME = 1e-6
_ANY_IDS = (-9, 10**6)


@dataclass(frozen=True)
class Variant:
    """A batch with altered padding, in one part or several.

    Attributes:
        inject: whether padding inside of the model is altered, and not that of the inputs.
    """

    name: str
    parts: tuple[Part, ...]
    inject: bool = False

    @property
    def left(self) -> bool:
        return self.name == "left"


class Runs:
    """Runs a model on a batch and its variants, and compares.

    Raises:
        ArgumentError: if the model does not give the same twice.
    """

    def __init__(self, subject: Subject, batch: Batch, vocabulary: int | None, seed: int) -> None:
        self.subject, self.batch, self.seed = subject, batch, seed
        self.vocabulary = (0, vocabulary) if vocabulary else _ANY_IDS if subject.any_ids else None
        self.tried: list[str] = []
        self.not_tried: list[str] = []
        whole = Part(np.arange(batch.size), batch)
        self.base = Variant("as given", (whole,))
        first = subject.outputs(batch)
        self._outputs = len(first)
        self.found: dict[str, Outputs] = {"as given": [(whole, first)]}
        self._nodes: dict[str, Nodes | None] = {}
        self.sizes = self._sizes()
        self.layouts = [self._layout(i) for i in range(self._outputs)]
        self.found["again"] = [(whole, subject.outputs(batch))]
        again = self.output_changes(Variant("again", (whole,)))
        if any(c.difference > SAME * c.scale for c in again):
            raise ArgumentError(
                explain(
                    f"check_leaks: {subject.title} does not give the same twice",
                    expected="outputs that follow from the inputs",
                    fix="switch off what is random; evaluate, do not train",
                )
            )

    # -- the runs --------------------------------------------------------------------------

    def variants(self, names: tuple[str, ...]) -> Iterator[Variant]:
        """Yield the variants that the model takes; note those that it does not."""
        for name in names:
            if name in AMOUNTS:
                variant = self.sizes.get(name)
            else:
                variant = self._with_content(name)
                if variant is not None and not self._runs(variant):
                    variant = None
            if variant is not None:
                self.tried.append(name)
                yield variant

    def _with_content(self, name: str) -> Variant | None:
        whole = self.base.parts[0]
        inject = not self.subject.contents
        if inject and (not self.subject.injects or name not in ("noise", "large")):
            if name == "noise" and not self.subject.injects:
                self.note("other content of the padding: the model makes its mask of it")
            return None
        if inject:
            return Variant(name, (whole,), True)
        floats = [
            v
            for v, m in zip(self.batch.values, self.batch.masks, strict=True)
            if m is not None and v.dtype.kind == "f"
        ]
        if not floats and name != "noise":
            return None  # ids are altered in one way
        generator = np.random.default_rng([self.seed, CONTENTS.index(name)])
        return Variant(
            name, (Part(whole.rows, self.batch.filled(name, generator, self.vocabulary)),)
        )

    def _sizes(self) -> dict[str, Variant]:
        rows = np.arange(self.batch.size)
        found = {}
        for name in AMOUNTS:
            if name == "left" and not self.subject.left:
                self.note("padding on the left: lengths cannot say it")
                continue
            if name == "alone":
                alone = [Part(r, b) for r, b in self.batch.alone()]
                parts = tuple(p for p in alone if self._runs(Variant(name, (p,))))
            else:
                parts = (Part(rows, self.batch.widened(name)),)
            variant = Variant(name, parts)
            if parts and self._runs(variant):
                found[name] = variant
        return found

    def _runs(self, variant: Variant) -> bool:
        try:
            self.found[variant.name] = self._run(variant)
        except Exception as error:  # anybody's code, on sizes that it may not be made for
            text = str(error).strip().split("\n")[0][:200]
            self.note(f"{variant.name}: {type(error).__name__}: {text}")
            return False
        return True

    def _run(self, variant: Variant) -> Outputs:
        inject = self._filler(variant)
        found = [(part, self.subject.outputs(part.batch, inject)) for part in variant.parts]
        for _, outputs in found:
            if len(outputs) != self._outputs:
                raise ArgumentError(
                    explain(
                        f"{self.subject.title} does not always return as many tensors",
                        received=f"{len(outputs)} {TEXTS[variant.name]}",
                        expected=f"{self._outputs}",
                    )
                )
        return found

    def _filler(self, variant: Variant) -> Filler | None:
        return partial(_injected, variant.name, self.seed) if variant.inject else None

    def nodes(self, variant: Variant) -> Nodes | None:
        """Return what the nodes inside give, or None if the model cannot be opened."""
        if not self.subject.opens:
            return None
        if variant.name not in self._nodes:
            inject = self._filler(variant)
            self._nodes[variant.name] = [
                (part, self.subject.nodes(part.batch, inject)) for part in variant.parts
            ]
        return self._nodes[variant.name]

    # -- outputs ---------------------------------------------------------------------------

    def output_changes(self, variant: Variant) -> list[Change]:
        """Return how far each output is from that for the batch as it is given."""
        return [
            change(layout, self.pieces(self.base, i), self.pieces(variant, i))
            for i, layout in enumerate(self.layouts)
        ]

    def pieces(self, variant: Variant, output: int) -> Pieces:
        """Return what exists of an output."""
        runs = [(part, outputs[output]) for part, outputs in self.found[variant.name]]
        return pieces(self.layouts[output], runs, variant.left)

    def _layout(self, output: int) -> Layout:
        ((_, base),) = self.found["as given"]
        wide = None
        if "right" in self.sizes:
            ((part, outputs),) = self.found["right"]
            wide = outputs[output], part.batch
        alone = [(p, outputs[output]) for p, outputs in self.found.get("alone", [])]
        return layout_of(base[output], self.batch, wide, alone)

    def note(self, text: str) -> None:
        """Remember something that could not be tried."""
        if text not in self.not_tried:
            self.not_tried.append(text)


def _injected(name: str, seed: int, value: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return values with something else at masked steps."""
    value = value.copy()
    generator = np.random.default_rng([seed, CONTENTS.index(name)])
    value[~mask] = filling(value[~mask], name, generator, value)
    return value
