"""What runs on each block of a packed batch: one op on rectangles of sequences of like length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from maskgraph.backend import Array, Backend
from maskgraph.graph import Spec, SymbolicTensor, map_tree, source
from maskgraph.ops.definition import Op
from maskgraph.ops.operands import Arguments
from maskgraph.ops.rule import Call
from maskgraph.plan.body_plans import BodyPlans
from maskgraph.plan.lowering import listed
from maskgraph.plan.plan import Program


class BlockBody:
    """An op, recorded twice: with the mask of a block, and for a block in which all steps exist.

    Args:
        op: the op.
        arguments: its arguments, with plain symbols.
        shapes: the shape that each symbol with steps has in the rectangle.
        steps: for each output, whether it has steps; else it is one of (batch, …).

    Attributes:
        op, arguments: as given, for a backend that runs this op in a way of its own.
        specs: shape and dtype of what comes out.
        gives_steps: `steps`.
        xs: the symbols with steps that the op reads.
        others: the other symbols that it reads.
    """

    def __init__(
        self,
        op: Op,
        arguments: Arguments,
        shapes: dict[SymbolicTensor, tuple[int | None, ...]],
        steps: Sequence[bool],
    ) -> None:
        self.op, self.arguments = op, arguments
        read = dict.fromkeys(s for name in op.tensors for s in _symbols(arguments[name]))
        self.xs = [s for s in read if s in shapes]
        self.others = [s for s in read if s not in shapes]
        self.gives_steps = tuple(steps)
        blocks = {
            s: source("input", s.name, Spec((None, None, *shapes[s][2:]), s.dtype)) for s in self.xs
        }
        rest = {s: source("input", s.name, s.spec) for s in self.others}
        mask = source("mask", "block", Spec((None, None), "bool"))
        inside = _replaced(arguments, {**blocks, **rest})
        masks = {
            name: map_tree(lambda s: mask if s in blocks else None, _plain(arguments[name]))
            for name in op.tensors
        }
        known = [*blocks.values(), *rest.values()]
        masked = op.rule.value(Call(op, inside, masks, op.specs(inside)))
        self._masked = BodyPlans(Program([*known, mask], listed(masked)))
        self._full = BodyPlans(Program(known, listed(op.record(inside))))
        self.specs = tuple(
            Spec((1, None, *s.shape[2:]) if has_steps else (None, *s.shape[1:]), s.dtype)
            for s, has_steps in zip(listed(masked), steps, strict=True)
        )

    def given(self, xs: Sequence[Array], others: Sequence[Array]) -> Arguments:
        """Return the op's arguments with the tensors of `xs` and `others` in their places."""
        known = dict(zip([*self.xs, *self.others], [*xs, *others], strict=True))
        return _replaced(self.arguments, known)

    def on(
        self, backend: Backend, xs: Sequence[Array], others: Sequence[Array]
    ) -> Callable[[Sequence[Array], Array | None, Sequence[Array]], list[Array]]:
        """Return the op as a function of a block's tensors, its mask or None, and the others."""
        given = [*xs, *others]
        full = self._full.on(backend, given)

        def run(views: Sequence[Array], mask: Array | None, rest: Sequence[Array]) -> list[Array]:
            values = [(x, None) for x in (*views, *rest)]
            if mask is None:
                return [v for v, _ in full.run(values)]
            plan = self._masked.on(backend, given)
            return [v for v, _ in plan.run([*values, (mask, None)])]

        return run


def _symbols(value: Any) -> list[SymbolicTensor]:
    values = value if isinstance(value, list | tuple) else [value]
    return [v for v in values if isinstance(v, SymbolicTensor)]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _replaced(arguments: Arguments, known: dict[SymbolicTensor, Any]) -> Arguments:
    def leaf(x: Any) -> Any:
        return known.get(x, x) if isinstance(x, SymbolicTensor) else x

    return {name: map_tree(leaf, value) for name, value in arguments.items()}
