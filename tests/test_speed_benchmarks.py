"""The benchmarks of speed, on tiny sizes: who takes part agrees, and the arithmetic is right.

Nothing here says how fast anything is.
"""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from string import Template

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))  # benchmarks/ is not part of what is installed

agreement = importlib.import_module("benchmarks.speed.agreement")
batches = importlib.import_module("benchmarks.speed.batches")
contestant = importlib.import_module("benchmarks.speed.contestant")
contestants = importlib.import_module("benchmarks.speed.contestants")
lines = importlib.import_module("benchmarks.speed.lines")
numpy_forms = importlib.import_module("benchmarks.speed.contestants.numpy_forms")
plot = importlib.import_module("benchmarks.speed.plot")
report = importlib.import_module("benchmarks.speed.report")
targets = importlib.import_module("benchmarks.speed.targets")
worker = importlib.import_module("benchmarks.speed.worker")
workloads = importlib.import_module("benchmarks.speed.workloads")

DOCUMENT = ROOT / "docs" / "performance.md"
TINY = workloads.TINY


@pytest.fixture(autouse=True, scope="module")
def keras_on_torch():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        yield


def problem(workload, kind="right", backward=False):
    batch = batches.draw(kind, 4, 8, TINY.vocabulary)
    return workloads.Problem(workload, batch, TINY, backward)


# -- the data --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", batches.KINDS)
@pytest.mark.parametrize("time", [8, 128])
def test_the_limit_has_as_many_steps(kind, time):
    batch = batches.draw(kind, 16, time, 50)
    assert batch.ids.shape == (16, time)
    assert batch.dense.size == batch.mask.sum()
    assert (batch.dense != 0).all()
    assert batch.mask.any(axis=1).all()


def test_lengths_have_the_mean_that_is_asked_for():
    lengths = batches.draw_lengths(64, 512, 0.4)
    assert lengths.min() >= 1
    assert lengths.max() <= 512
    assert lengths.sum() % 64 == 0
    assert lengths.mean() == pytest.approx(0.4 * 512, abs=1)
    assert (batches.draw_lengths(64, 512, 1.0) == 512).all()


def test_each_kind_is_what_it_is_called():
    mask = {kind: batches.draw(kind, 64, 128, 50).mask for kind in batches.KINDS}
    assert (mask["right"][:, 1:] <= mask["right"][:, :-1]).all()
    assert (mask["left"][:, 1:] >= mask["left"][:, :-1]).all()
    assert (mask["left"].sum(1) == mask["right"].sum(1)).all()
    assert mask["none"].all()
    whole = mask["right"].sum()
    assert mask["holes"][:, 0].all()
    assert 0.05 < (whole - mask["holes"].sum()) / whole <= 0.11
    zipf = batches.draw("zipf", 32, 64, 50).ids
    assert np.bincount(zipf[zipf != 0])[1] > 5 * np.bincount(zipf[zipf != 0])[20:].max()


# -- those who take part ---------------------------------------------------------------------


def disagreeing(each, kind, everyone):
    invited = [c for c in everyone if c.takes(each, kind)]
    found = agreement.admitted(each, invited)
    assert contestant.OURS in {c.role for c in invited}
    return {e.contestant.name: f"{e.status}: {e.note}" for e in found if e.status != "ready"}


@pytest.mark.parametrize("kind", batches.KINDS)
@pytest.mark.parametrize("workload", workloads.WORKLOADS)
def test_outputs_agree_on_numpy(workload, kind):
    everyone = contestants.contestants("numpy")
    assert disagreeing(problem(workload, kind), kind, everyone) == {}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("kind", ["right", "left", "holes"])
@pytest.mark.parametrize("workload", workloads.WORKLOADS)
def test_outputs_and_gradients_agree_on_torch(workload, kind, backward):
    pytest.importorskip("torch")
    # a process has Keras on one framework, and other tests may have it on another one
    everyone = [
        c
        for c in contestants.contestants("torch")
        if "compile" not in c.name and c.role != contestant.KERAS
    ]
    assert disagreeing(problem(workload, kind, backward), kind, everyone) == {}


