"""Equal expressions as one node: nodes found again by what they were made of."""

from __future__ import annotations

from typing import Any
from weakref import ref

from maskgraph.graph.symbol import Node


class Interned:
    """Nodes by key, for as long as anybody else holds them.

    Keys of nodes that are gone are swept out whenever their number has doubled, which costs less
    than a callback for each node.
    """

    def __init__(self) -> None:
        self._nodes: dict[Any, ref[Node]] = {}
        self._limit = 1000

    def __len__(self) -> int:
        return len(self._nodes)

    def get(self, key: Any) -> Node | None:
        """Return the node of a key; None if there is none any more."""
        found = self._nodes.get(key)
        return None if found is None else found()

    def add(self, key: Any, node: Node) -> None:
        if len(self._nodes) >= self._limit:
            self._nodes = {k: n for k, n in self._nodes.items() if n() is not None}
            self._limit = 2 * len(self._nodes) + 1000
        self._nodes[key] = ref(node)
