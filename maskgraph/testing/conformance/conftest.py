"""The backend under test, and NumPy, which says what is right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from maskgraph.backend import Backend, find, load, use_backend
from maskgraph.testing.pytest_plugin import chosen_backends


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        names = chosen_backends(metafunc.config)
        for name in names:
            find(name)  # one that is unknown is refused before any test is run
        metafunc.parametrize("backend", names, indirect=True)


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
