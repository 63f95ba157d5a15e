"""The order of a model's layers, and so of its weights: Keras's, by depth from the outputs.

To Keras the ops that make and join masks are nodes of the graph as well: behind a `Masking`, or a
`Concatenate` of masked inputs, they lengthen the path to the layer that takes the mask. Where one
stands in some of several branches, the layers of these branches may follow in another order there
than here. Then weights are exchanged layer by layer, by `model.get_layer(name)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from maskgraph.graph import Node, SymbolicTensor

if TYPE_CHECKING:
    from maskgraph.layers.base.layer import Layer


def layers_in_order(nodes: Sequence[Node], outputs: Sequence[SymbolicTensor]) -> list[Layer]:
    """Return the layers of nodes (sorted topologically), those farthest from the outputs first,
    and among equals those first that a walk from the outputs meets first."""
    if all(node.body is None for node in nodes):
        return []
    depth: dict[Node, int] = dict.fromkeys(nodes, 0)
    for node in reversed(nodes):
        above = depth[node] + 1
        for symbol in node.inputs:
            if depth.get(symbol.node, above) < above:
                depth[symbol.node] = above
    met: dict[Any, int] = {}
    seen: set[Node] = set()
    stack = [s.node for s in reversed(outputs)]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        met.setdefault(id(node.target), len(met))
        stack += [s.node for s in reversed(node.inputs)]
    deepest: dict[int, int] = {}
    layers: dict[int, Any] = {}
    for node in nodes:
        if node.body is not None:
            key = id(node.target)
            layers[key] = node.target
            deepest[key] = max(deepest.get(key, 0), depth[node])
    return sorted(layers.values(), key=lambda x: (-deepest[id(x)], met.get(id(x), len(met))))
