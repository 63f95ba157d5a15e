"""The comparison with Keras and PyTorch: maskgraph is right in it, and its document is current."""

import importlib
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))  # benchmarks/ is not part of what is installed

case = importlib.import_module("benchmarks.comparison.case")
oracle = importlib.import_module("benchmarks.comparison.oracle")
report = importlib.import_module("benchmarks.comparison.report")
rows = importlib.import_module("benchmarks.comparison.rows")
run = importlib.import_module("benchmarks.comparison.run")
verdict = importlib.import_module("benchmarks.comparison.verdict")

CASES = run.all_cases()
DOCUMENT = ROOT / "docs" / "comparison.md"


# -- the cases -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("each", CASES, ids=str)
def test_maskgraph_is_right(each):
    found = run.run_maskgraph(each, "numpy")
    assert found.status in (verdict.RIGHT, verdict.ABSENT), found.text


def test_what_is_not_run_on_maskgraph_is_said():
    reasons = {c.id: run.run_maskgraph(c, "numpy") for c in CASES if c.id in ("9b", "14g", "27d")}
    assert reasons["14g"].text == "no gradients"
    assert reasons["27d"].text == "needs a GPU"


def test_every_row_has_a_case():
    titles = {number for theme in rows.THEMES for number in theme.rows}
    assert titles == {c.row for c in CASES} == set(range(1, 36))


def test_every_case_says_what_is_tried():
    for each in CASES:
        assert each.title, each.id
        assert each.by_hand, each.id
        assert each.keras is not None or each.keras_lacks, each.id


# -- the oracle can fail ---------------------------------------------------------------------


class Leaky:
    """A library in which nothing is masked."""

    name, backend, k = "leaky", "numpy", None

    def tensor(self, values, mask=None):
        return values

    def array(self, x):
        return x

    def mask(self, x):
        return None


def test_a_leak_is_found():
    found = oracle.layer_law(Leaky(), lambda k: lambda x: x.max(axis=1), steps=False)
    assert found.status == verdict.WRONG
    assert re.fullmatch(r"leaks: \d+", found.text)


def test_a_lost_mask_is_found():
    found = oracle.layer_law(Leaky(), lambda k: lambda x: x * 2)
    assert (found.status, found.text) == (verdict.WRONG, "mask lost")


def test_an_error_is_a_result():
    def experiment():
        raise ValueError("first line\nsecond line")

    found = verdict.attempt(experiment)
    assert (found.status, found.text) == (verdict.RAISES, "raises ValueError: first line")


@pytest.mark.parametrize(
    ("found", "expected", "text"),
    [
        (1.0, 1.0, "right, exactly"),
        (1.0 + 3e-8, 1.0, "right, < 1e-7"),
        (1.31, 1.0, "off by 0.31"),
        (float("nan"), 1.0, "NaN"),
        ([1.0, 2.0], [1.0], "shape (2,), not (1,)"),
    ],
)
def test_numbers_become_verdicts(found, expected, text):
    assert verdict.close(found, expected).text == text


def test_another_value_than_keras_is_a_fault():
    theirs = verdict.right("exactly").with_arrays([1.0], [1.0])
    same = verdict.right("exactly").with_arrays([1.0], [1.0])
    other = verdict.right("exactly").with_arrays([1.0], [1.5])
    assert run.agreeing(same, theirs).status == verdict.RIGHT
    assert run.agreeing(other, theirs).text == "differs from Keras by 0.5"


# -- the document ----------------------------------------------------------------------------


def fake(backend, keras, maskgraph, pytorch=None):
    def all_the_same(cell):
        return {c.id: dict(zip(("status", "text"), cell, strict=True)) for c in CASES}

    return {
        "backend": backend,
        "versions": {"Keras": "0.0"},
        "compared": 3,
        "keras": all_the_same(keras),
        "maskgraph": all_the_same(maskgraph),
        "pytorch": all_the_same(pytorch) if pytorch else {},
    }


def test_the_document_tells_each_result_once():
    fine = ("right", "right, < 1e-7")
    text = report.markdown(
        CASES,
        [
            fake("torch", ("wrong", "leaks: 0.31"), fine, ("wrong", "NaN")),
            fake("jax", ("raises", "raises ValueError: a | b"), ("right", "right, exactly")),
        ],
    )
    assert report.case_ids(text) == [c.id for c in CASES]
    assert "PyTorch: ✗ leaks: 0.31<br>JAX: ✗ raises ValueError: a \\| b" in text
    assert f"| Keras on JAX | 0 | 0 | {len(CASES)} | 0 |" in text
    [line] = [line for line in text.splitlines() if line.startswith("| 1a |")]
    assert line.endswith("| ✓ right, < 1e-7 |")
    assert "| ✗ NaN<br>" in line


def test_a_wrong_cell_of_maskgraph_is_named():
    results = [fake("jax", ("right", "right"), ("wrong", "leaks: 1"))]
    assert report.wrong_cells(results)[0] == "1a on JAX: leaks: 1"
    assert report.wrong_cells([fake("jax", ("wrong", "NaN"), ("absent", "no gradients"))]) == []


def test_the_document_has_the_cases_of_today():
    text = DOCUMENT.read_text()
    assert report.case_ids(text) == [c.id for c in CASES], "run: make compare"
    titles = Counter(line for line in text.splitlines() if line.startswith("### "))
    assert set(titles.values()) == {1}
    for each in CASES:
        assert each.title.replace("|", "\\|") in text, "run: make compare"
