"""Normalization of the elements along axes; along a masked axis, only valid steps count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskgraph.errors import ShapeError, explain
from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.operands import Mask, Tensor, spec_of
from maskgraph.ops.reductions import Mean
from maskgraph.ops.rule import Call, Lost, MaskRule, Reach


@dataclass(frozen=True)
class Normalization(MaskRule):
    """The mask passes. Along features the op itself is right, step by step; along a masked axis
    its statistics are made of means over valid steps.

    `centred` tells whether the mean is taken away first.
    """

    centred: bool

    def mixes_time(self, call: Call) -> bool:
        mask = call.masks["x"]
        return mask is not None and any(a < spec_of(mask).rank for a in call["axis"])

    def out(self, call: Call) -> Mask | Lost | None:
        masked = [name for name, mask in call.masks.items() if name != "x" and mask is not None]
        if masked:
            return Lost(f"{masked[0]} is the same for all steps, and has none of its own")
        return call.masks["x"]

    def value(self, call: Call) -> Any:
        mask, x, axis = call.masks["x"], call["x"], call["axis"]
        # without epsilon, the length of a masked step, which may be 0, must not be divided by
        if mask is None or not (self.mixes_time(call) or call["epsilon"] == 0):
            return call.run()
        rank = call.specs["x"].rank
        mask = REGISTRY["align_mask"](mask, rank)
        mean = Mean().over_valid
        if self.centred:
            x = REGISTRY["subtract"](x, mean(call, x, mask, axis, True))
        square = mean(call, REGISTRY["square"](x), mask, axis, True)
        # a tensor, which is as exact as the squares are
        square = REGISTRY["add"](square, REGISTRY["full_like"](square, call["epsilon"]))
        some = REGISTRY["any"](mask, axis, True)
        x = REGISTRY["multiply"](x, REGISTRY["rsqrt"](REGISTRY["where"](some, square, 1)))
        others = tuple(a for a in range(rank) if a not in axis)
        for name, apply in (("gamma", "multiply"), ("beta", "add")):
            weight = call.arguments.get(name)
            if weight is not None:
                x = REGISTRY[apply](x, REGISTRY["expand_dims"](weight, others))
        return x

    def reach(self, call: Call) -> Reach:
        weighted = any(call.arguments.get(name) is not None for name in ("gamma", "beta"))
        # weights with an axis of time are as long as the rectangle, not as a sequence
        return Reach.RECTANGLE if 0 in call["axis"] or weighted else Reach.SEQUENCE

    def unsafe(self, call: Call) -> str | None:
        return Mean().unsafe(call)


def _normalized(
    x: Spec, gamma: Spec | None, axis: tuple[int, ...], beta: Spec | None = None, **_: Any
) -> Spec:
    sizes = tuple(x.shape[a] for a in axis)
    for weight in (gamma, beta):
        if weight is not None and not shapes.agree(weight.shape, sizes):
            raise ShapeError(
                explain(
                    "normalization: the sizes of gamma or beta are not those of the axes",
                    received=f"{weight.shape} for axes {axis} of {x.shape}",
                    expected=f"{sizes}",
                )
            )
    return x


@define(
    shape=_normalized,
    mask=Normalization(centred=True),
    together=("x", "gamma", "beta"),
    floating=True,
    prepare=shapes.axes_of,
)
def layer_norm(
    x: Tensor,
    gamma: Tensor = None,
    beta: Tensor = None,
    axis: int | Sequence[int] = -1,
    epsilon: float = 1e-3,
) -> Tensor:
    """Give the elements along axes mean 0 and variance 1, then scale and shift them: gamma and
    beta have the sizes of these axes, in their order. `epsilon` is added to the variance.

    Mask out: that of x. Along a masked axis only valid steps count.

    Raises:
        ShapeError: if there is no such axis, or gamma or beta have other sizes.

    Source: Ba et al., 2016, https://arxiv.org/abs/1607.06450
    """


@define(
    shape=_normalized,
    mask=Normalization(centred=False),
    together=("x", "gamma"),
    floating=True,
    prepare=shapes.axes_of,
)
def rms_norm(
    x: Tensor, gamma: Tensor = None, axis: int | Sequence[int] = -1, epsilon: float = 1e-6
) -> Tensor:
    """Give the elements along axes a root mean square of 1, then scale them: gamma has the sizes
    of these axes, in their order. `epsilon` is added to the mean square.

    Mask out: that of x. Along a masked axis only valid steps count.

    Raises:
        ShapeError: if there is no such axis, or gamma has other sizes.

    Source: Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467
    """
