"""Windows over time on any backend: convolution and pooling, summed over the taps of a window.

Tensors are (batch, time, features). What borders a sequence is added first, so that a backend
that has better need only override what works on whole windows (`valid_conv`,
`full_conv_transpose`, `max_over_windows`, `mean_over_windows`).
"""

from __future__ import annotations

from abc import ABC
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from maskgraph import dtypes

Array = Any


class Transposed(NamedTuple):
    """Where the result of a transposed convolution lies in all that is reached.

    Attributes:
        cut: how many steps are left out at the beginning.
        tail: how many steps there are from where the last step begins.
    """

    cut: int
    tail: int

    @classmethod
    def of(cls, reach: int, strides: int, padding: str, output_padding: int | None) -> Self:
        """Return it for a kernel that reaches over so many steps, as Keras has it."""
        if padding == "valid":
            more = max(strides - reach, 0) if output_padding is None else output_padding
            return cls(0, reach + more)
        tail = strides if output_padding is None else reach % 2 + output_padding
        return cls(max(reach - tail, 0) // 2, tail)


class WindowOps(ABC):
    """Convolution and pooling, composed of primitives."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def conv(
        self, inputs: Array, kernel: Array, strides: int, padding: str, dilation_rate: int
    ) -> Array:
        """Convolve with a kernel (taps, features / groups, filters)."""
        reach = (self.shape(kernel)[0] - 1) * dilation_rate + 1
        left, right = self._border(inputs, reach, strides, padding)
        return self.valid_conv(
            self._widened(inputs, left, right, 0), kernel, strides, dilation_rate
        )

    def conv_transpose(
        self,
        inputs: Array,
        kernel: Array,
        strides: int,
        padding: str,
        output_padding: int | None,
        dilation_rate: int,
    ) -> Array:
        """Transposed convolution with a kernel (taps, filters, features)."""
        (batch, size, _), (taps, filters, _) = self.shape(inputs), self.shape(kernel)
        if isinstance(size, int) and size == 0:
            return self.zeros((batch, 0, filters), self.dtype(inputs))
        reach = (taps - 1) * dilation_rate + 1
        cut, tail = Transposed.of(reach, strides, padding, output_padding)
        reached = self.full_conv_transpose(inputs, kernel, strides, dilation_rate)
        beyond = reach - cut - tail
        kept = self.getitem(reached, (slice(None), slice(cut, -beyond if beyond > 0 else None)))
        return self._widened(kept, 0, max(-beyond, 0), 0)

    def max_pool(self, inputs: Array, pool_size: int, strides: int, padding: str) -> Array:
        """The maximum of each window."""
        border = self._border(inputs, pool_size, strides, padding)
        lowest = dtypes.lowest(self.dtype(inputs))
        return self.max_over_windows(self._widened(inputs, *border, lowest), pool_size, strides)

    def average_pool(self, inputs: Array, pool_size: int, strides: int, padding: str) -> Array:
        """The mean of each window; what is added for "same" does not count."""
        border = self._border(inputs, pool_size, strides, padding)
        mean = self.mean_over_windows(self._widened(inputs, *border, 0), pool_size, strides)
        if padding == "valid":
            return mean
        ones = self.ones((1, self.shape(inputs)[1], 1), self.dtype(inputs))
        share = self.mean_over_windows(self._widened(ones, *border, 0), pool_size, strides)
        return self.divide(mean, share)

    def _border(self, x: Array, reach: int, strides: int, padding: str) -> tuple[int, int]:
        """How many steps are added before and after the sequences, for windows of `reach`."""
        if padding == "valid":
            return 0, 0
        if padding == "causal":
            return reach - 1, 0
        rest = (self.shape(x)[1] - 1) % strides if strides > 1 else 0
        added = max(reach - 1 - rest, 0)
        return added // 2, added - added // 2

    def _widened(self, x: Array, left: Any, right: Any, value: float) -> Array:
        # a width that is known only when a traced function runs is no int
        if isinstance(left, int) and left == right == 0:
            return x
        return self.pad(x, ((0, 0), (left, right), (0, 0)), value)

    # -- what works on whole windows -------------------------------------------------------

    def valid_conv(self, x: Array, kernel: Array, strides: int, dilation_rate: int) -> Array:
        """Convolve where the window lies within `x`; no step if it is shorter."""
        taps = self.shape(kernel)[0]
        reach = (taps - 1) * dilation_rate + 1
        products = (
            self._product(
                self._tap(x, tap * dilation_rate, reach, strides), self.getitem(kernel, (tap,))
            )
            for tap in range(taps)
        )
        return reduce(self.add, products)

    def _tap(self, x: Array, place: int, reach: int, strides: int) -> Array:
        """The step at that place of each window of `reach` steps."""
        end = place - (reach - 1)
        return self.getitem(x, (slice(None), slice(place, end or None, strides)))

    def _product(self, x: Array, matrix: Array) -> Array:
        """`x @ matrix`, in as many groups of features as the matrix has too few rows."""
        (batch, time, features), (rows, filters) = self.shape(x), self.shape(matrix)
        if rows == features:
            return self.matmul(x, matrix)
        groups = features // rows
        x = self.reshape(x, (batch, time, groups, rows))
        matrix = self.reshape(matrix, (rows, groups, filters // groups))
        product = self.einsum("btgi,igo->btgo", [x, matrix])
        return self.reshape(product, (batch, time, filters))

    def full_conv_transpose(
        self, x: Array, kernel: Array, strides: int, dilation_rate: int
    ) -> Array:
        """Transposed convolution: all steps that are reached."""
        taps = self.shape(kernel)[0]
        products = (
            self._widened(
                self._spread(self.matmul(x, self._turned_tap(kernel, tap)), strides),
                tap * dilation_rate,
                (taps - 1 - tap) * dilation_rate,
                0,
            )
            for tap in range(taps)
        )
        return reduce(self.add, products)

    def _turned_tap(self, kernel: Array, tap: int) -> Array:
        return self.transpose(self.getitem(kernel, (tap,)), (1, 0))

    def _spread(self, x: Array, strides: int) -> Array:
        """Put zeros between steps, so that they are `strides` apart."""
        if strides == 1:
            return x
        batch, size, features = self.shape(x)
        x = self.pad(self.expand_dims(x, (2,)), ((0, 0), (0, 0), (0, strides - 1), (0, 0)), 0)
        x = self.reshape(x, (batch, size * strides, features))
        return self.getitem(x, (slice(None), slice(None, 1 - strides)))

    def max_over_windows(self, x: Array, pool_size: int, strides: int) -> Array:
        """The maximum of each window that lies within `x`."""
        taps = (self._tap(x, tap, pool_size, strides) for tap in range(pool_size))
        return reduce(self.maximum, taps)

    def mean_over_windows(self, x: Array, pool_size: int, strides: int) -> Array:
        """The mean of each window that lies within `x`."""
        taps = (self._tap(x, tap, pool_size, strides) for tap in range(pool_size))
        return self.divide(reduce(self.add, taps), self._number(pool_size, x))
