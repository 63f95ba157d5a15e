"""Packed batches in PyTorch: what is fresh is changed where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from maskgraph.backend import Array, Backend
from maskgraph.backend.packing import Edges, Packing, Places
from maskgraph_torch.by_sequence import Owners, reduction
from maskgraph_torch.windows import by_onednn


class Packed(Backend):
    """What a backend need not have for packed batches, where torch has something better."""

    def by_block(
        self, xs: Sequence[Array], packing: Packing, others: Sequence[Array], body: Any
    ) -> tuple[Array, ...]:
        reduced = None if packing.full else reduction(body, xs)
        if reduced is None:
            return super().by_block(xs, packing, others, body)
        [x] = xs
        owners = packing.native((self, Owners), lambda: Owners.of(packing, x))
        rows = reduced(x.reshape(packing.slots, -1), owners)
        shape = (1, *x.shape[2:]) if body.arguments["keepdims"] else x.shape[2:]
        return (rows.reshape(packing.batch, *shape),)

    def without_holes(self, x: Array, packing: Packing) -> Array:
        if not len(packing.holes):
            return x
        holes = packing.native((self, "holes"), lambda: self.asarray(packing.holes))
        return x.index_fill(1, holes, 0)

    def laid_out(self, x: Array, places: Places) -> Array:
        taken = torch.index_select(x, 1, places.slot)
        # few places are empty, and nobody else has seen what was taken: autograd allows it
        return taken.index_fill_(1, places.empty, 0)

    def shifted_products(self, x: Array, kernel: Array, offsets: Sequence[int]) -> Array:
        return _ShiftedProducts.apply(x[0], kernel, tuple(offsets)).unsqueeze(0)

    def replaced(self, x: Array, edges: Edges, rows: Array) -> Array:
        if x.requires_grad or rows.requires_grad:
            return x.index_copy(1, edges.slots, rows)
        return x.index_copy_(1, edges.slots, rows)  # fresh, as `shifted_products` gives it


class _ShiftedProducts(torch.autograd.Function):
    """`shifted_products` in one buffer; autograd would copy it for each product."""

    @staticmethod
    def forward(ctx: Any, x: Array, kernel: Array, offsets: tuple[int, ...]) -> Array:
        ctx.save_for_backward(x, kernel)
        ctx.offsets = offsets
        if by_onednn(x):
            return _convolved(x, kernel, offsets)
        in_place = 0 in offsets  # a step takes itself: no need to begin with zeros
        total = x @ kernel[offsets.index(0)] if in_place else x.new_zeros(len(x), kernel.shape[2])
        for tap, offset in enumerate(offsets):
            if offset and abs(offset) < len(x):
                total[_to(offset)].addmm_(x[_from(offset)], kernel[tap])
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Array) -> tuple[Array | None, ...]:
        x, kernel = ctx.saved_tensors
        of_x = of_kernel = None
        if ctx.needs_input_grad[0]:
            back = tuple(-offset for offset in ctx.offsets)
            of_x = _ShiftedProducts.apply(gradient, kernel.transpose(1, 2), back)
        if ctx.needs_input_grad[1]:
            of_kernel = torch.stack([x[_from(o)].T @ gradient[_to(o)] for o in ctx.offsets])
        return of_x, of_kernel, None


def _convolved(x: Array, kernel: Array, offsets: tuple[int, ...]) -> Array:
    """`shifted_products` by oneDNN."""
    if offsets[0] > offsets[-1]:
        offsets, kernel = offsets[::-1], kernel.flip(0)
    border = max(-offsets[0], offsets[-1], 0)
    spread = offsets[1] - offsets[0]
    # torch tells from strides, also of axes of size 1, that features lie together
    image, weight = x[None].mT.unsqueeze(2), kernel.permute(2, 1, 0).unsqueeze(2)
    out = F.conv2d(image, weight, None, 1, (0, border), (1, spread))
    begin = border + offsets[0]
    return out[0, :, 0, begin : begin + len(x)].T


def _from(offset: int) -> slice:
    """The steps that are taken, where each step takes the one so far after it."""
    return slice(max(offset, 0), min(offset, 0) or None)


def _to(offset: int) -> slice:
    """The steps that take them."""
    return slice(max(-offset, 0), min(-offset, 0) or None)
