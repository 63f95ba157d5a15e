"""The picture: time against the share of steps that exist."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed.contestant import LIMIT, OURS, PADDED
from benchmarks.speed.lines import NAMES
from benchmarks.speed.targets import Row, fastest, median

STYLES = {
    OURS: ("maskgraph", "tab:blue", "-"),
    LIMIT: ("limit: no padding", "black", ":"),
    PADDED: ("padded by hand", "tab:orange", "--"),
}


def points(rows: Sequence[Row], role: str) -> tuple[list[float], list[float]]:
    """Return shares and milliseconds of a role, from the fewest steps to the most."""
    found = [
        (row["fraction"], 1e3 * median(entry))
        for row in rows
        if (entry := fastest(row, role)) is not None
    ]
    shares, times = zip(*sorted(found), strict=True) if found else ((), ())
    return list(shares), list(times)


def draw_curves(results: Sequence[dict[str, Any]], file: Path) -> None:
    """Write the picture: one panel for each framework and workload that has points."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "maskgraph", "font.size": 8})
    from matplotlib import pyplot

    panels = [
        (f"{workload} on {NAMES[result['backend']]}", rows)
        for result in results
        for workload, rows in _curves(result["rows"]).items()
    ]
    columns = min(len(panels), 4) or 1
    lines = -(-len(panels) // columns) or 1
    figure, axes = pyplot.subplots(
        lines, columns, figsize=(3 * columns, 2.6 * lines), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, rows) in zip(axes.flat, panels, strict=False):
        for role, (label, colour, line) in STYLES.items():
            shares, times = points(rows, role)
            axis.plot(shares, times, line, color=colour, label=label, marker="o", markersize=3)
        axis.set(title=title, xlabel="share of steps that exist", ylabel="ms", xlim=(0, 1.03))
        axis.set_ylim(bottom=0)
    if panels:
        axes.flat[0].legend(frameon=False)
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def _curves(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["line"]["curve"]:
            found.setdefault(row["line"]["workload"], []).append(row)
    return found
