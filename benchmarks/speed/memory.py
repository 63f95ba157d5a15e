"""The memory that one run needs at its peak, beyond what is there before: in a fresh process."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

from benchmarks.speed.agreement import warmed
from benchmarks.speed.batches import draw
from benchmarks.speed.contestant import LIMIT, OURS, PADDED
from benchmarks.speed.contestants import contestants
from benchmarks.speed.workloads import Problem, Widths

ROLES = (OURS, LIMIT, PADDED)
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1"}
"""Memory that is free goes back to the system at once, so that it can be seen."""


def peak(backend: str, workload: str, time: int, role: str, widths: Widths | None = None) -> float:
    """Return the MiB by which a forward run grows the process at its peak.

    The contestant is compiled and called for a while before.
    """
    widths = widths or Widths()
    problem = Problem(workload, draw("right", 64, time, widths.vocabulary), widths)
    [contestant] = [c for c in contestants(backend) if c.role == role]
    run = contestant.make(problem)
    warmed(run.call)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = _status("VmRSS")
    run.call()
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    [line] = [s for s in Path("/proc/self/status").read_text().splitlines() if s.startswith(name)]
    return int(line.split()[1])
