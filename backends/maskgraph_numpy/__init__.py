"""maskgraph's reference backend: plain NumPy on the CPU."""

from __future__ import annotations

from maskgraph.backend import Backend, Plugin


def _load() -> type[Backend]:
    from maskgraph_numpy.backend import NumpyBackend

    return NumpyBackend


plugin = Plugin(
    name="numpy",
    framework="numpy",
    distribution=("numpy",),
    install="pip install numpy",
    load=_load,
    tensors=("ndarray", "generic"),
)
