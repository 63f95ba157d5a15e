"""The command line: what it prints, its exit status, and one readable line for every error."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import maskgraph as mg
from maskgraph.backend import BrokenPlugin, Plugin, plugins
from maskgraph.cli import main

MODELS = """
import maskgraph as mg
from maskgraph import layers


def build():
    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Embedding(9, 4, mask_zero=True, name="words")(tokens)
    return mg.Model(tokens, layers.LSTM(3, name="lstm")(x), seed=0, name="small")


def two():
    a, b = mg.Input((None, 2), name="a"), mg.Input((None, 2), name="b")
    x = layers.Add(name="sum")([a, b])
    return mg.Model([a, b], {"steps": x, "mean": mg.ops.mean(x, axis=1)}, seed=0, name="two")


class Careless(layers.Layer):
    def call(self, x):
        return x * 2


def losing():
    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    return mg.Model(tokens, layers.LSTM(3)(Careless(name="careless")(x)), name="losing")


def scaled(factor):
    return build()


def failing():
    return layers.Dense(2)(mg.Input((None, None)))


def unknown():
    return mg.Sequential([layers.LSTM(2)])


model = build()
layer = layers.Dense(2)
number = 7
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with models.py in it, the current one."""
    (tmp_path / "models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.fixture
def run(folder, capsys):
    """Return a function that runs a command: its exit status, output and errors."""

    def run(*argv):
        status = main(list(map(str, argv)))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def fails(run):
    """Return a function that runs a command which fails, and gives what it says."""

    def fails(*argv):
        status, _, err = run(*argv)
        assert status == 2
        assert err.startswith("maskgraph: error: ")
        assert "Traceback" not in err
        return err.removeprefix("maskgraph: error: ").rstrip("\n")

    return fails


# -- run -----------------------------------------------------------------------------------


def test_run_on_ragged_lists(run, folder):
    Path("x.json").write_text("[[7, 3, 8], [4], []]")
    status, out, err = run("run", "models.py:model", "x.json", "--output", "y.npy")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "small on numpy, cpu"
    assert lines[1].startswith("lstm  shape (3, 3)  float32  min ")
    assert lines[2] == "written to y.npy"
    found = np.load("y.npy")
    assert found.shape == (3, 3)
    assert (found[2] == 0).all()
    assert sorted(p.name for p in folder.iterdir() if p.is_file()) == [
        "models.py", "x.json", "y.npy",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["models.py:build", "models:model", "./models.py:model"])
def test_models_may_be_named_in_each_way(run, name):
    Path("x.json").write_text("[[7, 3, 8], [4]]")
    assert run("run", name, "x.json")[0] == 0


def test_run_on_arrays(run):
    ids = np.array([[1, 2, 0]], "int32")
    np.save("x.npy", ids)
    np.savez("x.npz", tokens=ids)
    np.savez("unnamed.npz", ids)
    Path("x.json").write_text('{"tokens": [[1, 2]]}')
    outputs = [run("run", "models.py:model", f)[1] for f in ("x.npy", "x.npz", "unnamed.npz")]
    assert outputs == [run("run", "models.py:model", "x.json")[1]] * 3


def test_several_inputs_and_outputs(run):
    a = np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32")
    np.savez("x.npz", b=-a, a=2 * a)
    status, out, _ = run("run", "models.py:two", "x.npz", "--output", "y.npz", "--batch-size", "1")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["two", "steps", "mean", "written"]
    with np.load("y.npz") as found:
        np.testing.assert_allclose(found["steps"], a)
        np.testing.assert_allclose(found["mean"], a.mean(axis=1), rtol=1e-6)


def test_run_on_random_data(run):
    status, out, _ = run("run", "models.py:two", "--random")
    assert status == 0
    assert "steps  shape (4, 6, 2)  float32" in out
    assert "not finite" not in out
    assert run("run", "models.py:two", "--random")[1] == out
    assert run("run", "models.py:two", "--random", "--seed", "1")[1] != out


def test_an_output_is_replaced_as_a_whole(run, monkeypatch):
    Path("y.npz").write_bytes(b"the old one")

    def fail(file, array):
        file.write(b"half of")
        raise OSError(28, "No space left on device", "y.npz")

    monkeypatch.setattr(np.lib.format, "write_array", fail)
    status, _, err = run("run", "models.py:model", "--random", "--output", "y.npz")
    assert (status, err) == (2, "maskgraph: error: y.npz: No space left on device\n")
    assert Path("y.npz").read_bytes() == b"the old one"
    assert not list(Path().glob(".y*"))


def test_an_empty_batch_has_no_values(run):
    Path("x.json").write_text("[]")
    assert "shape (0, 3)  float32  no values" in run("run", "models.py:model", "x.json")[1]


def test_what_is_not_finite_is_counted(run):
    np.savez("x.npz", a=np.full((1, 2, 2), np.nan, "float32"), b=np.zeros((1, 2, 2), "float32"))
    assert "steps  shape (1, 2, 2)  float32" in run("run", "models.py:two", "x.npz")[1]
    assert "4 not finite" in run("run", "models.py:two", "x.npz")[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[1.5, 2]]", "input 'tokens': wrong dtype\n  received: float32 data"),
        ("[[[1], [2]]]", "input 'tokens': wrong rank\n  received: data of shape (1, 2, 1)"),
        ("[[1, 99]]", "layer 'words': an id is outside the vocabulary\n  received: 99"),
        ('{"other": [[1]]}', "model 'small': the inputs do not match\n  received: other"),
        ("[[1, 2", "x.json cannot be read as .json\n  received: Expecting ',' delimiter: line 1"),
    ],
)
def test_wrong_data(fails, content, message):
    Path("x.json").write_text(content)
    assert fails("run", "models.py:model", "x.json").startswith(message)


def test_files_that_cannot_be_read(fails):
    assert fails("run", "models.py:model", "none.npy") == "there is no file none.npy"
    assert fails("run", "models.py:model", "x.csv").startswith("x.csv: unknown kind of file\n")
    for name in ("x.npy", "x.npz"):
        Path(name).write_bytes(b"nonsense")
        assert fails("run", "models.py:model", name).startswith(f"{name} cannot be read as .np")
    np.save("objects.npy", np.array([{}], object), allow_pickle=True)
    assert fails("run", "models.py:model", "objects.npy").startswith("objects.npy cannot be read")
    Path("folder.json").mkdir()
    assert fails("run", "models.py:model", "folder.json") == "folder.json: Is a directory"


def test_there_is_one_source_of_data(fails):
    assert "received: none\n" in fails("run", "models.py:model")
    assert "received: both a file and --random" in fails("run", "models.py:model", "x", "--random")


def test_outputs_that_cannot_be_written_are_refused_first(fails):
    asked = ("run", "models.py:none", "--random", "--output")
    assert fails(*asked, "y.csv") == (
        "--output y.csv: unknown kind of file\n  expected: a .npy or .npz"
    )
    assert fails(*asked, "no/y.npy") == "--output no/y.npy: there is no folder no"
    message = fails("run", "models.py:two", "--random", "--output", "y.npy")
    assert message.startswith("a .npy file holds one array\n  received: 2 outputs: steps, mean")
    assert not Path("y.npy").exists()


def test_a_batch_size_of_nothing(fails):
    assert fails("run", "models.py:model", "--random", "--batch-size", 0).startswith(
        "predict: batch_size out of range"
    )


def test_backends_and_devices(run, fails):
    asked = ("run", "models.py:model", "--random")
    assert run(*asked, "--backend", "numpy", "--device", "cpu")[0] == 0
    assert fails(*asked, "--backend", "nope").startswith(
        "unknown backend\n  received: 'nope'\n  expected: one of numpy"
    )
    assert fails(*asked, "--device", "cuda:1").startswith(
        "backend 'numpy' has no such device here\n  received: 'cuda:1'\n  expected: one of cpu"
    )


def test_the_environment_chooses_the_backend(run, fails, monkeypatch):
    monkeypatch.setenv("MASKGRAPH_BACKEND", "nope")
    assert "'nope'" in fails("run", "models.py:model", "--random")
    assert run("run", "models.py:model", "--random", "--backend", "numpy")[0] == 0


def test_random_data_needs_an_input(fails):
    assert fails("run", "models.py:unknown", "--random").endswith(
        "fix: begin it with mg.Input(shape=…), or give data"
    )


# -- MODEL ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("models.py", "MODEL must say where the model is\n  received: 'models.py'\n  expected: fi"),
        ("nowhere.py:model", "there is no file nowhere.py\n  expected: file.py:name"),
        ("nowhere.at.all:model", "there is no module 'nowhere'\n  expected: file.py:name"),
        ("models.nested:model", "there is no module 'models.nested'\n  expected: file.py:name"),
        (
            "models.py:modle",
            "models.py has no 'modle'\n  expected: one of build, two, losing, failing, unknown, "
            "model",
        ),
        ("models.py:number", "models.py:number is not a model\n  received: int: 7\n"),
        ("models.py:scaled", "models.py:scaled needs arguments\n  received: scaled(factor)"),
        ("json:loads", "json:loads needs arguments\n  received: loads(s)"),
    ],
)
def test_models_that_cannot_be_found(fails, name, message):
    assert fails("check", name).startswith(message)


def test_a_layer_is_not_a_model(fails):
    message = fails("check", "models.py:layer")
    assert message.startswith("models.py:layer is not a model\n  received: Dense: <Dense ")
    assert message.endswith("fix: put the layer in a model: mg.Sequential([layer])")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x = (1,", "SyntaxError: '(' was never closed"),
        ("undefined + 1", "NameError: name 'undefined' is not defined"),
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("import json; json.loads('[')", "JSONDecodeError: Expecting value: line 1 column 2"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        (
            "import maskgraph as mg; mg.Input(3)",
            "ShapeError: Input: shape must be a tuple of sizes\n  received: 3",
        ),
    ],
)
@pytest.mark.parametrize("where", ["broken.py:model", "package.broken:model"])
def test_a_file_that_fails_is_told_with_its_line(fails, folder, line, message, where):
    path = folder / where.partition(":")[0].removesuffix(".py").replace(".", "/")
    path.parent.mkdir(exist_ok=True)
    path = path.with_suffix(".py")
    path.write_text(f"# a model\n\n{line}\n")
    for name in ("package", "package.broken"):
        sys.modules.pop(name, None)
    found, _, told = fails("check", where).partition(":3: ")
    assert Path(found).resolve() == path
    assert told.startswith(message)


def test_a_function_that_fails_is_told_with_its_line(fails, folder):
    line = MODELS.splitlines().index("    return layers.Dense(2)(mg.Input((None, None)))") + 1
    message = fails("check", "models.py:failing")
    assert message.startswith(f"{folder / 'models.py'}:{line}: ShapeError: layer 'dense")
    assert "the size of the last axis must be known" in message


def test_a_model_may_use_what_lies_beside_it(run, folder):
    (folder / "beside").mkdir()
    (folder / "beside" / "helper_of_models.py").write_text("UNITS = 3\n")
    (folder / "beside" / "big.py").write_text(
        textwrap.dedent(
            """
            from __future__ import annotations
            import dataclasses
            import maskgraph as mg
            from helper_of_models import UNITS

            @dataclasses.dataclass
            class Settings:
                units: int = UNITS

            x = mg.Input((None, 2))
            model = mg.Model(x, mg.layers.LSTM(Settings().units)(x))
            """
        )
    )
    assert run("check", "beside/big.py:model")[0] == 0


# -- check ---------------------------------------------------------------------------------


def test_check_prints_the_report(run):
    status, out, err = run("check", "models.py:model", "--strict")
    assert (status, err) == (0, "")
    assert out.startswith("masks of small\n")
    assert "tokens != 0" in out
    assert out.endswith("ok: no mask is lost\n")


def test_check_names_the_layer_that_loses_a_mask(run, folder):
    status, out, err = run("check", "models.py:losing")
    assert (status, err) == (0, "")
    line = next(n for n, text in enumerate(MODELS.splitlines(), 1) if "careless" in text)
    assert f"{folder / 'models.py'}:{line}: MG001 error: Careless 'careless' loses the mask" in out
    assert run("check", "models.py:losing", "--strict")[0] == 1


def test_check_as_json(run, folder):
    status, out, _ = run("check", "models.py:losing", "--json", "--strict")
    report = json.loads(out)
    assert status == 1
    assert (report["model"], report["ok"]) == ("losing", False)
    assert report["findings"][0]["code"] == "MG001"
    assert report["findings"][0]["location"].startswith(f"{folder / 'models.py'}:")
    assert [row["action"] for row in report["rows"]] == ["-", "generate", "destroy", "-"]


def test_losses_are_readable_warnings_elsewhere(run):
    status, _, err = run("run", "models.py:losing", "--random")
    assert status == 0
    assert err.startswith("maskgraph: warning: ")
    assert "MG001 error: Careless 'careless'" in err


# -- parity --------------------------------------------------------------------------------


def test_parity_prints_a_table(run):
    Path("x.json").write_text("[[7, 3, 8], [4], []]")
    options = ("--backend", "numpy", "--gradients", "--input", "x.json")
    status, out, _ = run("parity", "models.py:model", *options)
    assert status == 0
    assert out.splitlines()[0].startswith("small, compared with NumPy in float64")
    assert [line.split()[0] for line in out.splitlines()[2:4]] == ["backend", "numpy"]
    assert out.endswith("ok: backends agree\n")


def test_parity_on_several_backends(run):
    pytest.importorskip("torch")
    for options in (("--backend", "numpy", "--backend", "torch"), ("--backend", "numpy,torch")):
        out = run("parity", "models.py:model", *options)[1]
        assert [line.split()[0] for line in out.splitlines()[3:5]] == ["numpy", "torch"]


def test_divergence_is_the_verdict(run):
    status, out, _ = run("parity", "models.py:model", "--backend", "numpy", "--tolerance", "1e-12")
    assert status == 1
    assert "at words" in out or "at lstm" in out
    assert out.endswith("diverging: numpy\n")


def test_parity_on_what_is_not_there(fails):
    assert "'nope'" in fails("parity", "models.py:model", "--backend", "nope")
    assert "'cuda'" in fails("parity", "models.py:model", "--backend", "numpy", "--device", "cuda")


# -- backends ------------------------------------------------------------------------------


def test_backends_are_listed_with_what_ails_them(run, monkeypatch):
    known = {
        "numpy": plugins()["numpy"],
        "absent": Plugin("absent", "no_such_framework", (), "pip install absent", lambda: None),
        "rotten": BrokenPlugin("rotten", "SyntaxError: invalid syntax"),
    }
    monkeypatch.setattr("maskgraph.cli.backends.plugins", lambda: known)
    for name, plugin in known.items():
        monkeypatch.setitem(plugins(), name, plugin)
    status, out, _ = run("backends")
    assert status == 0
    assert [line.split() for line in out.splitlines()] == [
        ["backend", "version", "state", "devices"],
        ["numpy", np.__version__, "ready", "cpu"],
        ["absent", "-", "missing", "-", "pip", "install", "absent"],
        ["rotten", "-", "broken", "-", "SyntaxError:", "invalid", "syntax"],
    ]


def test_only_the_backends_named_are_listed(run, fails):
    assert len(run("backends", "numpy")[1].splitlines()) == 2
    assert fails("backends", "numpy", "nope").startswith("unknown backend\n  received: 'nope'")


# -- the program ---------------------------------------------------------------------------


def program(*argv, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "maskgraph", *argv], cwd=cwd, capture_output=True, text=True
    )


def test_help_lists_the_commands():
    done = program("--help")
    assert done.returncode == 0
    for command in ("run", "check", "parity", "leaks", "backends"):
        assert f"    {command} " in done.stdout
    assert program("--version").stdout == f"maskgraph {mg.__version__}\n"


@pytest.mark.parametrize("argv", [(), ("dance",), ("check",), ("parity", "m", "--tolerance", "x")])
def test_wrong_usage(argv):
    done = program(*argv)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: maskgraph")
    assert ": error: " in done.stderr.splitlines()[-1]


def test_an_error_is_short_unless_asked_otherwise(folder):
    (folder / "wrong.py").write_text("1 / 0\n")
    done = program("check", "wrong.py:model", cwd=folder)
    assert done.returncode == 2
    place = f"{folder / 'wrong.py'}:1"
    assert done.stderr == f"maskgraph: error: {place}: ZeroDivisionError: division by zero\n"
    done = program("check", "wrong.py:model", "--traceback", cwd=folder)
    assert done.returncode == 2
    assert "Traceback (most recent call last):" in done.stderr
    assert 'wrong.py", line 1, in <module>' in done.stderr
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_errors_that_are_not_ours_are_named(run, monkeypatch):
    def fail(options):
        error = RuntimeError("CUDA error: out of memory\nand more")
        error.add_note("in 'lstm', made at models.py:8")
        raise error

    monkeypatch.setattr("maskgraph.cli.check.run", fail)
    status, _, err = run("check", "models.py:model")
    assert status == 2
    assert err == (
        "maskgraph: error: RuntimeError: CUDA error: out of memory\n"
        "  --traceback shows where\n"
        "  in 'lstm', made at models.py:8\n"
    )


def test_a_reader_that_has_seen_enough(folder):
    command = f"{sys.executable} -m maskgraph check models.py:model | head -n 1"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
    assert done.stdout == "masks of small\n"
    assert done.stderr == ""
