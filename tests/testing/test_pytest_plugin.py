"""`--backend` chooses what the conformance suite runs on, and is in nobody else's way."""

import subprocess
import sys

import pytest

SUITE = ("--pyargs", "maskgraph.testing", "-k", "test_contexts_nest")


@pytest.fixture
def suite(tmp_path):
    """Return a function that runs pytest in a folder of its own: exit status and output."""

    def run(*argv):
        command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *argv]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    return run


def passed(output):
    return [n for n in ("numpy", "torch", "tensorflow", "jax") if f"nest[{n}] PASSED" in output]


def test_numpy_is_the_default(suite):
    status, output = suite(*SUITE)
    assert status == 0
    assert passed(output) == ["numpy"]


@pytest.mark.parametrize(
    "options", [("--backend", "numpy,torch"), ("--backend=numpy", "--backend=torch")]
)
def test_several_may_be_named(suite, options):
    pytest.importorskip("torch")
    assert passed(suite(*SUITE, *options)[1]) == ["numpy", "torch"]


def test_an_ini_file_names_them_for_a_project(suite, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmaskgraph_backends = torch\n")
    assert passed(suite(*SUITE)[1]) == ["torch"]
    assert passed(suite(*SUITE, "--backend", "numpy")[1]) == ["numpy"]


def test_one_that_is_unknown_is_refused_at_once(suite):
    status, output = suite(*SUITE, "--backend", "nope")
    assert status == 2
    assert "unknown backend" in output
    assert "PASSED" not in output


def test_another_project_may_have_an_option_of_that_name(suite, tmp_path):
    (tmp_path / "test_theirs.py").write_text(
        "def test(pytestconfig):\n    assert pytestconfig.option.backend == 'theirs'\n"
    )
    assert "unrecognized arguments: --backend" in suite("--backend", "theirs")[1]
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n    parser.addoption('--backend')\n"
    )
    status, output = suite("--backend", "theirs")
    assert (status, "1 passed" in output) == (0, True)
