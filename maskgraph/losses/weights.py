"""Which steps a sample_weight weighs: told by its shape, never guessed from equal sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskgraph import ops
from maskgraph.errors import ShapeError, explain
from maskgraph.ops.masking import intersect
from maskgraph.ops.operands import masks_of, spec_of

Sizes = Sequence[int | None]


def weighed_axes(owner: str, weight: Sizes, steps: Sizes) -> int:
    """Return how many leading axes of `steps` a weight has a number for each element of.

    A weight of shape (batch,) or (batch, 1) has one for each sequence, (batch, time) one for
    each step, () one for all. It is never lined up from the last axis, so (batch,) is
    never taken for (time,).

    Raises:
        ShapeError: for any other shape.

    Example:
        >>> weighed_axes("loss", (3, 1), (3, 3)), weighed_axes("loss", (3, 3), (3, 3))
        (1, 2)
    """
    rank = len(weight)
    while rank > 1 and weight[rank - 1] == 1:
        rank -= 1
    fits = rank <= len(steps) and all(
        w is None or n is None or w == n for w, n in zip(weight[:rank], steps, strict=False)
    )
    if not fits:
        allowed = [str(tuple(steps[:n])) for n in range(1, len(steps) + 1)]
        raise ShapeError(
            explain(
                f"{owner}: sample_weight does not fit",
                received=f"shape {tuple(weight)}",
                expected=" or ".join(["a number", *allowed]),
                fix="(batch,) or (batch, 1) weighs sequences, (batch, time) weighs steps",
            )
        )
    return rank


def spread(owner: str, weight: Any, values: Any) -> Any:
    """Return a weight for each element of `values`, zeros where they are masked (or it is)."""
    sizes = spec_of(weight).shape
    rank = weighed_axes(owner, sizes, spec_of(values).shape)
    whole = len(spec_of(values).shape)
    mask = intersect([masks_of(values), masks_of(weight)])
    weight = ops.cast(ops.drop_mask(weight), spec_of(values).dtype)
    if len(sizes) > rank:
        weight = ops.squeeze(weight, tuple(range(rank, len(sizes))))
    if whole > rank:
        weight = ops.expand_dims(weight, tuple(range(rank, whole)))
    weight = ops.multiply(ops.ones_like(ops.drop_mask(values)), weight)
    return weight if mask is None else ops.with_mask(weight, mask)
