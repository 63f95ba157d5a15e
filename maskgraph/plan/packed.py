"""Lowering to packed batches: ops that look at each step alone run on slots, those that look
along a sequence on blocks of sequences of like length, and all others on the rectangle.

What an op needs to see at once it says itself (`MaskRule.reach`, `MaskRule.beside`). Between
slots and rectangle tensors are converted where they must be, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from maskgraph.backend.packed_windows import window_offsets
from maskgraph.graph import Node, SymbolicTensor, entered, leaves, map_tree
from maskgraph.operators import REGISTRY
from maskgraph.ops.definition import Op
from maskgraph.ops.operands import Arguments, spec_of
from maskgraph.ops.packed import (
    by_block,
    distinct,
    distinct_ids,
    pack,
    packed_conv,
    packed_rnn,
    packed_rnn_of_ids,
    packed_scan,
    slots_valid,
)
from maskgraph.ops.rule import Beside, Call, Reach, zeroed
from maskgraph.plan.block_body import BlockBody
from maskgraph.plan.lowering import listed
from maskgraph.plan.slots import OfIds, SlotForms, Slots, made_of


class PackedLowering(SlotForms):
    """Lowers to packed batches where it can.

    Attributes:
        in_place: whether an op needs masked steps within a sequence to keep their slots.
        gap: how far from a sequence the convolutions reach that do not reach very far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_place = False
        self.gap = 0

    # -- nodes -----------------------------------------------------------------------------

    def _lower_source(self, node: Node) -> tuple[Any, ...]:
        mask = node.masks[0]
        if node.plain is None or mask is None or not self._can_pack(mask):
            return super()._lower_source(node)
        slots = Slots(pack(node.plain, self._packing(mask)), mask, node.plain.shape)
        self._rectangles[slots] = zeroed(node.plain, mask)  # which it need not be unpacked for
        return (slots,)

    def _lower_op(self, node: Node, op: Op) -> tuple[Any, ...]:
        how = _SPECIAL.get(op.name, PackedLowering._lower_masked)
        with entered(node.scope.at(node.location)):
            result = how(self, node, op)
        return super()._lower_op(node, op) if result is None else result

    def _lower_masked(self, node: Node, op: Op) -> tuple[Any, ...] | None:
        call = op.masked_call(node)
        if call is None or any(node.losses):
            return None
        if not op.rule.mixes_time(call):
            return self._by_step(node, op, call)
        reach = op.rule.reach(call)
        if reach is Reach.SEQUENCE:
            return self._by_sequence(node, op)
        return self._over_batch(node, op) if reach is Reach.BATCH else None

    def _by_step(self, node: Node, op: Op, call: Call) -> tuple[Any, ...] | None:
        """Lower an op that computes each step alone to the same op on slots."""
        mask = self._common([node.masks])
        beside = op.rule.beside(call)
        aligned = beside is Beside.ALIGNED
        if mask is None or beside is Beside.OTHERWISE:
            return None
        if not (aligned or self._are(mask, node.inputs)):
            return None
        rank = max(spec_of(x).rank for x in op.leaves(node.arguments))

        steps: list[Any] = []

        def operand(x: Any) -> Any:
            if x is None or not (aligned or getattr(x, "mask", None) is not None):
                return self._lowered_leaf(x)
            form, slots = self._form_of(x), self._slots(x, mask, rank if aligned else x.ndim)
            if slots is not form:
                steps.append((slots, form))
            return slots

        arguments = {**self._arguments(node, op, operand), **op.rule.on_slots(call)}
        values = listed(op.record(arguments))
        of_ids = self._of_ids(op, arguments, steps)
        return tuple(
            Slots(value, mask, s.shape, of_ids=of_ids[i] if of_ids else None)
            for i, (value, s) in enumerate(zip(values, node.outputs, strict=True))
        )

    def _of_ids(
        self, op: Op, arguments: Arguments, steps: list[tuple[SymbolicTensor, Any]]
    ) -> list[OfIds] | None:
        """Return what an op gives for each distinct id, if it depends on ids alone.

        Args:
            arguments: those for slots.
            steps: the operands with steps among them, in slots, and their forms.
        """
        if op.name == "embedding":
            ids = distinct(arguments["ids"], arguments["table"])
            once = {arguments["ids"]: OfIds(distinct_ids(ids), ids, costly=False)}
        else:
            once = {
                slots: form.of_ids
                for slots, form in steps
                if isinstance(form, Slots) and form.of_ids is not None and form.value is slots
            }
            if len({o.distinct for o in once.values()}) != 1 or len(once) < len(dict(steps)):
                return None
        first = next(iter(once.values()))
        costly = op.name in PRODUCTS or any(o.costly for o in once.values())
        replaced = map_tree(lambda x: once[x].value if _in(x, once) else x, arguments)
        return [OfIds(value, first.distinct, costly) for value in listed(op.record(replaced))]

    def _by_sequence(self, node: Node, op: Op) -> tuple[Any, ...] | None:
        """Lower an op that looks along a sequence to the same op on blocks."""
        mask = self._common([s.mask for s in node.inputs])
        if mask is None or not self._are(mask, node.outputs):
            return None
        shapes: dict[SymbolicTensor, tuple[int | None, ...]] = {}

        def operand(x: Any) -> Any:
            if not isinstance(x, SymbolicTensor) or x.mask is None:
                return self._lowered_leaf(x)
            slots = self._slots(x, mask, x.ndim)
            shapes[slots] = x.shape
            return slots

        arguments = self._arguments(node, op, operand)
        self.in_place = self.in_place or op.rule.in_place
        if op.name == "conv":
            del arguments["strides"]
            value = packed_conv(packing=self._packing(mask), **arguments)
            offsets = window_offsets(
                arguments["kernel"].shape[0], arguments["padding"], arguments["dilation_rate"]
            )
            reach = max(map(abs, offsets))
            self.gap = max(self.gap, reach if reach <= _FAR else 0)
            return (Slots(value, mask, node.outputs[0].shape),)
        steps = [s.mask is not None for s in node.outputs]
        body = BlockBody(op, arguments, shapes, steps)
        results = by_block(body.xs, self._packing(mask), body.others, body)
        return tuple(
            Slots(value, mask, s.shape) if s.mask is not None else value
            for value, s in zip(results, node.outputs, strict=True)
        )

    def _are(self, mask: SymbolicTensor, symbols: Sequence[SymbolicTensor]) -> bool:
        """Tell whether the symbols that have a mask have this one."""
        masks = map(self._mask_of, symbols)
        return all(found is None or found is mask for found in masks)

    def _over_batch(self, node: Node, op: Op) -> tuple[Any, ...] | None:
        """Lower an op that looks at all steps in whatever order to the same op on slots, told
        which of them exist."""
        mask = self._common([s.mask for s in node.inputs])
        if mask is None:
            return None
        arguments = self._arguments(
            node,
            op,
            lambda x: self._slots(x, mask, x.ndim) if getattr(x, "mask", None) is not None else x,
        )
        valid = slots_valid(self._packing(mask))
        masks = {
            name: map_tree(
                lambda x: None if getattr(x, "mask", None) is None else valid, node.arguments[name]
            )
            for name in op.tensors
        }
        result = op.rule.value(Call(op, arguments, masks, op.specs(arguments)))
        return listed(result)

    def _arguments(self, node: Node, op: Op, operand: Callable[[Any], Any]) -> Arguments:
        return {
            k: map_tree(operand if k in op.tensors else self._lowered_leaf, v)
            for k, v in node.arguments.items()
        }

    def _common(self, masks: Sequence[Any]) -> SymbolicTensor | None:
        """Return the plain mask that all tensors with a mask have, if they can be packed by it."""
        found = {self._value(m) for m in leaves(masks) if m is not None}
        mask = found.pop() if len(found) == 1 else None
        return mask if self._can_pack(mask) else None

    # -- ops that are lowered in a way of their own ----------------------------------------

    def _lower_with_mask(self, node: Node, op: Op) -> tuple[Any, ...] | None:
        x, mask = node.arguments["x"], self._common(node.masks)
        if mask is None or not self._are(mask, [x]):
            return None
        return (Slots(self._slots(x, mask, x.ndim), mask, x.shape),)

    def _lower_dimension(self, node: Node, op: Op) -> tuple[Any, ...] | None:
        """A size of the rectangle needs no rectangle: the mask has it, too."""
        form, axis = self._form(node.arguments["x"]), node.arguments["axis"]
        if not isinstance(form, Slots):
            return None
        return (REGISTRY["dimension"](form.value if axis > 1 else form.mask, axis),)

    def _lower_random(self, node: Node, op: Op) -> tuple[Any, ...] | None:
        """Numbers are drawn for the rectangle, so that they are the same in every layout; of what
        they are drawn for, only the shape is wanted."""
        x = node.arguments["x"]
        is_bare = x.node.target is REGISTRY["drop_mask"]
        form = self._form(x.node.arguments["x"] if is_bare else x)
        if not isinstance(form, Slots) or None in x.shape[2:]:
            return None
        batch, time = (REGISTRY["dimension"](form.mask, axis) for axis in (0, 1))
        like = REGISTRY["zeros"]((batch, time, *x.shape[2:]), x.dtype)
        return listed(op.record({**node.arguments, "x": like}))

    def _lower_flip(self, node: Node, op: Op) -> tuple[Any, ...] | None:
        form = self._form(node.arguments["x"])
        if node.arguments["axis"] == 1 and isinstance(form, Slots) and form.backwards:
            return (replace(form, backwards=False),)
        return self._lower_masked(node, op)

    def _lower_loop(self, node: Node, op: Op) -> tuple[Any, ...] | None:
        """A loop over time has a packed form of its own, on batches that shrink."""
        x = node.arguments["x"]
        mask = self._common([x.mask])
        if mask is None or any(node.losses):
            return None
        arguments = {k: map_tree(self._lowered_leaf, v) for k, v in node.arguments.items()}
        if any(made_of(s) - {"weight"} for s in arguments.get("captured", ())):
            return None  # it may have a batch axis, as the elements that dropout keeps do
        del arguments["mask"]
        form, loop = self._form(x), _LOOPS[op.name]
        in_order = isinstance(form, Slots) and form.mask is mask and not form.backwards
        if op.name == "rnn" and in_order and form.of_ids is not None:
            # the product of inputs and kernel is one of ids alone
            arguments.update(x=form.of_ids.value, distinct=form.of_ids.distinct)
            loop = packed_rnn_of_ids
        else:
            arguments["x"] = self._slots(x, mask, x.ndim)
        results = loop(packing=self._packing(mask), **arguments)
        backwards = node.arguments["go_backwards"]
        return (Slots(results[0], mask, node.outputs[0].shape, backwards), *results[1:])


_LOOPS: dict[str, Callable[..., Any]] = {"rnn": packed_rnn, "scan": packed_scan}

_SPECIAL: dict[str, Callable[[PackedLowering, Node, Op], tuple[Any, ...] | None]] = {
    "with_mask": PackedLowering._lower_with_mask,
    "dimension": PackedLowering._lower_dimension,
    "flip": PackedLowering._lower_flip,
    "random_keep": PackedLowering._lower_random,
    "random_normal": PackedLowering._lower_random,
    "rnn": PackedLowering._lower_loop,
    "scan": PackedLowering._lower_loop,
}


_FAR = 8
"""Gaps of more slots than this, one for each sequence, cost more than they save."""

PRODUCTS = frozenset({"einsum", "linear", "matmul", "project"})
"""The ops that make it worthwhile to compute each distinct id once."""


def _in(x: Any, table: dict[SymbolicTensor, Any]) -> bool:
    return isinstance(x, SymbolicTensor) and x in table
