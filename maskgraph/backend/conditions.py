"""Conditions on values, which are known only when what a framework compiles has run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

Array = Any

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
