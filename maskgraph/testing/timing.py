"""Times of several runs, taken in turn: whatever else a machine does meets all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Timing:
    """How long one run took, each time.

    Attributes:
        wall: seconds on the clock.
        cpu: seconds of all of the process's threads.
    """

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return float(np.median(self.wall))

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.percentile(self.wall, (25, 75))
        return float(low), float(high)

    @property
    def cpu_median(self) -> float:
        return float(np.median(self.cpu))


def take_turns(
    runs: Mapping[str, Callable[[], Any]], seconds: float = 2.0, least: int = 3, most: int = 100
) -> dict[str, Timing]:
    """Time runs round after round, every other round backwards.

    Args:
        runs: functions without arguments, which return when their work is done. They are warm:
            each was called before.
        seconds: no round begins after so long,
        least: unless there were fewer rounds than this,
        most: and in no case more rounds than this.

    Returns:
        The times of each, under its name.

    Example:
        >>> sorted(take_turns({"sum": lambda: sum(range(9)), "nothing": lambda: None}, 0.01))
        ['nothing', 'sum']
    """
    times = {name: Timing() for name in runs}
    order = list(runs)
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    try:
        began = time.perf_counter()
        rounds = 0
        while rounds < most and (rounds < least or time.perf_counter() - began < seconds):
            for name in order:
                _take(runs[name], times[name])
            order.reverse()
            rounds += 1
    finally:
        if was_on:
            gc.enable()
    return times


def _take(run: Callable[[], Any], timing: Timing) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    timing.cpu.append(time.process_time() - cpu)
    timing.wall.append(time.perf_counter() - wall)
