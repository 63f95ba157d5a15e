"""What a tensor with steps is lowered to in a packed program."""

from __future__ import annotations

from dataclasses import dataclass

from maskgraph.graph import SymbolicTensor
from maskgraph.ops.packed import spread


@dataclass(frozen=True)
class OfIds:
    """A tensor that depends on the id at each step alone: computed once for each distinct id.

    Attributes:
        value: (1, ids, …).
        distinct: the symbol that stands for the `Distinct` ids.
        costly: whether there is more to it than a look-up, so that it is worthwhile.
    """

    value: SymbolicTensor
    distinct: SymbolicTensor
    costly: bool


@dataclass(frozen=True, eq=False)
class Slots:
    """A tensor with steps, lowered to slots.

    Attributes:
        direct: (1, slots, …), computed for each slot.
        mask: the plain mask by which it is packed.
        shape: that of the rectangle.
        backwards: whether the tensor that it stands for has the steps in reversed order, and
            the mask reversed, too.
        of_ids: how it is computed for each distinct id, if it can be.
    """

    direct: SymbolicTensor
    mask: SymbolicTensor
    shape: tuple[int | None, ...]
    backwards: bool = False
    of_ids: OfIds | None = None

    @property
    def value(self) -> SymbolicTensor:
        """The tensor, (1, slots, …), computed in the cheaper way."""
        if self.of_ids is None or not self.of_ids.costly:
            return self.direct
        result: SymbolicTensor = spread(self.of_ids.value, self.of_ids.distinct)
        return result
