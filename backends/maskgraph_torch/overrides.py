"""Derived functions for which PyTorch has a kernel of its own, or takes a Python number.

A number handed over as it is saves making a tensor of it, which would be a launch on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from maskgraph import dtypes
from maskgraph.backend import Array, Backend
from maskgraph.backend.normalization import are_last


class Overrides(Backend):
    """What a backend need not have, where torch has something better."""

    # -- creation --------------------------------------------------------------------------

    def eye(self, N: int, dtype: str) -> Array:
        return self.cast(torch.eye(N, device=self.device), dtype)

    # -- one element at a time -------------------------------------------------------------

    def square(self, x: Array) -> Array:
        return torch.square(x)

    def reciprocal(self, x: Array) -> Array:
        return torch.reciprocal(x)

    def rsqrt(self, x: Array) -> Array:
        return torch.rsqrt(x)

    def clip(self, x: Array, x_min: float, x_max: float) -> Array:
        dtype = self.dtype(x)
        return torch.clamp(x, dtypes.number(x_min, dtype), dtypes.number(x_max, dtype))

    def relu(self, x: Array) -> Array:
        return torch.relu(x)

    def relu6(self, x: Array) -> Array:
        return F.relu6(x)

    def leaky_relu(self, x: Array, negative_slope: float) -> Array:
        return F.leaky_relu(x, negative_slope)

    def elu(self, x: Array, alpha: float) -> Array:
        return F.elu(x, alpha)

    def selu(self, x: Array) -> Array:
        return F.selu(x)

    def sigmoid(self, x: Array) -> Array:
        return torch.sigmoid(x)

    def hard_sigmoid(self, x: Array) -> Array:
        return F.hardsigmoid(x)

    def silu(self, x: Array) -> Array:
        return F.silu(x)

    def softplus(self, x: Array) -> Array:
        # beyond torch's own threshold of 20, softplus(x) is x in float32 but not in float64
        return F.softplus(x, threshold=40.0)

    def softsign(self, x: Array) -> Array:
        return F.softsign(x)

    def log_sigmoid(self, x: Array) -> Array:
        return F.logsigmoid(x)

    def mish(self, x: Array) -> Array:
        return F.mish(x)

    def gelu(self, x: Array, approximate: bool) -> Array:
        return F.gelu(x, approximate="tanh" if approximate else "none")

    def not_equal(self, x1: Array, x2: Array) -> Array:
        return torch.ne(x1, x2)

    def logical_xor(self, x1: Array, x2: Array) -> Array:
        return torch.logical_xor(x1, x2)

    # -- along axes (to torch, no axes are all of them) ------------------------------------

    def min(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if 0 in (x.shape[a] for a in axis):
            return torch.zeros_like(torch.sum(x, axis, keepdims), dtype=x.dtype)
        return torch.amin(x, axis, keepdims) if axis else x

    def any(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        x = x.to(torch.bool)
        return torch.any(x, axis, keepdims) if axis else x

    def all(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        x = x.to(torch.bool)
        return torch.all(x, axis, keepdims) if axis else x

    def mean(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if 0 in (x.shape[a] for a in axis):
            return torch.sum(x, axis, keepdims)  # the mean of nothing is 0
        return torch.mean(x, axis, keepdims) if axis else x

    def logsumexp(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if 0 in (x.shape[a] for a in axis):
            return torch.zeros_like(torch.sum(x, axis, keepdims))
        return torch.logsumexp(x, axis, keepdims) if axis else x

    def softmax(self, x: Array, axis: int) -> Array:
        return torch.softmax(x, axis)

    def log_softmax(self, x: Array, axis: int) -> Array:
        return torch.log_softmax(x, axis)

    def masked_softmax(self, x: Array, mask: Array, axis: int) -> Array:
        mask = mask.reshape((1,) * (x.ndim - mask.ndim) + mask.shape)
        # -inf weighs nothing; but a row that is masked throughout sees something finite, or its
        # NaN, though never selected, would alarm those who search for one
        outside = torch.where(mask.any(axis, keepdim=True), float("-inf"), 0.0).to(x.dtype)
        return torch.where(mask, torch.softmax(torch.where(mask, x, outside), axis), 0.0)

    # -- products and normalization --------------------------------------------------------

    def linear(self, x: Array, kernel: Array, bias: Array | None) -> Array:
        if not x.is_floating_point():
            return super().linear(x, kernel, bias)
        if bias is None:
            return torch.matmul(x, kernel)
        # addmm takes the kernel as it lies, which saves a microsecond
        return torch.addmm(bias, x, kernel) if x.ndim == 2 else F.linear(x, kernel.T, bias)

    def layer_norm(
        self,
        x: Array,
        gamma: Array | None,
        beta: Array | None,
        axis: tuple[int, ...],
        epsilon: float,
    ) -> Array:
        if not are_last(axis, x.ndim):
            return super().layer_norm(x, gamma, beta, axis, epsilon)
        return F.layer_norm(x, x.shape[axis[0] :], gamma, beta, epsilon)

    def rms_norm(
        self, x: Array, gamma: Array | None, axis: tuple[int, ...], epsilon: float
    ) -> Array:
        if not are_last(axis, x.ndim):
            return super().rms_norm(x, gamma, axis, epsilon)
        return F.rms_norm(x, x.shape[axis[0] :], gamma, epsilon)

    # -- shape and place -------------------------------------------------------------------

    def expand_dims(self, x: Array, axis: tuple[int, ...]) -> Array:
        for a in sorted(axis):
            x = torch.unsqueeze(x, a)
        return x

    def squeeze(self, x: Array, axis: tuple[int, ...]) -> Array:
        return torch.squeeze(x, axis)

    def stack(self, xs: Sequence[Array], axis: int) -> Array:
        return torch.stack(tuple(xs), axis)

    def split(
        self, x: Array, indices_or_sections: int | Sequence[int], axis: int
    ) -> tuple[Array, ...]:
        # unlike slices, whose gradients are as large as x, the parts share one
        cuts = self._cuts(x.shape[axis], indices_or_sections)
        return tuple(torch.split(x, [b - a for a, b in pairwise(cuts)], axis))

    def unstack(self, x: Array, axis: int) -> tuple[Array, ...]:
        return tuple(torch.unbind(x, axis))

    def repeat(self, x: Array, repeats: int, axis: int) -> Array:
        return torch.repeat_interleave(x, repeats, axis)

    # -- masks and look-ups ----------------------------------------------------------------

    def select_valid(self, x: Array, mask: Array, fill_value: Any) -> Array:
        fill_value = dtypes.number(fill_value, self.dtype(x))
        return torch.where(self.align_mask(mask, x.ndim), x, fill_value)

    def embedding(self, table: Array, ids: Array) -> Array:
        if ids.device.type != "cpu":  # which would find out too late, and not go on
            return super().embedding(table, ids)
        try:
            return self.take(table, ids, 0)
        except IndexError:
            return super().embedding(table, ids)  # it says what is wrong

    def dropout(self, x: Array, keep: Array, rate: float) -> Array:
        return torch.where(keep, x / ((1 - rate) or 1.0), 0.0)
