"""The protocol's primitives in PyTorch.

Nothing is edited in place and nothing takes the way through NumPy, so that autograd sees all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch

from maskgraph import dtypes
from maskgraph.backend import Array
from maskgraph_torch import ragged, slicing
from maskgraph_torch.attention import Attention
from maskgraph_torch.overrides import Overrides
from maskgraph_torch.packed import Packed
from maskgraph_torch.recurrent import Recurrent
from maskgraph_torch.windows import Windows

_DTYPES = {name: getattr(torch, name) for name in dtypes.ALL}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class TorchBackend(Attention, Windows, Packed, Recurrent, Overrides):
    """PyTorch on one device."""

    name = "torch"

    @classmethod
    def devices(cls) -> list[str]:
        gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
        return [*gpus, "cpu", *(["mps"] if torch.backends.mps.is_available() else [])]

    @classmethod
    def device_of(cls, x: Array) -> str:
        return str(x.device) if x.device.type == "cuda" else str(x.device.type)

    def running(self) -> AbstractContextManager[Any]:
        # not inference_mode(), whose tensors could never again take part in training
        return torch.no_grad()

    def tokens_at_once(self) -> int | None:
        whole = self.device != "cpu" or torch.is_grad_enabled() or torch.compiler.is_compiling()
        return None if whole else 512

    def gradients(
        self, function: Callable[[list[Array]], Array], arrays: list[Array]
    ) -> list[Array]:
        leaves = [x.detach().requires_grad_() for x in arrays]
        with torch.enable_grad():
            result = function(leaves)
        if not result.requires_grad:
            return [torch.zeros_like(x) for x in arrays]
        return list(torch.autograd.grad(result, leaves, allow_unused=True, materialize_grads=True))

    def from_ragged(self, value: Any) -> tuple[Array, Array] | None:
        return ragged.to_padded(value)

    def to_ragged(self, values: Array, mask: Array, kind: str) -> Any:
        convert = ragged.KINDS.get(kind)
        return convert(values, mask) if convert else super().to_ragged(values, mask, kind)

    # -- in and out ------------------------------------------------------------------------

    def asarray(self, value: Any, dtype: str | None = None) -> Array:
        if not isinstance(value, torch.Tensor):
            array = np.asarray(value)
            dtype = dtype or dtypes.canonical(array.dtype)
            value = torch.from_numpy(_readable(array))
        return value.to(device=self.device, dtype=dtype and _DTYPES[dtype])

    def to_numpy(self, x: Array) -> np.ndarray:
        x = x.detach().float() if x.dtype is torch.bfloat16 else x.detach()
        array: np.ndarray = x.cpu().numpy()
        return array

    def shape(self, x: Array) -> tuple[int, ...]:
        return tuple(x.shape)

    def dtype(self, x: Array) -> str:
        return _NAMES.get(x.dtype) or dtypes.canonical(x.dtype)

    def cast(self, x: Array, dtype: str) -> Array:
        return x.to(_DTYPES[dtype])

    # -- creation --------------------------------------------------------------------------

    def full(self, shape: Sequence[int], fill_value: Any, dtype: str) -> Array:
        return torch.full(tuple(shape), fill_value, dtype=_DTYPES[dtype], device=self.device)

    def arange(self, start: int, stop: int, step: int, dtype: str) -> Array:
        # an empty range is an error to torch, unless it ends where it starts
        stop = stop if range(start, stop, step) else start
        return torch.arange(start, stop, step, dtype=_DTYPES[dtype], device=self.device)

    # -- one element at a time -------------------------------------------------------------

    def negative(self, x: Array) -> Array:
        return torch.negative(x)

    def abs(self, x: Array) -> Array:
        return x if x.dtype is torch.bool else torch.abs(x)

    def sign(self, x: Array) -> Array:
        # torch's sign of NaN is 0, which would hide it
        return torch.where(torch.isnan(x), x.detach(), torch.sign(x))

    def floor(self, x: Array) -> Array:
        return torch.floor(x)

    def ceil(self, x: Array) -> Array:
        return torch.ceil(x)

    def round(self, x: Array) -> Array:
        return torch.round(x)

    def exp(self, x: Array) -> Array:
        return torch.exp(x)

    def expm1(self, x: Array) -> Array:
        return torch.expm1(x)

    def log(self, x: Array) -> Array:
        return torch.log(x)

    def log1p(self, x: Array) -> Array:
        return torch.log1p(x)

    def sqrt(self, x: Array) -> Array:
        return torch.sqrt(x)

    def sin(self, x: Array) -> Array:
        return torch.sin(x)

    def cos(self, x: Array) -> Array:
        return torch.cos(x)

    def tanh(self, x: Array) -> Array:
        return torch.tanh(x)

    def erf(self, x: Array) -> Array:
        return torch.erf(x)

    def isnan(self, x: Array) -> Array:
        return torch.isnan(x)

    def isfinite(self, x: Array) -> Array:
        return torch.isfinite(x)

    def logical_not(self, x: Array) -> Array:
        return torch.logical_not(x)

    # -- two operands, broadcast -----------------------------------------------------------

    def add(self, x1: Array, x2: Array) -> Array:
        return torch.add(x1, x2)

    def subtract(self, x1: Array, x2: Array) -> Array:
        return torch.subtract(x1, x2)

    def multiply(self, x1: Array, x2: Array) -> Array:
        return torch.multiply(x1, x2)

    def divide(self, x1: Array, x2: Array) -> Array:
        return torch.divide(x1, x2)

    def floor_divide(self, x1: Array, x2: Array) -> Array:
        if x1.is_floating_point():
            # torch.floor_divide is the same, but has no gradient, where others have 0
            return torch.div(x1, x2, rounding_mode="floor")
        # an integer over 0 is 0, as in NumPy: what stands in the padding must not raise
        zero = x2 == 0
        return torch.floor_divide(x1, x2.masked_fill(zero, 1)).masked_fill(zero, 0)

    def mod(self, x1: Array, x2: Array) -> Array:
        if x1.is_floating_point():
            return torch.remainder(x1, x2)
        return torch.remainder(x1, x2.masked_fill(x2 == 0, 1))

    def power(self, x1: Array, x2: Array) -> Array:
        return torch.pow(x1, x2)

    def maximum(self, x1: Array, x2: Array) -> Array:
        return torch.maximum(x1, x2)

    def minimum(self, x1: Array, x2: Array) -> Array:
        return torch.minimum(x1, x2)

    def equal(self, x1: Array, x2: Array) -> Array:
        return torch.eq(x1, x2)

    def less(self, x1: Array, x2: Array) -> Array:
        return torch.less(x1, x2)

    def less_equal(self, x1: Array, x2: Array) -> Array:
        return torch.less_equal(x1, x2)

    def logical_and(self, x1: Array, x2: Array) -> Array:
        return torch.logical_and(x1, x2)

    def logical_or(self, x1: Array, x2: Array) -> Array:
        return torch.logical_or(x1, x2)

    def where(self, condition: Array, x1: Array, x2: Array) -> Array:
        return torch.where(condition, x1, x2)

    # -- along axes (to torch, no axes are all of them) ------------------------------------

    def sum(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        dtype = _sum_dtype(x)
        return torch.sum(x, axis, keepdims, dtype=dtype) if axis else x.to(dtype)

    def prod(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        x = x.to(_sum_dtype(x))
        for a in sorted(axis, reverse=True):
            x = torch.prod(x, a, keepdims, dtype=x.dtype)
        return x

    def max(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if 0 in (x.shape[a] for a in axis):
            return torch.zeros_like(torch.sum(x, axis, keepdims), dtype=x.dtype)
        return torch.amax(x, axis, keepdims) if axis else x

    def argmax(self, x: Array, axis: int, keepdims: bool) -> Array:
        if x.shape[axis] == 0:
            return torch.sum(x, axis, keepdims, dtype=torch.int32)
        x = x.to(torch.uint8) if x.dtype is torch.bool else x
        return torch.argmax(x, axis, keepdims).to(torch.int32)

    def cumsum(self, x: Array, axis: int) -> Array:
        return torch.cumsum(x, axis, dtype=_sum_dtype(x))

    # -- products --------------------------------------------------------------------------

    def matmul(self, x1: Array, x2: Array) -> Array:
        wide = _product_dtype(x1)
        return torch.matmul(x1.to(wide), x2.to(wide)).to(x1.dtype)

    def einsum(self, subscripts: str, operands: Sequence[Array]) -> Array:
        wide = _product_dtype(operands[0])
        product = torch.einsum(subscripts, *(x.to(wide) for x in operands))
        return product.to(operands[0].dtype)

    # -- shape and place -------------------------------------------------------------------

    def reshape(self, x: Array, newshape: Sequence[int]) -> Array:
        return torch.reshape(x, tuple(newshape))

    def transpose(self, x: Array, axes: Sequence[int]) -> Array:
        return torch.permute(x, tuple(axes))

    def broadcast_to(self, x: Array, shape: Sequence[int]) -> Array:
        return torch.broadcast_to(x, tuple(shape))

    def concatenate(self, xs: Sequence[Array], axis: int) -> Array:
        return torch.cat(tuple(xs), axis)

    def getitem(self, x: Array, key: tuple[Any, ...]) -> Array:
        return slicing.getitem(x, key)

    def flip(self, x: Array, axis: int) -> Array:
        return torch.flip(x, (axis,))

    def pad(self, x: Array, pad_width: Sequence[tuple[int, int]], constant_values: Any) -> Array:
        widths = [n for pair in reversed(pad_width) for n in pair]  # torch: the last axis first
        return torch.nn.functional.pad(x, widths, value=constant_values)

    def take(self, x: Array, indices: Array, axis: int) -> Array:
        rows = torch.index_select(x, axis, _index(indices).reshape(-1))
        return rows.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])

    def take_along_axis(self, x: Array, indices: Array, axis: int) -> Array:
        return torch.take_along_dim(x, indices.long(), axis)


def _readable(array: np.ndarray) -> np.ndarray:
    """Return an array that torch can share memory with: itself, wherever possible."""
    if array.dtype.kind == "V":  # bfloat16 of the package ml_dtypes, unknown to torch
        return array.astype(np.float32)
    if array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0:
        return array
    return np.array(array, array.dtype.newbyteorder("="), order="C")


def _sum_dtype(x: Array) -> torch.dtype:
    return torch.int32 if x.dtype is torch.bool else x.dtype


def _product_dtype(x: Array) -> torch.dtype:
    """The dtype to multiply matrices in: CUDA has no integer products, and nobody bool ones."""
    if x.dtype is torch.bool:
        return torch.float32
    return torch.float64 if x.is_cuda and not x.is_floating_point() else x.dtype


def _index(indices: Array) -> Array:
    return indices if indices.dtype in (torch.int32, torch.int64) else indices.int()
