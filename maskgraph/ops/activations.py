"""Activation functions: on each element alone, and softmax along an axis."""

from __future__ import annotations

from typing import Any

from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.elementwise import PASS
from maskgraph.ops.operands import Mask, Tensor, spec_of
from maskgraph.ops.reductions import masked_logsumexp
from maskgraph.ops.rule import Call, MaskRule, Reach


def _unary(x: Spec) -> Spec:
    return x


@define(shape=_unary, mask=PASS)
def relu(x: Tensor) -> Tensor:
    """Return max(x, 0). Mask out: that of x."""


@define(shape=_unary, mask=PASS)
def relu6(x: Tensor) -> Tensor:
    """Return min(max(x, 0), 6). Mask out: that of x."""


@define(shape=lambda x, negative_slope: x, mask=PASS, together=("x",), floating=True)
def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """Return x where positive, negative_slope * x elsewhere. Mask out: that of x."""


@define(shape=lambda x, alpha: x, mask=PASS, together=("x",), floating=True)
def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """Return x where positive, alpha * (e**x - 1) elsewhere. Mask out: that of x.

    Source: Clevert et al., 2015, https://arxiv.org/abs/1511.07289
    """


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def selu(x: Tensor) -> Tensor:
    """Return the scaled exponential linear unit. Mask out: that of x.

    Source: Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
    """


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + e**-x). Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def hard_sigmoid(x: Tensor) -> Tensor:
    """Return min(max(x / 6 + 1/2, 0), 1), as in Keras 3. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def silu(x: Tensor) -> Tensor:
    """Return x * sigmoid(x), also called swish. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def hard_silu(x: Tensor) -> Tensor:
    """Return x * hard_sigmoid(x). Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def softplus(x: Tensor) -> Tensor:
    """Return log(1 + e**x). Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def softsign(x: Tensor) -> Tensor:
    """Return x / (1 + abs(x)). Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def log_sigmoid(x: Tensor) -> Tensor:
    """Return log(sigmoid(x)). Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def mish(x: Tensor) -> Tensor:
    """Return x * tanh(softplus(x)). Mask out: that of x."""


@define(shape=lambda x, approximate: x, mask=PASS, together=("x",), floating=True)
def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """Return the Gaussian error linear unit (with tanh if `approximate`). Mask out: that of x.

    Source: Hendrycks and Gimpel, 2016, https://arxiv.org/abs/1606.08415
    """


class Softmax(MaskRule):
    """Along a masked axis only valid elements count; along any other the mask just passes."""

    def mixes_time(self, call: Call) -> bool:
        return bool(call["axis"] < spec_of(call.masks["x"]).rank)

    def out(self, call: Call) -> Mask:
        return call.masks["x"]

    def value(self, call: Call) -> Any:
        mask, x, axis = call.masks["x"], call["x"], call["axis"]
        if not self.mixes_time(call):
            return call.run()
        aligned = REGISTRY["align_mask"](mask, call.specs["x"].rank)
        return self.along_masked_axis(x, aligned, axis)

    def reach(self, call: Call) -> Reach:
        return Reach.SEQUENCE if call["axis"] == 1 else Reach.RECTANGLE

    def along_masked_axis(self, x: Tensor, mask: Mask, axis: int) -> Any:
        return REGISTRY["masked_softmax"](x, mask, axis)


class LogSoftmax(Softmax):
    """As softmax; at masked elements, where the logarithm has no value, it is unspecified."""

    def along_masked_axis(self, x: Tensor, mask: Mask, axis: int) -> Any:
        zeroed = REGISTRY["where"](mask, x, REGISTRY["zeros_like"](x))
        return REGISTRY["subtract"](zeroed, masked_logsumexp(x, mask, (axis,), True))


@define(
    shape=lambda x, axis: x,
    mask=Softmax(),
    together=("x",),
    floating=True,
    prepare=shapes.axis_of(),
)
def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Return shares along an axis that sum to 1. Along a masked axis only valid elements share,
    and a row with none is 0 throughout. Mask out: that of x."""


@define(
    shape=lambda x, axis: x,
    mask=LogSoftmax(),
    together=("x",),
    floating=True,
    prepare=shapes.axis_of(),
)
def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Return log(softmax(x)), exact for small shares. Mask out: that of x."""
