"""The look-up of position embeddings."""

from __future__ import annotations

from maskgraph.graph import Spec
from maskgraph.ops.definition import define
from maskgraph.ops.indexing import Embedding
from maskgraph.ops.operands import Tensor


@define(
    shape=lambda table, positions: Spec((*positions.shape, table.shape[1]), table.dtype),
    mask=Embedding("positions"),
)
def position_embedding(table: Tensor, positions: Tensor) -> Tensor:
    """Look up rows of a table, (length, features), by positions of any shape.

    Mask out: that of the positions; a masked one may be anything.

    Raises:
        ShapeError: for a position that the table does not reach, at a step that exists.
    """
