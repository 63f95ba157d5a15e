"""Ops on packed batches: steps in one row of slots, (1, slots, …), without padding.

They stand in programs that lowering writes, not in models; `maskgraph.backend.packing` says how
steps lie in slots. The argument `packing` is a symbol for a `Packing`, which a run hands in.
"""

from __future__ import annotations

from typing import Any

from maskgraph.backend.recurrent import Cell
from maskgraph.graph import Dim, Shape, Spec
from maskgraph.ops.definition import define
from maskgraph.ops.operands import Tensor, Tensors
from maskgraph.ops.rule import MaskRule

PLAIN = MaskRule()


@define(shape=lambda x, packing: Spec((1, None, *x.shape[2:]), x.dtype), mask=PLAIN)
def pack(x: Tensor, packing: Any) -> Tensor:
    """Return the steps of (batch, time, …) as (1, slots, …); batch and time may be 1 where the
    same holds for all."""


@define(shape=lambda x, packing, shape: Spec((*shape, *x.shape[2:]), x.dtype), mask=PLAIN)
def unpack(x: Tensor, packing: Any, shape: Shape) -> Tensor:
    """Return (1, slots, …) as a rectangle (batch, time, …), zeros in the padding.

    Args:
        shape: batch and time, as far as they are known.
    """


@define(shape=lambda packing: Spec((1, None), "bool"), mask=PLAIN)
def slots_valid(packing: Any) -> Tensor:
    """Return which slots hold a step that exists, (1, slots)."""


@define(shape=lambda ids, table: Spec((), "int32"), mask=PLAIN, kind=Dim)
def distinct(ids: Tensor, table: Tensor) -> Tensor:
    """Return which ids of (1, slots) there are, as a `Distinct`; see `Backend.distinct`."""


@define(shape=lambda distinct: Spec((1, None), "int32"), mask=PLAIN)
def distinct_ids(distinct: Any) -> Tensor:
    """Return each distinct id once, (1, ids)."""


@define(shape=lambda x, distinct: Spec((1, None, *x.shape[2:]), x.dtype), mask=PLAIN)
def spread(x: Tensor, distinct: Any) -> Tensor:
    """Return what is computed for each distinct id, (1, ids, …), for each slot: (1, slots, …)."""


def _by_block(xs: list[Spec], packing: Any, others: list[Spec], body: Any) -> tuple[Spec, ...]:
    specs: tuple[Spec, ...] = body.specs
    return specs


@define(shape=_by_block, mask=PLAIN, pure=False)
def by_block(xs: Tensors, packing: Any, others: Tensors, body: Any) -> tuple[Tensor, ...]:
    """Run a function on each block of sequences of like length.

    Args:
        xs: packed tensors.
        others: what the function reads beside them: weights, tables.
        body: a `maskgraph.plan.BlockBody`.
    """


@define(
    shape=lambda inputs, kernel, **_: Spec((1, None, kernel.shape[2]), inputs.dtype),
    mask=PLAIN,
    together=("inputs", "kernel"),
    floating=True,
)
def packed_conv(
    inputs: Tensor, packing: Any, kernel: Tensor, padding: str, dilation_rate: int
) -> Tensor:
    """Convolve each packed sequence with a kernel, step by step; see `Backend.packed_conv`."""


def _packed_rnn(
    x: Spec, states: list[Spec | None], recurrent_kernel: Spec, **_: Any
) -> tuple[Spec, ...]:
    units = recurrent_kernel.shape[0]
    sequence = Spec((1, None, units), x.dtype)
    return (sequence, *(Spec((None, units), x.dtype) for _ in states))


@define(
    shape=_packed_rnn,
    mask=PLAIN,
    together=("x", "states", "kernel", "recurrent_kernel", "bias"),
    floating=True,
)
def packed_rnn(
    x: Tensor,
    packing: Any,
    states: Tensors,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor,
    cell: Cell,
    go_backwards: bool = False,
) -> tuple[Tensor, ...]:
    """Run a recurrent cell over each packed sequence; see `Backend.packed_rnn`. The output of
    each step is in its own slot, also with `go_backwards`."""


@define(
    shape=_packed_rnn,
    mask=PLAIN,
    together=("x", "states", "kernel", "recurrent_kernel", "bias"),
    floating=True,
)
def packed_rnn_of_ids(
    x: Tensor,
    distinct: Any,
    packing: Any,
    states: Tensors,
    kernel: Tensor,
    recurrent_kernel: Tensor,
    bias: Tensor,
    cell: Cell,
    go_backwards: bool = False,
) -> tuple[Tensor, ...]:
    """Run a recurrent cell over packed sequences of ids, given what each distinct id stands for,
    (1, ids, features); see `Backend.packed_rnn_of_ids`."""


def _packed_scan(x: Spec, states: list[Spec], step: Any, **_: Any) -> tuple[Spec, ...]:
    shape, dtype = step.output
    return (
        Spec((1, None, *shape[1:]), dtype),
        Spec((None, *shape[1:]), dtype),
        *(Spec((None, *s.shape[1:]), s.dtype) for s in states),
    )


@define(shape=_packed_scan, mask=PLAIN, pure=False)
def packed_scan(
    x: Tensor,
    packing: Any,
    states: Tensors,
    captured: Tensors,
    step: Any,
    go_backwards: bool = False,
) -> tuple[Tensor, ...]:
    """Run any step function over each packed sequence; see `Backend.packed_scan`. The output of
    each step is in its own slot, also with `go_backwards`."""
