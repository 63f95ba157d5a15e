"""All lines on one framework, in this process."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.scale import timed
from benchmarks.speed.agreement import Entrant, admitted
from benchmarks.speed.batches import draw
from benchmarks.speed.contestant import LIMIT, OURS, Contestant
from benchmarks.speed.contestants import contestants
from benchmarks.speed.lines import Form, Line
from benchmarks.speed.overhead import overhead
from benchmarks.speed.targets import median
from benchmarks.speed.workloads import Problem, Widths
from maskgraph.testing.timing import Timing, take_turns

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def environment(backend: str, threads: int) -> dict[str, str]:
    """Return the environment in which a worker is started."""
    return {
        **os.environ,
        **{name: str(threads) for name in THREADS},
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def stay_on(threads: int) -> None:
    """Let this process run on so many cores and no others, whatever a framework starts."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def clock(threads: int) -> str:
    """Return what contestants are compared by. What one thread computes is best told by the time
    of its core, which other programs do not lengthen; several threads also wait for each other."""
    return "cpu" if threads == 1 else "wall"


def run_all(
    backend: str, form: Form, widths: Widths | None = None, threads: int = 1
) -> dict[str, Any]:
    """Return the times of every line on a framework, as plain data."""
    rows = []
    for line in form.lines:
        everyone = [c for c in contestants(backend) if form.invites(line, c)]
        row = run_line(line, everyone, form.seconds, widths or Widths(), clock(threads))
        if row is not None:
            rows.append({"backend": backend, **row})
            print(f"{backend}: {line}: {_told(row)}", file=sys.stderr, flush=True)
    return {
        "backend": backend,
        "versions": versions(backend),
        "rows": rows,
        "overhead": overhead(backend) if backend in ("numpy", "torch") else None,
        "scale": [timed("ops", n, 3 if form.long else 1) for n in form.nodes]
        if backend == "numpy"
        else [],
    }


def run_line(
    line: Line,
    everyone: Sequence[Contestant],
    seconds: float,
    widths: Widths,
    clock: str = "cpu",
) -> dict[str, Any] | None:
    """Return the times of one line; None if maskgraph does not take part."""
    batch = draw(line.kind, line.batch, line.time, widths.vocabulary, line.fraction)
    problem = Problem(line.workload, batch, widths, line.backward)
    invited = [c for c in everyone if c.takes(problem, line.kind)]
    if not any(c.role == OURS for c in invited):
        return None
    entrants = admitted(problem, invited)
    times = _timed(entrants, seconds)
    return {
        "line": asdict(line),
        "fraction": batch.fraction,
        "entries": [_entry(e, times.get(e.contestant.name), clock) for e in entrants],
    }


def _timed(entrants: Sequence[Entrant], seconds: float) -> dict[str, Timing]:
    """Let all take turns, and then, for longer, maskgraph and the limit alone: of no others is it
    asked whether they are as fast to a few hundredths."""
    calls = {e.contestant.name: e.call for e in entrants if e.call is not None}
    times = take_turns(calls, seconds)
    pair = [e.contestant.name for e in entrants if e.contestant.role in (OURS, LIMIT)]
    longer = take_turns({name: calls[name] for name in pair if name in calls}, 3 * seconds)
    for name, more in longer.items():
        times[name].wall += more.wall
        times[name].cpu += more.cpu
    return times


def _entry(entrant: Entrant, timing: Any, clock: str) -> dict[str, Any]:
    return {
        "name": entrant.contestant.name,
        "role": entrant.contestant.role,
        "status": entrant.status,
        "note": entrant.note,
        "warm": entrant.warm,
        "clock": clock,
        "wall": timing.wall if timing else [],
        "cpu": timing.cpu if timing else [],
    }


def _told(row: dict[str, Any]) -> str:
    ready = [e for e in row["entries"] if e["wall"]]
    bad = [e for e in row["entries"] if not e["wall"]]
    cells = [f"{e['name']} {1e3 * median(e):.1f} ms" for e in ready]
    return ", ".join([*cells, *(f"{e['name']} {e['status']} ({e['note']})" for e in bad)])


def versions(backend: str) -> dict[str, str]:
    """Return the versions of what takes part."""
    wanted = {"NumPy": "numpy", "maskgraph": "maskgraph"}
    if backend != "numpy":
        title = {"torch": "PyTorch", "tensorflow": "TensorFlow", "jax": "JAX"}[backend]
        wanted |= {title: backend, "Keras": "keras"}
    if backend == "torch":
        wanted |= {"ONNX Runtime": "onnxruntime"}
    found = {}
    for title, name in wanted.items():
        try:
            found[title] = str(importlib.import_module(name).__version__)
        except ImportError:
            found[title] = "not installed"
    return found


def machine() -> Iterable[str]:
    """Yield what this machine is, in words."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [s.split(":")[1].strip() for s in file if s.startswith(("model name", "flags"))]
        vectors = [v for v in ("avx512f", "avx2") if v in names[1].split()][:1] if names[1:] else []
        yield " ".join([names[0], *vectors])
    except (OSError, IndexError):
        yield "an unknown processor"
    yield f"{os.cpu_count()} cores"
