"""The order of a model's layers, and so of its weights: Keras's, by depth from the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from maskgraph.graph import Node, SymbolicTensor

if TYPE_CHECKING:
    from maskgraph.layers.base.layer import Layer


def layers_in_order(nodes: Sequence[Node], outputs: Sequence[SymbolicTensor]) -> list[Layer]:
    """Return the layers of nodes (sorted topologically), those farthest from the outputs first,
    and among equals those first that a walk from the outputs meets first."""
    depth: dict[Node, int] = dict.fromkeys(nodes, 0)
    for node in reversed(nodes):
        for symbol in node.inputs:
            if symbol.node in depth:
                depth[symbol.node] = max(depth[symbol.node], depth[node] + 1)
    met: dict[Any, int] = {}
    seen: set[Node] = set()
    stack = [s.node for s in reversed(outputs)]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        met.setdefault(id(node.target), len(met))
        stack.extend(s.node for s in reversed(node.inputs))
    deepest: dict[int, int] = {}
    layers: dict[int, Any] = {}
    for node in nodes:
        if node.body is not None:
            key = id(node.target)
            layers[key] = node.target
            deepest[key] = max(deepest.get(key, 0), depth[node])
    return sorted(layers.values(), key=lambda x: (-deepest[id(x)], met.get(id(x), len(met))))
