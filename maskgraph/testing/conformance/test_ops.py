"""Every op gives on the backend what it gives on NumPy, and looks at no masked step."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest

from maskgraph.backend import Array, Backend, use_backend
from maskgraph.testing.gradients import Slopes, weighed
from maskgraph.testing.op_calls import (
    PlannedOp,
    Result,
    arrays_in,
    assert_equal,
    call,
    values_of,
    without_masks,
)
from maskgraph.testing.op_sample import Masked, Sample
from maskgraph.testing.op_table import OPS, OpRow

NO_TENSORS = ("shape", "dimension", "dimension_arithmetic", "random_keep", "random_normal")
MASKED = [r for r in OPS if any(isinstance(x, Masked) for x in arrays_in(r.arguments(Sample())))]
PLANNED = [r for r in OPS if arrays_in(r.arguments(Sample())) and r.op not in NO_TENSORS]

every_row = pytest.mark.parametrize("row", OPS, ids=str)
every_masked_row = pytest.mark.parametrize("row", MASKED, ids=str)
every_planned_row = pytest.mark.parametrize("row", PLANNED, ids=str)


def _expected(row: OpRow, reference: Backend, arguments: Any) -> list[Result]:
    with use_backend("numpy", "cpu"):
        return call(row, reference, arguments)


@every_row
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(backend: Backend, reference: Backend, row: OpRow, dtype: str) -> None:
    arguments, again = (without_masks(row.arguments(Sample(dtype=dtype))) for _ in range(2))
    assert_equal(call(row, backend, arguments), _expected(row, reference, again))


@every_masked_row
def test_masks(backend: Backend, reference: Backend, row: OpRow) -> None:
    arguments = row.arguments(Sample())
    assert_equal(call(row, backend, arguments), _expected(row, reference, arguments))


@every_row
@pytest.mark.parametrize(("batch", "time"), [(0, 4), (3, 0), (0, 0), (1, 1)])
def test_sizes(backend: Backend, reference: Backend, row: OpRow, batch: int, time: int) -> None:
    arguments, again = (row.arguments(Sample(batch, time)) for _ in range(2))
    assert_equal(call(row, backend, arguments), _expected(row, reference, again))


@every_masked_row
@pytest.mark.parametrize("padding", [np.nan, np.inf, 1e30])
def test_padding_is_not_seen(backend: Backend, row: OpRow, padding: float) -> None:
    clean = call(row, backend, row.arguments(Sample()))
    assert_equal(call(row, backend, row.arguments(Sample(padding=padding))), clean)


@every_planned_row
def test_plan(backend: Backend, row: OpRow) -> None:
    arguments = row.arguments(Sample(padding=np.nan))
    assert_equal(PlannedOp.of(row, backend, arguments).results(), call(row, backend, arguments))


@every_planned_row
def test_gradients(backend: Backend, reference: Backend, row: OpRow) -> None:
    if not backend.differentiates:
        pytest.skip("the backend does not differentiate")
    arguments = row.arguments(Sample(padding=np.nan))
    loss, judge = _loss(row, backend, arguments), _loss(row, reference, arguments)
    given = [x for x in arrays_in(arguments) if values_of(x).dtype == "float64"]
    arrays = [values_of(x) for x in given]
    found = backend.gradients(loss, [backend.asarray(a) for a in arrays])
    gradients = [backend.to_numpy(g) for g in found]
    with reference.running():
        slopes = Slopes.judged(lambda xs: float(judge(xs)), arrays, gradients, 0)
    assert slopes.compare(gradients).relative < 1e-6
    for gradient, x in zip(gradients, given, strict=True):
        if isinstance(x, Masked):
            assert (gradient[~x.mask] == 0).all()


def _loss(row: OpRow, backend: Backend, arguments: Any) -> Callable[[list[Array]], Array]:
    """Return the sum of an op's results, weighed, as a function of its arrays of floats."""
    planned = PlannedOp.of(row, backend, arguments)
    host = [values_of(x) for x in planned.inputs]

    def loss(floats: list[Array]) -> Array:
        rest, generator = iter(floats), np.random.default_rng(0)
        results = planned.run([next(rest) if v.dtype == "float64" else v for v in host])
        sums = [weighed(backend, value, "float64", generator) for value, _ in results]
        return reduce(backend.add, sums)

    return loss
