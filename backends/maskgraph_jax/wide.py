"""64-bit numbers for the length of a call: JAX narrows them, unless the whole process opts in.

Opting in for the process would change what a user's own JAX code computes (`jnp.arange(3)` would
be int64). So each method of the backend opts in for itself, which costs about a microsecond.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import jax

C = TypeVar("C", bound=type[Any])

# These compute nothing themselves, or call functions of users, who have chosen for themselves.
_AS_THEY_ARE = ("compiled", "compiles", "dtype", "gradients", "has_values", "shape")


def wide() -> AbstractContextManager[Any]:
    """Return the context in which JAX leaves 64-bit numbers as they are, in this thread."""
    return jax.enable_x64(True)


def precision() -> Any:
    """Return the precision of products: all of the dtype's, unless the user has chosen another.
    GPUs and TPUs would multiply float32 with 10 and 7 bits, which is far from what others give."""
    return None if jax.config.jax_default_matmul_precision else jax.lax.Precision.HIGHEST


def computes_widely(cls: C) -> C:
    """Let the public methods that a backend's class defines compute with 64-bit numbers, and on
    the backend's device."""
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method) and not name.startswith("_") and name not in _AS_THEY_ARE:
            setattr(cls, name, _widely(method))
    return cls


def _widely(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def within(self: Any, *args: Any, **kwargs: Any) -> Any:
        with wide(), jax.default_device(self.place):
            return method(self, *args, **kwargs)

    return within
