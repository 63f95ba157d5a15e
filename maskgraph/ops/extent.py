"""Where in the rectangle each sequence stands, and moving it: what windows must know of a mask.

The extent of a sequence goes from its first to its last valid step, holes included. Masks here
are of (batch, time); all is made of ops, so that it serves symbols and data alike.
"""

from __future__ import annotations

from typing import Any

from maskgraph.operators import REGISTRY
from maskgraph.ops.masking import flipped, intersect
from maskgraph.ops.operands import Mask, Tensor, spec_of

_ALL = slice(None)


def started(mask: Mask) -> Mask:
    """Return True from the first valid step of each row on."""
    return REGISTRY["greater"](REGISTRY["cumsum"](mask, 1), 0)


def unfinished(mask: Mask) -> Mask:
    """Return True up to the last valid step of each row."""
    return flipped(started(flipped(mask, 1)), 1)


def extent(mask: Mask) -> Mask:
    """Return True from the first to the last valid step of each row."""
    return intersect([started(mask), unfinished(mask)])


def holes(mask: Mask) -> Mask:
    """Return True at the masked steps between the first and the last valid one."""
    return intersect([extent(mask), REGISTRY["logical_not"](mask)])


def first_step(mask: Mask) -> Tensor:
    """Return the index of each row's first valid step, (batch, 1)."""
    return REGISTRY["sum"](REGISTRY["logical_not"](started(mask)), 1, keepdims=True)


def length(mask: Mask) -> Tensor:
    """Return the number of steps in each row's extent, (batch, 1)."""
    return REGISTRY["sum"](extent(mask), 1, keepdims=True)


def places(mask: Mask) -> Tensor:
    """Return the index of each step in the rectangle, (batch, time)."""
    ones = REGISTRY["ones_like"](mask, "int32")
    return REGISTRY["subtract"](REGISTRY["cumsum"](ones, 1), 1)


def eroded(mask: Mask, steps: int) -> Mask:
    """Return which steps of an extent have that many after them, in a rectangle as much
    shorter: a window of `steps + 1` that begins there lies within the sequence."""
    if steps == 0:
        return mask
    begins = REGISTRY["getitem"](mask, (_ALL, slice(None, -steps)))
    ends = REGISTRY["getitem"](mask, (_ALL, slice(steps, None)))
    return intersect([begins, ends])


def lengthened(mask: Mask, steps: int) -> Mask:
    """Return the extents of sequences that go on for `steps` steps after their last, in a
    rectangle as much wider."""
    begun = started(widened(mask, 0, steps))
    return intersect([begun, unfinished(widened(mask, steps, 0))])


def widened(x: Tensor, left: int, right: int, value: float = 0) -> Any:
    """Return a tensor with columns of one value before and after its own."""
    if left == right == 0:
        return x
    rest = ((0, 0),) * (spec_of(x).rank - 2)
    return REGISTRY["pad"](x, ((0, 0), (left, right), *rest), value)


def shifted(x: Tensor, mask: Mask, steps: Tensor) -> Any:
    """Return `x` (batch, time, features) with each row moved to the front by its own number of
    steps, (batch, 1); zeros where nothing of the row's extent comes to stand."""
    here = places(mask)
    source = REGISTRY["add"](here, steps)
    first = first_step(mask)
    from_sequence = intersect(
        [
            REGISTRY["greater_equal"](source, first),
            REGISTRY["less"](source, REGISTRY["add"](first, length(mask))),
        ]
    )
    index = REGISTRY["where"](from_sequence, source, here)
    moved = REGISTRY["take_along_axis"](x, REGISTRY["expand_dims"](index, -1), 1)
    return REGISTRY["select_valid"](moved, from_sequence, 0)
