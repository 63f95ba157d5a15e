"""Windows over time with PyTorch's kernels, which want the features before time."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from maskgraph.backend import Array, Backend

_FEW = 512
"""Up to so many steps, one product of all windows is faster than a convolution: 0.55 to 0.8 of the
time at 128 steps of 128 to 512 features, 0.8 to 1 at 512 steps, and up to 1.2 at 1,000."""


class Windows(Backend):
    """Convolution and pooling as torch has them; over nothing, and of integers, it has none."""

    def conv(
        self, inputs: Array, kernel: Array, strides: int, padding: str, dilation_rate: int
    ) -> Array:
        reach = (kernel.shape[0] - 1) * dilation_rate + 1
        left, right = self._border(inputs, reach, strides, padding)
        rare = left != right or _rounds(inputs) or _has_none(inputs, max(reach - 2 * left, 1))
        if rare or _is_small(inputs):
            widened = self._widened(inputs, left, right, 0)
            return self.valid_conv(widened, kernel, strides, dilation_rate)
        return _convolved(inputs, kernel, strides, left, dilation_rate)

    def valid_conv(self, x: Array, kernel: Array, strides: int, dilation_rate: int) -> Array:
        reach = (kernel.shape[0] - 1) * dilation_rate + 1
        if _rounds(x) or _has_none(x, reach):
            return super().valid_conv(x, kernel, strides, dilation_rate)
        if _is_small(x) and kernel.shape[1] == x.shape[2]:
            windows = x.unfold(1, reach, strides)[..., ::dilation_rate].mT
            return windows.flatten(2) @ kernel.flatten(0, 1)
        return _convolved(x, kernel, strides, 0, dilation_rate)

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


def _convolved(x: Array, kernel: Array, strides: int, border: int, dilation_rate: int) -> Array:
    """Convolve, with so many zeros on both sides."""
    groups = x.shape[2] // kernel.shape[1]
    steps, weight = x.mT, kernel.permute(2, 1, 0)
    if not by_onednn(x):
        return F.conv1d(steps, weight, None, strides, border, dilation_rate, groups).mT
    steps, weight = steps.unsqueeze(2), weight.unsqueeze(2)
    spread, ends = (1, dilation_rate), (0, border)
    return F.conv2d(steps, weight, None, (1, strides), ends, spread, groups).squeeze(2).mT


def _is_small(x: Array) -> bool:
    """Whether a product is sooner done than a kernel's weights are put in its order, as oneDNN does
    at every call."""
    return not x.is_cuda and x.shape[0] * x.shape[1] <= _FEW


def by_onednn(x: Array) -> bool:
    """Whether oneDNN convolves: it takes steps as they lie, features last, if they are the pixels
    of images one pixel high."""
    return x.dtype is torch.float32 and not x.is_cuda and torch.backends.mkldnn.is_available()


def _has_none(x: Array, reach: int) -> bool:
    """Whether no window of that reach lies within `x`, which torch takes for an error."""
    return x.shape[0] == 0 or x.shape[2] == 0 or x.shape[1] < reach


def _rounds(x: Array) -> bool:
    """Whether cuDNN's convolutions would round float32 to 10 bits, as they do by default where
    matrix products do not."""
    if not x.is_cuda or x.dtype is not torch.float32:
        return False
    return torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
