"""All contestants on PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.speed.contestant import (
    JUDGE,
    LIMIT,
    OTHER,
    PADDED,
    RIGHT_ONLY,
    Contestant,
    Run,
)
from benchmarks.speed.contestants import keras_forms, onnx_forms, torch_ragged
from benchmarks.speed.contestants.ours import ours
from benchmarks.speed.contestants.torch_forms import FORMS, Tensor, convert
from benchmarks.speed.workloads import Problem

Form = Callable[..., Tensor]
"""From widths, weights and ids to outputs."""

BUCKETS = 8
COMPILED = ("W2", "W3", "W4")


def contestants() -> list[Contestant]:
    """Return all on PyTorch."""
    fast = torch_ragged.fast_path
    return [
        *ours("torch", convert),
        Contestant("limit: no padding, by hand", LIMIT, _maker(_dense, dense=True)),
        Contestant("padded by hand", PADDED, _maker(_padded)),
        Contestant("padded by hand, float64", JUDGE, _in_float64),
        Contestant(
            "padded by hand, torch.compile", OTHER, _compiled, workloads=COMPILED, long=True
        ),
        Contestant("8 length buckets", OTHER, _maker(_buckets), kinds=("right", "zipf")),
        Contestant(
            "pack_padded_sequence",
            OTHER,
            _maker(torch_ragged.packed),
            workloads=("W1", "W5"),
            kinds=RIGHT_ONLY,
        ),
        Contestant("nested, jagged", OTHER, _maker(torch_ragged.jagged), workloads=("W2",)),
        Contestant(
            "nn.TransformerEncoder", OTHER, fast, ("W2",), kinds=("right", "none"), backward=False
        ),
        keras_forms.contestant("torch", convert),
        *onnx_forms.contestants(),
    ]


def _maker(choose: Callable[[Problem], Form], dense: bool = False) -> Callable[[Problem], Run]:
    def make(problem: Problem) -> Run:
        return _run(problem, choose(problem), problem.batch.dense if dense else problem.batch.ids)

    return make


def _in_float64(problem: Problem) -> Run:
    return _run(problem, _padded(problem), problem.batch.ids, torch.float64)


def _run(problem: Problem, form: Form, ids: np.ndarray, dtype: torch.dtype = torch.float32) -> Run:
    arrays = convert(problem.workload, problem.weights)
    weights = [torch.from_numpy(w).to(dtype) for w in arrays]

    def outputs() -> np.ndarray:
        with torch.no_grad():
            return form(problem.widths, weights, torch.from_numpy(ids)).numpy()

    def gradients() -> list[Tensor]:
        leaves = [w.detach().requires_grad_() for w in weights]
        total = form(problem.widths, leaves, torch.from_numpy(ids)).sum()
        return list(torch.autograd.grad(total, leaves))

    if problem.backward:
        return Run(gradients, lambda found: [g.numpy() for g in found])
    return Run(outputs, lambda found: [found])


def _dense(problem: Problem) -> Form:
    form = FORMS[problem.workload]
    return lambda widths, weights, ids: form(widths, iter(weights), ids, None)


def _padded(problem: Problem) -> Form:
    form = FORMS[problem.workload]
    return lambda widths, weights, ids: form(widths, iter(weights), ids, ids != 0)


def _compiled(problem: Problem) -> Run:
    torch._dynamo.reset()
    compiled: Any = torch.compile(_padded(problem), dynamic=False)
    return _run(problem, compiled, problem.batch.ids)


def _buckets(problem: Problem) -> Form:
    """Rows sorted by length, cut into parts of equally many, each as long as its longest."""
    form = _padded(problem)

    def bucketed(widths: Any, weights: list[Tensor], ids: Tensor) -> Tensor:
        lengths = (ids != 0).sum(1)
        order = torch.argsort(lengths)
        parts = []
        for rows in order.chunk(BUCKETS):
            part = form(widths, weights, ids[rows, : int(lengths[rows[-1]])])
            if problem.steps:
                part = torch.nn.functional.pad(part, (0, 0, 0, ids.shape[1] - part.shape[1]))
            parts.append(part)
        return torch.cat(parts)[torch.argsort(order)]

    return bucketed
