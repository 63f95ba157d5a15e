"""The backend under test, and NumPy, which says what is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from maskgraph.backend import Backend, find, load, use_backend
from maskgraph.errors import BackendError
from maskgraph.testing.layer_table import LAWFUL, LayerRow
from maskgraph.testing.pytest_plugin import chosen_backends


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        names = chosen_backends(metafunc.config)
        if metafunc.config.getoption("--backend", None):
            _require(names)
        if "lawful" in metafunc.fixturenames:
            pairs = [(name, row) for name in names for row in _lawful(name)]
            ids = [f"{name}-{row}" for name, row in pairs]
            metafunc.parametrize(("backend", "lawful"), pairs, indirect=["backend"], ids=ids)
        else:
            metafunc.parametrize("backend", names, indirect=True)


def _lawful(name: str) -> Sequence[LayerRow]:
    """Return the rows that a backend is held to the law on: all, but for one that compiles anew for
    each shape only the first of each layer. Parity with NumPy, which is held to it on all of them,
    is compared on all of them."""
    try:
        compiles = not find(name).missing() and load(name).compiles_each_shape
    except BackendError:  # the tests say so
        compiles = False
    if not compiles:
        return LAWFUL
    return list({str(row).partition("-")[0]: row for row in reversed(LAWFUL)}.values())


def _require(names: list[str]) -> None:
    """Stop before any test is run, if a backend that was asked for cannot be had."""
    for name in names:
        try:
            load(name)
        except BackendError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The backend under test, which is the one in use."""
    asked_for = request.config.getoption("--backend", None)
    if not asked_for and find(request.param).missing():
        pytest.skip(f"{find(request.param).framework} is not installed")
    with use_backend(request.param) as found:
        yield found


@pytest.fixture(scope="session")
def reference() -> Backend:
    return load("numpy", "cpu")
