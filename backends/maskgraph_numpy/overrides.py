"""Derived functions for which NumPy has its own, or that need fewer passes over memory.

What is written to is always a buffer made here, never an argument. `empty_like` makes it, since
what NumPy returns for a tensor without axes is a number, which cannot be written to.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from maskgraph.backend import Array, Backend


class Overrides(Backend):
    """What a backend need not have, where NumPy has something better."""

    def _number(self, value: float, like: Array) -> Array:
        return like.dtype.type(value)

    # -- one element at a time -------------------------------------------------------------

    def not_equal(self, x1: Array, x2: Array) -> Array:
        return np.not_equal(x1, x2)

    def logical_xor(self, x1: Array, x2: Array) -> Array:
        return np.logical_xor(x1, x2)

    def clip(self, x: Array, x_min: float, x_max: float) -> Array:
        y = np.maximum(x, self._number(x_min, x), out=np.empty_like(x))
        return np.minimum(y, self._number(x_max, x), out=y)

    def leaky_relu(self, x: Array, negative_slope: float) -> Array:
        y = np.minimum(x, 0, out=np.empty_like(x))
        np.multiply(y, negative_slope, out=y)
        return np.add(y, np.maximum(x, 0), out=y)

    def elu(self, x: Array, alpha: float) -> Array:
        y = np.minimum(x, 0, out=np.empty_like(x))
        np.expm1(y, out=y)
        np.multiply(y, alpha, out=y)
        return np.add(y, np.maximum(x, 0), out=y)

    def selu(self, x: Array) -> Array:
        alpha, scale = 1.6732632423543772, 1.0507009873554805
        y = self.elu(x, alpha)
        return np.multiply(y, scale, out=y)

    def sigmoid(self, x: Array) -> Array:
        # e^-x may overflow: 1 / (1 + inf) is 0, as it should be
        y = np.negative(x, out=np.empty_like(x))
        with np.errstate(over="ignore"):
            np.exp(y, out=y)
        np.add(y, 1, out=y)
        return np.divide(1, y, out=y)

    def hard_sigmoid(self, x: Array) -> Array:
        y = np.divide(x, 6, out=np.empty_like(x))
        np.add(y, 0.5, out=y)
        np.maximum(y, 0, out=y)
        return np.minimum(y, 1, out=y)

    def silu(self, x: Array) -> Array:
        y = self.sigmoid(x)
        return np.multiply(x, y, out=y)

    def hard_silu(self, x: Array) -> Array:
        y = self.hard_sigmoid(x)
        return np.multiply(x, y, out=y)

    def softplus(self, x: Array) -> Array:
        y = _tail(x)
        return np.add(np.maximum(x, 0), y, out=y)

    def softsign(self, x: Array) -> Array:
        y = np.abs(x, out=np.empty_like(x))
        np.add(y, 1, out=y)
        return np.divide(x, y, out=y)

    def log_sigmoid(self, x: Array) -> Array:
        y = _tail(x)
        return np.subtract(np.minimum(x, 0), y, out=y)

    def mish(self, x: Array) -> Array:
        y = self.softplus(x)
        np.tanh(y, out=y)
        return np.multiply(x, y, out=y)

    def gelu(self, x: Array, approximate: bool) -> Array:
        if approximate:
            y = np.multiply(x, x, out=np.empty_like(x))
            np.multiply(y, 0.044715, out=y)
            np.add(y, 1, out=y)
            np.multiply(y, x, out=y)
            np.multiply(y, math.sqrt(2 / math.pi), out=y)
            np.tanh(y, out=y)
        else:
            y = self.erf(np.multiply(x, math.sqrt(0.5)))
        np.add(y, 1, out=y)
        np.multiply(y, x, out=y)
        return np.multiply(y, 0.5, out=y)

    # -- along axes ------------------------------------------------------------------------

    def min(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if self._over_nothing(x, axis):
            return self.max(x, axis, keepdims)
        return np.min(x, axis=axis, keepdims=keepdims)

    def argmin(self, x: Array, axis: int, keepdims: bool) -> Array:
        if self._over_nothing(x, (axis,)):
            return self.argmax(x, axis, keepdims)
        return np.argmin(x, axis=axis, keepdims=keepdims).astype(np.int32)

    def any(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return np.any(x, axis=axis, keepdims=keepdims)

    def all(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return np.all(x, axis=axis, keepdims=keepdims)

    def var(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        centred = np.subtract(x, self.mean(x, axis, True), out=np.empty_like(x))
        return self.mean(np.square(centred, out=centred), axis, keepdims)

    def softmax(self, x: Array, axis: int) -> Array:
        y = np.subtract(x, self.max(x, (axis,), True))
        np.exp(y, out=y)
        return np.divide(y, self.sum(y, (axis,), True), out=y)

    def log_softmax(self, x: Array, axis: int) -> Array:
        y = np.subtract(x, self.max(x, (axis,), True))
        return np.subtract(y, np.log(self.sum(np.exp(y), (axis,), True)), out=y)

    def masked_softmax(self, x: Array, mask: Array, axis: int) -> Array:
        y: Any = np.where(mask, x, self._number(-math.inf, x))
        top = self.max(y, (axis,), True)
        top[top == -math.inf] = 0  # where nothing is valid, the powers are e^-inf and not NaN
        np.subtract(y, top, out=y)
        np.exp(y, out=y)
        total = self.sum(y, (axis,), True)
        total[total == 0] = 1
        return np.divide(y, total, out=y)

    # -- products and normalization --------------------------------------------------------

    def linear(self, x: Array, kernel: Array, bias: Array | None) -> Array:
        # of matrices, the dot product is the same, and calling it takes a third less
        y = np.dot(x, kernel) if x.ndim == 2 else self.matmul(x, kernel)
        return y if bias is None else np.add(y, bias, y)

    def layer_norm(
        self,
        x: Array,
        gamma: Array | None,
        beta: Array | None,
        axis: tuple[int, ...],
        epsilon: float,
    ) -> Array:
        if x.dtype == np.float16:
            return super().layer_norm(x, gamma, beta, axis, epsilon)
        y = np.subtract(x, self.mean(x, axis, True), out=np.empty_like(x))
        np.multiply(y, self._shrinking(y, axis, epsilon), out=y)
        if gamma is not None:
            np.multiply(y, self._beside(gamma, x, axis), out=y)
        return y if beta is None else np.add(y, self._beside(beta, x, axis), out=y)

    def rms_norm(
        self, x: Array, gamma: Array | None, axis: tuple[int, ...], epsilon: float
    ) -> Array:
        if x.dtype == np.float16:
            return super().rms_norm(x, gamma, axis, epsilon)
        y = np.multiply(x, self._shrinking(x, axis, epsilon), out=np.empty_like(x))
        return y if gamma is None else np.multiply(y, self._beside(gamma, x, axis), out=y)

    def _shrinking(self, x: Array, axis: tuple[int, ...], epsilon: float) -> Array:
        """By what to multiply elements so that their root mean square is 1."""
        if axis == (x.ndim - 1,):  # their squares never lie in memory
            square: Any = np.vecdot(x, x)[..., None]
            np.divide(square, self._count(x, axis), out=square)
        else:
            square = self.mean(np.square(x), axis, True)
        return np.divide(1, np.sqrt(np.add(square, self._number(epsilon, x))))


def _tail(x: Array) -> Array:
    """log(1 + e^-|x|), by which a softplus is above what it tends to; it never overflows."""
    y = np.abs(x, out=np.empty_like(x))
    np.negative(y, out=y)
    np.exp(y, out=y)
    return np.log1p(y, out=y)
