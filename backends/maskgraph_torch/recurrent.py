"""Recurrent layers by PyTorch's own kernels, where it has one for the cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import _VF  # torch.lstm and its like, as torch.nn.LSTM calls them

from maskgraph.backend import Array, Backend
from maskgraph.backend.distinct import Distinct
from maskgraph.backend.packed_recurrent import LoopOrder, loop_order
from maskgraph.backend.packing import Packing
from maskgraph.backend.recurrent import Cell
from maskgraph_torch.converted import converted
from maskgraph_torch.end_to_end import EitherWay, EndToEnd, Way
from maskgraph_torch.gru import Gru
from maskgraph_torch.stairs import Stairs, fused

_KERNELS = {
    ("simple", "tanh"): _VF.rnn_tanh,
    ("simple", "relu"): _VF.rnn_relu,
    ("lstm", "tanh", "sigmoid"): _VF.lstm,
    ("gru", "tanh", "sigmoid", True): _VF.gru,
}


class Recurrent(Backend):
    """Loops over time. What the kernels do not know, masks and other cells, is left to the loops
    that every backend has."""

    def rnn(
        self,
        x: Array,
        mask: Array | None,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        function = fused_kernel(x, cell)
        if mask is not None or function is None:
            return super().rnn(x, mask, states, *weights, cell, go_backwards)
        batch, time, _ = x.shape
        first = _or_zeros(states, x, batch, recurrent_kernel)
        steps = x.transpose(0, 1)
        steps = steps.flip(0) if go_backwards else steps
        if _is_written_out(function, x):
            last = torch.arange(batch, device=x.device) + batch * (time - 1)
            out, final = Gru.apply(steps.flatten(0, 1), *weights, *first, [batch] * time, last)
            return out.unflatten(0, (time, batch)).transpose(0, 1), final
        out, *final = fused(function, steps, first, converted(cell, *weights))
        return (out.transpose(0, 1), *final)

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
        function = fused_kernel(x, cell)
        if function is None:
            return super().packed_rnn(x, packing, states, *weights, cell, go_backwards)
        order = loop_order(packing, go_backwards)
        first = [
            self._longest_first(state, packing, order)
            for state in _or_zeros(states, x, packing.batch, recurrent_kernel)
        ]
        if not x.is_cuda and function is not _VF.gru:
            key = (self, Stairs, order.name, x.dtype)
            stairs = packing.native(key, lambda: Stairs(order, x))
            out, *final = stairs.run(function, x[0], first, converted(cell, *weights))
            outputs = out.index_select(0, stairs.back).unsqueeze(0)
        else:
            steps = self._looped(x, packing, order)
            if _is_written_out(function, x):
                last = self._index(packing, f"last {order.name}", order.last)
                out, *final = Gru.apply(steps, *weights, *first, order.sizes, last)
            else:
                out, *final = by_sizes(function, steps, first, converted(cell, *weights), order)
            outputs = self._slotted(out, packing, order)
        return (outputs, *(self._in_rows(state, packing, order) for state in final))

    def packed_rnn_shown(
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
        function = fused_kernel(x, cell)
        arrays = (x, kernel, recurrent_kernel, bias)
        otherwise: Way = super().packed_rnn_shown

        def by_stairs(x: Array, *weights: Array | None) -> tuple[Array, ...]:
            given = (x, packing, states, *weights)
            found: tuple[Array, ...] = otherwise(*given, cell, go_backwards)
            return found

        def end_to_end(x: Array, *weights: Array) -> tuple[Array, ...] | None:
            key = (self, EndToEnd, go_backwards, x.dtype)
            rows = packing.native(key, lambda: EndToEnd(packing, go_backwards, x))
            return rows.run(function, x, converted(cell, *weights))

        begins_with_zeros = all(state is None for state in states)
        if function is not _VF.lstm or not begins_with_zeros or packing.full or x.is_cuda:
            return by_stairs(*arrays)
        if torch.is_grad_enabled():
            found: tuple[Array, ...] = EitherWay.apply(end_to_end, by_stairs, *arrays)
            return found
        return end_to_end(*arrays) or by_stairs(*arrays)

    def packed_rnn_of_ids_shown(
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
        # the kernel multiplies for itself
        given = (self.spread(x, distinct), packing, states, kernel, recurrent_kernel, bias)
        return self.packed_rnn_shown(*given, cell, go_backwards)


def fused_kernel(x: Array, cell: Cell) -> Any:
    """Return PyTorch's function for a cell; None if it has none."""
    exact = x.is_cuda or x.dtype in (torch.float32, torch.float64)
    if not exact or not x.numel():
        return None
    options = {
        "simple": (cell.activation,),
        "lstm": (cell.activation, cell.recurrent_activation),
        "gru": (cell.activation, cell.recurrent_activation, cell.reset_after),
    }
    return _KERNELS.get((cell.kind, *options[cell.kind]))


def _is_written_out(function: Any, x: Array) -> bool:
    """Whether a GRU is ours: PyTorch's takes long to go back on the CPU, and cannot be compiled."""
    runs_as_it_is = not torch.is_grad_enabled() and not torch.compiler.is_compiling()
    return function is _VF.gru and not x.is_cuda and not runs_as_it_is


def _or_zeros(
    states: Sequence[Array | None], x: Array, batch: int, recurrent_kernel: Array
) -> list[Array]:
    units = recurrent_kernel.shape[0]
    return [x.new_zeros(batch, units) if state is None else state for state in states]


def by_sizes(
    function: Any, steps: Array, first: list[Array], weights: list[Array], order: LoopOrder
) -> tuple[Array, ...]:
    """Run a kernel that knows lengths, as cuDNN has, over steps in the order of the loop."""
    alive = order.sizes[0]
    begin = [state[:alive].unsqueeze(0) for state in first]
    sizes = torch.as_tensor(order.sizes)  # on the host
    out, *final = function(
        steps, sizes, tuple(begin) if len(begin) == 2 else begin[0], weights, len(weights) == 4,
        1, 0.0, torch.is_grad_enabled(), False,
    )  # fmt: skip
    ended = [torch.cat([a[0], b[alive:]]) for a, b in zip(final, first, strict=True)]
    return (out, *ended)
