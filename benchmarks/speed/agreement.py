"""Before anything is timed: does a contestant give what each sequence gives alone?"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.speed.contestant import JUDGE, LIMIT, Contestant
from benchmarks.speed.contestants import numpy_forms
from benchmarks.speed.workloads import Problem

TOLERANCE = 1e-4
"""Of outputs, relative to the largest number in an array."""
OF_GRADIENTS = 3e-3
"""Relative to the length of a gradient. Of a ReLU whose input is nearer to 0 than float32 can tell,
rounding says on which side of its corner it is, and of two steps that are all but equal which is
the maximum. In W3 there are millions of the former, and one on the other side, of one step, moves a
gradient by 8e-4 of its length; in W4 at T = 512 one of the latter by 1.3e-3, where the same program
in float64 is right to 1e-15. A mask forgotten moves one by a tenth."""

WARM = 0.25
"""Seconds for which everybody is called before."""


@dataclass
class Entrant:
    """A contestant that was made ready for a problem.

    Attributes:
        contestant: it.
        call: what is timed; None if it does not take part.
        status: "ready", "wrong" or "fails".
        note: how wrong, or what was raised.
        warm: seconds until it was ready: compiled, and called for a while.
    """

    contestant: Contestant
    call: Callable[[], Any] | None
    status: str
    note: str
    warm: float


def warmed(call: Callable[[], Any]) -> Any:
    """Return what a call returns, when it has been called for a while: some compile only what comes
    again."""
    result = call()
    ready = time.perf_counter() + WARM
    while time.perf_counter() < ready:
        result = call()
    return result


def admitted(problem: Problem, contestants: Sequence[Contestant]) -> list[Entrant]:
    """Return the contestants, each made ready, called for a while, and compared.

    Outputs are compared with each sequence alone, in NumPy by hand. Gradients are compared with
    those of the padded form by hand in float64.
    """
    judge = _Judge(problem, next((c for c in contestants if c.role == JUDGE), None))
    return [judge.admit(c) for c in contestants if c.role != JUDGE]


class _Judge:
    def __init__(self, problem: Problem, in_float64: Contestant | None) -> None:
        self.problem = problem
        self._gradients: list[np.ndarray] | None = None
        self._alone: dict[bool, np.ndarray] = {}
        if problem.backward and in_float64 is not None:
            run = in_float64.make(problem)
            self._gradients = run.read(run.call())

    def admit(self, contestant: Contestant) -> Entrant:
        began = time.perf_counter()
        try:
            run = contestant.make(self.problem)
            result = warmed(run.call)
            warm = time.perf_counter() - began
            gap = self._gap(contestant, run.read(result))
        except Exception as error:  # whatever a framework raises is a result
            lines = str(error).strip().splitlines() or [""]
            note = f"{type(error).__name__}: {lines[0]}"[:160]
            return Entrant(contestant, None, "fails", note, time.perf_counter() - began)
        if gap > (OF_GRADIENTS if self.problem.backward else TOLERANCE):
            return Entrant(contestant, None, "wrong", f"off by {gap:.2g}", warm)
        return Entrant(contestant, run.call, "ready", "", warm)

    def _gap(self, contestant: Contestant, found: list[np.ndarray]) -> float:
        if not self.problem.backward:
            return distance(found, [self._right(contestant.role == LIMIT)], _largest)
        if contestant.role == LIMIT:  # of other data; its outputs are compared
            return 0.0 if all(np.isfinite(x).all() for x in found) else np.inf
        if self._gradients is None:
            raise RuntimeError("there is nothing to compare gradients with")
        return distance(found, self._gradients, _length)

    def _right(self, dense: bool) -> np.ndarray:
        """Return what each sequence gives alone, computed once."""
        if dense not in self._alone:
            batch = self.problem.batch
            ids = batch.dense if dense else batch.ids
            self._alone[dense] = numpy_forms.alone(self.problem, ids)
        return self._alone[dense]


def distance(
    found: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    size: Callable[[np.ndarray], float],
) -> float:
    """Return the largest size of a difference, relative to the size of what should be there; at
    least to a thousandth of the largest, for some gradients are sums that cancel, as those of the
    keys' bias in attention."""
    if [x.shape for x in found] != [x.shape for x in expected]:
        return float("inf")
    sizes = [size(y) for y in expected]
    least = 1e-3 * max(sizes, default=0.0) or 1.0
    gaps = [
        size(x - y) / max(whole, least) for x, y, whole in zip(found, expected, sizes, strict=True)
    ]
    return float(np.nan_to_num(max(gaps, default=0.0), nan=np.inf))


def _largest(x: np.ndarray) -> float:
    return float(np.abs(x).max(initial=0.0))


def _length(x: np.ndarray) -> float:
    return float(np.linalg.norm(x))
