"""Convolution over time, and its transpose: masked steps are zeros, as is what lies outside of a
sequence."""

from __future__ import annotations

from typing import Any

from maskgraph.backend.windows import Transposed
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops.definition import define
from maskgraph.ops.extent import holes, places, started, unfinished
from maskgraph.ops.masking import intersect
from maskgraph.ops.operands import Arguments, Mask, Tensor
from maskgraph.ops.rule import Call
from maskgraph.ops.windows import OverTime, ThroughWindows, Windows, check_windows


class Conv(ThroughWindows):
    """Masked steps are zeros in the windows."""

    def windows(self, call: Call) -> Windows:
        reach = _reach(call.specs["kernel"], call["dilation_rate"])
        return Windows(reach, call["strides"], call["padding"])

    def aligned_value(self, call: Call, x: Tensor, exists: Mask, padding: str) -> Any:
        return call.run(inputs=x, padding=padding)


def _reach(kernel: Spec, dilation_rate: int) -> int:
    return ((kernel.shape[0] or 1) - 1) * dilation_rate + 1


def _check_conv(arguments: Arguments, specs: dict[str, Any]) -> None:
    check_windows(arguments, specs, ("valid", "same", "causal"))
    inputs, kernel = specs["inputs"], specs["kernel"]
    if kernel.rank != 3 or not _divides(kernel, inputs.shape[2]):
        raise ShapeError(
            explain(
                "conv: the kernel does not fit",
                received=f"a kernel of {kernel.shape} for inputs of {inputs.shape}",
                expected="(taps, features / groups, filters), with filters for every group",
            )
        )


def _divides(kernel: Spec, features: int | None) -> bool:
    """Tell whether a kernel's groups divide the features and the filters."""
    taps, rows, filters = kernel.shape
    if features is None or rows is None or filters is None:
        return True
    if not taps or not rows or features % rows:
        return False
    return filters % max(features // rows, 1) == 0


def _conv(inputs: Spec, kernel: Spec, strides: int, padding: str, dilation_rate: int) -> Spec:
    windows = Windows(_reach(kernel, dilation_rate), strides, padding)
    return Spec((inputs.shape[0], windows.number(inputs.shape[1]), kernel.shape[2]), inputs.dtype)


@define(
    shape=_conv,
    mask=Conv(),
    together=("inputs", "kernel"),
    floating=True,
    prepare=_check_conv,
)
def conv(
    inputs: Tensor,
    kernel: Tensor,
    strides: int = 1,
    padding: str = "valid",
    dilation_rate: int = 1,
) -> Tensor:
    """Convolve (batch, time, features) over time with a kernel (taps, features / groups,
    filters).

    Masked steps are zeros, as is what lies outside of a sequence. Mask out: that of the inputs
    for steps of 1 and "same" or "causal" padding; for "valid", the places where a window begins
    that lies within the sequence; for wider strides, as many steps at the front as the sequence
    alone gives.

    Args:
        strides: from one window to the next.
        padding: "valid", "same" or "causal".
        dilation_rate: from one tap of a window to the next.

    Raises:
        ShapeError: if the kernel does not fit.
    """


class ConvTranspose(OverTime):
    """What a step gives is added up from its own place on, so each row comes out in place."""

    def mixes_time(self, call: Call) -> bool:
        return bool(_reach(call.specs["kernel"], call["dilation_rate"]) > call["strides"])

    def out_mask(self, call: Call, mask: Mask) -> Mask:
        stride, tail = call["strides"], _transposed(call).tail
        if tail == stride:
            return REGISTRY["repeat"](mask, stride, 1)
        steps = _blocks(mask, stride, tail)
        number = REGISTRY["sum"](unfinished(mask), 1, keepdims=True)  # up to the last step
        end = REGISTRY["add"](REGISTRY["multiply"](number, stride), tail - stride)
        within = [started(steps), REGISTRY["less"](places(steps), end)]
        return intersect([*within, REGISTRY["logical_not"](_blocks(holes(mask), stride, tail))])

    def over_valid(self, call: Call, x: Tensor, mask: Mask) -> Any:
        return call.run(inputs=x)


def _blocks(mask: Mask, stride: int, tail: int) -> Mask:
    """Repeat each column `stride` times, the last of the rectangle `tail` times."""
    getitem, repeat = REGISTRY["getitem"], REGISTRY["repeat"]
    before = repeat(getitem(mask, (slice(None), slice(None, -1))), stride, 1)
    last = repeat(getitem(mask, (slice(None), slice(-1, None))), tail, 1)
    return REGISTRY["concatenate"]([before, last], 1)


def _transposed(call: Call) -> Transposed:
    reach = _reach(call.specs["kernel"], call["dilation_rate"])
    return Transposed.of(reach, call["strides"], call["padding"], call["output_padding"])


def _check_transpose(arguments: Arguments, specs: dict[str, Any]) -> None:
    check_windows(arguments, specs)
    inputs, kernel, more = specs["inputs"], specs["kernel"], arguments["output_padding"]
    if more is not None and (not isinstance(more, int) or more < 0):
        raise ArgumentError(
            explain("output_padding out of range", received=more, expected="None, 0 or more")
        )
    if kernel.rank != 3 or inputs.shape[2] not in (None, kernel.shape[2]):
        raise ShapeError(
            explain(
                "conv_transpose: the kernel does not fit",
                received=f"a kernel of {kernel.shape} for inputs of {inputs.shape}",
                expected="(taps, filters, features)",
            )
        )


def _conv_transpose(
    inputs: Spec,
    kernel: Spec,
    strides: int,
    padding: str,
    output_padding: int | None,
    dilation_rate: int,
) -> Spec:
    size = inputs.shape[1]
    if size:
        windows = Transposed.of(_reach(kernel, dilation_rate), strides, padding, output_padding)
        size = (size - 1) * strides + windows.tail
    return Spec((inputs.shape[0], size, kernel.shape[1]), inputs.dtype)


@define(
    shape=_conv_transpose,
    mask=ConvTranspose(),
    together=("inputs", "kernel"),
    floating=True,
    prepare=_check_transpose,
)
def conv_transpose(
    inputs: Tensor,
    kernel: Tensor,
    strides: int = 1,
    padding: str = "valid",
    output_padding: int | None = None,
    dilation_rate: int = 1,
) -> Tensor:
    """The transpose of `conv`: each step of (batch, time, features) adds its product with a
    kernel (taps, filters, features) to as many steps of the result.

    Masked steps add nothing. Mask out: each step `strides` times; after the last step of a
    sequence, as many as it reaches or as `output_padding` says. No step comes of no step.

    Args:
        strides: from where one step begins to where the next one does.
        padding: "valid" (all that is reached) or "same" (`strides` times as long).
        output_padding: how much longer the result is than the shortest one possible.
        dilation_rate: from one tap of the kernel to the next.

    Raises:
        ShapeError: if the kernel does not fit.
    """
