"""What was aimed at, and whether a line has reached it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.speed.contestant import KERAS, LIMIT, OTHER, OURS, PADDED

Row = dict[str, Any]
"""What `run_line` returns, with the backend's name."""

RNN = ("W1", "W5")
LONG = 512


@dataclass(frozen=True)
class Verdict:
    """A ratio, and what it may be at most.

    Attributes:
        against: what maskgraph is compared with.
        ratio: maskgraph's time as a multiple of that.
        target: the largest ratio that is aimed at.
    """

    against: str
    ratio: float
    target: float

    @property
    def ok(self) -> bool:
        return self.ratio <= self.target

    def __str__(self) -> str:
        return f"{self.ratio:.2f} × {self.against} (target {self.target:g})"


def median(entry: dict[str, Any]) -> float:
    """Return the seconds that an entry took, of the clock that the run was told."""
    return float(np.median(entry[entry["clock"]]))


def ratio(ours: dict[str, Any], other: dict[str, Any]) -> float:
    """Return what multiple of another's time ours is: the median over the rounds that both ran,
    since a machine that slows down for a while does so for both of a round."""
    rounds = min(len(ours["wall"]), len(other["wall"]))
    each = [np.array(entry[entry["clock"]][:rounds]) for entry in (ours, other)]
    return float(np.median(each[0] / each[1]))


def fastest(row: Row, *roles: str) -> dict[str, Any] | None:
    """Return the fastest entry of one of the roles; None if there is none."""
    timed = [e for e in row["entries"] if e["role"] in roles and e["wall"]]
    return min(timed, key=median, default=None)


def verdicts(row: Row) -> list[Verdict]:
    """Return what a line shows; nothing for a point of the plot."""
    if row["line"]["curve"]:
        return []
    ours = fastest(row, OURS)
    if ours is None:
        return [Verdict("everybody, for it gives no right result", float("inf"), 1.0)]
    return [
        Verdict(against, ratio(ours, entry), target)
        for against, entry, target in _aims(row)
        if entry is not None
    ]


def _aims(row: Row) -> Iterator[tuple[str, dict[str, Any] | None, float]]:
    line = row["line"]
    yield "the limit", fastest(row, LIMIT), limit_target(row["backend"], line)
    padded = fastest(row, PADDED)
    if line["kind"] == "none":
        return
    if line["time"] >= LONG:
        yield "padded by hand", padded, 0.5
        yield "Keras", fastest(row, KERAS), 0.5
        other = fastest(row, OTHER)
        yield other["name"] if other else "", other, 1.0
    elif line["backward"]:
        yield "padded by hand", padded, 1.0


def limit_target(backend: str, line: dict[str, Any]) -> float:
    """Return how often the limit's time a line may take."""
    rnn = line["workload"] in RNN
    if line["kind"] == "none":
        return 1.05 if line["batch"] == 1 else 1.03
    if line["kind"] == "zipf" and not line["backward"]:
        return 1.0
    if line["backward"]:
        if not rnn:
            return 1.1
        return 1.4 if backend == "torch" else 1.25
    return 1.2 if rnn and backend in ("torch", "numpy") else 1.15


OVERHEAD = 1.0
"""Microseconds a layer, beyond the framework's own calls."""

MEMORY = 1.2
"""Peak memory, as a multiple of the limit's."""

SCALE = 3.0
"""Building, checking and planning the largest graph, as a multiple of networkx's building and
sorting it."""
