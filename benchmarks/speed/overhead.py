"""What the engine costs beside the arithmetic: W6, a chain of tiny layers."""

from __future__ import annotations

from typing import Any

import numpy as np

import maskgraph as mg
from maskgraph import layers
from maskgraph.backend import load
from maskgraph.testing.timing import take_turns

LAYERS = 200
SIZE = 8


def overhead(backend: str, seconds: float = 1.0) -> dict[str, Any]:
    """Return microseconds a layer, of maskgraph's plan and of a loop of the framework's calls."""
    x = symbol = mg.Input((SIZE,), name="x")
    for _ in range(LAYERS):
        symbol = layers.Dense(SIZE)(symbol)
    model = mg.Model(x, symbol, seed=0)
    on = load(backend, "cpu")
    data = np.random.default_rng(0).normal(size=(2, SIZE)).astype("float32")
    native = on.asarray(data)
    plan = model.plan(data, backend=backend, device="cpu")
    raw = {"numpy": _numpy, "torch": _torch}[backend](model.get_weights())

    def planned() -> Any:
        with on.running():
            return plan.run([(native, None)])[0][0]

    np.testing.assert_allclose(on.to_numpy(planned()), on.to_numpy(raw(native)), rtol=1e-4)
    times = take_turns({"plan": planned, "raw": lambda: raw(native)}, seconds, most=2000)
    found = {name: 1e6 * timing.cpu_median / LAYERS for name, timing in times.items()}
    return {**found, "extra": found["plan"] - found["raw"]}


def _numpy(weights: list[np.ndarray]) -> Any:
    pairs = list(zip(weights[::2], weights[1::2], strict=True))

    def run(x: np.ndarray) -> np.ndarray:
        for kernel, bias in pairs:
            x = np.add(np.matmul(x, kernel), bias)
        return x

    return run


def _torch(weights: list[np.ndarray]) -> Any:
    import torch

    kernels = [torch.from_numpy(w.T if w.ndim == 2 else w) for w in weights]
    pairs = list(zip(kernels[::2], kernels[1::2], strict=True))

    def run(x: Any) -> Any:
        with torch.no_grad():
            for kernel, bias in pairs:
                x = torch.nn.functional.linear(x, kernel, bias)
            return x

    return run
