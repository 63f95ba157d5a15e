"""One step of a loop, traced once: a part of a graph as a function that a backend's loop calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskgraph import dtypes
from maskgraph.backend import Array, Backend
from maskgraph.errors import GraphError, explain
from maskgraph.graph import Node, SymbolicTensor, entered, map_tree, source
from maskgraph.plan.body_plans import BodyPlans
from maskgraph.plan.lowering import listed
from maskgraph.plan.plan import Plan, Program


class StepBody:
    """What a loop over time does at each step: the argument `step` of `ops.scan`.

    What the step computes from its own inputs runs at every step. All else that it needs, weights
    too, is computed once outside of the loop and handed in, so that gradients pass through it.

    Args:
        name: of the layer, for errors.
        x: the symbol that stands for one step of the sequence.
        states: the symbols that stand for the states before the step.
        output: what the step gives out, computed from these.
        new_states: the states after the step, as many as before.

    Attributes:
        captured: the tensors of the graph around it that the step reads.
        output: shape and dtype of what the step gives out.
        shown: which of the new states the output is; None if it is none of them.
    """

    def __init__(
        self,
        name: str,
        x: SymbolicTensor,
        states: Sequence[SymbolicTensor],
        output: SymbolicTensor,
        new_states: Sequence[SymbolicTensor],
    ) -> None:
        inputs = [x, *states]
        program = Program(inputs, [output, *new_states])
        if program.effects.updates or program.effects.losses:
            raise GraphError(
                explain(
                    f"layer {name!r}: a recurrent cell cannot update weights or add losses",
                    fix="do so in a layer around the recurrent one",
                )
            )
        inside = _inside(program, inputs)
        values = [pair.value for pair in program.outputs]
        self.captured = _read_from_outside(program, values, inside)
        self.output = output.spec
        self.shown = next((i for i, s in enumerate(values[1:]) if s is values[0]), None)
        stand_ins = [source("input", s.name, s.spec) for s in self.captured]
        known = dict(zip(self.captured, stand_ins, strict=True))
        _replay([n for n in program.nodes if n in inside and not n.is_source], known)
        results = [known.get(s, s) for s in values]
        self._plans = BodyPlans(Program([*inputs, *stand_ins], results))

    def on(
        self, backend: Backend, x: Array, states: Sequence[Array], captured: Sequence[Array]
    ) -> BoundStep:
        """Return the step as a function on a backend.

        Args:
            x: the whole sequence, or any tensor of its dtype.
            states: those at the beginning.
            captured: the values of `self.captured`.
        """
        arriving = (x, *states, *captured)
        precision = self._plans.precision(backend, arriving)
        return BoundStep(self, self._plans.on(backend, arriving), list(captured), precision)


class BoundStep:
    """A step on a backend: called with one step of the sequence and the states before it."""

    def __init__(
        self, body: StepBody, plan: Plan, captured: list[Array], precision: str | None
    ) -> None:
        self._body = body
        self._plan = plan
        self._captured: list[tuple[Array, None]] = [(value, None) for value in captured]
        self._precision = precision

    def __call__(self, x: Array, states: Sequence[Array]) -> tuple[Array, list[Array]]:
        """Return the output and the new states."""
        given = [(value, None) for value in (x, *states)]
        (output, *new) = [v for v, _ in self._plan.run(given + self._captured)]
        return output, new

    def before(self, batch: int, states: Sequence[Array]) -> Array:
        """Return the output before there is any step: the state that it shows, or zeros."""
        if self._body.shown is not None:
            return states[self._body.shown]
        shape, dtype = self._body.output
        sizes = [n or 0 for n in shape[1:]]  # all known, as the layer has seen to
        if self._precision is not None and dtypes.is_float(dtype):
            dtype = self._precision
        return self._plan.backend.zeros((batch, *sizes), dtype)


def _inside(program: Program, inputs: Sequence[SymbolicTensor]) -> set[Node]:
    """Return the nodes that depend on the inputs, and these."""
    inside = {s.node for s in inputs}
    for node in program.nodes:
        if any(s.node in inside for s in node.inputs):
            inside.add(node)
    return inside


def _read_from_outside(
    program: Program, values: Sequence[SymbolicTensor], inside: set[Node]
) -> list[SymbolicTensor]:
    """Return the symbols that nodes inside read, or that are results, and that stand outside."""
    read = [s for node in program.nodes if node in inside for s in node.inputs]
    return list(dict.fromkeys(s for s in [*read, *values] if s.node not in inside))


def _replay(nodes: Sequence[Node], known: dict[SymbolicTensor, SymbolicTensor]) -> None:
    """Record plain nodes again, in order, with other symbols in place of some."""

    def replaced(x: Any) -> Any:
        return known.get(x, x) if isinstance(x, SymbolicTensor) else x

    for node in nodes:
        with entered(node.scope._replace(location=node.location)):
            result = node.target.record(map_tree(replaced, node.arguments))
        outputs = listed(result)
        known.update(zip(node.outputs, outputs, strict=True))
