"""What `check_leaks` finds, and how it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from maskgraph.testing.leaks.batches import TEXTS


@dataclass(frozen=True)
class Fault:
    """A node of the graph whose output changes at steps that exist, though nothing that it gets
    does.

    Attributes:
        name: of the layer, op or module.
        kind: "layer", "op" or "module".
        type: the name of its class; "" for ops.
        difference, row, step: the largest change: see `Leak`.
    """

    name: str
    kind: str
    type: str
    difference: float
    row: int | None = None
    step: int | None = None

    @property
    def title(self) -> str:
        name = f'{self.kind} "{self.name}"' if self.name else f"the {self.kind} itself"
        return f"{name} ({self.type})" if self.type else name


@dataclass(frozen=True)
class Leak:
    """Something that changes with the padding.

    Attributes:
        what: "output 0", "gradient of input 0", "gradient of kernel".
        alteration: of the padding: "noise", "large", "nan", "inf" (what stands in it), "right",
            "left", "alone" (how much there is of it), or "as given".
        difference: the largest, absolute; infinite where a number is lost.
        row: of the batch; None if what changes has no axis of sequences.
        step: among those of the row that exist; None if it has no steps.
        fault: the first node at fault; None where the model cannot be opened, or no node gives
            anything else.
        where: "at valid steps" or "at padded steps".
    """

    what: str
    alteration: str
    difference: float
    row: int | None = None
    step: int | None = None
    fault: Fault | None = None
    where: str = "at valid steps"

    @property
    def by_weight(self) -> bool:
        """Whether what changes is the gradient by a weight."""
        return self.what.startswith("gradient of ") and not self.what.startswith(
            "gradient of input "
        )

    @property
    def node(self) -> str | None:
        """The name of the first node at fault."""
        return self.fault.name if self.fault else None


@dataclass(frozen=True)
class LeakReport:
    """What `check_leaks` returns; it prints as text.

    Attributes:
        model: what was checked.
        leaks: in the order in which they were found.
        tried: the alterations that were tried.
        not_tried: what could not be tried, and why.
    """

    model: str
    leaks: tuple[Leak, ...]
    tried: tuple[str, ...]
    not_tried: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing leaks."""
        return not self.leaks

    @property
    def nodes(self) -> list[str]:
        """The names of the nodes at fault, in the order in which they were found."""
        return list(dict.fromkeys(leak.node for leak in self.leaks if leak.node is not None))

    def raise_if_leaking(self) -> None:
        """Refuse a model that leaks.

        Raises:
            AssertionError: whose text is the report's.
        """
        if not self.ok:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        lines = [f"padding of {self.model}, altered in {len(self.tried)} ways", ""]
        lines += _fault_lines(self.leaks)
        lines += [f"  {line}" for line in _leak_lines(self.leaks)]
        lines += [""] if self.leaks else []
        lines += [f"not tried: {text}" for text in self.not_tried]
        lines.append(self._verdict())
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _verdict(self) -> str:
        if not self.tried:
            return "nothing was tried: nothing is known"
        if self.ok:
            return "ok: padding is not seen"
        faults = dict.fromkeys(leak.fault.title for leak in self.leaks if leak.fault)
        return f"leaking: {', '.join(faults) or self.model}"


def _fault_lines(leaks: Iterable[Leak]) -> list[str]:
    lines: dict[str, None] = {}
    for leak in leaks:
        if leak.fault is not None:
            change = f"{_by(leak.fault.difference)}{_at(leak.fault.row, leak.fault.step)}"
            title, text = leak.fault.title, TEXTS[leak.alteration]
            lines[f"{title}: output at valid steps {change} {text}"] = None
    return [*lines, ""] if lines else []


def _leak_lines(leaks: Iterable[Leak]) -> Iterator[str]:
    """Yield a line for each leak, but only one for the gradients of all weights."""
    for alteration, group in groupby(leaks, lambda leak: leak.alteration):
        found = list(group)
        weights = [leak for leak in found if leak.by_weight]
        for leak in found:
            if leak not in weights:
                yield f"{leak.what} {leak.where} {_changes(leak)} {TEXTS[alteration]}"
        if weights:
            most = max(weights, key=lambda leak: leak.difference)
            others = f" (and {len(weights) - 1} more)" if len(weights) > 1 else ""
            yield f"{most.what}{others} {_by(most.difference)} {TEXTS[alteration]}"


def _changes(leak: Leak) -> str:
    if leak.alteration == "as given":
        return f"is {leak.difference:.2g}{_at(leak.row, leak.step)}, and should be 0,"
    return _by(leak.difference) + _at(leak.row, leak.step)


def _by(difference: float) -> str:
    if np.isfinite(difference):
        return f"changes by {difference:.2g}"
    return "changes to NaN, Inf or another shape"


def _at(row: int | None, step: int | None) -> str:
    if row is None:
        return ""
    return f" (row {row})" if step is None else f" (row {row}, step {step})"
