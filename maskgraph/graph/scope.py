"""What is being traced: the layer whose `call` runs, and whether in training."""

from __future__ import annotations

from contextvars import ContextVar, Token
from functools import lru_cache
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

    def at(self, location: Location | None) -> Scope:
        """Return the scope with another place in the user's code."""
        return _scope_at(self.path, location, self.training)


@lru_cache(1024)
def _scope_at(path: str, location: Location | None, training: bool) -> Scope:
    """Return one object for all nodes that stem from one line, of which a loop makes thousands."""
    return Scope(path, location, training)


_scope: ContextVar[Scope] = ContextVar("scope", default=Scope())  # noqa: B039 - immutable

current_scope = _scope.get


class entered:  # noqa: N801 - said as `with entered(scope):`
    """Make a scope the current one in the block. A class, since one is entered for each node."""

    __slots__ = ("_scope", "_token")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __enter__(self) -> None:
        self._token: Token[Scope] = _scope.set(self._scope)

    def __exit__(self, *error: object) -> None:
        _scope.reset(self._token)
