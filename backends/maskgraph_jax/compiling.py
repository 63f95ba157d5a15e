"""Steps of a plan compiled as one: an op alone costs 10 µs and more, and 30 ms of compiling for
each shape that it first meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax

LEFT_OUT = frozenset(
    {
        # they look at values: ids and labels are checked
        "check_labels",
        "ctc_loss",
        "embedding",
        "position_embedding",
        # they draw numbers, anew at each call
        "random_keep",
        "random_normal",
        # it calls a user's function
        "native_call",
        # they are compiled already, for all layers of a kind
        "rnn",
        "scan",
    }
)
"""The ops that are not compiled together with others."""


@jax.tree_util.register_static
@dataclass(frozen=True)
class Size:
    """A number that is part of a shape: to JAX not data, but what a function is compiled for."""

    value: int


def compiled(function: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """Return a function compiled by JAX, for each kind of tensors and for each of the sizes that
    it is called with; it returns sizes as numbers, too."""

    @jax.jit
    def traced(*values: Any) -> tuple[Any, ...]:
        return tuple(map(_as_static, function(*map(_as_number, values))))

    def run(*values: Any) -> tuple[Any, ...]:
        return tuple(map(_as_number, traced(*map(_as_static, values))))

    return run


def _as_static(value: Any) -> Any:
    return Size(value) if isinstance(value, int) else value


def _as_number(value: Any) -> Any:
    return value.value if isinstance(value, Size) else value
