"""Activation functions on any backend, composed so that none overflows and none makes a NaN."""

from __future__ import annotations

import math
from abc import ABC
from typing import TYPE_CHECKING, Any

from maskgraph import dtypes

Array = Any


class ActivationOps(ABC):
    """Activations composed of primitives, each overridable."""

    if TYPE_CHECKING:  # the primitives, which Backend declares and explains

        def __getattr__(self, primitive: str) -> Any: ...

    def relu(self, x: Array) -> Array:
        return self.maximum(x, self._number(0, x))

    def relu6(self, x: Array) -> Array:
        return self.clip(x, 0, 6)

    def leaky_relu(self, x: Array, negative_slope: float) -> Array:
        return self.where(
            self.less(x, self._number(0, x)), self.multiply(x, self._number(negative_slope, x)), x
        )

    def elu(self, x: Array, alpha: float) -> Array:
        # expm1 sees no positive value: where() alone would let its overflow into the gradient
        low = self.multiply(self._number(alpha, x), self.expm1(self.minimum(x, self._number(0, x))))
        return self.where(self.less(self._number(0, x), x), x, low)

    def selu(self, x: Array) -> Array:
        alpha, scale = 1.6732632423543772, 1.0507009873554805
        return self.multiply(self._number(scale, x), self.elu(x, alpha))

    def sigmoid(self, x: Array) -> Array:
        half = self._number(0.5, x)
        return self.add(self.multiply(half, self.tanh(self.multiply(half, x))), half)

    def hard_sigmoid(self, x: Array) -> Array:
        return self.clip(self.add(self.divide(x, self._number(6, x)), self._number(0.5, x)), 0, 1)

    def silu(self, x: Array) -> Array:
        return self.multiply(x, self.sigmoid(x))

    def hard_silu(self, x: Array) -> Array:
        return self.multiply(x, self.hard_sigmoid(x))

    def softplus(self, x: Array) -> Array:
        # log(1 + e^x) = max(x, 0) + log1p(e^-|x|), which never overflows
        return self.add(self.relu(x), self.log1p(self.exp(self.negative(self.abs(x)))))

    def softsign(self, x: Array) -> Array:
        return self.divide(x, self.add(self.abs(x), self._number(1, x)))

    def log_sigmoid(self, x: Array) -> Array:
        return self.negative(self.softplus(self.negative(x)))

    def mish(self, x: Array) -> Array:
        return self.multiply(x, self.tanh(self.softplus(x)))

    def gelu(self, x: Array, approximate: bool) -> Array:
        half, one = self._number(0.5, x), self._number(1, x)
        if approximate:
            cubic = self.multiply(self._number(0.044715, x), self.multiply(x, self.square(x)))
            inner = self.tanh(
                self.multiply(self._number(math.sqrt(2 / math.pi), x), self.add(x, cubic))
            )
        else:
            inner = self.erf(self.multiply(x, self._number(math.sqrt(0.5), x)))
        return self.multiply(self.multiply(half, x), self.add(one, inner))

    # -- shares along an axis ----------------------------------------------------------------

    def softmax(self, x: Array, axis: int) -> Array:
        powers = self.exp(self.subtract(x, self.max(x, (axis,), True)))
        return self.divide(powers, self.sum(powers, (axis,), True))

    def log_softmax(self, x: Array, axis: int) -> Array:
        return self.subtract(x, self.logsumexp(x, (axis,), True))

    def masked_softmax(self, x: Array, mask: Array, axis: int) -> Array:
        """Softmax over the elements where `mask` (of any shape that broadcasts) is True; 0 at
        the others, and everywhere where none is True."""
        x = self.where(mask, x, self._number(dtypes.lowest(self.dtype(x)), x))
        top = self.max(x, (axis,), True)
        # e^(lowest - lowest) = 1 in a row with nothing valid: select, so that it counts for 0
        powers = self.where(mask, self.exp(self.subtract(x, top)), self._number(0, x))
        total = self.sum(powers, (axis,), True)
        return self.divide(
            powers, self.where(self.equal(total, self._number(0, x)), self._number(1, x), total)
        )
