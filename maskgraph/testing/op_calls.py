"""Calls of ops on a backend, their results brought to the host; and as a plan of one op."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from maskgraph import ops
from maskgraph.backend import Array, Backend
from maskgraph.graph import Spec, SymbolicTensor, leaves, masked_source, source
from maskgraph.masks import MaskedTensor
from maskgraph.plan import Plan, Program
from maskgraph.testing.op_sample import Masked
from maskgraph.testing.op_table import OpRow


class Result(NamedTuple):
    """One tensor that an op gave: zeros at masked steps."""

    values: np.ndarray
    dtype: str
    mask: np.ndarray | None


def map_arrays(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return arguments with `function` applied to every array, `Masked` or not."""
    if isinstance(tree, Masked | np.ndarray):
        return function(tree)
    if isinstance(tree, list | tuple):
        return type(tree)(map_arrays(function, item) for item in tree)
    return tree


def arrays_in(tree: Any) -> list[Masked | np.ndarray]:
    """Return the arrays among arguments, in order."""
    found: list[Masked | np.ndarray] = []
    map_arrays(found.append, tree)
    return found


def without_masks(arguments: Any) -> Any:
    return map_arrays(lambda x: x.values if isinstance(x, Masked) else x, arguments)


def native(backend: Backend, x: Masked | np.ndarray) -> Any:
    """Return an array on a backend."""
    if isinstance(x, Masked):
        return MaskedTensor(backend.asarray(x.values), backend.asarray(x.mask))
    return backend.asarray(x)


def call(row: OpRow, backend: Backend, arguments: Any) -> list[Result]:
    """Return what an op gives for arguments on a backend, which must be the one in use."""
    given = map_arrays(lambda x: native(backend, x), arguments)
    return [on_host(backend, x) for x in leaves(getattr(ops, row.op)(*given))]


@dataclass(frozen=True)
class PlannedOp:
    """A plan that holds one op alone, its arrays being the inputs.

    Attributes:
        plan: bound to a backend.
        inputs: the arrays, in order.
        outputs: the symbols of the results.
    """

    plan: Plan
    inputs: list[Masked | np.ndarray]
    outputs: list[SymbolicTensor]

    @classmethod
    def of(cls, row: OpRow, backend: Backend, arguments: Any) -> PlannedOp:
        symbols: list[SymbolicTensor] = []

        def symbol(x: Masked | np.ndarray) -> SymbolicTensor:
            values, name = values_of(x), f"input_{len(symbols)}"
            spec = Spec(values.shape, str(values.dtype))
            if isinstance(x, Masked):
                symbols.append(masked_source(name, spec, x.mask.ndim))
            else:
                symbols.append(source("input", name, spec))
            return symbols[-1]

        outputs = list(leaves(getattr(ops, row.op)(*map_arrays(symbol, arguments))))
        return cls(Plan(Program(symbols, outputs), backend), arrays_in(arguments), outputs)

    def run(self, values: list[Any]) -> list[tuple[Array, Array | None]]:
        """Return (value, mask) of every result for values of the inputs."""
        masks = [x.mask if isinstance(x, Masked) else None for x in self.inputs]
        return self.plan.run(list(zip(values, masks, strict=True)))

    def results(self) -> list[Result]:
        """Return the results on the host. What was known of their shapes and dtypes before there
        was data is checked."""
        backend = self.plan.backend
        with backend.running():
            found = self.run([values_of(x) for x in self.inputs])
        results = [on_host(backend, MaskedTensor(v, m)) for v, m in found]
        known = [(s.shape, s.dtype) for s in self.outputs]
        assert [(r.values.shape, r.dtype) for r in results] == known
        return results


def values_of(x: Masked | np.ndarray) -> np.ndarray:
    return x.values if isinstance(x, Masked) else x


def on_host(backend: Backend, x: Any) -> Result:
    if isinstance(x, int):  # a size
        return Result(np.array(x), "int32", None)
    if not isinstance(x, MaskedTensor):
        return Result(backend.to_numpy(x), backend.dtype(x), None)
    mask = None if x.mask is None else backend.to_numpy(x.mask)
    return Result(x.numpy(), backend.dtype(x.value), mask)


def assert_equal(found: list[Result], expected: list[Result]) -> None:
    """Refuse results that differ in number, dtype, shape, mask, or by more than rounding."""
    assert [(r.dtype, r.values.shape) for r in found] == [
        (r.dtype, r.values.shape) for r in expected
    ]
    for a, b in zip(found, expected, strict=True):
        assert (a.mask is None) == (b.mask is None)
        if a.mask is not None:
            np.testing.assert_array_equal(a.mask, b.mask)
        tolerance = 1e-10 if a.dtype == "float64" else 2e-5
        np.testing.assert_allclose(a.values, b.values, rtol=tolerance, atol=tolerance)
