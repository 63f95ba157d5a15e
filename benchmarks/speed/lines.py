"""The lines of the table: what is run in the short form, and what in the full one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.speed.batches import KINDS
from benchmarks.speed.contestant import JUDGE, LIMIT, OURS, PADDED, SELF, Contestant
from benchmarks.speed.workloads import WORKLOADS

NAMES = {"numpy": "NumPy", "torch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX"}
CLOSEST = (OURS, LIMIT, PADDED, JUDGE)
FRACTIONS = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        workload: a key of WORKLOADS.
        time: the length of the rectangle.
        kind: a key of KINDS.
        backward: whether gradients are computed.
        batch: how many sequences.
        fraction: the mean length, as a share of `time`.
        curve: whether it is a point of the plot, and stands in no table.
    """

    workload: str
    time: int
    kind: str = "right"
    backward: bool = False
    batch: int = 64
    fraction: float = 0.4
    curve: bool = False

    def __str__(self) -> str:
        mode = "forward and backward" if self.backward else "forward"
        return f"{self.workload}, T = {self.time}, B = {self.batch}, {KINDS[self.kind]}, {mode}"


@dataclass(frozen=True)
class Form:
    """How much is run.

    Attributes:
        name: "short" or "full".
        lines: all of them.
        seconds: for the rounds of one line; three rounds are run in any case.
        long: whether those take part that take long to get ready, and everybody goes backwards.
            maskgraph on the rectangle takes part, too.
        memory: the workloads and length whose memory is measured.
        nodes: of large graphs that are built, checked and planned.
    """

    name: str
    lines: tuple[Line, ...]
    seconds: float
    long: bool
    memory: tuple[tuple[str, int], ...]
    nodes: tuple[int, ...] = (1_000, 10_000, 100_000)

    def invites(self, line: Line, contestant: Contestant) -> bool:
        """Tell whether a contestant takes part in a line: on batches that are not the usual ones,
        and where a run takes seconds, only those do that others are judged by."""
        if contestant.role in CLOSEST:
            return True
        usual = line.kind == "right" and not line.curve
        if line.backward or contestant.role == SELF:
            usual = usual and self.long and line.time == 128
        return usual and (self.long or not contestant.long)


def _short() -> Iterator[Line]:
    yield from (Line(w, 128) for w in WORKLOADS)
    yield Line("W4", 128, backward=True)
    yield Line("W5", 512)
    yield Line("W3", 128, "zipf")
    yield from (Line("W3", 128, "none", batch=batch) for batch in (64, 1))
    yield from (Line("W3", 128, fraction=f, curve=True) for f in FRACTIONS[:1])


def _full() -> Iterator[Line]:
    yield from (Line(w, time) for time in (128, 512) for w in WORKLOADS)
    yield from (Line(w, 128, backward=True) for w in WORKLOADS)
    yield from (Line(w, 512, backward=True) for w in ("W1", "W4", "W5"))
    yield from (Line(w, 128, kind) for kind in ("left", "holes", "none") for w in WORKLOADS)
    yield from (Line(w, 128, "none", batch=1) for w in WORKLOADS)
    yield from (Line(w, 128, "zipf") for w in ("W1", "W3"))
    yield from (Line("W3", 128, fraction=f, curve=True) for f in FRACTIONS)


SHORT = Form("short", tuple(_short()), 0.2, long=False, memory=())
FULL = Form("full", tuple(_full()), 1.0, long=True, memory=(("W2", 512), ("W3", 512)))
FORMS = {form.name: form for form in (SHORT, FULL)}
