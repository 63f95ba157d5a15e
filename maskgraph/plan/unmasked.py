"""Lowering for batches without padding: where every step exists, an op needs no mask."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from maskgraph.graph import Node, SymbolicTensor
from maskgraph.operators import REGISTRY
from maskgraph.ops.definition import Op
from maskgraph.plan.lowering import Lowering


class UnmaskedLowering(Lowering):
    """Lowers to the rectangle, as if the tensors with certain masks had none.

    Args:
        whole: plain masks; the program is for batches in which they are True throughout.
    """

    def __init__(self, whole: Collection[SymbolicTensor]) -> None:
        super().__init__()
        self._whole = frozenset(whole)

    def _lower_source(self, node: Node) -> tuple[Any, ...]:
        if node.plain is not None and node.masks[0] in self._whole:
            return (node.plain,)
        return super()._lower_source(node)

    def _lower_op(self, node: Node, op: Op) -> tuple[Any, ...]:
        if any(self._mask_of(s) is not None for s in node.inputs):
            return super()._lower_op(node, op)
        if op is REGISTRY["with_mask"] and self._value(node.arguments["mask"]) in self._whole:
            return (self._value(node.arguments["x"]),)
        if op.masking:
            return super()._lower_op(node, op)
        return self._lower_plain(node, op)

    def _zeroed(self, symbol: SymbolicTensor, mask: SymbolicTensor | None) -> SymbolicTensor:
        return super()._zeroed(symbol, None if mask in self._whole else mask)

    def _mask_of(self, leaf: Any) -> SymbolicTensor | None:
        mask = super()._mask_of(leaf)
        return None if mask in self._whole else mask
