"""The layouts that a graph can run in: padded, on the rectangle, and packed, on its steps alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import numpy as np

from maskgraph.backend import Array, Backend
from maskgraph.backend.packing import Packing
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import SymbolicTensor, Weight
from maskgraph.plan.packed import PackedLowering
from maskgraph.plan.plan import Plan, Program, Results
from maskgraph.plan.work import Work

Inputs = Sequence[tuple[Any, Any]]
"""(value, mask) of every input."""

LAYOUTS = ("auto", "padded", "packed")


def check_layout(layout: str) -> None:
    """Refuse an unknown layout.

    Raises:
        ArgumentError: if there is none of that name.
    """
    if layout not in LAYOUTS:
        raise ArgumentError(
            explain("unknown layout", received=repr(layout), expected=", ".join(map(repr, LAYOUTS)))
        )


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
    def masks(self) -> Program:
        """What gives the masks by which the packed program packs, in the order of its packings."""
        assert self.packed is not None
        by_packing = {packing: mask for mask, packing in self._lowering.packings.items()}
        return Program(self._inputs, [by_packing[p] for p in self.packed.packings])

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
    def masks(self) -> Plan:
        """The plan for the masks by which batches are packed."""
        return Plan(self.programs.masks, self.backend)


class LayoutPlan:
    """A graph bound to a backend, in the layout asked for, or, at each run, in that which is
    faster for the batch at hand.

    Args:
        layout: "padded", "packed", or "auto". A batch without any step, and one whose mask has
            no values yet, because a framework traces the call, runs padded in any case.
        example: (value, mask) of every input, for which the plan prints what it does.
    """

    def __init__(self, plans: Plans, layout: str = "auto", example: Inputs | None = None) -> None:
        check_layout(layout)
        self.backend = plans.backend
        self.layout = layout
        self._plans = plans
        self._example = example

    @property
    def padded(self) -> Plan:
        """The plan for the rectangle."""
        return self._plans.padded

    @property
    def packed(self) -> Plan:
        """The plan for packed batches."""
        return self._plans.packed

    @property
    def weights(self) -> list[Weight]:
        """The weights that are read, in the order in which `run` takes values for them."""
        return self.padded.weights

    def run(
        self, inputs: Inputs, weights: Sequence[Array] | None = None
    ) -> list[tuple[Array, Array | None]]:
        """Return (value, mask) of every output. No weight changes.

        Args:
            inputs: (value, mask) of every input; the mask is read only where the program was
                made for one.
            weights: native values in place of the weights' own, in the order of `self.weights`.
        """
        return self.compute(inputs, weights).outputs

    def compute(self, inputs: Inputs, weights: Sequence[Array] | None = None) -> Results:
        """Return the outputs, and what layers want updated and added to the loss; see `run`."""
        packings = self.packings(inputs)
        if packings is None:
            return self.padded.compute(inputs, weights)
        return self.packed.compute(inputs, weights, packings)

    def packings(self, inputs: Inputs) -> list[Packing] | None:
        """Return how the steps of a batch are packed; None if it runs padded."""
        if self.layout == "padded" or self._plans.programs.packed is None:
            return None
        masks = [value for value, _ in self._plans.masks.run(inputs)]
        if not all(map(self.backend.has_values, masks)):
            return None
        hosts = list(map(self.backend.to_numpy, masks))
        if not all(map(np.any, hosts)):
            return None
        work = self._plans.programs.work
        if self.layout == "auto" and not all(map(work.worth_packing, hosts)):
            return None
        new = self.backend.new_packing
        return [new(mask, work.block_cost, work.in_place, work.gap) for mask in hosts]

    def all_or_nothing(self) -> AbstractContextManager[None]:
        """Give weights their old values back if a run in the block fails."""
        return self.padded.all_or_nothing()

    def __str__(self) -> str:
        packings = None if self._example is None else self.packings(self._example)
        if packings is None:
            return f"padded {self.padded}"
        share = [f"{_share(packing)}" for packing in packings]
        return f"packed {self.packed}\n" + "\n".join(share)


def _share(packing: Packing) -> str:
    """Tell what a packing saves."""
    cells, slots = packing.batch * packing.time, packing.slots
    return f"{slots} of {cells} steps computed, {1 - slots / cells:.0%} saved, in {packing.form}"
