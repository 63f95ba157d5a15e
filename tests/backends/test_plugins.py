"""Backends are found through entry points, a stranger's as ours; what is wrong with one says so
in words, and hides no other."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.backend import BrokenPlugin, Plugin, current, load, plugins, status_of, statuses
from maskgraph.errors import BackendError, DeviceError
from maskgraph_numpy.backend import NumpyBackend

AWKWARD = Path(__file__).parent / "maskgraph_awkward.py"
MODEL = """
import maskgraph as mg
from maskgraph import layers
tokens = mg.Input((None,), "int32")
x = layers.Embedding(9, 4, mask_zero=True)(tokens)
x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
model = mg.Model(tokens, layers.GlobalAveragePooling1D()(x), seed=0, name="demo")
"""


def register(monkeypatch, name, load=None, framework="maskgraph_numpy"):
    plugin = Plugin(name, framework, ("numpy",), f"pip install {name}", load or (lambda: None))
    monkeypatch.setitem(plugins(), name, plugin)


# -- what is there -------------------------------------------------------------------------


def test_numpy_comes_first():
    assert next(iter(plugins())) == "numpy"
    assert status_of("numpy").state == "ready"
    assert status_of("numpy").version == np.__version__
    assert status_of("numpy").devices == ("cpu",)


def test_an_unknown_backend_is_told_from_those_that_are_known():
    with pytest.raises(BackendError) as caught:
        load("pytorch")
    assert str(caught.value) == (
        "unknown backend\n"
        "  received: 'pytorch'\n"
        f"  expected: one of {', '.join(plugins())}\n"
        "  fix: check the spelling, or install the package that provides it"
    )


def test_a_missing_framework_comes_with_the_command_that_installs_it(monkeypatch):
    register(monkeypatch, "absent", framework="no_such_framework")
    with pytest.raises(BackendError) as caught:
        load("absent")
    assert str(caught.value) == (
        "backend 'absent' needs no_such_framework, which is not installed\n"
        "  fix: pip install absent"
    )
    assert (status_of("absent").state, status_of("absent").note) == (
        "missing",
        "pip install absent",
    )


@pytest.mark.parametrize("name", ["torch", "tensorflow", "jax"])
def test_our_plugins_install_lines(name):
    assert plugins()[name].install == f"pip install {name}"


def test_a_framework_that_fails_to_import_is_broken(monkeypatch):
    def fail():
        raise ImportError("libcudnn.so.9: cannot open shared object file")

    register(monkeypatch, "shaky", fail)
    with pytest.raises(BackendError, match=r"'shaky' is installed but fails to import\n.*libcudnn"):
        load("shaky")
    assert status_of("shaky").state == "broken"
    assert status_of("shaky").note == "ImportError: libcudnn.so.9: cannot open shared object file"


def test_a_framework_that_cannot_tell_its_devices_is_broken(monkeypatch):
    class Dizzy(NumpyBackend):
        name = "dizzy"

        @classmethod
        def devices(cls):
            raise RuntimeError("no driver")

    register(monkeypatch, "dizzy", lambda: Dizzy)
    assert status_of("dizzy").state == "broken"
    assert status_of("dizzy").note == "RuntimeError: no driver"


def test_an_incomplete_backend_lists_what_it_lacks(monkeypatch):
    class Half(mg.backend.Backend):
        name = "half"

    register(monkeypatch, "half", lambda: Half)
    with pytest.raises(BackendError, match=r"'half' is incomplete\n.*these methods as well: abs, "):
        load("half")
    assert "these methods as well" in status_of("half").note


def test_a_broken_plugin_hides_no_other(monkeypatch):
    monkeypatch.setitem(plugins(), "rotten", BrokenPlugin("rotten", "SyntaxError: invalid syntax"))
    with pytest.raises(BackendError, match=r"'rotten' is broken\n  received: SyntaxError"):
        load("rotten")
    states = {s.name: s.state for s in statuses()}
    assert states["rotten"] == "broken"
    assert states["numpy"] == "ready"
    assert load("numpy").name == "numpy"


# -- which one is in use -------------------------------------------------------------------


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "gpu:0", "toaster"])
def test_a_device_that_is_not_there_lists_those_that_are(device):
    with pytest.raises(DeviceError) as caught:
        load("numpy", device)
    assert str(caught.value) == (
        "backend 'numpy' has no such device here\n"
        f"  received: {device!r}\n"
        "  expected: one of cpu\n"
        "  fix: use device='cpu', or leave it out"
    )


@pytest.mark.parametrize("device", ["cpu", "CPU", "cpu:0"])
def test_common_names_of_a_device(device):
    assert load("numpy", device).device == "cpu"


@pytest.fixture
def other(monkeypatch):
    """Another backend, with two devices; what runs on it says so."""

    class Other(NumpyBackend):
        name = "other"

        @classmethod
        def devices(cls):
            return ["cuda:0", "cuda:1", "cpu"]

        def linear(self, x, kernel, bias):
            return np.full((len(x), 1), 7 if self.device == "cuda:1" else 5, "float32")

    register(monkeypatch, "other", lambda: Other)


def answer(**options):
    x = mg.Input((2,))
    model = mg.Model(x, layers.Dense(1)(x))
    return model.predict(np.ones((1, 2), "float32"), **options).item()


def test_an_argument_chooses(other):
    assert answer(backend="other") == 5
    assert answer(backend="other", device="gpu:1") == 7


def test_a_block_chooses(other):
    assert current() == (None, None)
    with mg.use_backend("other", "cuda:1") as backend:
        assert (backend.name, backend.device) == ("other", "cuda:1")
        assert answer() == 7
        assert answer(backend="other", device="cpu") == 5
        with mg.use_backend("numpy"):
            assert answer() not in (5, 7)
        assert answer() == 7
    assert answer() not in (5, 7)


def test_a_block_that_fails_is_left(other):
    with pytest.raises(ZeroDivisionError), mg.use_backend("other"):
        raise ZeroDivisionError
    assert current() == (None, None)


def test_the_environment_chooses(other, monkeypatch):
    monkeypatch.setenv("MASKGRAPH_BACKEND", "other")
    assert answer() == 5
    monkeypatch.setenv("MASKGRAPH_DEVICE", "cuda:1")
    assert answer() == 7
    assert answer(device="cuda:0") == 5
    with mg.use_backend("other", "cpu"):
        assert answer() == 5
    monkeypatch.setenv("MASKGRAPH_BACKEND", "nonsense")
    with pytest.raises(BackendError, match="'nonsense'"):
        answer()
    monkeypatch.setenv("MASKGRAPH_BACKEND", "")
    monkeypatch.setenv("MASKGRAPH_DEVICE", "")
    assert answer() not in (5, 7)


# -- a stranger's --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder as a package manager leaves it: a package of one file, and a broken one."""
    site = tmp_path_factory.mktemp("site")
    shutil.copy(AWKWARD, site)
    (site / "model.py").write_text(MODEL)
    (site / "maskgraph_rotten.py").write_text("import no_such_library\n")
    for name in ("awkward", "rotten"):
        info = site / f"maskgraph_{name}-1.2.3.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: maskgraph-{name}\nVersion: 1.2.3\n"
        )
        (info / "entry_points.txt").write_text(
            f"[maskgraph.backends]\n{name} = maskgraph_{name}:plugin\n"
        )
    return site


