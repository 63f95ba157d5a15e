"""Steps of a plan compiled as one: an op alone costs 10 µs and more, and 30 ms of compiling for
each shape that it first meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maskgraph.backend import Array
from maskgraph.backend.conditions import noted, noting
from maskgraph.backend.lanes import SIZES, TENSORS, Lanes
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
        # it looks at ids
        "distinct",
    }
)
"""The ops that are not compiled together with others."""

jax.tree_util.register_dataclass(Lanes, data_fields=TENSORS, meta_fields=SIZES)


@jax.tree_util.register_static
@dataclass(frozen=True)
class Size:
    """A number that is part of a shape: to JAX not data, but what a function is compiled for."""

    value: int


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
            elif not np.asarray(fine):  # bool(fine) takes three times as long
                return self._function(*map(_as_array, values))
        return tuple(map(_as_number, results))

    def _traced(self, *values: Any) -> tuple[tuple[Any, ...], Array | None]:
        self.programs += 1
        with noting() as conditions:
            results = tuple(map(_as_static, self._function(*map(_as_number, values))))
        return results, jnp.stack(conditions).all() if conditions else None


def _as_static(value: Any) -> Any:
    return Size(value) if isinstance(value, int) else value


def _as_array(value: Any) -> Any:
    return jnp.asarray(value) if isinstance(value, np.ndarray) else value


def _as_number(value: Any) -> Any:
    return value.value if isinstance(value, Size) else value