KERAS = """
from benchmarks.speed import workloads
from tests.test_speed_benchmarks import contestant, contestants, disagreeing, problem

roles = contestant.KERAS, contestant.OURS, contestant.PADDED, contestant.JUDGE
everyone = [c for c in contestants.contestants("torch") if c.role in roles]
assert len(everyone) > 1
for workload in workloads.WORKLOADS:
    for backward in (False, True):
        assert disagreeing(problem(workload, "right", backward), "right", everyone) == {}, workload
"""


def test_outputs_and_gradients_of_keras_agree():
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    done = subprocess.run(
        [sys.executable, "-c", KERAS], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_forms_by_hand_agree_with_modules_of_pytorch():
    """The oracle has an oracle."""
    torch = pytest.importorskip("torch")
    each = problem("W4")
    table, *rest = each.weights
    [row] = each.batch.ids[:1]
    row = row[row != 0]
    x = torch.from_numpy(table[row]).T[None]
    for kernel, bias in zip(rest[:8:2], rest[1:8:2], strict=True):
        module = torch.nn.Conv1d(kernel.shape[1], kernel.shape[2], 3, padding="same")
        module.weight.data = torch.from_numpy(kernel.transpose(2, 1, 0).copy())
        module.bias.data = torch.from_numpy(bias)
        x = torch.relu(module(x))
    expected = x.amax(2).detach().numpy() @ rest[8] + rest[9]
    found = numpy_forms.alone(each, each.batch.ids)[:1]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_everybody_who_is_asked_for_takes_part():
    pytest.importorskip("torch")
    roles = {c.role for c in contestants.contestants("torch")}
    assert roles == {"maskgraph", "limit", "padded", "keras", "other", "self", "judge"}
    each = problem("W2")
    names = {c.name for c in contestants.contestants("torch") if c.takes(each, "right")}
    assert {"nested, jagged", "nn.TransformerEncoder", "8 length buckets"} <= names
    assert "pack_padded_sequence" not in names
    assert not [
        c
        for c in contestants.contestants("numpy")
        if c.takes(problem("W1", backward=True), "right")
    ]


# -- who is wrong is not timed ---------------------------------------------------------------


def fixed(name, role, result):
    def make(each):
        if isinstance(result, Exception):
            raise result
        return contestant.Run(lambda: result, lambda found: [found])

    return contestant.Contestant(name, role, make)


def test_who_disagrees_or_fails_is_said_to():
    right = numpy_forms.alone(problem("W1"), problem("W1").batch.ids)
    everyone = [
        fixed("right", contestant.OURS, right),
        fixed("off", contestant.OTHER, right + 1),
        fixed("nan", contestant.OTHER, right * np.nan),
        fixed("shape", contestant.OTHER, right[:2]),
        fixed("raises", contestant.OTHER, ValueError("no\nmore")),
    ]
    row = worker.run_line(lines.Line("W1", 8, batch=4), everyone, 0.0, TINY)
    told = {e["name"]: (e["status"], bool(e["wall"])) for e in row["entries"]}
    assert told == {
        "right": ("ready", True),
        "off": ("wrong", False),
        "nan": ("wrong", False),
        "shape": ("wrong", False),
        "raises": ("fails", False),
    }
    assert row["entries"][-1]["note"] == "ValueError: no"


def test_gradients_are_judged_in_float64():
    pytest.importorskip("torch")
    each = problem("W4", backward=True)
    [judge] = [c for c in contestants.contestants("torch") if c.role == contestant.JUDGE]
    run = judge.make(each)
    right = run.read(run.call())
    assert {x.dtype.name for x in right} == {"float64"}

    def giving(arrays):
        return contestant.Run(lambda: arrays, lambda found: found)

    everyone = [
        judge,
        contestant.Contestant("right", contestant.PADDED, lambda _: giving(right)),
        contestant.Contestant("off", contestant.OURS, lambda _: giving([1.01 * x for x in right])),
    ]
    found = agreement.admitted(each, everyone)
    assert [(e.contestant.name, e.status) for e in found] == [("right", "ready"), ("off", "wrong")]


@pytest.mark.parametrize(
    ("found", "expected", "gap"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0]], 0.0),
        ([[1.0, 3.0]], [[1.0, 2.0]], 0.5),
        ([[100.0], [1e-9]], [[100.0], [0.0]], 1e-8),  # a sum that cancels
        ([[100.0], [1.0]], [[100.0], [0.5]], 1.0),
        ([[np.nan]], [[1.0]], np.inf),
        ([[1.0]], [[1.0, 2.0]], np.inf),
        ([], [[1.0]], np.inf),
        ([[0.0]], [[0.0]], 0.0),
    ],
)
def test_distance(found, expected, gap):
    arrays = [[np.array(x) for x in side] for side in (found, expected)]
    assert agreement.distance(*arrays, agreement._largest) == pytest.approx(gap)


