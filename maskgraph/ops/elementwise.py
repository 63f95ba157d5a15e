"""Ops that work on each element alone, or on two tensors element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maskgraph import dtypes
from maskgraph.graph import Shape, Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.masking import intersect
from maskgraph.ops.operands import Arguments, Mask, Tensor, spec_of
from maskgraph.ops.rule import Beside, Call, Lost, MaskRule


@dataclass(frozen=True)
class Elementwise(MaskRule):
    """A step of the result exists where it exists in every operand."""

    def out(self, call: Call) -> Mask | Lost | None:
        specs = call.specs
        ranks = {name: len(s.shape) for name, s in specs.items() if s is not None}
        rank = max(ranks.values())
        masks = []
        for name, mask in call.masks.items():
            if mask is None:
                continue
            if ranks[name] < rank:
                return Lost(
                    f"{name} has fewer axes than the result, so its masked axes are not the "
                    "leading ones any more; expand its dims first"
                )
            masks.append(mask)
        joined = intersect(masks)
        sizes = spec_of(joined).shape
        if 1 in sizes and sizes != _whole(specs)[: len(sizes)]:
            # one step meets many, and says the same of each of them
            others = [call[n] for n, s in specs.items() if s is not None and s.rank == rank]
            joined = intersect([joined, *(REGISTRY["all_valid"](x, len(sizes)) for x in others)])
        return joined

    def beside(self, call: Call) -> Beside:
        return Beside.ALIGNED


def _whole(specs: dict[str, Spec | None]) -> Shape:
    return shapes.broadcast(*(s.shape for s in specs.values() if s is not None))


class Guarded(Elementwise):
    """The same, for an op that could turn a finite number into an infinite one: in masked steps
    it gets 1. What is infinite there would come back as NaN in gradients, where it meets a zero.
    """

    def value(self, call: Call) -> Any:
        return call.run(
            **{
                name: REGISTRY["select_valid"](call[name], mask, 1)
                for name, mask in call.masks.items()
                if mask is not None
            }
        )


PASS = Elementwise()
GUARDED = Guarded()


def _unary(x: Spec) -> Spec:
    return x


@define(shape=_unary, mask=PASS)
def negative(x: Tensor) -> Tensor:
    """Return -x. Mask out: that of x."""


@define(shape=_unary, mask=PASS)
def abs(x: Tensor) -> Tensor:
    """Return the absolute value. Mask out: that of x."""


@define(shape=_unary, mask=PASS)
def sign(x: Tensor) -> Tensor:
    """Return -1, 0 or 1. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def floor(x: Tensor) -> Tensor:
    """Round down. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def ceil(x: Tensor) -> Tensor:
    """Round up. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def round(x: Tensor) -> Tensor:
    """Round to the nearest integer, halves to even. Mask out: that of x."""


@define(shape=_unary, mask=PASS)
def square(x: Tensor) -> Tensor:
    """Return x * x. Mask out: that of x."""


@define(shape=_unary, mask=GUARDED, together=("x",), floating=True)
def exp(x: Tensor) -> Tensor:
    """Return e to the power of x. Mask out: that of x."""


@define(shape=_unary, mask=GUARDED, together=("x",), floating=True)
def expm1(x: Tensor) -> Tensor:
    """Return e**x - 1, exact near 0. Mask out: that of x."""


@define(shape=_unary, mask=GUARDED, together=("x",), floating=True)
def log(x: Tensor) -> Tensor:
    """Return the natural logarithm. Mask out: that of x."""


@define(shape=_unary, mask=GUARDED, together=("x",), floating=True)
def log1p(x: Tensor) -> Tensor:
    """Return log(1 + x), exact near 0. Mask out: that of x."""


@define(shape=_unary, mask=GUARDED, together=("x",), floating=True)
def sqrt(x: Tensor) -> Tensor:
    """Return the square root. Mask out: that of x."""


@define(shape=_unary, mask=GUARDED, together=("x",), floating=True)
def rsqrt(x: Tensor) -> Tensor:
    """Return 1 / sqrt(x). Mask out: that of x."""


