"""What an import costs: no framework is imported before it is used, and often not even NumPy."""

import subprocess
import sys

import pytest

FRAMEWORKS = ("jax", "keras", "tensorflow", "torch")


def imported(code: str, watched: tuple[str, ...] = FRAMEWORKS) -> list[str]:
    """Return which of the watched packages are imported after code was run in a fresh Python."""
    report = f"\nimport sys; print('imported:', *(n for n in {watched} if n in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "code",
    [
        "import maskgraph",
        "from maskgraph import *",
        "import maskgraph as mg; mg.layers; mg.ops; mg.testing.check_parity; mg.testing.check_law",
        "import maskgraph as mg; mg.testing.check_leaks",
        "import maskgraph as mg; mg.layers.Dense(2)([[1.0]]); mg.backend.statuses",
        "import maskgraph as mg; mg.backend.plugins(); mg.backend.status_of('numpy')",
        "import maskgraph_torch, maskgraph_tensorflow",
        "from maskgraph.cli import main; main(['backends', 'numpy'])",
    ],
)
def test_no_framework_is_imported(code):
    assert imported(code) == []


def test_the_test_sees_a_framework():
    pytest.importorskip("torch")
    assert imported("import torch") == ["torch"]
    assert imported("import maskgraph as mg; mg.backend.load('torch')") == ["torch"]


@pytest.mark.parametrize(
    "code",
    [
        "import maskgraph",
        "import maskgraph.testing.pytest_plugin",
        "import maskgraph.cli",
        "import maskgraph.cli.parser as p; p.build_parser().format_help()",
    ],
)
def test_what_needs_no_array_does_not_import_numpy(code):
    assert imported(code, ("numpy", "networkx")) == []


def test_public_names_are_imported_when_they_are_used():
    names = "Input Layer Mask MaskedTensor Model Sequential SymbolicTensor use_backend"
    code = f"import maskgraph as mg; assert all(hasattr(mg, n) for n in {names.split()})"
    assert imported(code, ("numpy",)) == ["numpy"]


@pytest.mark.parametrize("package", ["maskgraph", "maskgraph.testing"])
def test_every_name_that_a_package_lists_is_there(package):
    code = f"import {package} as m; assert [getattr(m, n) for n in dir(m)]"
    assert imported(code) == []


def test_operators_work_whatever_was_imported():
    code = "from maskgraph.masks import MaskedTensor; assert (MaskedTensor([2.0]) * 3).numpy() == 6"
    assert imported(code) == []
