"""The layouts that a graph can run in: padded, on the rectangle, and packed, on its steps alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np

from maskgraph.backend import Array
from maskgraph.backend.packing import Packing
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import Weight
from maskgraph.plan.plan import Plan, Results
from maskgraph.plan.programs import Inputs, Plans

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


class LayoutPlan:
    """A graph bound to a backend, in the layout asked for, or, at each run, in that which is
    faster for the batch at hand.

    Args:
        layout: "padded", "packed", or "auto". A batch without any step, and one whose mask has
            no values yet, because a framework traces the call, runs padded in any case; one
            without padding, unless "padded" is asked for, without masks.
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
        _, plan, packings = self.choice(inputs)
        return plan.compute(inputs, weights, packings)

    def packings(self, inputs: Inputs) -> Sequence[Packing]:
        """Return how the steps of a batch are packed; nothing if it runs on the rectangle."""
        return self.choice(inputs).packings

    def choice(self, inputs: Inputs) -> Choice:
        """Return what a batch runs by."""
        plans, padded = self._plans, Choice("padded", self._plans.padded)
        if self.layout == "padded" or plans.programs.packed is None:
            return padded
        seen = plans.see(inputs)
        if seen is None:
            return padded
        paddings = [int(mask.size - np.count_nonzero(mask)) for mask in seen.masks]
        if any(mask.size == n for mask, n in zip(seen.masks, paddings, strict=True)):
            return padded
        if not any(paddings) and not plans.gains_packed(seen):
            return Choice("unmasked", plans.unmasked)
        work, new = plans.programs.work, self.backend.new_packing
        if self.layout == "auto" and not all(map(work.worth_packing, paddings)):
            return padded
        packings = [new(mask, work.block_cost, work.in_place, work.gap) for mask in seen.masks]
        return Choice("packed", plans.packed, packings)

    def all_or_nothing(self) -> AbstractContextManager[None]:
        """Give weights their old values back if a run in the block fails."""
        return self.padded.all_or_nothing()

    def __str__(self) -> str:
        if self._example is None:
            return f"padded {self.padded}"
        name, plan, packings = self.choice(self._example)
        told = ["nothing is padding: no masks are needed"] if name == "unmasked" else []
        return "\n".join([f"{name} {plan}", *told, *map(_share, packings)])


class Choice(NamedTuple):
    """What a batch runs by.

    Attributes:
        name: "padded", "packed", or "unmasked" for one without padding.
        plan: the plan.
        packings: how steps are packed for it.
    """

    name: str
    plan: Plan
    packings: Sequence[Packing] = ()


def _share(packing: Packing) -> str:
    """Tell what a packing saves."""
    cells, slots = packing.batch * packing.time, packing.slots
    return f"{slots} of {cells} steps computed, {1 - slots / cells:.0%} saved, in {packing.form}"
