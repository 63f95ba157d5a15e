"""The results as Markdown: a template with tables in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from benchmarks.scale import STAGES
from benchmarks.speed.batches import SIGMA, draw_lengths
from benchmarks.speed.contestant import KERAS, LIMIT, OTHER, OURS, PADDED
from benchmarks.speed.lines import NAMES, Line
from benchmarks.speed.targets import (
    MEMORY,
    OVERHEAD,
    SCALE,
    Row,
    Verdict,
    fastest,
    median,
    ratio,
    verdicts,
)
from benchmarks.speed.workloads import WORKLOADS
from maskgraph.backend.lanes import Lanes

TEMPLATE = Path(__file__).with_name("template.md")
HEAD = ("line", "maskgraph, ms", "on the clock", "limit", "padded", "Keras", "best other", "")

Results = Sequence[dict[str, Any]]
"""What `run_all` returned on each framework, with "memory", a list of what was measured."""


def markdown(results: Results, form: str, machine: str, threads: int) -> str:
    """Return the whole document."""
    rows = [row for result in results for row in result["rows"]]
    versions: dict[str, str] = {}
    for result in results:
        versions.update(result["versions"])
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        form=form,
        machine=machine,
        threads="one thread" if threads == 1 else f"{threads} threads",
        versions=", ".join(f"{name} {v}" for name, v in sorted(versions.items())),
        sigma=SIGMA,
        workloads="\n".join(f"- **{key}**: {w.title}." for key, w in WORKLOADS.items()),
        summary="\n".join(summary(results)),
        shortfalls="\n".join(f"- {text}" for text in shortfalls(results)) or "Nothing.",
        tables="\n".join(_tables(results)).strip(),
        overhead="\n".join(_overhead(results)),
        memory="\n".join(_memory(results)) or "Only the full form measures it.",
        scale="\n".join(_scale(results)),
        shapes="; ".join(map(_shapes, (128, 512))),
        everybody="\n".join(_everybody(rows)),
    )


def _shapes(time: int) -> str:
    """Tell how many shapes random batches have in lanes, and how many slots are not used."""
    generator, pool = np.random.default_rng(0), draw_lengths(6400, time)
    masks = [np.arange(time) < generator.choice(pool, 64)[:, None] for _ in range(1000)]
    packed = [Lanes.of(mask, in_place=False) for mask in masks]
    shapes = {(lanes.lanes, lanes.width) for lanes in packed}
    used = sum(map(np.count_nonzero, masks)) / sum(lanes.slots for lanes in packed)
    return f"there are {len(shapes)} shapes at T = {time}, and {1 - used:.1%} of slots are unused"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    head = list(head)
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for cells in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


# -- what was reached ------------------------------------------------------------------------


def judged(result: dict[str, Any]) -> list[tuple[str, Verdict]]:
    """Return every verdict on a framework, with what it is about."""
    found = [
        (str(Line(**row["line"])), verdict) for row in result["rows"] for verdict in verdicts(row)
    ]
    if result["overhead"]:
        extra = Verdict("1 µs a layer", result["overhead"]["extra"], OVERHEAD)
        found.append(("W6, forward", extra))
    for graph in result["scale"][-1:]:
        about = f"a graph of {graph['nodes']:,} nodes"
        found.append((about, Verdict("networkx", graph["in_networkxs"], SCALE)))
    for entry in result["memory"]:
        ratio = entry["MiB"][OURS] / entry["MiB"][LIMIT]
        about = f"{entry['workload']}, T = {entry['time']}, peak memory"
        found.append((about, Verdict("the limit", ratio, MEMORY)))
    return found


def summary(results: Results) -> Iterator[str]:
    """Yield a table of how many targets were reached on each framework."""
    rows = []
    for result in results:
        found = [verdict.ok for _, verdict in judged(result)]
        rows.append((NAMES[result["backend"]], str(sum(found)), str(len(found) - sum(found))))
    yield from table(("", "reached", "short"), rows)


def shortfalls(results: Results) -> Iterator[str]:
    """Yield every target that was not reached, as text."""
    for result in results:
        for about, verdict in judged(result):
            if not verdict.ok:
                yield f"{NAMES[result['backend']]}, {about}: {verdict}"


# -- tables ----------------------------------------------------------------------------------


def _tables(results: Results) -> Iterator[str]:
    for result in results:
        rows = [row for row in result["rows"] if not row["line"]["curve"]]
        yield from ("", f"## {NAMES[result['backend']]}", "")
        yield from table(HEAD, map(_cells, rows))


def _cells(row: Row) -> Iterator[str]:
    yield str(Line(**row["line"]))
    ours = fastest(row, OURS)
    yield _spread(ours) if ours else "**" + _reason(row) + "**"
    yield f"{1e3 * float(np.median(ours['wall'])):.3g}" if ours else ""
    for role in (LIMIT, PADDED, KERAS, OTHER):
        entry = fastest(row, role)
        name = f" ({entry['name']})" if entry and role == OTHER else ""
        yield (f"{1e3 * median(entry):.3g}{_times(ours, entry)}" if entry else "–") + name
    yield "; ".join(("✓ " if v.ok else "✗ ") + str(v) for v in verdicts(row))


def _spread(entry: dict[str, Any]) -> str:
    times = entry[entry["clock"]]
    low, middle, high = (1e3 * np.percentile(times, q) for q in (25, 50, 75))
    return f"{middle:.3g} ({low:.3g}–{high:.3g})"


def _times(ours: dict[str, Any] | None, entry: dict[str, Any]) -> str:
    return f" [{1 / ratio(ours, entry):.2f}]" if ours else ""


def _reason(row: Row) -> str:
    [entry] = [e for e in row["entries"] if e["role"] == OURS]
    return f"{entry['status']}: {entry['note']}"


def _overhead(results: Results) -> Iterator[str]:
    rows = [
        (NAMES[r["backend"]], *(f"{r['overhead'][k]:.2f}" for k in ("raw", "plan", "extra")))
        for r in results
        if r["overhead"]
    ]
    yield from table(("µs a layer", "a loop of the framework's calls", "maskgraph", "more"), rows)


def _scale(results: Results) -> Iterator[str]:
    rows = [
        (
            f"{graph['nodes']:,}",
            *(f"{graph[stage]:.1f}" for stage in STAGES),
            f"{graph['in_networkxs']:.1f}",
        )
        for result in results
        for graph in result["scale"]
    ]
    head = ("nodes", "networkx builds", "and sorts", *STAGES[2:], "maskgraph / networkx")
    yield from table(head, rows)


def _memory(results: Results) -> Iterator[str]:
    rows = [
        (
            f"{NAMES[result['backend']]}, {entry['workload']}, T = {entry['time']}",
            *(f"{entry['MiB'][role]:.0f}" for role in (OURS, LIMIT, PADDED)),
            f"{entry['MiB'][OURS] / entry['MiB'][LIMIT]:.2f}",
        )
        for result in results
        for entry in result["memory"]
    ]
    if rows:
        yield from table(("MiB", "maskgraph", "limit", "padded by hand", "maskgraph / limit"), rows)


def _everybody(rows: Sequence[Row]) -> Iterator[str]:
    head = ("framework, line", "who", "ms", "clock", "against padded by hand", "ready after, s")
    yield from table(head, _lines_of_everybody(rows))


def _lines_of_everybody(rows: Sequence[Row]) -> Iterator[Iterable[str]]:
    for row in rows:
        about = f"{NAMES[row['backend']]}, {Line(**row['line'])}"
        if row["line"]["curve"]:
            about += f", {row['fraction']:.0%} of the steps exist"
        padded = fastest(row, PADDED)
        for entry in row["entries"]:
            if entry["wall"]:
                against = f"{1 / ratio(entry, padded):.2f} ×" if padded else ""
                wall = f"{1e3 * float(np.median(entry['wall'])):.3g}"
                yield about, entry["name"], _spread(entry), wall, against, f"{entry['warm']:.1f}"
            else:
                yield about, entry["name"], f"{entry['status']}: {entry['note']}", "", "", ""
