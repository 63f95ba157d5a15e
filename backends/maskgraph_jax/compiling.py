"""Steps of a plan compiled as one: an op alone costs 10 µs and more, and 30 ms of compiling for
each shape that it first meets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from maskgraph.backend import Array
from maskgraph.backend.lanes import Lanes
from maskgraph_jax.wide import wide

LEFT_OUT = frozenset(
    {
        # they draw numbers, anew at each call
        "random_keep",
        "random_normal",
        # it calls a user's function
        "native_call",
        # it takes step by step in Python, which takes long to compile
        "ctc_loss",
    }
)
"""The ops that are not compiled together with others."""

jax.tree_util.register_dataclass(
    Lanes,
    data_fields=["row", "first", "last", "index", "valid", "slot"],
    meta_fields=["batch", "time", "lanes", "width"],
)


@jax.tree_util.register_static
@dataclass(frozen=True)
class Size:
    """A number that is part of a shape: to JAX not data, but what a function is compiled for."""

    value: int


# -- conditions on values, which are known only when what is compiled has run ------------------

_conditions: ContextVar[list[Array] | None] = ContextVar("conditions", default=None)


@contextmanager
def noting() -> Iterator[list[Array]]:
    """Collect the conditions that are noted in the block."""
    conditions: list[Array] = []
    with _noted_in(conditions):
        yield conditions


def unnoted() -> AbstractContextManager[None]:
    """Return the context of what a loop does at each step: its values do not leave it."""
    return _noted_in(None)


@contextmanager
def _noted_in(conditions: list[Array] | None) -> Iterator[None]:
    token = _conditions.set(conditions)
    try:
        yield
    finally:
        _conditions.reset(token)


def noted(condition: Callable[[], Array]) -> bool:
    """Note what must be true of values that are not known yet; False if nobody will look."""
    conditions = _conditions.get()
    if conditions is not None:
        conditions.append(condition())
    return conditions is not None


class Compiled:
    """A function compiled by JAX, for each kind of tensors and for each of the sizes that it is
    called with; it returns sizes as numbers, too.

    Where a condition on values turns out not to hold, the function is run once more, op by op:
    that says what is wrong, and where.

    Attributes:
        programs: how many times it was compiled.
    """

    def __init__(self, function: Callable[..., tuple[Any, ...]], place: Any) -> None:
        self.programs = 0
        self._function = function
        self._place = place
        self._jitted = jax.jit(self._traced)

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        with wide(), jax.default_device(self._place):
            results, fine = self._jitted(*map(_as_static, values))
        if fine is not None:
            if isinstance(fine, jax.core.Tracer):
                noted(lambda: fine)
            elif not fine:
                return self._function(*values)
        return tuple(map(_as_number, results))

    def _traced(self, *values: Any) -> tuple[tuple[Any, ...], Array | None]:
        self.programs += 1
        with noting() as conditions:
            results = tuple(map(_as_static, self._function(*map(_as_number, values))))
        return results, jnp.stack(conditions).all() if conditions else None


def _as_static(value: Any) -> Any:
    return Size(value) if isinstance(value, int) else value


def _as_number(value: Any) -> Any:
    return value.value if isinstance(value, Size) else value
