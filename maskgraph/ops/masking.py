"""Ops that attach, drop and apply masks, and the joining of several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maskgraph.graph import Spec, SymbolicTensor
from maskgraph.masks.check import check_mask
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.operands import Arguments, Mask, Tensor, spec_of
from maskgraph.ops.rule import Call, MaskRule, zeroed


def intersect(masks: Iterable[Mask | None]) -> Mask | None:
    """Return the mask of the steps that exist in every one of `masks` (None: everywhere)."""
    result: Mask | None = None
    for mask in masks:
        if mask is None or mask is result:
            continue
        result = mask if result is None else _joined("logical_and", result, mask)
    return result


def unite(masks: Iterable[Mask | None]) -> Mask | None:
    """Return the mask of the steps that exist in any of `masks` (None: everywhere)."""
    result: Mask | None = None
    for i, mask in enumerate(masks):
        if mask is None:
            return None
        if mask is not result:
            result = mask if i == 0 else _joined("logical_or", result, mask)
    return result


def _joined(op: str, a: Mask, b: Mask) -> Mask:
    """Join two masks; one of (batch, document) says the same for every sentence in it."""
    ranks = spec_of(a).rank, spec_of(b).rank
    if ranks[0] != ranks[1]:
        a, b = (REGISTRY["align_mask"](m, max(ranks)) for m in (a, b))
    return REGISTRY[op](a, b)


def flipped(mask: Mask, axis: int) -> Mask:
    """Return the mask reversed along an axis; reversed twice it is the same object again."""
    if isinstance(mask, SymbolicTensor) and mask.node.target is REGISTRY["flip"]:
        made = mask.node.arguments
        if made["axis"] == axis:
            return made["x"]
    return REGISTRY["flip"](mask, axis)


def symbolic(x: SymbolicTensor, mask: Any) -> Any:
    """Return a mask of `x` as a symbol; one that is data is the same for every batch."""
    if isinstance(mask, SymbolicTensor):
        return mask
    shape, dtype = spec_of(mask)
    check_mask("a constant mask", x.shape, shape, dtype)
    return REGISTRY["logical_and"](REGISTRY["all_valid"](x, len(shape)), mask)


def unmasked(x: Tensor) -> Any:
    """Return `x` without its mask, zeros where it was masked; `x` itself if it has none."""
    return x if getattr(x, "mask", None) is None else REGISTRY["drop_mask"](x)


class WithMask(MaskRule):
    """The result carries the mask given, and zeros at its masked steps; and at those of the mask
    that it takes the place of, where what stands in the padding would come to light."""

    def out(self, call: Call) -> Mask:
        return call["mask"]

    def value(self, call: Call) -> Any:
        old, new = call.masks["x"], call["mask"]
        x = call["x"] if old is new else zeroed(call["x"], old)
        return REGISTRY["select_valid"](x, new, 0)


class DropMask(MaskRule):
    """The result carries no mask, and zeros where it was masked."""

    def value(self, call: Call) -> Any:
        return call.zeroed()["x"]

    def unsafe(self, call: Call) -> str | None:
        return "it gives up the mask"


def _check(arguments: Arguments, specs: dict[str, Any]) -> None:
    check_mask("with_mask", specs["x"].shape, specs["mask"].shape, specs["mask"].dtype)
    if isinstance(arguments["x"], SymbolicTensor):
        arguments["mask"] = symbolic(arguments["x"], arguments["mask"])


@define(shape=lambda x, mask: x, mask=WithMask(), prepare=_check, masking=True)
def with_mask(x: Tensor, mask: Tensor) -> Tensor:
    """Attach a mask, in place of the one that `x` has, and put zeros at its masked steps.

    Mask in: any. Mask out: `mask`, bool, of the leading axes of `x`.

    Raises:
        MaskError: if the mask's dtype or shape does not fit.
    """


@define(shape=lambda x: x, mask=DropMask(), masking=True)
def drop_mask(x: Tensor) -> Tensor:
    """Give up the mask on purpose: what comes out has zeros where `x` was masked.

    Mask in: any. Mask out: none.
    """


@define(shape=lambda x, mask, fill_value: x, mask=MaskRule())
def select_valid(x: Tensor, mask: Tensor, fill_value: float) -> Tensor:
    """Return `x` where `mask` (of its leading axes) is True, `fill_value` elsewhere."""


@define(
    shape=lambda mask, rank: Spec((*mask.shape, *(1,) * (rank - mask.rank)), mask.dtype),
    mask=MaskRule(),
)
def align_mask(mask: Tensor, rank: int) -> Tensor:
    """Give a mask axes of size 1 after its own, so that it broadcasts to `rank` axes."""


@define(shape=lambda x, rank: Spec(x.shape[:rank], "bool"), mask=MaskRule())
def all_valid(x: Tensor, rank: int) -> Tensor:
    """Return the mask of the first `rank` axes of `x` that is True throughout."""


@define(
    shape=lambda x, mask, axis: x,
    mask=MaskRule(),
    prepare=shapes.axis_of(),
)
def masked_softmax(x: Tensor, mask: Tensor, axis: int = -1) -> Tensor:
    """Softmax along an axis over the elements where `mask` is True; 0 elsewhere, and 0
    throughout where no element is valid. `mask` has any shape that broadcasts to `x`.

    Mask in: the argument. Mask out: none.
    """
