"""Examples in docstrings run; public classes and functions have docstrings that say the mask."""

import doctest
import importlib
import pkgutil

import pytest

import maskgraph
from maskgraph import layers, ops

MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(maskgraph.__path__, "maskgraph.")
    if not name.startswith(("maskgraph.testing.conformance", "maskgraph.__main__"))
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


@pytest.mark.parametrize(
    "name", [n for n, v in vars(layers).items() if isinstance(v, type) and n[0].isupper()]
)
def test_layers_say_what_becomes_of_the_mask(name):
    cls = getattr(layers, name)
    assert "mask" in cls.__doc__.lower()
    if name != "Layer":
        assert ">>>" in cls.__doc__


@pytest.mark.parametrize("name", [n for n in vars(ops) if not n.startswith("_")])
def test_ops_have_docstrings(name):
    assert getattr(ops, name).__doc__