@define(shape=_unary, mask=GUARDED, together=("x",), floating=True)
def reciprocal(x: Tensor) -> Tensor:
    """Return 1 / x. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def sin(x: Tensor) -> Tensor:
    """Return the sine. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def cos(x: Tensor) -> Tensor:
    """Return the cosine. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def tanh(x: Tensor) -> Tensor:
    """Return the hyperbolic tangent. Mask out: that of x."""


@define(shape=_unary, mask=PASS, together=("x",), floating=True)
def erf(x: Tensor) -> Tensor:
    """Return the error function. Mask out: that of x."""


@define(shape=shapes.same_bool, mask=PASS, together=("x",), floating=True)
def isnan(x: Tensor) -> Tensor:
    """Tell where x is NaN. Mask out: that of x."""


@define(shape=shapes.same_bool, mask=PASS, together=("x",), floating=True)
def isfinite(x: Tensor) -> Tensor:
    """Tell where x is neither infinite nor NaN. Mask out: that of x."""


@define(shape=shapes.same_bool, mask=PASS, boolean=("x",))
def logical_not(x: Tensor) -> Tensor:
    """Return not x. Mask out: that of x."""


@define(shape=lambda x, x_min, x_max: x, mask=PASS)
def clip(x: Tensor, x_min: float, x_max: float) -> Tensor:
    """Limit x to the range from x_min to x_max. Mask out: that of x."""


def _dtype(arguments: Arguments, specs: dict[str, Any]) -> None:
    arguments["dtype"] = dtypes.canonical(arguments["dtype"])


@define(shape=lambda x, dtype: Spec(x.shape, dtype), mask=PASS, prepare=_dtype)
def cast(x: Tensor, dtype: str) -> Tensor:
    """Convert to another dtype. Mask out: that of x."""


@define(shape=shapes.binary, mask=PASS, together=("x1", "x2"))
def add(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 + x2. Mask out: the steps that exist in both."""


@define(shape=shapes.binary, mask=PASS, together=("x1", "x2"))
def subtract(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 - x2. Mask out: the steps that exist in both."""


@define(shape=shapes.binary, mask=PASS, together=("x1", "x2"))
def multiply(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 * x2. Mask out: the steps that exist in both."""


@define(shape=shapes.binary, mask=GUARDED, together=("x1", "x2"), floating=True)
def divide(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 / x2, a float. Mask out: the steps that exist in both."""


@define(shape=shapes.binary, mask=GUARDED, together=("x1", "x2"))
def floor_divide(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 / x2 rounded down. Mask out: the steps that exist in both."""


@define(shape=shapes.binary, mask=GUARDED, together=("x1", "x2"))
def mod(x1: Tensor, x2: Tensor) -> Tensor:
    """Return the remainder of x1 / x2 with the sign of x2. Mask out: the steps in both."""


@define(shape=shapes.binary, mask=GUARDED, together=("x1", "x2"))
def power(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 to the power of x2. Mask out: the steps that exist in both."""


@define(shape=shapes.binary, mask=PASS, together=("x1", "x2"))
def maximum(x1: Tensor, x2: Tensor) -> Tensor:
    """Return the larger of the two. Mask out: the steps that exist in both."""


@define(shape=shapes.binary, mask=PASS, together=("x1", "x2"))
def minimum(x1: Tensor, x2: Tensor) -> Tensor:
    """Return the smaller of the two. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, together=("x1", "x2"))
def equal(x1: Tensor, x2: Tensor) -> Tensor:
    """Tell where x1 == x2. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, together=("x1", "x2"))
def not_equal(x1: Tensor, x2: Tensor) -> Tensor:
    """Tell where x1 != x2. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, together=("x1", "x2"))
def less(x1: Tensor, x2: Tensor) -> Tensor:
    """Tell where x1 < x2. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, together=("x1", "x2"))
def less_equal(x1: Tensor, x2: Tensor) -> Tensor:
    """Tell where x1 <= x2. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, together=("x1", "x2"))
def greater(x1: Tensor, x2: Tensor) -> Tensor:
    """Tell where x1 > x2. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, together=("x1", "x2"))
def greater_equal(x1: Tensor, x2: Tensor) -> Tensor:
    """Tell where x1 >= x2. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, boolean=("x1", "x2"))
def logical_and(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 and x2. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, boolean=("x1", "x2"))
def logical_or(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 or x2. Mask out: the steps that exist in both."""


@define(shape=shapes.comparison, mask=PASS, boolean=("x1", "x2"))
def logical_xor(x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 or x2, but not both. Mask out: the steps that exist in both."""


@define(
    shape=lambda condition, x1, x2: Spec(
        shapes.broadcast(condition.shape, x1.shape, x2.shape), x1.dtype
    ),
    mask=PASS,
    together=("x1", "x2"),
    boolean=("condition",),
)
def where(condition: Tensor, x1: Tensor, x2: Tensor) -> Tensor:
    """Return x1 where condition is True, x2 elsewhere. Mask out: the steps that exist in all."""
