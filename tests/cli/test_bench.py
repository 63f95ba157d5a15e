"""`maskgraph bench`: what it times, what it says, its exit status, and its errors."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from maskgraph.cli import bench_data, main
from maskgraph.models import Model

MODELS = """
import maskgraph as mg
from maskgraph import layers


def build():
    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    return mg.Model(tokens, layers.GlobalAveragePooling1D()(layers.Dense(3)(x)), name="small")


def wide():
    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Dense(512)(layers.Embedding(9, 512, mask_zero=True)(tokens))
    x = layers.LSTM(4, return_sequences=True)(x)
    return mg.Model(tokens, layers.GlobalAveragePooling1D()(x), name="wide")


def narrow():
    series = mg.Input((None, 2), name="series")
    return mg.Model(series, layers.GlobalAveragePooling1D()(layers.Dense(3)(series)))


def short():
    series = mg.Input((5, 2), name="series", masked=True)
    return mg.Model(series, layers.GlobalAveragePooling1D()(series), name="short")


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
    first, head, *rows, saved, last = out.splitlines()
    assert re.fullmatch(
        r"small on numpy, cpu: 8 sequences of \d+ to \d+ steps, [\d.]+ on average", first
    )
    assert head.split("  ")[0] == "layout"
    assert [row.split()[0] for row in rows] == ["padded", "packed", "auto"]
    for row in rows:
        assert re.search(r"[\d.e+-]+ ms .* times as fast +\S+$", row), row
    assert re.fullmatch(
        r"packed computes \d+ of \d+ steps, \d+ of which exist: \d+% are saved", saved
    )
    assert last == "auto runs padded: packing would cost more than it saves"


def test_lengths_of_ones_own(run):
    Path("lengths.txt").write_text("10 10\n10\n2 2 2 2 2")
    out = run("wide", "--lengths", "lengths.txt")[1]
    assert "8 sequences of 2 to 10 steps, 5 on average" in out
    assert "packed computes 40 of 80 steps, 40 of which exist: 50% are saved\n" in out


def test_each_batch_is_counted_by_itself(run):
    Path("lengths.txt").write_text("10 10 10 10 2 2 2 1")
    out = run("wide", "--lengths", "lengths.txt", "--batch-size", 4)[1]
    assert "packed computes 48 of 80 steps, 47 of which exist: 40% are saved\n" in out


def test_the_layout_that_auto_takes_is_told(run):
    out = run("wide")[1]
    assert out.endswith("auto runs packed\n")


def test_batches_of_both_kinds_are_told(run):
    Path("lengths.txt").write_text("200 1 1 1 200 200 200 199")
    out = run("wide", "--lengths", "lengths.txt", "--batch-size", 4)[1]
    assert out.splitlines()[-1] == "auto runs batches packed (1), padded (1)"


@pytest.mark.parametrize("lengths", ["7", "7 7 7"])
def test_nothing_to_save_is_told(run, lengths):
    Path("lengths.txt").write_text(lengths)
    out = run("narrow", "--lengths", "lengths.txt")[1]
    assert out.endswith("nothing is padding: packed and auto run without masks\n")


def test_a_model_that_knows_no_lengths_is_told(run):
    assert "64 rows, which come without masks\n" in run("plain")[1]
    Path("lengths.txt").write_text("3 4")
    status, _, err = run("plain", "--lengths", "lengths.txt")
    assert status == 2
    assert "model 'plain' takes no sequences of different lengths" in err


def test_a_sequence_that_is_too_long_is_refused(run):
    Path("lengths.txt").write_text("3 9")
    status, _, err = run("short", "--lengths", "lengths.txt")
    assert status == 2
    assert "a sequence is too long for model 'short'\n  received: 9\n  expected: up to 5" in err


@pytest.mark.parametrize(
    ("option", "value"), [("--time", 0), ("--batch-size", 0), ("--seconds", -1)]
)
def test_options_out_of_range_are_refused(run, option, value):
    status, out, err = run("build", option, value)
    assert (status, out) == (2, "")
    assert f"{option} is out of range" in err


def test_data_of_ones_own(run):
    Path("x.json").write_text("[[7, 3, 8, 1, 1, 1, 1, 2], [4, 4], [5, 5]]")
    out = run("wide", "--data", "x.json")[1]
    assert out.startswith("wide on numpy, cpu: 3 sequences of 2 to 8 steps, 4 on average\n")
    assert "packed computes 12 of 24 steps, 12 of which exist: 50% are saved\n" in out


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
    assert run("build", "--lengths", "none.txt")[2].startswith("maskgraph: error: there is no file")
    assert run("build", "--data", "none.json")[2].startswith("maskgraph: error: there is no file")


def test_lengths_and_data_exclude_each_other(run, capsys):
    with pytest.raises(SystemExit):
        run("build", "--lengths", "a", "--data", "b")
    assert "not allowed with" in capsys.readouterr().err


def test_random_lengths_are_those_of_the_options():
    lengths = bench_data.random_lengths(2000, 100, seed=0)
    assert len(lengths) == 2000
    assert min(lengths) >= 1
    assert max(lengths) <= 100
    assert abs(np.mean(lengths) - 40) < 3
