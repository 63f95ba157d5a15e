"""Recurrent layers over packed sequences, with as few passes over memory as NumPy can do.

One product projects all steps, and each step of the loop has one more; all else is done in place,
in rows that shrink as sequences end. A sigmoid is half a tanh of half its input, so that all gates
of a step are one call of tanh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from maskgraph.backend import Array, Backend
from maskgraph.backend.packed_recurrent import LoopOrder, loop_order
from maskgraph.backend.packing import Packing


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
        cell: str,
        activation: str,
        recurrent_activation: str,
        go_backwards: bool,
        reset_after: bool,
    ) -> tuple[Array, ...]:
        loops = {
            ("lstm", "tanh", "sigmoid"): _lstm,
            ("gru", "tanh", "sigmoid", True): _gru,
            ("simple", "tanh"): _simple,
        }
        options = (activation, recurrent_activation, reset_after)[
            : {"lstm": 2, "gru": 3}.get(cell, 1)
        ]
        loop = loops.get((cell, *options))
        if loop is None:
            return super().packed_rnn(
                x, packing, states, kernel, recurrent_kernel, bias, cell, activation,
                recurrent_activation, go_backwards, reset_after,
            )  # fmt: skip
        order = loop_order(packing, go_backwards)
        shape = (packing.batch, recurrent_kernel.shape[0])
        current = [
            np.zeros(shape, x.dtype) if state is None else state[order.rows] for state in states
        ]
        steps = x[0][order.slots]
        out = np.empty((len(steps), shape[1]), x.dtype)
        loop(steps, current, kernel, recurrent_kernel, bias, order, out)
        return (out[order.back][None], *(state[order.place] for state in current))


def _lstm(
    steps: Array,
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
    recurrent_kernel = recurrent_kernel * half
    gates = steps @ (kernel * half)
    if bias is not None:
        gates += bias * half
    products = np.empty((len(h), 4 * units), out.dtype)
    for begin, size in zip(order.begins.tolist(), order.sizes, strict=True):
        now, shown, c = gates[begin : begin + size], out[begin : begin + size], cell[:size]
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
        shown *= 0.5
        h = shown
    _keep_last(current[0], out, order)


def _gru(
    steps: Array,
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
    gates, new = (steps @ part for part in _parts(kernel * half))
    gates += shared[: 2 * units]
    new += shared[2 * units :]
    to_gates, to_held = _parts(recurrent_kernel)
    products, helds = (np.empty((len(h), n * units), out.dtype) for n in (2, 1))
    for begin, size in zip(order.begins.tolist(), order.sizes, strict=True):
        end = begin + size
        both, now, shown, h = gates[begin:end], new[begin:end], out[begin:end], h[:size]
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
    steps: Array,
    current: list[Array],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    order: LoopOrder,
    out: Array,
) -> None:
    (h,) = current
    np.matmul(steps, kernel, out=out)
    if bias is not None:
        out += bias
    products = np.empty_like(h)
    for begin, size in zip(order.begins.tolist(), order.sizes, strict=True):
        shown = out[begin : begin + size]
        shown += np.matmul(h[:size], recurrent_kernel, out=products[:size])
        h = np.tanh(shown, out=shown)
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
