"""maskgraph, as it is meant to be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import maskgraph as mg
from benchmarks.speed.contestant import OURS, SELF, Contestant, Run
from benchmarks.speed.workloads import Problem
from maskgraph.backend import load

Convert = Callable[[str, Sequence[np.ndarray]], list[np.ndarray]]
"""From weights of a workload, as maskgraph has them, to those of the forms by hand."""


def ours(backend: str, convert: Convert) -> list[Contestant]:
    """Return maskgraph on a backend: as it is, and told to keep to the rectangle."""
    backward = load(backend).differentiates
    return [
        Contestant(
            name, role, _maker(backend, convert, layout), backward=backward, long=role == SELF
        )
        for name, role, layout in (
            ("maskgraph", OURS, "auto"),
            ("maskgraph, layout padded", SELF, "padded"),
        )
    ]


def _maker(backend: str, convert: Convert, layout: str) -> Callable[[Problem], Run]:
    def make(problem: Problem) -> Run:
        model, ids = problem.model, problem.batch.ids
        if not problem.backward:
            return Run(lambda: forward(model, ids, backend, layout), lambda result: [result])
        order, call = gradients(model, ids, backend, layout)

        def read(found: Any) -> list[np.ndarray]:
            arrays = [load(backend).to_numpy(g) for g in found]
            return convert(problem.workload, [arrays[i] for i in order])

        return Run(call, read)

    return make


def forward(model: mg.Model, ids: np.ndarray, backend: str, layout: str) -> np.ndarray:
    """Return the outputs, as NumPy arrays."""
    found: np.ndarray = model.predict(
        ids, backend=backend, device="cpu", batch_size=len(ids), layout=layout
    )
    return found


def gradients(
    model: mg.Model, ids: np.ndarray, backend: str, layout: str
) -> tuple[list[int], Callable[[], Any]]:
    """Return the place of each weight of the model among the gradients, and what gives them."""
    on = load(backend, "cpu")
    plan = model.plan(ids, backend=backend, device="cpu", layout=layout)
    natives = [on.asarray(w.numpy()) for w in plan.weights]
    places = {id(w): i for i, w in enumerate(plan.weights)}

    def loss(weights: list[Any]) -> Any:
        [(value, mask)] = plan.run([(ids, None)], weights)
        if mask is not None:  # what stands at masked steps is no output
            value = on.where(on.expand_dims(mask, (-1,)), value, on.full((), 0, "float32"))
        return on.sum(value, tuple(range(len(on.shape(value)))), False)

    return [places[id(w)] for w in model.weights], lambda: _done(on.gradients(loss, natives))


def _done(arrays: list[Any]) -> list[Any]:
    """Return arrays once they are there."""
    for array in arrays:
        if hasattr(array, "block_until_ready"):
            array.block_until_ready()
    return arrays
