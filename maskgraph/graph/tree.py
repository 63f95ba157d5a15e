"""Nested lists, tuples and dicts of tensors, as arguments and results come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_BRANCHES = (list, tuple, dict, slice)


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return `tree` with `function` applied to every leaf."""
    if not isinstance(tree, _BRANCHES):
        return function(tree)
    if isinstance(tree, dict):
        return {key: map_tree(function, item) for key, item in tree.items()}
    if isinstance(tree, slice):
        return slice(*(map_tree(function, n) for n in (tree.start, tree.stop, tree.step)))
    items = (map_tree(function, item) for item in tree)
    return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the leaves of `tree` in order."""
    if not isinstance(tree, _BRANCHES):
        return iter((tree,))
    found: list[Any] = []
    _gather(tree, found)
    return iter(found)


def _gather(tree: Any, found: list[Any]) -> None:
    """Add the leaves of a branch to `found`."""
    if isinstance(tree, dict):
        tree = tree.values()
    elif isinstance(tree, slice):
        tree = (tree.start, tree.stop, tree.step)
    for item in tree:
        if isinstance(item, _BRANCHES):
            _gather(item, found)
        else:
            found.append(item)


def unflatten(tree: Any, values: Iterator[Any]) -> Any:
    """Return `tree` with its leaves replaced by `values`, in order."""
    return map_tree(lambda _: next(values), tree)
