"""The pass from the graph that the user wrote to one without layers and without masks.

Each layer is replaced by the ops that its `call` made; each op on a masked tensor by what its
mask rule makes of it. What remains are plain ops on plain tensors, of which masks are some.
Equal expressions are one node, so a mask that twelve layers use is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from maskgraph.graph import (
    Effects,
    Node,
    SymbolicTensor,
    Weight,
    entered,
    leaves,
    map_tree,
    symbols_in,
)
from maskgraph.ops.definition import Op
from maskgraph.ops.rule import Call, zeroed


class Lowered(NamedTuple):
    """A tensor without its mask, and the mask."""

    value: SymbolicTensor
    mask: SymbolicTensor | None


def lower(outputs: Sequence[SymbolicTensor]) -> tuple[list[Lowered], Effects]:
    """Return plain symbols for masked ones, zero at masked steps, and what the layers that they
    depend on leave behind, in the order in which those were called."""
    lowering = _Lowering()
    return lowering.lower(outputs), lowering.effects()


class _Lowering:
    def __init__(self) -> None:
        self._plain: dict[Node, tuple[SymbolicTensor, ...]] = {}
        self._waiting: list[Node] = []
        """Layers whose effects are not lowered yet."""

    def lower(self, outputs: Sequence[SymbolicTensor]) -> list[Lowered]:
        wanted = list(outputs) + [s.mask for s in outputs if s.mask is not None]
        self._lower_nodes([s.node for s in wanted])
        results = []
        for symbol in outputs:
            value = self._value(symbol)
            mask = None if symbol.mask is None else self._value(symbol.mask)
            results.append(Lowered(zeroed(value, mask), mask))
        return results

    def effects(self) -> Effects:
        """Return the effects of all layers lowered so far, and of those that these need."""
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

    def _value(self, symbol: SymbolicTensor) -> SymbolicTensor:
        return self._plain[symbol.node][symbol.index]

    def _lower_nodes(self, nodes: Sequence[Node]) -> None:
        """Lower nodes and all they depend on; a stack, since graphs are deeper than Python's."""
        stack = list(nodes)
        while stack:
            node = stack[-1]
            if node in self._plain:
                stack.pop()
                continue
            waiting = [d for d in _dependencies(node) if d not in self._plain]
            if waiting:
                stack.extend(waiting)
                continue
            self._plain[node] = self._lower_node(node)
            stack.pop()

    def _lower_node(self, node: Node) -> tuple[SymbolicTensor, ...]:
        if node.is_source:
            # an input with a mask may hold anything in its padding, also NaN
            return node.outputs if node.plain is None else (zeroed(node.plain, node.masks[0]),)
        if node.body is not None:
            if node.effects is not None:
                self._waiting.append(node)
            return tuple(self._value(s) for s in leaves(node.body))
        return self._lower_op(node, node.target)

    def _lower_op(self, node: Node, op: Op) -> tuple[SymbolicTensor, ...]:
        masked = op.masking or any(s.mask is not None for s in node.inputs)
        if not masked and all(self._value(s) is s for s in node.inputs):
            return node.outputs
        arguments = {k: map_tree(self._lowered_leaf, v) for k, v in node.arguments.items()}
        with entered(node.scope._replace(location=node.location)):
            if not masked:
                result = op.record(arguments)
            else:
                masks = {k: map_tree(self._mask_of, node.arguments[k]) for k in op.tensors}
                call = Call(op, arguments, masks, op.specs(arguments))
                result = op.rule.value(call.zeroed() if any(node.losses) else call)
        return tuple(result) if isinstance(result, tuple) else (result,)

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
    if symbol not in known:
        node = symbol.node
        arguments = map_tree(
            lambda x: _replaced(x, known) if isinstance(x, SymbolicTensor) else x, node.arguments
        )
        changed = any(a is not b for a, b in zip(symbols_in(arguments), node.inputs, strict=True))
        outputs = node.outputs
        if changed:
            result = node.target.record(arguments)
            outputs = result if isinstance(result, tuple) else (result,)
        known.update(zip(node.outputs, outputs, strict=True))
    return known[symbol]


def _dependencies(node: Node) -> Iterator[Node]:
    if node.body is not None:
        for symbol in leaves(node.body):
            yield symbol.node
        return
    for symbol in node.inputs:
        yield symbol.node
        if symbol.mask is not None:
            yield symbol.mask.node
