"""The pass from the graph that the user wrote to one without layers and without masks.

Each layer is replaced by the ops that its `call` made; each op on a masked tensor by what its
mask rule makes of it. What remains are plain ops on plain tensors, of which masks are some.
Equal expressions are one node, so a mask that twelve layers use is computed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from maskgraph.graph import (
    Effects,
    Node,
    SymbolicTensor,
    Weight,
    entered,
    leaves,
    map_tree,
)
from maskgraph.ops.definition import Op
from maskgraph.ops.rule import Call, zeroed


class Lowered(NamedTuple):
    """A tensor without its mask, and the mask."""

    value: SymbolicTensor
    mask: SymbolicTensor | None


class Lowering:
    """Lowers symbols to plain ones on the rectangle, padding included."""

    def __init__(self) -> None:
        self._plain: dict[Node, tuple[Any, ...]] = {}
        self._waiting: list[Node] = []
        """Layers whose effects are not lowered yet."""

    def lower(self, outputs: Sequence[SymbolicTensor]) -> list[Lowered]:
        """Return plain symbols for masked ones, zero at masked steps."""
        wanted = list(outputs) + [s.mask for s in outputs if s.mask is not None]
        self._lower_nodes([s.node for s in wanted])
        results = []
        for symbol in outputs:
            mask = None if symbol.mask is None else self._value(symbol.mask)
            results.append(Lowered(self._zeroed(symbol, mask), mask))
        return results

    def effects(self) -> Effects:
        """Return what the layers lowered so far leave behind, in the order in which they were
        called, and with them those that these need."""
        done: list[tuple[Node, Effects]] = []
        while self._waiting:
            node = self._waiting.pop()
            left = node.effects or Effects()
            values = self.lower([value for _, value in left.updates] + left.losses)
            plain = [lowered.value for lowered in values]
            count = len(left.updates)
            updates = [(w, v) for (w, _), v in zip(left.updates, plain, strict=False)]
            done.append((node, Effects(updates, plain[count:])))
        done.sort(key=lambda pair: pair[0].serial)
        return Effects(
            _chained([u for _, effects in done for u in effects.updates]),
            [loss for _, effects in done for loss in effects.losses],
        )

    def plain(self, symbol: SymbolicTensor) -> SymbolicTensor:
        """Return the plain symbol for one symbol, with anything at its masked steps."""
        self._lower_nodes([symbol.node])
        return self._value(symbol)

    def _form(self, symbol: SymbolicTensor) -> Any:
        """Return what a symbol was lowered to."""
        return self._plain[symbol.node][symbol.index]

    def _value(self, symbol: SymbolicTensor) -> SymbolicTensor:
        """Return the plain symbol of the rectangle that a symbol was lowered to."""
        plain: SymbolicTensor = self._form(symbol)
        return plain

    def _zeroed(self, symbol: SymbolicTensor, mask: SymbolicTensor | None) -> SymbolicTensor:
        result: SymbolicTensor = zeroed(self._value(symbol), mask)
        return result

    def _lower_nodes(self, nodes: Sequence[Node]) -> None:
        """Lower nodes and all they depend on, each after those."""
        found: dict[Node, None] = {}
        stack = [node for node in nodes if node not in self._plain]
        while stack:
            node = stack.pop()
            if node not in found:
                found[node] = None
                stack += [d for d in _dependencies(node) if d not in self._plain]
        for node in sorted(found, key=attrgetter("serial")):
            self._plain[node] = self._lower_node(node)

    def _lower_node(self, node: Node) -> tuple[Any, ...]:
        if node.is_source:
            return self._lower_source(node)
        if node.body is not None:
            if node.effects is not None:
                self._waiting.append(node)
            return tuple(self._form(s) for s in leaves(node.body))
        return self._lower_op(node, node.target)

    def _lower_source(self, node: Node) -> tuple[Any, ...]:
        # an input with a mask may hold anything in its padding, also NaN
        return node.outputs if node.plain is None else (zeroed(node.plain, node.masks[0]),)

    def _lower_op(self, node: Node, op: Op) -> tuple[Any, ...]:
        masked = op.masking or any(s.mask is not None for s in node.inputs)
        if not masked or (op.keeps_value and not any(node.losses)):
            return self._lower_plain(node, op)
        arguments = {k: self._lowered(v) for k, v in node.arguments.items()}
        with entered(node.scope.at(node.location)):
            masks = {k: map_tree(self._mask_of, node.arguments[k]) for k in op.tensors}
            call = Call(op, arguments, masks, op.specs(arguments))
            return listed(op.rule.value(call.zeroed() if any(node.losses) else call))

    def _lower_plain(self, node: Node, op: Op) -> tuple[Any, ...]:
        """Lower an op that computes what it does without masks."""
        if not op.masking and all(s.mask is None and self._value(s) is s for s in node.inputs):
            return node.outputs
        arguments = {k: self._lowered(v) for k, v in node.arguments.items()}
        with entered(node.scope.at(node.location)):
            return op.record_plain(node, arguments)

    def _lowered(self, argument: Any) -> Any:
        if isinstance(argument, SymbolicTensor):
            return self._value(argument)
        if isinstance(argument, (int, float, str)):
            return argument
        return map_tree(self._lowered_leaf, argument)

    def _lowered_leaf(self, leaf: Any) -> Any:
        return self._value(leaf) if isinstance(leaf, SymbolicTensor) else leaf

    def _mask_of(self, leaf: Any) -> SymbolicTensor | None:
        if not isinstance(leaf, SymbolicTensor) or leaf.mask is None:
            return None
        return self._value(leaf.mask)


def _chained(
    updates: list[tuple[Weight, SymbolicTensor]],
) -> list[tuple[Weight, SymbolicTensor]]:
    """Return one update for each weight: a layer called twice goes on from its first update."""
    latest: dict[SymbolicTensor, tuple[Weight, SymbolicTensor]] = {}
    for weight, value in updates:
        earlier = latest.get(weight.symbol)
        if earlier is not None:
            value = _replaced(value, {weight.symbol: earlier[1]})
        latest[weight.symbol] = weight, value
    return list(latest.values())


def _replaced(
    symbol: SymbolicTensor, known: dict[SymbolicTensor, SymbolicTensor]
) -> SymbolicTensor:
    """Return a plain symbol computed from other symbols: `known` says from which."""
    for node in in_order([symbol]):
        if node.outputs[0] in known:
            continue
        outputs = node.outputs
        if any(known[s] is not s for s in node.inputs):
            arguments = map_tree(
                lambda x: known[x] if isinstance(x, SymbolicTensor) else x, node.arguments
            )
            result = node.target.record(arguments)
            outputs = listed(result)
        known.update(zip(node.outputs, outputs, strict=True))
    return known[symbol]


def listed(result: Any) -> tuple[SymbolicTensor, ...]:
    """Return what an op gives as a tuple, also if it is one tensor."""
    return result if isinstance(result, tuple) else (result,)


def in_order(symbols: Sequence[SymbolicTensor]) -> list[Node]:
    """Return the nodes that plain symbols depend on, each after those it reads."""
    found: set[Node] = set()
    stack = [s.node for s in symbols]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack += [s.node for s in node.inputs]
    return sorted(found, key=attrgetter("serial"))


def _dependencies(node: Node) -> list[Node]:
    if node.body is not None:
        return [symbol.node for symbol in leaves(node.body)]
    masks = [s.mask.node for s in node.inputs if s.mask is not None]
    return [s.node for s in node.inputs] + masks
