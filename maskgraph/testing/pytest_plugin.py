"""`pytest --backend NAME`: which backends the conformance suite is run on.

This is loaded in every pytest run of every project, so it imports nothing of maskgraph's, and
adds the option only where the suite is meant: another project may have a `--backend` of its own.
"""

from __future__ import annotations

from typing import Any

import pytest

INI = "maskgraph_backends"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(INI, "the backends that maskgraph's conformance suite is run on", "args")


def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> None:
    if early_config.getini(INI) or any("maskgraph" in str(arg) for arg in args):
        parser.addoption(
            "--backend",
            action="append",
            metavar="NAME",
            help="run maskgraph's conformance suite on this backend; may be given repeatedly, or "
            "several with commas (default: numpy)",
        )


def chosen_backends(config: Any) -> list[str]:
    """Return the names given by the option, else by the ini file, else "numpy"."""
    given = config.getoption("--backend", None) or []
    names = [name for text in given for name in text.split(",") if name]
    return names or config.getini(INI) or ["numpy"]
