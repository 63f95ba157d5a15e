"""What `check_parity` finds: a row for each backend, printed as a table."""

from __future__ import annotations

from dataclasses import dataclass

from maskgraph.backend import Status
from maskgraph.testing.difference import Difference
from maskgraph.text import columns


@dataclass(frozen=True)
class BackendParity:
    """How far one backend is from the judge.

    Attributes:
        outputs: the largest difference at a step that exists.
        masks: whether all masks are equal.
        gradients: the largest difference; None where gradients were not asked for, or the
            backend does not differentiate.
        diverges_at: the first node, in topological order, that differs by more than the
            tolerance, or whose mask differs; None if there is none.
        ok: whether nothing diverges.
    """

    backend: str
    device: str
    outputs: Difference
    masks: bool
    gradients: Difference | None
    diverges_at: str | None
    ok: bool


@dataclass(frozen=True)
class Parity:
    """What `check_parity` returns; it prints as a table.

    Attributes:
        model: the model's name.
        rows: one for each backend.
        left_out: the backends that are missing or broken here, or have no such device.
    """

    model: str
    tolerance: float
    rows: tuple[BackendParity, ...]
    left_out: tuple[Status, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every backend that was compared agrees with the judge."""
        return all(row.ok for row in self.rows)

    def __str__(self) -> str:
        head = ("backend", "device", "difference", "relative", "masks", "gradients", "diverges")
        lines = [f"{self.model}, compared with NumPy in float64, within {self.tolerance:g}", ""]
        lines += columns([head, *map(_cells, self.rows)])
        lines += ["", *(f"not compared: {s.name} is {s.state} ({s.note})" for s in self.left_out)]
        faulty = [row.backend for row in self.rows if not row.ok]
        lines.append(f"diverging: {', '.join(faulty)}" if faulty else "ok: backends agree")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def _cells(row: BackendParity) -> tuple[str, ...]:
    return (
        row.backend,
        row.device,
        f"{row.outputs.absolute:.1e}",
        f"{row.outputs.relative:.1e}",
        "equal" if row.masks else "differ",
        "-" if row.gradients is None else f"{row.gradients.relative:.1e}",
        "-" if row.diverges_at is None else f"at {row.diverges_at}",
    )
