"""What a packed program costs: how much a slot, and how much a block.

The constants are those of one core of a desktop machine, to the factor of two that such choices
need; `docs/performance.md` has the measurements.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from maskgraph.graph import Node
from maskgraph.plan.plan import Program

_PRODUCT = 4e-11
"""Seconds for one multiplication and addition in a matrix product."""
_ELEMENT = 5e-10
"""Seconds for one element of a result that goes through memory."""
_CALL = 4e-5
"""Seconds for what runs on a block beside its arithmetic."""
_PACKING = 5e-4
"""Seconds for planning a batch: to say where steps lie, and to move them there and back."""


class Work(NamedTuple):
    """What a packed program costs.

    Attributes:
        slot: seconds for each slot.
        block: seconds for each block, beside its slots.
        in_place: whether masked steps within a sequence keep their slots.
        gap: how far from a sequence convolutions reach.
    """

    slot: float
    block: float
    in_place: bool
    gap: int

    @classmethod
    def of(cls, program: Program, in_place: bool, gap: int) -> Work:
        """Return what a packed program costs."""
        nodes = [n for n in program.nodes if not n.is_source]
        blocks = sum(n.target.name == "by_block" for n in nodes)
        return cls(sum(map(_seconds, nodes)), blocks * _CALL, in_place, gap)

    @property
    def block_cost(self) -> float:
        """What a block costs beside its slots, in slots."""
        return self.block / self.slot if self.slot else 0.0

    def worth_packing(self, padding: int) -> bool:
        """Tell whether a batch with so many masked steps is computed sooner packed: if there is
        none, so that packing it is to look at it otherwise, or if there are enough."""
        return padding == 0 or padding * self.slot > _PACKING


def _seconds(node: Node) -> float:
    """Return the seconds that a node takes for each slot."""
    products: float = sum(
        math.prod(s.node.target.weight.shape)
        for s in node.inputs
        if s.node.is_source
        and s.node.target.kind == "weight"
        and s.ndim > 1
        and node.target.name != "embedding"
    )
    elements: float = sum(
        math.prod(n or 1 for n in s.shape[2:]) for s in node.outputs if s.shape[:2] == (1, None)
    )
    return products * _PRODUCT + elements * _ELEMENT
