"""A graph as programs, one for each way in which a batch can run, and these bound to a backend."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from maskgraph.backend import Backend, load
from maskgraph.backend.distinct import repeats
from maskgraph.graph import Node, SymbolicTensor
from maskgraph.ops.operands import spec_of
from maskgraph.plan.packed import PackedLowering
from maskgraph.plan.plan import Plan, Program
from maskgraph.plan.slots import known_beforehand
from maskgraph.plan.unmasked import UnmaskedLowering
from maskgraph.plan.work import Work

Inputs = Sequence[tuple[Any, Any]]
"""(value, mask) of every input."""

_KERNELS = (
    ("packed_rnn", "packed_rnn", ("rnn",)),
    ("packed_rnn_of_ids", "packed_rnn", ("rnn",)),
    ("packed_conv", "shifted_products", ("conv", "valid_conv")),
)
"""Ops on slots, the method that does its work, and those of which one does it on the rectangle."""


class Seen(NamedTuple):
    """What a batch is judged by.

    Attributes:
        masks: those by which the packed program packs, in the order of its packings.
        ids: those that it computes once for each distinct one, on the rectangle.
    """

    masks: list[np.ndarray]
    ids: list[np.ndarray]


class Programs:
    """A graph as a program for each layout.

    Args:
        inputs: the symbols that data is given for.
        outputs: the symbols that are wanted, masked or not.
    """

    def __init__(self, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]) -> None:
        self._inputs, self._outputs = inputs, outputs
        self.padded = Program(inputs, outputs)

    @cached_property
    def _lowering(self) -> PackedLowering:
        return PackedLowering()

    @cached_property
    def packed(self) -> Program | None:
        """The packed program; None if nothing can be packed."""
        program = Program(self._inputs, self._outputs, self._lowering)
        return program if program.packings else None

    @cached_property
    def unmasked(self) -> Program:
        """The program for batches in which nothing is padding, by the masks of the packed one."""
        return Program(self._inputs, self._outputs, UnmaskedLowering(self._packed_by))

    @cached_property
    def seen(self) -> Program:
        """What gives the masks and the ids of `Seen`."""
        return Program(self._inputs, [*self._packed_by, *(n.arguments["ids"] for n in self._once)])

    @cached_property
    def vocabularies(self) -> list[int]:
        """The number of rows of each table that the packed program looks up distinct ids in."""
        return [spec_of(n.arguments["table"]).shape[0] or 0 for n in self._once]

    @cached_property
    def _once(self) -> list[Node]:
        """The look-ups on the rectangle that are done on slots once for each distinct id."""
        assert self.packed is not None
        nodes = self.packed.nodes
        tables = {id(n.arguments["table"]) for n in nodes if n.target.name == "distinct"}
        return [
            n
            for n in self.unmasked.nodes
            if n.target.name == "embedding"
            and id(n.arguments["table"]) in tables
            and known_beforehand(n.arguments["ids"])
        ]

    @property
    def _packed_by(self) -> list[SymbolicTensor]:
        """The plain masks by which the packed program packs."""
        assert self.packed is not None
        by_packing = {packing: mask for mask, packing in self._lowering.packings.items()}
        return [by_packing[p] for p in self.packed.packings]

    @cached_property
    def work(self) -> Work:
        """What the packed program costs."""
        assert self.packed is not None
        return Work.of(self.packed, self._lowering.in_place, self._lowering.gap)


class Plans:
    """The programs of a graph bound to a backend, each when it is first needed.

    Args:
        precision: "float64" computes float32 models in float64.
    """

    def __init__(self, programs: Programs, backend: Backend, precision: str | None = None) -> None:
        self.programs = programs
        self.backend = backend
        self._precision = precision

    @cached_property
    def padded(self) -> Plan:
        """The plan for the rectangle."""
        return Plan(self.programs.padded, self.backend, self._precision)

    @cached_property
    def packed(self) -> Plan:
        """The plan for packed batches."""
        assert self.programs.packed is not None
        return Plan(self.programs.packed, self.backend, self._precision)

    @cached_property
    def unmasked(self) -> Plan:
        """The plan for batches in which nothing is padding."""
        return Plan(self.programs.unmasked, self.backend, self._precision)

    @cached_property
    def _seen(self) -> Plan:
        return Plan(self.programs.seen, self.backend)

    @cached_property
    def _seen_on_host(self) -> Plan:
        return Plan(self.programs.seen, load("numpy", "cpu"))

    def see(self, inputs: Inputs) -> Seen | None:
        """Return what there is to see of a batch; None if it has no values yet. Data on the host is
        looked at there."""
        if all(isinstance(x, np.ndarray) for pair in inputs for x in pair if x is not None):
            with self._seen_on_host.backend.quiet():
                found = [value for value, _ in self._seen_on_host.run(inputs)]
        else:
            natives = [value for value, _ in self._seen.run(inputs)]
            if not all(map(self.backend.has_values, natives)):
                return None
            found = list(map(self.backend.to_numpy, natives))
        count = len(found) - len(self.programs.vocabularies)
        return Seen(found[:count], found[count:])

    def gains_packed(self, seen: Seen) -> bool:
        """Tell whether a batch without padding is computed sooner by the packed plan: because ids
        repeat, or because the backend is better at what is packed."""
        if self._has_better_packed:
            return True
        vocabularies = self.programs.vocabularies
        return self._gains_by_ids and any(map(repeats, seen.ids, vocabularies))

    @cached_property
    def _gains_by_ids(self) -> bool:
        """Whether anything is computed for each distinct id that is more than a look-up."""
        names = self._names
        own = self._is_own("packed_rnn_of_ids")
        return "spread" in names or ("packed_rnn_of_ids" in names and own)

    @cached_property
    def _names(self) -> set[str]:
        """The names of the ops of the packed program."""
        assert self.programs.packed is not None
        return {node.target.name for node in self.programs.packed.nodes}

    @cached_property
    def _has_better_packed(self) -> bool:
        """Whether the backend has a kernel of its own for an op of the packed program, and none for
        what that op is on the rectangle."""
        return any(
            self._is_own(packed) and not any(map(self._is_own, whole))
            for op, packed, whole in _KERNELS
            if op in self._names
        )

    def _is_own(self, method: str) -> bool:
        return getattr(type(self.backend), method) is not getattr(Backend, method)
