"""The table of all ops, which every test of ops draws from."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.backend.recurrent import Cell
from maskgraph.graph import Spec, source
from maskgraph.plan import StepBody
from maskgraph.testing.op_attention import attention_rows
from maskgraph.testing.op_normalization import normalization_rows
from maskgraph.testing.op_sample import FEATURES, Masked, Sample
from maskgraph.testing.op_windows import window_rows

Arguments = Callable[[Sample], tuple[Any, ...]]


@dataclass(frozen=True)
class OpRow:
    """An op, and arguments that it is called with.

    Attributes:
        op: its name in `maskgraph.ops`.
        arguments: makes them of a sample: arrays, `Masked` ones, and whatever else.
        number: tells the rows of one op apart.
    """

    op: str
    arguments: Arguments
    number: int = 0

    def __str__(self) -> str:
        return f"{self.op}-{self.number}"


_FLOAT = (
    "relu relu6 leaky_relu elu selu sigmoid hard_sigmoid silu hard_silu softplus softsign "
    "log_sigmoid mish gelu softmax log_softmax negative abs sign floor ceil round square exp "
    "expm1 sin cos tanh erf isnan isfinite zeros_like ones_like drop_mask shape"
)
_POSITIVE = "log log1p sqrt rsqrt reciprocal"
_WHOLE = "negative abs sign square relu relu6 exp tanh zeros_like drop_mask"
_FLAGS = "logical_not zeros_like"
_TWO = "add subtract multiply maximum minimum equal not_equal less less_equal greater greater_equal"
_QUOTIENTS = "divide floor_divide mod"
_REDUCTIONS = "sum prod max min mean var std logsumexp"
_SLICE = slice(None)


def _each(names: str, *arguments: Arguments) -> Iterator[tuple[str, Arguments]]:
    for name in names.split():
        for make in arguments:
            yield name, make


def _one_tensor() -> Iterator[tuple[str, Arguments]]:
    yield from _each(_FLOAT, lambda s: (s.x,))
    yield from _each(_POSITIVE, lambda s: (s.positive,))
    yield from _each(_WHOLE, lambda s: (s.whole,))
    yield from _each(_FLAGS, lambda s: (s.flags,))
    yield from _each("leaky_relu elu", lambda s: (s.x, 0.5))
    yield from _each("gelu", lambda s: (s.x, True))
    yield from _each("softmax log_softmax cumsum flip", lambda s: (s.x, 1))
    yield from _each("clip", lambda s: (s.x, -0.5, 1), lambda s: (s.whole, -2, 3))
    yield from _each(
        "cast",
        lambda s: (s.x, "int32"),
        lambda s: (s.x, "bool"),
        lambda s: (s.whole, "float64"),
        lambda s: (s.flags, "int64"),
    )
    yield from _each("zeros_like ones_like", lambda s: (s.x, "int32"))
    yield from _each("full_like", lambda s: (s.x, 7), lambda s: (s.whole, 0.5, "float32"))
    yield from _each("one_hot", lambda s: (s.ids, 5), lambda s: (s.ids, 3, "bool"))
    yield from _each("dropout", lambda s: (s.x, s.plain(20, FEATURES) > 0, 0.25))
    yield from _each("random_keep", lambda s: (s.plain(0, FEATURES), 0.25, s.generator))
    yield from _each("random_normal", lambda s: (s.plain(0, FEATURES), 0.25, s.generator))


def _two_tensors() -> Iterator[tuple[str, Arguments]]:
    yield from _each(
        _TWO,
        lambda s: (s.x, s.y),
        lambda s: (s.x, s.scale),
        lambda s: (2, s.whole),
        lambda s: (s.whole, s.column),
    )
    yield from _each(_QUOTIENTS, lambda s: (s.x, s.positive), lambda s: (s.x, 2))
    yield from _each(
        "floor_divide mod divide", lambda s: (s.whole, s.whole), lambda s: (7, s.whole)
    )
    yield from _each("power", lambda s: (s.positive, s.y), lambda s: (s.x, 2))
    yield from _each(
        "logical_and logical_or logical_xor",
        lambda s: (s.flags, s.other_mask[..., None]),
        lambda s: (s.flags, s.whole),
    )
    yield from _each(
        "where",
        lambda s: (s.flags, s.x, s.y),
        lambda s: (s.other_mask[..., None], s.x, 0),
        lambda s: (s.flags, 1, s.whole),
    )


def _along_axes() -> Iterator[tuple[str, Arguments]]:
    yield from _each(
        _REDUCTIONS,
        lambda s: (s.x, 1),
        lambda s: (s.x, -1),
        lambda s: (s.x,),
        lambda s: (s.x, (1, 2), True),
        lambda s: (s.grid, (2, 3)),
    )
    yield from _each("sum prod max min", lambda s: (s.whole, 1), lambda s: (s.flags, (0, 1)))
    yield from _each(
        "any all", lambda s: (s.flags, 1), lambda s: (s.flags, -1, True), lambda s: (s.whole,)
    )
    yield from _each(
        "argmax argmin", lambda s: (s.x,), lambda s: (s.x, 1), lambda s: (s.whole, 1, True)
    )
    yield from _each("cumsum", lambda s: (s.x, -1), lambda s: (s.whole, 1), lambda s: (s.flags, 1))
    yield from _each(
        "masked_softmax",
        lambda s: (s.plain(0, FEATURES), s.mask[..., None], 1),
        lambda s: (s.plain(0, FEATURES), s.plain(1, FEATURES) > 0),
    )


def _products() -> Iterator[tuple[str, Arguments]]:
    yield from _each(
        "matmul",
        lambda s: (s.x, s.kernel),
        lambda s: (s.x, s.scale),
        lambda s: (s.x, np.swapaxes(s.plain(1, FEATURES), 1, 2)),
        lambda s: (np.swapaxes(s.plain(1, 2), 1, 2), s.x),
    )
    yield from _each(
        "linear",
        lambda s: (s.x, s.kernel, s.floats(11, 3)),
        lambda s: (s.x, s.kernel),
        lambda s: (s.scale, s.kernel, s.floats(11, 3)),
        lambda s: (s.masked(s.plain(0)), s.floats(9, s.time, 2), s.floats(11, 2)),
        lambda s: (s.whole, s.kernel, s.floats(11, 3)),
    )
    yield from _each(
        "project",
        lambda s: (s.x, s.floats(11, FEATURES, 2, 3), s.floats(12, 2, 3)),
        lambda s: (s.x, s.kernel),
        lambda s: (s.grid, s.floats(11, 2, 3, 4), None, 2),
        lambda s: (s.whole, s.kernel, s.floats(11, 3)),
    )
    yield from _each(
        "einsum",
        lambda s: ("btd,de->bte", [s.x, s.kernel]),
        lambda s: ("btd,bsd->bts", [s.x, s.y]),
        lambda s: ("btd,bte->bde", [s.x, s.y]),
        lambda s: ("btd->dbt", [s.plain(0, FEATURES)]),
    )


def _shapes() -> Iterator[tuple[str, Arguments]]:
    yield from _each("reshape", lambda s: (s.x, (s.batch, s.time, 2, 2)))
    yield from _each(
        "transpose",
        lambda s: (s.x,),
        lambda s: (s.x, (1, 0, 2)),
        lambda s: (s.grid, (0, 1, 3, 2)),
    )
    yield from _each(
        "expand_dims", lambda s: (s.x, -1), lambda s: (s.x, 1), lambda s: (s.ids, (0, -1))
    )
    yield from _each("squeeze", lambda s: (s.column, -1))
    yield from _each(
        "concatenate stack",
        lambda s: ([s.x, s.y], 0),
        lambda s: ([s.x, s.y], 1),
        lambda s: ([s.x, s.plain(1, FEATURES)], 1),
        lambda s: ([s.x, s.whole], -1),
    )
    yield from _each(
        "split", lambda s: (s.x, 2, -1), lambda s: (s.x, [1, 3], 2), lambda s: (s.x, [1], 1)
    )
    yield from _each("flip", lambda s: (s.x, 2), lambda s: (s.ids, 0))
    yield from _each("repeat", lambda s: (s.x, 2, 1), lambda s: (s.x, 3, -1))
    yield from _each("tile", lambda s: (s.x, (1, 2, 1)), lambda s: (s.x, (2,)))
    yield from _each(
        "pad",
        lambda s: (s.x, ((0, 0), (1, 2), (0, 1))),
        lambda s: (s.whole, ((0, 0), (0, 0), (1, 0)), 7),
    )
    yield from _each("broadcast_to", lambda s: (s.column, (s.batch, s.time, FEATURES)))
    yield from _each("merge_axes", lambda s: (s.x, 0, 1), lambda s: (s.grid, 2, 3))
    yield from _each(
        "split_axis_like",
        lambda s: (s.floats(0, s.batch * s.time, 2), s.plain(0, FEATURES), 0, 2),
    )


def _indices() -> Iterator[tuple[str, Arguments]]:
    yield from _each(
        "getitem",
        lambda s: (s.x, (_SLICE, slice(1, None))),
        lambda s: (s.x, (_SLICE, slice(None, None, -2))),
        lambda s: (s.x, (_SLICE, slice(-2, None), None)),
        lambda s: (s.x, (..., 1)),
        lambda s: (s.grid, (_SLICE, _SLICE, -1, slice(2, 0, -1))),
    )
    yield from _each(
        "take",
        lambda s: (s.table, s.ids, 0),
        lambda s: (s.x, np.array([[0, 2], [2, 1]]), -1),
        lambda s: (s.x, np.arange(s.time)[::-1].copy(), 1),
    )
    yield from _each("take_along_axis", lambda s: (s.x, s.plain(2, 2).argsort(axis=-1), 2))
    yield from _each("embedding position_embedding", lambda s: (s.table, s.ids))
    yield from _each("dimension", lambda s: (s.plain(0, FEATURES), 1))
    yield from _each("dimension_arithmetic", lambda s: (3, 4, operator.mul))


def _masks() -> Iterator[tuple[str, Arguments]]:
    yield from _each("with_mask", lambda s: (s.x, s.other_mask), lambda s: (s.plain(0, 4), s.mask))
    yield from _each("select_valid", lambda s: (s.plain(0, FEATURES), s.mask, 7))
    yield from _each("align_mask", lambda s: (s.mask, 4))
    yield from _each("all_valid", lambda s: (s.plain(0, FEATURES), 2))


def _creation() -> Iterator[tuple[str, Arguments]]:
    yield from _each("zeros ones", lambda s: ((s.batch, 2),), lambda s: ((), "int32"))
    yield from _each("full", lambda s: ((s.time,), 1.5), lambda s: ((2, 0), True, "bool"))
    yield from _each("arange", lambda s: (s.time,), lambda s: (5, 0, -2, "float32"))
    yield from _each("eye", lambda s: (s.time,), lambda s: (2, "int32"))


def _recurrent() -> Iterator[tuple[str, Arguments]]:
    for cell, gates, states in (("simple", 1, 1), ("lstm", 4, 2), ("gru", 3, 1)):
        for backwards in (False, True):

            def arguments(
                s: Sample,
                cell: str = cell,
                gates: int = gates,
                states: int = states,
                backwards: bool = backwards,
            ) -> tuple[Any, ...]:
                kernels = (s.floats(1, FEATURES, 2 * gates), s.floats(2, 2, 2 * gates))
                bias = s.floats(3, 2 * gates)
                given = [s.floats(4, s.batch, 2), *[None] * (states - 1)]
                of_kind = Cell(cell, reset_after=False)
                return (s.x, None, given, *kernels, bias, of_kind, backwards)

            yield "rnn", arguments
    for backwards in (False, True):

        def scanned(s: Sample, backwards: bool = backwards) -> tuple[Any, ...]:
            start = s.floats(4, s.batch, FEATURES)
            return (s.x, None, [start], [s.scale], _squashed_sum(s.dtype), backwards)

        yield "scan", scanned


def _squashed_sum(dtype: str) -> StepBody:
    """A step that adds its inputs, scaled, to the state, and gives out something else."""
    x, total = (source("input", name, Spec((None, FEATURES), dtype)) for name in ("x", "total"))
    scale = source("input", "scale", Spec((FEATURES,), dtype))
    new = ops.add(total, ops.multiply(x, scale))
    return StepBody("squashed_sum", x, [total], ops.tanh(new), [new])


def _alignment() -> Iterator[tuple[str, Arguments]]:
    def labels(s: Sample) -> np.ndarray:
        return np.array([[1, 0, 2], [3, 4, 4], [2, 3, 2]], "int32")[: s.batch]

    def some(s: Sample) -> Masked:
        exist = np.array([[0, 0, 1], [0, 0, 0], [1, 1, 0]], bool)[: s.batch]
        return Masked(np.where(exist, labels(s), bool(s.padding) * 99).astype("int32"), exist)

    yield from _each("check_labels", lambda s: (s.ids, 5))
    yield from _each(
        "ctc_loss",
        lambda s: (some(s), s.masked(s.plain(30, 5))),
        lambda s: (labels(s), s.masked(s.plain(31, 6), other=True), some(s).mask, None, 5),
        lambda s: (
            labels(s),
            s.plain(30, 5),
            np.array([1, 3, 0])[: s.batch],
            np.array([3, 4, 0])[: s.batch].clip(max=s.time),
        ),
    )


def _table() -> Iterator[OpRow]:
    numbers: dict[str, int] = {}
    for part in (
        _one_tensor,
        _two_tensors,
        _along_axes,
        _products,
        normalization_rows,
        attention_rows,
        _shapes,
        _indices,
        _masks,
        _creation,
        _recurrent,
        window_rows,
        _alignment,
    ):
        for op, arguments in part():
            number = numbers[op] = numbers.get(op, -1) + 1
            yield OpRow(op, arguments, number)


OPS: tuple[OpRow, ...] = tuple(_table())
"""Every op, with arguments of each kind that it takes."""
