"""Run every line on every framework, each in a process of its own, and write what was found."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.speed.lines import FORMS, NAMES, Form
from benchmarks.speed.memory import ENVIRONMENT, ROLES, peak
from benchmarks.speed.plot import draw_curves
from benchmarks.speed.report import markdown, shortfalls, summary
from benchmarks.speed.worker import environment, machine, run_all, stay_on

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build" / "speed"
"""What was found on each framework, so that one can be run again."""


def main() -> int:
    """Return 0: falling short is a result."""
    options = _options()
    form = FORMS["full" if options.full else "short"]
    if options.worker:
        _work(options, form)
        return 0
    kept = {
        backend: KEPT / f"{form.name}-{options.threads}" / f"{backend}.json" for backend in NAMES
    }
    for backend in options.backends:
        print(f"{NAMES[backend]} …", flush=True)
        result = _in_a_process(backend, options, [])
        result["memory"] = [_memory(backend, w, time, options) for w, time in form.memory]
        kept[backend].parent.mkdir(parents=True, exist_ok=True)
        kept[backend].write_text(json.dumps(result), encoding="utf-8")
    results = [json.loads(file.read_text()) for file in kept.values() if file.exists()]
    text = markdown(results, form.name, ", ".join(machine()), options.threads)
    options.output.write_text(text, encoding="utf-8")
    draw_curves(results, options.output.with_name("performance.svg"))
    print("\n".join(summary(results)))
    print("\n".join(f"short: {line}" for line in shortfalls(results)))
    print(f"written to {options.output}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all lines, for longer: an hour")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "performance.md")
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=NAMES,
        default=list(NAMES),
        help="those to run (default: all); the others' last results are taken from build/speed",
    )
    parser.add_argument("--threads", type=int, default=1, help="of each process (default: 1)")
    parser.add_argument("--worker", choices=NAMES, help="run on this framework, in this process")
    parser.add_argument("--peak", nargs=3, metavar=("WORKLOAD", "TIME", "ROLE"), default=None)
    return parser.parse_args()


def _work(options: argparse.Namespace, form: Form) -> None:
    stay_on(options.threads)
    if options.peak:
        workload, time, role = options.peak
        result: Any = peak(options.worker, workload, int(time), role)
    else:
        result = run_all(options.worker, form, threads=options.threads)
    options.output.write_text(json.dumps(result))


def _memory(backend: str, workload: str, time: int, options: Any) -> dict[str, Any]:
    found = {
        role: _in_a_process(backend, options, ["--peak", workload, str(time), role])
        for role in ROLES
    }
    return {"workload": workload, "time": time, "MiB": found}


def _in_a_process(backend: str, options: argparse.Namespace, extra: list[str]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        command = [sys.executable, "-m", "benchmarks.speed", "--worker", backend]
        command += ["--output", str(file), "--threads", str(options.threads), *extra]
        done = subprocess.run(
            [*command, *(["--full"] if options.full else [])],
            env={**environment(backend, options.threads), **(ENVIRONMENT if extra else {})},
            cwd=ROOT,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"the process on {backend} failed")
        return json.loads(file.read_text())


if __name__ == "__main__":
    sys.exit(main())
