"""Who takes part: a way of computing a workload, and what it is in the comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.speed.workloads import WORKLOADS, Problem

OURS = "maskgraph"
LIMIT = "limit"
PADDED = "padded"
KERAS = "keras"
OTHER = "other"
SELF = "self"
JUDGE = "judge"
"""What a contestant is: maskgraph; the framework by hand on as many steps without padding; on the
rectangle with masks; Keras; any other form that people write by hand; maskgraph told to keep to
the rectangle, which is there to be looked at; what says which gradients are right, and is not
timed: the rectangle in float64."""


@dataclass(frozen=True)
class Run:
    """A contestant that is ready.

    Attributes:
        call: does everything once, from ids on the host to what is wanted; it returns when all
            of it is done.
        read: what the call returned as NumPy arrays: the outputs, or gradients by the weights,
            in the layout of the framework's forms by hand.
    """

    call: Callable[[], Any]
    read: Callable[[Any], list[np.ndarray]]


@dataclass(frozen=True)
class Contestant:
    """A way of computing workloads.

    Attributes:
        name: what it is called in the table.
        role: one of the constants above.
        make: from a problem to what runs.
        workloads: those that it can do.
        kinds: kinds of batches that it can take; None for all.
        backward: whether it can give gradients.
        long: whether it is left out of the short form.
    """

    name: str
    role: str
    make: Callable[[Problem], Run]
    workloads: tuple[str, ...] = tuple(WORKLOADS)
    kinds: tuple[str, ...] | None = None
    backward: bool = True
    long: bool = False

    def takes(self, problem: Problem, kind: str) -> bool:
        return (
            problem.workload in self.workloads
            and (self.kinds is None or kind in self.kinds)
            and (self.backward or not problem.backward)
        )


RIGHT_ONLY = ("right", "zipf", "none")
