"""Recurrent layers over packed sequences, with as few passes over memory as NumPy can do.

One product projects all steps, and each step of the loop has one more; all else is done in place,
in rows that shrink as sequences end. A sigmoid is half a tanh of half its input, so that all gates
of a step are one call of tanh.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    gates = steps @ (kernel * half)
    of_held = np.zeros(units, out.dtype)
    if bias is not None:
        gates += bias[0] * half
        gates[:, : 2 * units] += bias[1, : 2 * units] * 0.5
        of_held = bias[1, 2 * units :] * 0.5
    products = np.empty((len(h), 3 * units), out.dtype)
    for begin, size in zip(order.begins.tolist(), order.sizes, strict=True):
        now, shown, h = gates[begin : begin + size], out[begin : begin + size], h[:size]
        product = np.matmul(h, recurrent_kernel, out=products[:size])
        both, new, held = now[:, : 2 * units], now[:, 2 * units :], product[:, 2 * units :]
        both += product[:, : 2 * units]
        np.tanh(both, out=both)
        both += 1
        held += of_held
        held *= both[:, units:]
        new += held
        np.tanh(new, out=new)
        np.subtract(h, new, out=shown)
        shown *= both[:, :units]
        shown *= 0.5
        shown += new
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


def _factors(like: Array, *gates: float) -> Array:
    """Return a factor for each column of a kernel, given one for each gate."""
    return np.repeat(np.array(gates, like.dtype), like.shape[1] // len(gates))


def _keep_last(state: Array, out: Array, order: LoopOrder) -> None:
    """Leave in `state` what each sequence showed last."""
    last = order.last
    state[: len(last)] = out[last]
