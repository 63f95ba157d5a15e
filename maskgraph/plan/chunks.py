"""Adjacent steps of a plan that work token by token, run over some hundred tokens at a time.

What one of them leaves to the next then stays in the cache. Of a large batch it would go through
memory: a Transformer's block of 13,000 tokens, but for its attention, takes a third longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from maskgraph.backend import Array, Backend
from maskgraph.graph import Node, SymbolicTensor
from maskgraph.plan.steps import Joined, Origins, Run, Step, joined_runs

_ALIGNED = frozenset(
    [
        "abs", "add", "divide", "elu", "exp", "gelu", "hard_sigmoid", "hard_silu", "leaky_relu",
        "maximum", "minimum", "mish", "multiply", "negative", "relu", "relu6", "rsqrt", "selu",
        "sigmoid", "silu", "softplus", "softsign", "sqrt", "square", "subtract", "tanh",
    ]
)  # fmt: skip
"""Ops on elements that stand in the same places."""

_ROWS: dict[str, Callable[[SymbolicTensor, Node], Sequence[int]]] = {
    "linear": lambda x, node: (x.ndim - 1,),
    "project": lambda x, node: range(x.ndim - node.arguments["axes"], x.ndim),
    "layer_norm": lambda x, node: node.arguments["axis"],
    "rms_norm": lambda x, node: node.arguments["axis"],
}
"""Ops on an argument x and weights: the axes of x that they take together."""


class Cut(NamedTuple):
    """How a node can be computed part by part.

    Attributes:
        axis: that of slots, 1, or of sequences, 0.
        operands: those that have it; the others are taken whole.
    """

    axis: int
    operands: frozenset[SymbolicTensor]


def cut_of(node: Node) -> Cut | None:
    """Return how a node can be computed part by part; None if it cannot."""
    name, shape = node.target.name, node.specs[0].shape
    if len(shape) < 3 or len(node.outputs) > 1 or not (name in _ALIGNED or name in _ROWS):
        return None
    axis = 1 if shape[:2] == (1, None) else 0
    if shape[axis] is not None or _has_arrays(node):
        return None
    if name in _ROWS:
        x = node.arguments["x"]
        alone = not isinstance(x, SymbolicTensor) or axis in _ROWS[name](x, node)
        return None if alone else Cut(axis, frozenset([x]))
    operands = []
    for symbol in node.inputs:
        sizes = symbol.shape
        place = axis - len(shape) + len(sizes)
        if place >= 0 and sizes[place] != 1:
            if place != axis or sizes[place] is not None:
                return None
            operands.append(symbol)
    return Cut(axis, frozenset(operands)) if operands else None


def _has_arrays(node: Node) -> bool:
    """Whether a constant with axes is among the arguments: one of them may be that of steps."""
    for x in node.arguments.values():  # noqa: SIM110 - in a graph of thousands, for each of them
        if isinstance(x, np.ndarray) and x.ndim:
            return True
    return False


def chunked(
    backend: Backend,
    steps: Sequence[Step],
    origins: Origins,
    size: int,
    slots: Mapping[SymbolicTensor, int],
) -> tuple[list[Step], list[Node | None], int]:
    """Return the steps with adjacent ones that work token by token made one, their origins, and
    how many slots they need, of which there were `size`.

    Args:
        slots: that of each symbol.
    """
    runs: list[Run] = []
    group = _Group(None)
    around = [None, *origins, None]
    for step, node, before, after in zip(steps, origins, around, around[2:], strict=False):
        # a node of several steps, one after another, has casts among them
        cut = None if node is None or node is before or node is after else cut_of(node)
        parted = set() if cut is None else {slots[symbol] for symbol in cut.operands}
        if cut is None:
            runs += [*group.run(backend), Run(None, [step], [node])]
            group = _Group(None)
        elif not group.takes(cut.axis, step, node, parted):
            runs += group.run(backend)
            group = _Group(cut.axis)
            group.takes(cut.axis, step, node, parted)
    return joined_runs([*runs, *group.run(backend)], size)


class _Group:
    """Adjacent steps that can be computed part by part along one axis."""

    def __init__(self, axis: int | None) -> None:
        self._axis = axis
        self._steps: list[Step] = []
        self._nodes: list[Node | None] = []
        self._parted: set[int] = set()
        self._whole: set[int] = set()

    def takes(self, axis: int, step: Step, node: Node | None, parted: set[int]) -> bool:
        """Take a step in that cuts what the others cut, and takes whole what they take whole; tell
        whether it does."""
        whole = {slot for slot in step.reads if slot not in parted}
        clash = not (self._parted.isdisjoint(whole) and self._whole.isdisjoint(parted))
        if axis != self._axis or clash:
            return False
        self._steps.append(step)
        self._nodes.append(node)
        self._parted |= parted
        self._parted.add(step.fills)
        self._whole |= whole
        return True

    def run(self, backend: Backend) -> Iterator[Run]:
        if self._axis is not None:
            read = {slot for step in self._steps for slot in step.reads}
            is_chain = any(step.fills in read for step in self._steps)
            make = partial(InChunks, backend, self._axis, self._parted) if is_chain else None
            yield Run(make, self._steps, self._nodes)


class InChunks:
    """Several steps as one function, which computes them part by part where that is faster.

    Args:
        axis: that of the parts.
        parted: the slots that are cut.
        joined: the steps.
    """

    def __init__(self, backend: Backend, axis: int, parted: Set[int], joined: Joined) -> None:
        self._backend, self._axis, self._joined = backend, axis, joined
        self._parted = [slot in parted for slot in joined.reads]

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        bounds = self._bounds(values)
        if not bounds:
            return self._joined(*values)
        number = len(bounds) + 1
        cut = [
            self._backend.split(value, bounds, self._axis) if parted else [value] * number
            for value, parted in zip(values, self._parted, strict=True)
        ]
        parts = [self._joined(*part) for part in zip(*cut, strict=True)]
        return tuple(
            self._backend.concatenate(list(results), self._axis)
            for results in zip(*parts, strict=True)
        )

    def _bounds(self, values: Sequence[Array]) -> list[int]:
        """Return where to cut; nowhere if all is best done at once."""
        at_once, axis = self._backend.tokens_at_once(), self._axis
        if at_once is None:
            return []
        cut = [value for value, parted in zip(values, self._parted, strict=True) if parted]
        sizes = self._backend.shape(cut[0])
        tokens = sizes[1] if axis == 1 else sizes[0] * sizes[1]
        others = (self._backend.shape(value)[axis] for value in cut)
        if tokens <= at_once or any(size != sizes[axis] for size in others):
            return []
        step = -(-sizes[axis] // -(-tokens // at_once))
        return list(range(step, sizes[axis], step))
