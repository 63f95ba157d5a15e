"""Mask rules: what an op does to masks, and how it keeps the law."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from maskgraph.graph import SymbolicTensor
from maskgraph.operators import REGISTRY
from maskgraph.ops.operands import Arguments, Mask, Tensor

if TYPE_CHECKING:
    from maskgraph.ops.definition import Op


@dataclass(frozen=True)
class Lost:
    """What a mask rule returns where a mask that came in cannot come out."""

    reason: str


class Reach(Enum):
    """How far an op looks that mixes time."""

    SEQUENCE = "at the steps of one sequence: each row of the batch could be computed alone"
    BATCH = "at all steps of the batch, in whatever order they come"
    RECTANGLE = "at where in the rectangle steps stand"


class Beside(Enum):
    """How operands without a mask stand beside those that have one."""

    ALIGNED = "axis by axis: what has steps has them in the same places"
    APART = "they know nothing of steps: weights, tables"
    OTHERWISE = "so that batch and time must stay the axes they are"


class MaskRule:
    """What an op does to masks. Rules work on symbols and on data alike, by way of ops.

    `mixes_time` tells that the op looks at other steps, so that it needs the mask to obey the
    law; `out` gives the mask of the result; `value` computes the result so that no masked step
    is seen (by default the op itself, which is right for ops that work step by step); `unsafe`
    says why, for some padding, the result is still not what each sequence gives alone.

    The rest is for batches without padding, in which steps lie one after another: `reach` and
    `beside` say what an op needs to see at once, `on_slots` which of its arguments are others
    there, and `in_place` that steps masked within a sequence are not to be left out.
    """

    in_place = False

    def mixes_time(self, call: Call) -> bool:
        return False

    def out(self, call: Call) -> Mask | Lost | tuple[Mask | Lost | None, ...] | None:
        return None

    def value(self, call: Call) -> Any:
        return call.run()

    def unsafe(self, call: Call) -> str | None:
        return None

    def reach(self, call: Call) -> Reach:
        return Reach.RECTANGLE

    def beside(self, call: Call) -> Beside:
        return Beside.APART

    def on_slots(self, call: Call) -> Arguments:
        return {}


@dataclass(slots=True, eq=False)
class Call:
    """One call of an op, as a mask rule sees it: tensors stripped of their masks.

    Attributes:
        arguments: by name; axes are canonical (not negative).
        masks: for each tensor argument, its mask or None (a list for a list of tensors).
        specs: likewise, shape and dtype.
    """

    op: Op
    arguments: Arguments
    masks: dict[str, Any]
    specs: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def run(self, **changes: Any) -> Any:
        return self.op(**{**self.arguments, **changes})

    def zeroed(self) -> Call:
        """The same call with zeros at the masked steps of every tensor."""
        arguments = dict(self.arguments)
        for name, mask in self.masks.items():
            if isinstance(mask, list):
                pairs = zip(arguments[name], mask, strict=True)
                arguments[name] = [zeroed(x, m) for x, m in pairs]
            else:
                arguments[name] = zeroed(arguments[name], mask)
        return Call(self.op, arguments, self.masks, self.specs)


def zeroed(x: Tensor, mask: Mask | None) -> Tensor:
    """Return `x` with zeros at its masked steps; `x` itself if it has them already."""
    if mask is None:
        return x
    if isinstance(x, SymbolicTensor) and x.node.target is REGISTRY["select_valid"]:
        made = x.node.arguments
        if made["mask"] is mask and made["fill_value"] == 0:
            return x
    return REGISTRY["select_valid"](x, mask, 0)
