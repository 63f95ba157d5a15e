"""Recurrent layers over packed sequences, with as few passes over memory as NumPy can do.

One product projects all steps, and each step of the loop has one more; all else is done in place,
in rows that shrink as sequences end. A sigmoid is half a tanh of half its input, so that all gates
of a step are one call of tanh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from maskgraph.backend import Array, Backend
from maskgraph.backend.distinct import Distinct
from maskgraph.backend.packed_recurrent import LoopOrder, loop_order
from maskgraph.backend.packing import Packing
from maskgraph.backend.recurrent import Cell

Rows = Callable[[int, int], Array]
"""The products of the steps from one to another, in the order of the loop. They may be written to
until the next are asked for."""
Project = Callable[[Array, Array | None], Rows]
"""From a kernel, or some of its columns, and a bias, to the products of all steps."""
Loop = Callable[..., None]


class Recurrent(Backend):
    """Loops over packed sequences for the usual cells."""

    def packed_rnn(
        self,
        x: Array,
        packing: Packing,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        loop = _loop_for(cell)
        if loop is None:
            return super().packed_rnn(x, packing, states, *weights, cell, go_backwards)
        order = loop_order(packing, go_backwards)
        return _run(loop, _of_steps(x[0][order.slots]), x.dtype, packing, states, weights, order)

    def packed_rnn_of_ids(
        self,
        x: Array,
        distinct: Distinct,
        packing: Packing,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        loop = _loop_for(cell)
        if loop is None or distinct.which is None:
            given = (x, distinct, packing, states, *weights)
            return super().packed_rnn_of_ids(*given, cell, go_backwards)
        order = loop_order(packing, go_backwards)
        project = _of_ids(x[0], distinct.which[order.slots], packing.batch)
        return _run(loop, project, x.dtype, packing, states, weights, order)


def _of_steps(steps: Array) -> Project:
    """Project steps that lie in the order of the loop."""

    def project(kernel: Array, bias: Array | None) -> Rows:
        products = steps @ kernel
        if bias is not None:
            products += bias
        return lambda begin, end: products[begin:end]

    return project


def _of_ids(x: Array, which: Array, batch: int) -> Project:
    """Project ids, each once, of which `which` has one for each step; the loop looks them up round
    by round, so that they do not go through memory."""

    def project(kernel: Array, bias: Array | None) -> Rows:
        table = x @ kernel
        if bias is not None:
            table += bias
        rows = np.empty((batch, table.shape[1]), table.dtype)
        return lambda begin, end: np.take(
            table, which[begin:end], 0, out=rows[: end - begin], mode="clip"
        )

    return project


def _loop_for(cell: Cell) -> Loop | None:
    """Return the loop for a cell, if there is one."""
    loops: dict[tuple[Any, ...], Loop] = {
        ("lstm", "tanh", "sigmoid"): _lstm,
        ("gru", "tanh", "sigmoid", True): _gru,
        ("simple", "tanh"): _simple,
    }
    options = (cell.activation, cell.recurrent_activation, cell.reset_after)
    return loops.get((cell.kind, *options[: {"lstm": 2, "gru": 3}.get(cell.kind, 1)]))


def _run(
    loop: Loop,
    project: Project,
    dtype: Any,
    packing: Packing,
    states: Sequence[Array | None],
    weights: tuple[Array, Array, Array | None],
    order: LoopOrder,
) -> tuple[Array, ...]:
    """Run a loop, and return what it shows, in slots, and the final states of the rows."""
    shape = (packing.batch, weights[1].shape[0])
    current = [np.zeros(shape, dtype) if state is None else state[order.rows] for state in states]
    out = np.empty((len(order.slots), shape[1]), dtype)
    loop(project, current, *weights, order, out)
    return (out[order.back][None], *(state[order.place] for state in current))


def _lstm(
    project: Project,
    current: list[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    order: LoopOrder,
    out: Array,
) -> None:
    h, cell = current
    units = out.shape[1]
    half = _factors(kernel, 0.5, 0.5, 1, 0.5)
    # what is shown is doubled until the end, which saves a pass over it in each step
    h, recurrent_kernel = h * 2, recurrent_kernel * half * 0.5
    gates = project(kernel * half, None if bias is None else bias * half)
    products = np.empty((len(h), 4 * units), out.dtype)
    for begin, size in zip(order.begins.tolist(), order.sizes, strict=True):
        end = begin + size
        now, shown, c = gates(begin, end), out[begin:end], cell[:size]
        now += np.matmul(h[:size], recurrent_kernel, out=products[:size])
        np.tanh(now, out=now)
        i, f, new, o = (now[:, units * k : units * (k + 1)] for k in range(4))
        now[:, : 2 * units] += 1
        c *= f
        i *= new
        c += i
        c *= 0.5
        np.tanh(c, out=shown)
        o += 1
        shown *= o
        h = shown
    out *= 0.5
    _keep_last(current[0], out, order)


def _gru(
    project: Project,
    current: list[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    order: LoopOrder,
    out: Array,
) -> None:
    (h,) = current
    units = out.shape[1]
    half = _factors(kernel, 0.5, 0.5, 1)
    # r is doubled where it meets the new state's share of the product
    recurrent_kernel = recurrent_kernel * 0.5
    outer, inner = np.zeros((2, 3 * units), out.dtype) if bias is None else bias
    shared, of_held = outer * half, inner[2 * units :] * 0.5
    shared[: 2 * units] += inner[: 2 * units] * 0.5
    # apart, the gates and the new state of a step each lie in one piece: half the time for all
    # that is done to them
    gates, new = map(project, _parts(kernel * half), np.split(shared, [2 * units]))
    to_gates, to_held = _parts(recurrent_kernel)
    products, helds = (np.empty((len(h), n * units), out.dtype) for n in (2, 1))
    for begin, size in zip(order.begins.tolist(), order.sizes, strict=True):
        end = begin + size
        both, now, shown, h = gates(begin, end), new(begin, end), out[begin:end], h[:size]
        both += np.matmul(h, to_gates, out=products[:size])
        np.tanh(both, out=both)
        both += 1
        held = np.matmul(h, to_held, out=helds[:size])
        held += of_held
        held *= both[:, units:]
        now += held
        np.tanh(now, out=now)
        np.subtract(h, now, out=shown)
        shown *= both[:, :units]
        shown *= 0.5
        shown += now
        h = shown
    _keep_last(current[0], out, order)


def _simple(
    project: Project,
    current: list[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    order: LoopOrder,
    out: Array,
) -> None:
    (h,) = current
    inputs, products = project(kernel, bias), np.empty_like(h)
    for begin, size in zip(order.begins.tolist(), order.sizes, strict=True):
        end = begin + size
        product = np.matmul(h[:size], recurrent_kernel, out=products[:size])
        product += inputs(begin, end)
        h = np.tanh(product, out=out[begin:end])
    _keep_last(current[0], out, order)


def _parts(kernel: Array) -> Iterator[Array]:
    """Yield the columns of a GRU's kernel for its gates, and those for its new state."""
    units = kernel.shape[1] // 3
    yield np.ascontiguousarray(kernel[:, : 2 * units])
    yield np.ascontiguousarray(kernel[:, 2 * units :])


def _factors(like: Array, *gates: float) -> Array:
    """Return a factor for each column of a kernel, given one for each gate."""
    return np.repeat(np.array(gates, like.dtype), like.shape[1] // len(gates))


def _keep_last(state: Array, out: Array, order: LoopOrder) -> None:
    """Leave in `state` what each sequence showed last."""
    last = order.last
    state[: len(last)] = out[last]