def test_gradients_are_compared_by_their_lengths():
    many = np.ones(10_000)
    one_off = many.copy()
    one_off[3] += 5e-3
    assert agreement.distance([one_off], [many], agreement._length) == pytest.approx(5e-5)
    assert agreement.distance([1.01 * many], [many], agreement._length) == pytest.approx(0.01)
    assert agreement.distance([np.nan * many], [many], agreement._length) == np.inf


# -- the arithmetic, on numbers that are made up ---------------------------------------------


def entry(role, *seconds, name=""):
    return {
        "name": name or role, "role": role, "status": "ready", "note": "", "warm": 0.5,
        "clock": "cpu", "cpu": list(seconds), "wall": [2 * s for s in seconds],
    }  # fmt: skip


def made_up(entries, backend="torch", **line):
    whole = {"workload": "W2", "time": 128, **line}
    return {
        "backend": backend,
        "line": {**vars(lines.Line(**whole))},
        "fraction": 0.4,
        "entries": entries,
    }


EVERYONE = [
    entry(contestant.OURS, 0.9, 1.2, 9.0),
    entry(contestant.LIMIT, 1.0, 1.0, 1.1),
    entry(contestant.PADDED, 3.0, 3.0, 3.0),
    entry(contestant.KERAS, 2.0, 2.0, 2.0),
    entry(contestant.OTHER, 5.0, 5.0, 5.0, name="slow"),
    entry(contestant.OTHER, 1.1, 1.1, 1.1, name="quick"),
    entry(contestant.SELF, 0.1),
]


def test_a_ratio_is_the_median_of_those_of_rounds():
    ours = entry(contestant.OURS, 1.0, 10.0, 11.0, 2.0, 2.0, 99.0)
    assert targets.ratio(ours, entry(contestant.LIMIT, 1.0, 10.0, 10.0, 1.0, 1.0, 99.0)) == 1.05
    assert targets.ratio(ours, entry(contestant.PADDED, 2.0, 20.0, 2.0)) == 0.5


def test_a_verdict_is_a_ratio_and_its_target():
    [verdict] = targets.verdicts(made_up(EVERYONE))
    assert (verdict.against, verdict.ratio, verdict.target) == (
        "the limit",
        pytest.approx(1.2),
        1.15,
    )
    assert not verdict.ok
    assert str(verdict) == "1.20 × the limit (target 1.15)"


def test_long_batches_are_held_against_everybody():
    found = {v.against: v for v in targets.verdicts(made_up(EVERYONE, time=512))}
    assert {name: v.ok for name, v in found.items()} == {
        "the limit": False,
        "padded by hand": True,  # 1.2 of 3
        "Keras": False,  # 1.2 of 2
        "quick": False,  # and not the slow one, nor our own padded layout
    }


def test_backwards_it_is_faster_than_padding():
    found = targets.verdicts(made_up(EVERYONE, backward=True))
    assert [(v.against, v.target) for v in found] == [("the limit", 1.1), ("padded by hand", 1.0)]


