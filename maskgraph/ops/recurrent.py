"""The recurrent ops: one node for a whole loop over time."""

from __future__ import annotations

from typing import Any

from maskgraph import dtypes
from maskgraph.backend.recurrent import Cell
from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops.definition import define
from maskgraph.ops.masking import flipped
from maskgraph.ops.operands import Mask, Tensor, Tensors, spec_of
from maskgraph.ops.rule import Call, Lost, MaskRule


class Recurrent(MaskRule):
    """Masked steps are skipped. The outputs carry the mask in the order they are computed in,
    so reversed for `go_backwards`; the final states carry none."""

    def mixes_time(self, call: Call) -> bool:
        return True

    def out(self, call: Call) -> tuple[Mask | None, ...]:
        mask = call.masks["x"]
        if mask is not None and call["go_backwards"]:
            mask = flipped(mask, 1)
        return (mask, *(None for _ in call["states"]))

    def value(self, call: Call) -> Any:
        return call.run(mask=call.masks["x"])


def _rnn(x: Spec, states: list[Spec | None], recurrent_kernel: Spec, **_: Any) -> tuple[Spec, ...]:
    units = recurrent_kernel.shape[0]
    sequence = Spec((*x.shape[:2], units), x.dtype)
    return (sequence, *(Spec((x.shape[0], units), x.dtype) for _ in states))


@define(
    shape=_rnn,
    mask=Recurrent(),
    together=("x", "states", "kernel", "recurrent_kernel", "bias"),
    floating=True,
)
def rnn(
    x: Tensor,
    mask: Tensor,
    states: Tensors,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor,
    cell: Cell,
    go_backwards: bool = False,
) -> tuple[Tensor, ...]:
    """Run a recurrent cell over x (batch, time, features); see `Backend.rnn`.

    `cell` is a `maskgraph.backend.recurrent.Cell`, as `Cell("lstm")`.

    Mask in: that of x (the argument `mask` is how the backend gets it: pass None). Mask out: the
    outputs carry it, reversed for `go_backwards`.
    """


class Scan(MaskRule):
    """Masked steps are skipped. The outputs carry the mask in the order they are computed in; the
    last output and the final states carry none."""

    def mixes_time(self, call: Call) -> bool:
        return True

    def out(self, call: Call) -> tuple[Mask | Lost | None, ...]:
        mask: Mask | Lost | None = call.masks["x"]
        if mask is not None and spec_of(mask).rank > 2:
            mask = Lost("a step of the loop sees no mask, and its own axes were masked")
        elif mask is not None and call["go_backwards"]:
            mask = flipped(mask, 1)
        return (mask, None, *(None for _ in call["states"]))

    def value(self, call: Call) -> Any:
        mask = call.masks["x"]
        rank = spec_of(mask).rank
        if rank > 2:
            mask = REGISTRY["any"](mask, tuple(range(2, rank)))
        # the step runs on masked steps, too, and its results are not taken; it must be finite there
        harmless = 1 if dtypes.is_float(call.specs["x"].dtype) else 0
        return call.run(x=REGISTRY["select_valid"](call["x"], mask, harmless), mask=mask)


def _scan(x: Spec, states: list[Spec], step: Any, **_: Any) -> tuple[Spec, ...]:
    batch, time = x.shape[:2]
    shape, dtype = step.output
    return (
        Spec((batch, time, *shape[1:]), dtype),
        Spec((batch, *shape[1:]), dtype),
        *(Spec((batch, *s.shape[1:]), s.dtype) for s in states),
    )


@define(shape=_scan, mask=Scan(), pure=False)
def scan(
    x: Tensor,
    mask: Tensor,
    states: Tensors,
    captured: Tensors,
    step: Any,
    go_backwards: bool = False,
) -> tuple[Tensor, ...]:
    """Run any step function over x (batch, time, …); see `Backend.scan`.

    Returns the outputs of all steps, the last output, and the final states. At a masked step,
    output and states stay what they were.

    Mask in: that of x, of (batch, time) (the argument `mask` is how the backend gets it: pass
    None). Mask out: the outputs carry it, reversed for `go_backwards`.
    """
