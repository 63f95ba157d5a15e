"""What checks report: findings with stable codes, as a linter's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from maskgraph.graph import Location
from maskgraph.text import columns

CODES = {
    "MG001": "a mask is lost, and a layer after it needs one",
    "MG002": "a mask is lost",
    "MG003": "masks that differ meet",
    "MG004": "a layer that looks at other steps gets no mask",
    "MG005": "a mask is dropped on purpose",
}
"""What each code means. Codes are never given a new meaning."""


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        code: "MG001", …; see `CODES`.
        severity: "error", "warning" or "note". Notes tell; they find no fault.
        node: the node's name in `model.graph`.
        message: what is so.
        mend: what to do about it.
        location: the user's file and line.
    """

    code: str
    severity: str
    node: str
    message: str
    mend: str
    location: Location | None

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.code} {self.severity}: {self.message}\n    mend: {self.mend}"


Axes = tuple[str, ...]

USUAL: Axes = ("batch", "time")


class Row(NamedTuple):
    """What becomes of masks at one node.

    Attributes:
        node: its name in `model.graph`.
        kind: the layer's class, the op's name, or "Input".
        action: "generate", "pass", "transform", "reduce", "destroy", "drop" or "-".
        consumes: whether it uses a mask that it gets.
        masks_in, masks_out: the masks as text; empty where there is none.
        axes_in, axes_out: for each of them the axes that it describes, ("batch", "time").
        location: the user's file and line.
    """

    node: str
    kind: str
    action: str
    consumes: bool
    masks_in: tuple[str, ...]
    masks_out: tuple[str, ...]
    axes_in: tuple[Axes, ...]
    axes_out: tuple[Axes, ...]
    location: Location | None


@dataclass(frozen=True)
class Report:
    """What `model.check()` returns.

    Attributes:
        model: the model's name.
        rows: one a node, in order.
        findings: what is worth telling; errors first.
    """

    model: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is nothing to mend: no error and no warning."""
        return all(f.severity == "note" for f in self.findings)

    def __str__(self) -> str:
        lines = [f"masks of {self.model}", "", *table(self.rows), ""]
        lines += [str(f) for f in self.findings]
        faults = sum(f.severity != "note" for f in self.findings)
        lines.append(f"{faults} to mend" if faults else "ok: no mask is lost")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def table(rows: tuple[Row, ...]) -> list[str]:
    """Return rows as lines of aligned columns. Axes are told if any are unusual."""
    told = any(axes != USUAL for row in rows for axes in row.axes_in + row.axes_out)

    def cell(masks: tuple[str, ...], axes: tuple[Axes, ...]) -> str:
        texts = [
            f"{mask} ({', '.join(names)})" if told else mask
            for mask, names in zip(masks, axes, strict=True)
        ]
        return "; ".join(texts) or "-"

    cells = [("node", "kind", "masks", "in", "out")]
    cells += [
        (
            row.node,
            row.kind,
            row.action + (", uses it" if row.consumes else ""),
            cell(row.masks_in, row.axes_in),
            cell(row.masks_out, row.axes_out),
        )
        for row in rows
    ]
    return columns(cells)
