"""A program that runs within a step of another plan, on its backend and in its precision."""

from __future__ import annotations

from collections.abc import Sequence

from maskgraph import dtypes
from maskgraph.backend import Array, Backend
from maskgraph.plan.plan import Plan, Program


class BodyPlans:
    """The plans of a program, one for each backend and precision that it runs in."""

    def __init__(self, program: Program) -> None:
        self._dtypes = [pair.value.dtype for pair in program.inputs]
        self._program = program
        self._plans: dict[tuple[str, str, str | None], Plan] = {}

    def precision(self, backend: Backend, arriving: Sequence[Array]) -> str | None:
        """Return the dtype in which a float32 program is computed, if it is another: that of the
        tensors that arrive for its first inputs."""
        for dtype, value in zip(self._dtypes, arriving, strict=False):
            if dtypes.is_float(dtype) and backend.dtype(value) != dtype:
                return backend.dtype(value)
        return None

    def on(self, backend: Backend, arriving: Sequence[Array]) -> Plan:
        """Return the plan for a backend and for the dtypes of the tensors that arrive."""
        key = (backend.name, backend.device, self.precision(backend, arriving))
        if key not in self._plans:
            self._plans[key] = Plan(self._program, backend, key[2])
        return self._plans[key]