def python(site, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=site, env=environment, capture_output=True, text=True
    )


def test_a_stranger_is_found(site):
    done = python(site, "-m", "maskgraph", "backends", "awkward", "rotten", "numpy")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[1] == ["awkward", "1.2.3", "ready", "cpu"]
    assert lines[2][:4] == ["rotten", "-", "broken", "-"]
    assert "ModuleNotFoundError: No module named 'no_such_library'" in done.stdout
    assert lines[3][::2] == ["numpy", "ready"]
    assert done.returncode == 0


def test_a_stranger_runs_a_model(site):
    done = python(site, "-m", "maskgraph", "parity", "model.py:model", "--backend", "awkward,numpy")
    assert done.stdout.endswith("ok: backends agree\n"), done.stderr
    assert done.returncode == 0
    done = python(
        site, "-m", "maskgraph", "run", "model.py:model", "--random", "--backend", "awkward"
    )
    assert done.stdout.startswith("demo on awkward, cpu\n"), done.stderr


def test_a_stranger_runs_the_demo(site):
    demo = Path(__file__).parents[2] / "examples" / "japanese_vowels.py"
    done = python(site, str(demo), "--backend", "numpy", "--backend", "awkward")
    ours, theirs = (line.split() for line in done.stdout.splitlines()[-2:])
    assert (ours[0], theirs[0]) == ("numpy", "awkward"), done.stderr
    assert ours[1:4] == theirs[1:4], "the same accuracy, also padded to 100 steps"


def conformance(site, *arguments):
    suite = ("-m", "pytest", "--pyargs", "maskgraph.testing", "-q", "-p", "no:cacheprovider")
    return python(site, *suite, *arguments)


def test_a_stranger_passes_the_conformance_suite(site):
    done = conformance(site, "--backend", "awkward")
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout


def test_the_conformance_suite_finds_a_stranger_out(site):
    """The suite is a test, so it is tested: a tanh with a wrong result and a wrong parameter."""
    wrong = """
def load():
    cls = _load()
    true = cls.tanh
    cls.tanh = lambda self, y: self.add(true(self, y), self.full_like(y, 0.01))
    return cls
plugin = Plugin("wrong", "maskgraph_wrong", (), "pip install it", load)
"""
    (site / "maskgraph_wrong.py").write_text(
        AWKWARD.read_text().replace('"awkward"', '"wrong"') + wrong
    )
    info = site / "maskgraph_wrong-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: maskgraph-wrong\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[maskgraph.backends]\nwrong = maskgraph_wrong:plugin\n")
    done = conformance(site, "--backend", "wrong", "-k", "tanh or GRU or signatures or parity")
    assert done.returncode == 1
    for failed in (
        "test_signatures_are_those_of_the_protocol[wrong-tanh]",
        "test_values[wrong-float32-tanh-0]",
        "test_parity[wrong-GRU]",
    ):
        assert failed in done.stdout
    assert "test_parity[wrong-Dense]" not in done.stdout
