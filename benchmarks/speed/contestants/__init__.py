"""Who takes part, on each framework."""

from importlib import import_module

from benchmarks.speed.contestant import Contestant

MODULES = {
    "numpy": "numpy_forms",
    "torch": "torch_side",
    "tensorflow": "tensorflow_side",
    "jax": "jax_side",
}


def contestants(backend: str) -> list[Contestant]:
    """Return the contestants on a backend."""
    module = import_module(f"{__name__}.{MODULES[backend]}")
    found: list[Contestant] = module.contestants()
    return found
