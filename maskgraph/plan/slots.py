"""What a tensor with steps is lowered to in a packed program, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from maskgraph.graph import Dim, Node, Source, Spec, SymbolicTensor, leaves, map_tree
from maskgraph.operators import REGISTRY
from maskgraph.ops.definition import Op
from maskgraph.ops.elementwise import Elementwise
from maskgraph.ops.operands import spec_of
from maskgraph.ops.packed import pack, spread, unpack
from maskgraph.plan.lowering import Lowering, in_order


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


class SlotForms(Lowering):
    """Lowering in which symbols may be in slots: brings them into the form that is wanted.

    Attributes:
        packings: for each plain mask by which tensors are packed, the symbol that stands for the
            `Packing`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.packings: dict[SymbolicTensor, SymbolicTensor] = {}
        self._packable: dict[SymbolicTensor, bool] = {}
        self._rectangles: dict[Slots, SymbolicTensor] = {}
        self._padded = Lowering()

    def _value(self, symbol: SymbolicTensor) -> SymbolicTensor:
        form: Slots | SymbolicTensor = self._form(symbol)
        if not isinstance(form, Slots):
            return form
        if symbol.dtype == "bool" and symbol.ndim == 2:
            # what is a mask, or may become one, packs others, so it must not itself be packed
            mask = self._padded.plain(symbol)
            if self._can_pack(mask):
                return mask
        return self._rectangle(form)

    def _zeroed(self, symbol: SymbolicTensor, mask: SymbolicTensor | None) -> SymbolicTensor:
        form = self._form(symbol)
        if isinstance(form, Slots) and form.mask is mask and not form.backwards:
            return self._rectangle(form)  # which has zeros there
        return super()._zeroed(symbol, mask)

    def _rectangle(self, slots: Slots) -> SymbolicTensor:
        """Return slots as a rectangle, zeros in the padding."""
        if slots not in self._rectangles:
            packing = self.packings[slots.mask]
            value = unpack(slots.value, packing, slots.shape[:2])
            self._rectangles[slots] = REGISTRY["flip"](value, 1) if slots.backwards else value
        return self._rectangles[slots]

    def _slots(self, x: Any, mask: SymbolicTensor, rank: int) -> Any:
        """Return an operand of `rank` axes, the first two of which are batch and time, in slots
        of a mask; one that has neither as it is."""
        form = self._form_of(x)
        if isinstance(form, Slots):
            if form.mask is mask and not form.backwards:
                return form.value
            form = self._rectangle(form)
        return self._packed(form, mask, rank, _DEEP)

    def _packed(self, x: Any, mask: SymbolicTensor, rank: int, depth: int) -> Any:
        """Return a plain operand in slots. What was computed from little, as positions are from a
        mask, is computed in slots anew, so that the rectangle need not be: so many ops deep."""
        shape = spec_of(x).shape
        if ((1,) * (rank - len(shape)) + tuple(shape))[:2] == (1, 1):
            return x
        if len(shape) < rank:
            return pack(self._with_batch(x), self._packing(mask))
        made = x.node if isinstance(x, SymbolicTensor) else None
        steps = _with_steps(made) if depth else None
        if made is None or steps is None:
            return pack(x, self._packing(mask))
        given = {name: made.arguments[name] for name in steps}
        own = max(spec_of(y).rank for y in leaves(given) if y is not None)

        def operand(y: Any) -> Any:
            return None if y is None else self._packed(y, mask, own, depth - 1)

        inside = map_tree(operand, given)
        return made.target.record({**made.arguments, **inside})

    def _form_of(self, x: Any) -> Any:
        return self._form(x) if isinstance(x, SymbolicTensor) else x

    def _with_batch(self, x: Any) -> Any:
        """Return what has steps but is the same for all sequences with an axis of these."""
        if isinstance(x, SymbolicTensor):
            return REGISTRY["expand_dims"](x, 0)
        return np.expand_dims(x, 0)

    def _packing(self, mask: SymbolicTensor) -> SymbolicTensor:
        if mask not in self.packings:
            name = f"packing of {mask.name}"
            # like a size, it is no tensor, and known only when there is data
            node = Node(
                Source("packing", name), {}, [Spec((), "int32")], [None], name=name, kind=Dim
            )
            self.packings[mask] = node.outputs[0]
        return self.packings[mask]

    def _can_pack(self, mask: SymbolicTensor | None) -> bool:
        """Tell whether a mask is of batch and time, and known before anything is computed with
        weights or by packing."""
        if mask is None or mask.ndim != 2:
            return False
        if mask not in self._packable:
            self._packable[mask] = known_beforehand(mask)
        return self._packable[mask]


_DEEP = 8
_LOOKUPS = {"embedding": ("ids",), "position_embedding": ("positions",)}
"""For ops that look up rows of a table: the parameter that has steps."""


def _with_steps(node: Node | None) -> tuple[str, ...] | None:
    """Return the parameters that have the steps of what a plain node gives, if it computes each
    step alone."""
    if node is None or node.is_source:
        return None
    op: Op = node.target
    return op.tensors if isinstance(op.rule, Elementwise) else _LOOKUPS.get(op.name)


def made_of(symbol: SymbolicTensor) -> set[str]:
    """Return which kinds of sources a plain symbol is computed from."""
    return {node.target.kind for node in in_order([symbol]) if node.is_source}


def known_beforehand(symbol: SymbolicTensor) -> bool:
    """Tell whether a plain symbol is computed from inputs alone, and comes out the same each time
    that it is."""
    return all(
        node.target.kind in ("input", "mask") if node.is_source else node.target.pure
        for node in in_order([symbol])
    )
