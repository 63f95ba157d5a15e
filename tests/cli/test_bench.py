"""`maskgraph bench`: what it times, what it says, its exit status, and its errors."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from maskgraph.cli import bench, main
from maskgraph.models import Model

MODELS = """
import maskgraph as mg
from maskgraph import layers


def build():
    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    return mg.Model(tokens, layers.GlobalAveragePooling1D()(layers.Dense(3)(x)), name="small")


def plain():
    x = mg.Input((4,), name="x")
    return mg.Model(x, layers.Dense(3)(x), name="plain")


def remembering():
    series = mg.Input((None, 2), batch_size=4, name="series", masked=True)
    return mg.Model(series, layers.GRU(3, stateful=True)(series), name="remembering")


kept = remembering()
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command on a model of models.py, for a moment."""
    (tmp_path / "models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def run(name, *argv):
        status = main(["bench", f"models.py:{name}", "--seconds", "0.01", *map(str, argv)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_each_layout_has_a_line(run):
    status, out, err = run("build", "--backend", "numpy", "--time", 20, "--batch-size", 8)
    assert (status, err) == (0, "")
    first, head, *rows, last = out.splitlines()
    assert re.fullmatch(r"small on numpy, cpu: 8 sequences of \d+ to \d+ steps", first)
    assert head.split("  ")[0] == "layout"
    assert [row.split()[0] for row in rows] == ["padded", "packed", "auto"]
    for row in rows:
        assert re.search(r"[\d.e+-]+ ms .* times as fast +\S+$", row), row
    assert re.fullmatch(r"packed computes \d+ of \d+ steps: \d+% are saved", last)


def test_lengths_of_ones_own(run):
    Path("lengths.txt").write_text("10 10\n10\n2 2 2 2 2")
    out = run("build", "--lengths", "lengths.txt")[1]
    assert "8 sequences of 2 to 10 steps" in out
    assert out.endswith("packed computes 40 of 80 steps: 50% are saved\n")


def test_data_of_ones_own(run):
    Path("x.json").write_text("[[7, 3, 8, 1], [4, 4], [5, 5]]")
    out = run("build", "--data", "x.json")[1]
    assert out.startswith("small on numpy, cpu: the data of x.json\n")
    assert out.endswith("packed computes 8 of 12 steps: 33% are saved\n")


def test_a_model_without_sequences_runs_padded(run):
    np.save("x.npy", np.ones((2, 4), "float32"))
    status, out, _ = run("plain", "--data", "x.npy")
    assert status == 0
    assert out.endswith("nothing can be packed: all layouts run padded\n")


def test_layouts_that_differ_are_told(run, monkeypatch):
    predict = Model.predict

    def wrong(self, x, *, layout, **options):
        return predict(self, x, layout=layout, **options) + (layout == "packed")

    monkeypatch.setattr(Model, "predict", wrong)
    status, out, _ = run("build")
    assert status == 1
    assert out.splitlines()[-1] == "the layouts differ by 1, more than 0.0001"
    assert run("build", "--tolerance", 2)[0] == 0


def test_states_stay_what_they_were(run):
    status, _, err = run("kept", "--batch-size", 4)
    assert (status, err) == (0, "")  # each layout has begun where the others did
    [model] = [m.kept for name, m in sys.modules.items() if name == "maskgraph_model_models"]
    assert all((w == 0).all() for w in model.get_weights() if w.shape == (4, 3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 x", "lengths.txt cannot be read as lengths"),
        ("", "lengths.txt holds no lengths of sequences"),
        ("3 -1", "lengths.txt holds no lengths of sequences"),
        ("0 0", "lengths.txt holds no lengths of sequences"),
    ],
)
def test_lengths_that_are_none(run, text, message):
    Path("lengths.txt").write_text(text)
    status, out, err = run("build", "--lengths", "lengths.txt")
    assert (status, out) == (2, "")
    assert err.startswith(f"maskgraph: error: {message}")


def test_a_missing_file_is_told(run):
    assert run("build", "--lengths", "none.txt")[0] == 2
    assert run("build", "--data", "none.json")[2].startswith("maskgraph: error: there is no file")


def test_lengths_and_data_exclude_each_other(run, capsys):
    with pytest.raises(SystemExit):
        run("build", "--lengths", "a", "--data", "b")
    assert "not allowed with" in capsys.readouterr().err


def test_random_lengths_are_those_of_the_options():
    from argparse import Namespace

    lengths = bench._lengths(Namespace(seed=0, batch_size=2000, time=100))
    assert len(lengths) == 2000
    assert min(lengths) >= 1
    assert max(lengths) <= 100
    assert abs(np.mean(lengths) - 40) < 3
