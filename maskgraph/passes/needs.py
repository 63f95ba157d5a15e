"""Who needs a mask: found by asking the ops that a layer is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from maskgraph.graph import Node, SymbolicTensor, leaves, map_tree, masked_source


def uses_mask(node: Node) -> bool:
    """Tell whether a node looks at other steps under the masks that it gets: it takes them as
    arguments, or one of its ops reduces, mixes or orders a masked axis."""
    if node.is_source:
        return False
    if node.body is None:
        return bool(node.target.mixes_time(node))
    return bool(node.target.signature.masks) or any(map(uses_mask, _inside(node)))


def needs_mask(node: Node) -> bool:
    """Tell whether a node would use a mask of time, if it got one."""
    if node.is_source:
        return False
    if node.body is not None and node.target.signature.masks:
        return True
    if node.body is None and not node.target.may_mix_time:
        return False
    return any(map(_has_time, node.inputs)) and uses_mask(_on_masked_inputs(node))


def _inside(node: Node) -> Iterator[Node]:
    """Yield the nodes of a layer's body."""
    seen = {s.node for s in node.inputs}
    stack = [s.node for s in leaves(node.body)]
    while stack:
        inner = stack.pop()
        if inner not in seen:
            seen.add(inner)
            yield inner
            stack += [s.node for s in inner.inputs]


def _has_time(symbol: SymbolicTensor) -> bool:
    """Whether a tensor has an axis of time: the second, unless it is that of features."""
    return symbol.ndim > 2 or (symbol.ndim == 2 and symbol.shape[1] is None)


def _on_masked_inputs(node: Node) -> Node:
    """Return what a node would be if its inputs came with masks."""

    def masked(x: Any) -> Any:
        if isinstance(x, SymbolicTensor) and _has_time(x):
            return masked_source(x.name, x.spec)
        return x

    arguments = {name: map_tree(masked, value) for name, value in node.arguments.items()}
    if node.body is None:
        result = node.target.record(arguments)
    else:
        result = node.target.signature.apply(node.target, arguments)
    made: Node = next(leaves(result)).node
    return made
