"""A GRU over sequences of any lengths, with a gradient of its own.

Autograd takes PyTorch's kernel for the CPU apart step by step. Written out, all that does not
depend on the steps after it is computed for all steps at once: the loop backwards has one product
a step, and weights get their gradients from one product in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from maskgraph.backend import Array

Sizes = list[int]


class Gru(torch.autograd.Function):
    """A loop over a GRU cell, with tanh and sigmoid, that resets after the product.

    All is in the order of a loop over time in which the batch shrinks: x (steps, features);
    weights as Keras has them; first (sequences, units), longest sequence first; `sizes` says how
    many sequences have a first, second, … step, and `last` which step is the last one of each.
    It returns the outputs (steps, units) and the final states.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Array,
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        first: Array,
        sizes: Sizes,
        last: Array,
    ) -> tuple[Array, Array]:
        units = first.shape[1]
        outer_bias, inner_bias = kernel.new_zeros(2, 3 * units) if bias is None else bias
        for_gates, for_held = _parts(inner_bias)
        gates, new = _parts(torch.addmm(outer_bias + F.pad(for_gates, (0, units)), x, kernel))
        to_gates, to_held = (k.contiguous() for k in _parts(recurrent_kernel))
        outputs = gates.new_empty(len(gates), units)
        # what was held is wanted again if there is a way back; else it stays in the cache
        held = gates.new_empty(len(gates if any(ctx.needs_input_grad) else first), units)
        places = held.split(sizes) if len(held) == sum(sizes) else [held[:n] for n in sizes]
        z, r = gates.split(units, 1)
        h = first
        for held_now, (size, both, z_now, r_now, now, out) in zip(
            places, _rounds(sizes, gates, z, r, new, outputs), strict=True
        ):
            if size < len(h):
                h = h[:size]
            both.addmm_(h, to_gates).sigmoid_()
            torch.addmm(for_held, h, to_held, out=held_now)
            now.addcmul_(r_now, held_now).tanh_()
            h = torch.lerp(now, h, z_now, out=out)
        ctx.sizes = sizes
        ctx.has_bias = bias is not None
        ctx.save_for_backward(x, kernel, recurrent_kernel, first, z, r, new, held, outputs)
        return outputs, ended(outputs, first, last)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Array, carried: Array) -> tuple[Any, ...]:
        x, kernel, recurrent_kernel, first, z, r, new, held, outputs = ctx.saved_tensors
        sizes, units = ctx.sizes, first.shape[1]
        before = _before(outputs, first, sizes)
        # how the input of a gate moves the output; for r, how it moves that of the new state
        by_z = _bend(z).mul_(before - new)
        by_new = (1 - z).mul_(1 - new * new)
        by_r = _bend(r).mul_(held)
        slope, carried = (s.clone(memory_format=torch.contiguous_format) for s in (slope, carried))
        inner = slope.new_empty(len(slope), 3 * units)
        of_new = torch.empty_like(slope)
        back = recurrent_kernel.t().contiguous()
        for size, h, z_now, r_now, to_z, to_new, to_r, now, dz, dr, dheld, dnew in _rounds(
            sizes, slope, z, r, by_z, by_new, by_r, inner, *inner.split(units, 1), of_new,
            backwards=True,
        ):  # fmt: skip
            h.add_(carried[:size])
            torch.mul(h, to_z, out=dz)
            torch.mul(h, to_new, out=dnew)
            torch.mul(dnew, to_r, out=dr)
            torch.mul(dnew, r_now, out=dheld)
            torch.addmm(h.mul_(z_now), now, back, out=carried[:size])
        outer = torch.cat([inner[:, : 2 * units], of_new], 1)
        return (
            torch.mm(outer, kernel.t()) if ctx.needs_input_grad[0] else None,
            torch.mm(x.t(), outer),
            torch.mm(before.t(), inner),
            torch.stack([outer.sum(0), inner.sum(0)]) if ctx.has_bias else None,
            carried,
            None,
            None,
        )


def _rounds(sizes: Sizes, *arrays: Array, backwards: bool = False) -> Iterator[tuple[Any, ...]]:
    """Go through the loop: how many sequences there are, and the steps that each tensor has."""
    rounds = list(zip(sizes, *(a.split(sizes) for a in arrays), strict=True))
    return reversed(rounds) if backwards else iter(rounds)


def _parts(weight: Array) -> Sequence[Array]:
    """Return the two gates of a GRU, and its new state."""
    units = weight.shape[-1] // 3
    parts: Sequence[Array] = weight.split([2 * units, units], -1)
    return parts


def _before(after: Array, first: Array, sizes: Sizes) -> Array:
    """Return what a state was before each step, from what it was after each."""
    rounds = zip(after.split(sizes), sizes[1:], strict=False)
    return torch.cat([first[: sizes[0]], *(state[:size] for state, size in rounds)])


def ended(after: Array, first: Array, last: Array) -> Array:
    """Return what a state was in the end; it is the first one where there was no step."""
    return torch.cat([after.index_select(0, last), first[len(last) :]])


def _bend(gate: Array) -> Array:
    """Return the slope of a sigmoid, from its value."""
    return (1 - gate).mul_(gate)
