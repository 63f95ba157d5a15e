"""What is being traced: the layer whose `call` runs, and whether in training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from maskgraph.graph.location import Location


class Scope(NamedTuple):
    """The layer path that new nodes belong to, and the place in the user's code they stem from.

    `path` is empty at the top level, where each node is the user's own.
    """

    path: str = ""
    location: Location | None = None
    training: bool = False


_scope: ContextVar[Scope] = ContextVar("scope", default=Scope())  # noqa: B039 - immutable


def current_scope() -> Scope:
    return _scope.get()


@contextmanager
def entered(scope: Scope) -> Iterator[None]:
    """Make `scope` the current one in the block."""
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)