@pytest.mark.parametrize(
    ("backend", "line", "target"),
    [
        ("torch", {"workload": "W1"}, 1.2),
        ("numpy", {"workload": "W5"}, 1.2),
        ("jax", {"workload": "W1"}, 1.15),
        ("torch", {"workload": "W3"}, 1.15),
        ("torch", {"workload": "W3", "backward": True}, 1.1),
        ("torch", {"workload": "W1", "backward": True}, 1.4),
        ("tensorflow", {"workload": "W5", "backward": True}, 1.25),
        ("numpy", {"workload": "W3", "kind": "zipf"}, 1.0),
        ("numpy", {"workload": "W3", "kind": "none"}, 1.03),
        ("numpy", {"workload": "W3", "kind": "none", "batch": 1}, 1.05),
    ],
)
def test_targets(backend, line, target):
    [first, *_] = targets.verdicts(made_up(EVERYONE, backend, **line))
    assert first.target == target


def test_a_wrong_result_reaches_no_target():
    wrong = {**entry(contestant.OURS), "status": "wrong", "note": "off by 1"}
    [verdict] = targets.verdicts(made_up([wrong, *EVERYONE[1:]]))
    assert not verdict.ok
    assert targets.verdicts(made_up(EVERYONE, curve=True)) == []


# -- the document and the picture ------------------------------------------------------------


def results():
    sizes = {"maskgraph": 11, "limit": 10, "padded": 30}
    stages = ("networkx", "sort", "build", "model", "check", "plan", "in_networkxs")
    graph = dict.fromkeys(stages, 2.0)
    return [
        {
            "backend": "torch",
            "versions": {"PyTorch": "0.0"},
            "rows": [
                made_up(EVERYONE),
                made_up(EVERYONE, time=512),
                *(made_up(EVERYONE, workload="W3", fraction=f, curve=True) for f in (0.2, 1.0)),
            ],
            "overhead": {"plan": 5.5, "raw": 4.0, "extra": 1.5},
            "scale": [{**graph, "nodes": nodes} for nodes in (10, 1000)],
            "memory": [{"workload": "W3", "time": 512, "MiB": sizes}],
        }
    ]


def test_the_document_says_what_falls_short():
    text = report.markdown(results(), "short", "a machine", 1)
    assert "| PyTorch | 3 | 5 |" in text  # padded, memory, a large graph; the rest above
    assert "| 1,000 | 2.0 | 2.0 | 2.0 | 2.0 | 2.0 | 2.0 | 2.0 |" in text
    short = [s for s in text.splitlines() if s.startswith("- PyTorch, ")]
    assert len(short) == 5
    assert "- PyTorch, W6, forward: 1.50 × 1 µs a layer (target 1)" in short
    assert "$" not in text
    about = "W2, T = 128, B = 64, right padding, forward"
    [line] = [s for s in text.splitlines() if s.startswith(f"| {about} |")]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == "1.2e+03 (1.05e+03–5.1e+03)"
    assert cells[3:7] == ["1e+03 [0.83]", "3e+03 [2.50]", "2e+03 [1.67]", "1.1e+03 [0.92] (quick)"]


def test_results_survive_their_way_through_a_file():
    again = json.loads(json.dumps(results()))
    assert report.markdown(again, "short", "m", 1) == report.markdown(results(), "short", "m", 1)


def test_the_picture_has_the_points(tmp_path):
    pytest.importorskip("matplotlib")
    rows = [r for r in results()[0]["rows"] if r["line"]["curve"]]
    rows[0]["fraction"], rows[1]["fraction"] = 1.0, 0.2
    assert plot.points(rows, contestant.PADDED) == ([0.2, 1.0], [3000.0, 3000.0])
    assert plot.points(rows, "nobody") == ([], [])
    plot.draw_curves(results(), tmp_path / "a.svg")
    plot.draw_curves(results(), tmp_path / "b.svg")
    text = (tmp_path / "a.svg").read_text()
    assert "<svg" in text
    assert text == (tmp_path / "b.svg").read_text()


def test_the_document_is_that_of_todays_template():
    text = DOCUMENT.read_text(encoding="utf-8")
    template = report.TEMPLATE.read_text(encoding="utf-8")
    for part in re.split(r"\$[a-z]+", Template.pattern.sub(lambda m: m.group(), template)):
        assert part in text, "run: make bench"
    for each in workloads.WORKLOADS.values():
        assert each.title in text, "run: make bench"
    assert (DOCUMENT.parent / "performance.svg").is_file()
