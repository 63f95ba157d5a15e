"""The recurrent op: one node for a whole loop over time."""

from __future__ import annotations

from typing import Any

from maskgraph.graph import Spec
from maskgraph.ops.definition import define
from maskgraph.ops.masking import flipped
from maskgraph.ops.operands import Mask, Tensor, Tensors
from maskgraph.ops.rule import Call, MaskRule


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
    cell: str = "simple",
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    go_backwards: bool = False,
    reset_after: bool = True,
) -> tuple[Tensor, ...]:
    """Run a recurrent cell over x (batch, time, features); see `Backend.rnn`.

    Mask in: that of x (the argument `mask` is how the backend gets it: pass None). Mask out: the
    outputs carry it, reversed for `go_backwards`.
    """
