"""The backends under test: each framework that is installed, judged by NumPy."""

from __future__ import annotations

import pytest

import maskgraph_jax
import maskgraph_numpy
import maskgraph_tensorflow
import maskgraph_torch
from maskgraph.backend import Backend

OURS = (maskgraph_torch.plugin, maskgraph_tensorflow.plugin, maskgraph_jax.plugin)
NATIVE = {plugin.name: plugin for plugin in OURS}


@pytest.fixture(scope="session", params=NATIVE)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each framework's backend, on the CPU."""
    plugin = NATIVE[request.param]
    if plugin.missing():
        pytest.skip(f"{plugin.framework} is not installed")
    return plugin.load()("cpu")


@pytest.fixture(scope="session")
def reference() -> Backend:
    """The NumPy backend, which says what is right."""
    return maskgraph_numpy.plugin.load()("cpu")
