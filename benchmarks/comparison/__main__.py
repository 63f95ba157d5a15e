"""Run every case on every backend, each in a process of its own, and write the comparison."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.comparison.report import NAMES, markdown, wrong_cells
from benchmarks.comparison.run import all_cases, run_all
from benchmarks.comparison.sides import quiet

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Return 1 if maskgraph is wrong anywhere."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "comparison.md")
    parser.add_argument("--backends", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--worker", choices=NAMES, help="run on this backend, in this process")
    options = parser.parse_args()
    if options.worker:
        quiet()
        options.output.write_text(json.dumps(run_all(options.worker)))
        return 0
    with ThreadPoolExecutor(2) as pool:  # more would only get in each other's way
        slowest_first = sorted(options.backends, key=lambda backend: backend != "jax")
        runs = {backend: pool.submit(_in_a_process, backend) for backend in slowest_first}
        results = [runs[backend].result() for backend in options.backends]
    text = markdown(all_cases(), results)
    options.output.write_text(text)
    faults = wrong_cells(results)
    print(_summary(text))
    print(f"written to {options.output}")
    for fault in faults:
        print("maskgraph is wrong:", fault, file=sys.stderr)
    return int(bool(faults))


def _in_a_process(backend: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        command = [sys.executable, "-m", "benchmarks.comparison"]
        done = subprocess.run(
            [*command, "--worker", backend, "--output", str(file)],
            env={**os.environ, "KERAS_BACKEND": backend},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"the process on {backend} failed:\n{done.stderr[-3000:]}")
        print(f"{NAMES[backend]}: done", flush=True)
        result: dict[str, Any] = json.loads(file.read_text())
        return result


def _summary(text: str) -> str:
    lines = text.split("\n## ")[0].splitlines()
    return "\n".join(line for line in lines if line.startswith(("| ", "Versions")))


if __name__ == "__main__":
    sys.exit(main())
