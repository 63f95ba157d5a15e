"""The comparison as Markdown: the same text for the same verdicts, without dates."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.comparison.case import Case
from benchmarks.comparison.rows import THEMES, Theme
from benchmarks.comparison.verdict import ABSENT, RAISES, RIGHT, WRONG

Cell = dict[str, str]
Results = Sequence[dict[str, Any]]
"""What `run_all` returned on each backend."""

NAMES = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX", "numpy": "NumPy"}
MARKS = {RIGHT: "✓", WRONG: "✗", RAISES: "✗", ABSENT: "–"}
_BOUND = re.compile(r"^right, (?:exactly|< 1e-?\d+)$")


def markdown(cases: Sequence[Case], results: Results) -> str:
    """Return the whole document."""
    lines = [*_head(results), *_summary(cases, results)]
    for theme in THEMES:
        lines += ["", f"## {theme.title}", "", "**PyTorch by hand.** " + theme.by_hand]
        lines += _sections(theme, cases, results)
    return "\n".join(lines) + "\n"


def case_ids(text: str) -> list[str]:
    """Return the ids of the cases in a document that `markdown` made."""
    return re.findall(r"^\| (\d+[a-z]*) \|", text, re.M)


def wrong_cells(results: Results) -> list[str]:
    """Return where maskgraph is not right, as text."""
    return [
        f"{id} on {NAMES[result['backend']]}: {cell['text']}"
        for result in results
        for id, cell in result["maskgraph"].items()
        if cell["status"] not in (RIGHT, ABSENT)
    ]


def _head(results: Results) -> Iterator[str]:
    versions: dict[str, str] = {}
    for result in results:
        versions.update(result["versions"])
    yield "# Where masks go wrong: Keras, PyTorch by hand, maskgraph"
    yield ""
    yield (
        "Every cell is the result of an experiment; `make compare` runs them all again and writes "
        "this file. The oracle is what each sequence gives alone, unpadded: a result is right (✓) "
        "if it is within 1e-5 of that, absolutely, or relatively for numbers above 1; "
        "the bound that it keeps stands beside it. “Leaks: 0.3” says that what stands in the "
        "padding (the vector of id 0, or 100 where nothing else is said) changed the result by "
        "0.3. In the column of PyTorch stands what it needs; where its cell begins with a mark, "
        "the obvious way of writing it was run first, and that is its result."
    )
    yield ""
    yield (
        "Keras and maskgraph run the same experiment with the same weights, in one process for "
        "each backend. Where both have a result, maskgraph must give what Keras gives for each "
        "sequence alone, and where Keras is right in the batch, what it gives there, within 1e-5: "
        "compared in "
        + ", ".join(f"{r['compared']} cases on {NAMES[r['backend']]}" for r in results)
        + ". Where backends agree, a cell tells it once. “No gradients”: NumPy does not "
        "differentiate."
    )
    yield ""
    yield "Versions: " + ", ".join(f"{name} {v}" for name, v in sorted(versions.items())) + "."


def _summary(cases: Sequence[Case], results: Results) -> Iterator[str]:
    yield from ("", "| | right | wrong | raises | not run |", "|---|---|---|---|---|")
    for result in results:
        yield _counts(f"Keras on {NAMES[result['backend']]}", result["keras"].values())
    for result in results:
        if result["pytorch"]:
            yield _counts(
                "PyTorch by hand, as first written, where measured", result["pytorch"].values()
            )
    for result in results:
        yield _counts(f"maskgraph on {NAMES[result['backend']]}", result["maskgraph"].values())


def _counts(name: str, cells: Iterable[Cell]) -> str:
    found = Counter(cell["status"] for cell in cells)
    return (
        f"| {name} | "
        + " | ".join(str(found[status]) for status in (RIGHT, WRONG, RAISES, ABSENT))
        + " |"
    )


def _sections(theme: Theme, cases: Sequence[Case], results: Results) -> Iterator[str]:
    for number, title in theme.rows.items():
        yield from ("", f"### {number}. {title}", "")
        yield "| | tried | Keras | PyTorch by hand | maskgraph |"
        yield "|---|---|---|---|---|"
        for case in cases:
            if case.row == number:
                yield _row(case, results)


def _row(case: Case, results: Results) -> str:
    keras = {NAMES[r["backend"]]: r["keras"][case.id] for r in results}
    ours = {NAMES[r["backend"]]: r["maskgraph"][case.id] for r in results}
    measured = [r["pytorch"][case.id] for r in results if case.id in r["pytorch"]]
    cells = [case.id, case.title, merged(keras), _by_hand(case, measured), merged(ours)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _by_hand(case: Case, measured: Sequence[Cell]) -> str:
    """Return what PyTorch gave as first written, and what it needs."""
    return "<br>".join(
        [*[_marked(cell["status"], cell["text"]) for cell in measured], case.by_hand]
    )


def merged(cells: dict[str, Cell]) -> str:
    """Return the cells of several backends as one text, each different one told once."""
    bounds = [c["text"] for c in cells.values() if _BOUND.match(c["text"])]
    greatest = max(bounds, key=_size, default="")
    groups: dict[tuple[str, str], list[str]] = {}
    for name, cell in cells.items():
        text = greatest if _BOUND.match(cell["text"]) else cell["text"]
        groups.setdefault((cell["status"], text), []).append(name)
    if len(groups) == 1:
        [(status, text)] = groups
        return _marked(status, text)
    return "<br>".join(
        f"{', '.join(names)}: {_marked(status, text)}" for (status, text), names in groups.items()
    )


def _size(text: str) -> float:
    return 0.0 if text.endswith("exactly") else float(text.rpartition(" ")[2])


def _marked(status: str, text: str) -> str:
    return f"{MARKS[status]} {text}"
