"""Windows over time with PyTorch's kernels, which want the features before time."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from maskgraph.backend import Array, Backend


class Windows(Backend):
    """Convolution and pooling as torch has them; over nothing, and of integers, it has none."""

    def valid_conv(self, x: Array, kernel: Array, strides: int, dilation_rate: int) -> Array:
        reach = (kernel.shape[0] - 1) * dilation_rate + 1
        if _rounds(x) or _has_none(x, reach):
            return super().valid_conv(x, kernel, strides, dilation_rate)
        groups = x.shape[2] // kernel.shape[1]
        weight = kernel.permute(2, 1, 0)
        return F.conv1d(x.mT, weight, None, strides, 0, dilation_rate, groups).mT

    def full_conv_transpose(
        self, x: Array, kernel: Array, strides: int, dilation_rate: int
    ) -> Array:
        if _rounds(x) or _has_none(x, 1):
            return super().full_conv_transpose(x, kernel, strides, dilation_rate)
        weight = kernel.permute(2, 1, 0)
        return F.conv_transpose1d(x.mT, weight, None, strides, dilation=dilation_rate).mT

    def max_over_windows(self, x: Array, pool_size: int, strides: int) -> Array:
        if not x.is_floating_point() or _has_none(x, pool_size):
            return super().max_over_windows(x, pool_size, strides)
        return F.max_pool1d(x.mT, pool_size, strides).mT

    def mean_over_windows(self, x: Array, pool_size: int, strides: int) -> Array:
        if _has_none(x, pool_size):
            return super().mean_over_windows(x, pool_size, strides)
        return F.avg_pool1d(x.mT, pool_size, strides).mT


def _has_none(x: Array, reach: int) -> bool:
    """Whether no window of that reach lies within `x`, which torch takes for an error."""
    return x.shape[0] == 0 or x.shape[2] == 0 or x.shape[1] < reach


def _rounds(x: Array) -> bool:
    """Whether cuDNN's convolutions would round float32 to 10 bits, as they do by default where
    matrix products do not."""
    coarse = torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    return x.is_cuda and x.dtype is torch.float32 and coarse
