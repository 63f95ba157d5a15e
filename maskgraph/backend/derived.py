"""Functions that every backend has: written once over the primitives, or overridden.

The signatures are those of the ops of the same name in `maskgraph.ops`.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from maskgraph import dtypes
from maskgraph.errors import ShapeError, VocabularyError, explain

if TYPE_CHECKING:
    import numpy as np

Array = Any


class DerivedOps(ABC):
    """Ops composed of primitives."""

    if TYPE_CHECKING:  # the primitives, which Backend declares and explains

        def __getattr__(self, primitive: str) -> Any: ...

    def _number(self, value: float, like: Array) -> Array:
        return self.full((), value, self.dtype(like))

    # -- creation --------------------------------------------------------------------------

    def zeros(self, shape: Sequence[int], dtype: str) -> Array:
        return self.full(shape, 0, dtype)

    def ones(self, shape: Sequence[int], dtype: str) -> Array:
        return self.full(shape, 1, dtype)

    def full_like(self, x: Array, fill_value: Any, dtype: str | None = None) -> Array:
        return self.full(self.shape(x), fill_value, dtype or self.dtype(x))

    def zeros_like(self, x: Array, dtype: str | None = None) -> Array:
        return self.full_like(x, 0, dtype)

    def ones_like(self, x: Array, dtype: str | None = None) -> Array:
        return self.full_like(x, 1, dtype)

    def eye(self, N: int, dtype: str) -> Array:
        index = self.arange(0, N, 1, "int32")
        return self.cast(
            self.equal(self.expand_dims(index, (0,)), self.expand_dims(index, (1,))), dtype
        )

    def one_hot(self, x: Array, num_classes: int, dtype: str) -> Array:
        # in int32 at least: 300 classes do not fit into uint8
        kind = dtypes.promote([self.dtype(x), "int32"])
        x = self.expand_dims(self.cast(x, kind), (len(self.shape(x)),))
        return self.cast(self.equal(x, self.arange(0, num_classes, 1, kind)), dtype)

    # -- one element at a time -------------------------------------------------------------

    def square(self, x: Array) -> Array:
        return self.multiply(x, x)

    def reciprocal(self, x: Array) -> Array:
        return self.divide(self._number(1, x), x)

    def rsqrt(self, x: Array) -> Array:
        return self.reciprocal(self.sqrt(x))

    def clip(self, x: Array, x_min: float, x_max: float) -> Array:
        return self.minimum(self.maximum(x, self._number(x_min, x)), self._number(x_max, x))

    def not_equal(self, x1: Array, x2: Array) -> Array:
        return self.logical_not(self.equal(x1, x2))

    def greater(self, x1: Array, x2: Array) -> Array:
        return self.less(x2, x1)

    def greater_equal(self, x1: Array, x2: Array) -> Array:
        return self.less_equal(x2, x1)

    def logical_xor(self, x1: Array, x2: Array) -> Array:
        return self.logical_and(self.logical_or(x1, x2), self.logical_not(self.logical_and(x1, x2)))

    # -- along axes ------------------------------------------------------------------------

    def min(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if self._over_nothing(x, axis):
            return self.max(x, axis, keepdims)
        return self._turned(self.max(self._turned(x), axis, keepdims))

    def argmin(self, x: Array, axis: int, keepdims: bool) -> Array:
        return self.argmax(self._turned(x), axis, keepdims)

    def _over_nothing(self, x: Array, axis: tuple[int, ...]) -> bool:
        shape = self.shape(x)
        return any(shape[a] == 0 for a in axis)

    def _turned(self, x: Array) -> Array:
        """`x` in the opposite order: lowest and highest change places, so nothing overflows."""
        dtype = self.dtype(x)
        if dtype == "bool":
            return self.logical_not(x)
        if dtypes.is_float(dtype):
            return self.negative(x)
        return self.subtract(self._number(dtypes.lowest(dtype) + dtypes.highest(dtype), x), x)

    def any(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        count = self.sum(self.cast(x, "bool"), axis, keepdims)
        return self.less(self._number(0, count), count)

    def all(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return self.logical_not(self.any(self.logical_not(x), axis, keepdims))

    def _count(self, x: Array, axis: tuple[int, ...]) -> Array:
        # over no elements: 1, so that the mean of nothing is 0 and not NaN
        shape = self.shape(x)
        return self._number(max(math.prod(shape[a] for a in axis), 1), x)

    def mean(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return self.divide(self.sum(x, axis, keepdims), self._count(x, axis))

    def var(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        centred = self.subtract(x, self.mean(x, axis, True))
        return self.mean(self.square(centred), axis, keepdims)

    def std(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return self.sqrt(self.var(x, axis, keepdims))

    def logsumexp(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if self._over_nothing(x, axis):
            return self.max(x, axis, keepdims)
        top = self.max(x, axis, True)
        top = self.where(self.isfinite(top), top, self.zeros_like(top))
        total = self.log(self.sum(self.exp(self.subtract(x, top)), axis, keepdims))
        if not keepdims:
            top = self.squeeze(top, axis)
        return self.add(total, top)

    # -- products --------------------------------------------------------------------------

    def linear(self, x: Array, kernel: Array, bias: Array | None) -> Array:
        """`x` (…, features) @ `kernel` (features, units) + `bias` (units,)."""
        *left, features = self.shape(x)
        if bias is None or len(left) < 2:
            product = self.matmul(x, kernel)
            return product if bias is None else self.add(product, bias)
        # of rows, so that nothing comes between the product and what is done with it: XLA then
        # writes the one over the other
        rows = self.reshape(x, (math.prod(left), features))
        product = self.add(self.matmul(rows, kernel), bias)
        return self.reshape(product, (*left, self.shape(kernel)[1]))

    def project(self, x: Array, kernel: Array, bias: Array | None, axes: int) -> Array:
        """The product of the last axes of `x` and the first of `kernel`, so many, plus `bias` of
        the kernel's other axes."""
        shape, sizes = self.shape(x), self.shape(kernel)
        left, new = shape[: len(shape) - axes], sizes[axes:]
        features, units = math.prod(sizes[:axes]), math.prod(new)
        product = self.linear(
            self.reshape(x, (*left, features)),
            self.reshape(kernel, (features, units)),
            None if bias is None else self.reshape(bias, (units,)),
        )
        return self.reshape(product, (*left, *new))

    # -- shape and place -------------------------------------------------------------------

    def expand_dims(self, x: Array, axis: tuple[int, ...]) -> Array:
        rest = iter(self.shape(x))
        rank = len(self.shape(x)) + len(axis)
        return self.reshape(x, [1 if a in axis else next(rest) for a in range(rank)])

    def squeeze(self, x: Array, axis: tuple[int, ...]) -> Array:
        return self.reshape(x, [n for a, n in enumerate(self.shape(x)) if a not in axis])

    def stack(self, xs: Sequence[Array], axis: int) -> Array:
        return self.concatenate([self.expand_dims(x, (axis,)) for x in xs], axis)

    def split(
        self, x: Array, indices_or_sections: int | Sequence[int], axis: int
    ) -> tuple[Array, ...]:
        before = (slice(None),) * axis
        cuts = self._cuts(self.shape(x)[axis], indices_or_sections)
        return tuple(self.getitem(x, (*before, slice(a, b))) for a, b in pairwise(cuts))

    def _cuts(self, size: int, indices_or_sections: int | Sequence[int]) -> list[int]:
        """The bounds of the parts of an axis of that size, from 0 to `size`."""
        if isinstance(indices_or_sections, int):
            step = size // indices_or_sections
            return [step * i for i in range(indices_or_sections + 1)]
        return [0, *(min(i, size) for i in indices_or_sections), size]

    def unstack(self, x: Array, axis: int) -> tuple[Array, ...]:
        """The slices along an axis, without it: `stack` undone."""
        before = (slice(None),) * axis
        return tuple(self.getitem(x, (*before, i)) for i in range(self.shape(x)[axis]))

    def repeat(self, x: Array, repeats: int, axis: int) -> Array:
        size = self.shape(x)[axis]
        index = self.floor_divide(
            self.arange(0, size * repeats, 1, "int32"), self.full((), repeats, "int32")
        )
        return self.take(x, index, axis)

    def tile(self, x: Array, repeats: Sequence[int]) -> Array:
        for axis, n in enumerate(repeats):
            if n != 1:
                x = (
                    self.concatenate([x] * n, axis)
                    if n
                    else self.getitem(x, (*(slice(None),) * axis, slice(0, 0)))
                )
        return x

    def merge_axes(self, x: Array, first: int, last: int) -> Array:
        """Make one axis of the axes `first` to `last`."""
        shape = self.shape(x)
        merged = math.prod(shape[first : last + 1])
        return self.reshape(x, [*shape[:first], merged, *shape[last + 1 :]])

    def split_axis_like(self, x: Array, like: Array, axis: int, count: int) -> Array:
        """Undo `merge_axes`: the axis becomes the axes `axis … axis+count-1` of `like`."""
        shape, pattern = self.shape(x), self.shape(like)
        return self.reshape(x, [*shape[:axis], *pattern[axis : axis + count], *shape[axis + 1 :]])

    # -- masks -----------------------------------------------------------------------------

    def all_valid(self, x: Array, rank: int) -> Array:
        """A mask of the first `rank` axes of `x`, True throughout."""
        return self.full(self.shape(x)[:rank], True, "bool")

    def align_mask(self, mask: Array, rank: int) -> Array:
        """The mask with axes of size 1 after its own, so that it broadcasts to `rank` axes."""
        shape = self.shape(mask)
        return self.reshape(mask, [*shape, *(1,) * (rank - len(shape))])

    def select_valid(self, x: Array, mask: Array, fill_value: Any) -> Array:
        """`x` where its mask (of leading axes) is True, `fill_value` elsewhere."""
        return self.where(self.align_mask(mask, len(self.shape(x))), x, self._number(fill_value, x))

    # -- sizes and foreign functions --------------------------------------------------------

    def dimension(self, x: Array, axis: int) -> int:
        """One size, as a number."""
        size: int = self.shape(x)[axis]
        return size

    def dimension_arithmetic(self, a: int, b: int, function: Callable[[int, int], int]) -> int:
        return function(a, b)

    def native_call(self, xs: Sequence[Array], function: Callable[..., Any]) -> Any:
        """Call a function that works on this backend's own tensors."""
        return function(self, xs)

    # -- randomness ------------------------------------------------------------------------

    def random_keep(self, x: Array, rate: float, generator: np.random.Generator) -> Array:
        """True with probability 1 - rate, drawn by NumPy so that it is alike everywhere."""
        return self.asarray(generator.random(self.shape(x)) >= rate)

    def random_normal(self, x: Array, stddev: float, generator: np.random.Generator) -> Array:
        """Normal numbers of mean 0, drawn by NumPy so that they are alike everywhere."""
        return self.asarray(generator.normal(0, stddev, self.shape(x)), self.dtype(x))

    # -- look-ups --------------------------------------------------------------------------

    def embedding(self, table: Array, ids: Array) -> Array:
        """Rows of `table`; an id outside it is an error, alike on every backend."""
        rows = self.shape(table)[0]
        outside = self._outside(ids, rows)
        if outside is not None:
            raise VocabularyError(
                explain(
                    "an id is outside the vocabulary",
                    received=outside,
                    expected=f"ids from 0 to {rows - 1} (input_dim={rows})",
                    fix="raise input_dim, or map unknown words to an id that is in it",
                )
            )
        return self.take(table, ids, 0)

    def position_embedding(self, table: Array, positions: Array) -> Array:
        """Rows of `table`; a position that it does not reach is an error."""
        rows = self.shape(table)[0]
        outside = self._outside(positions, rows)
        if outside is not None:
            raise ShapeError(
                explain(
                    "a sequence is longer than the table of positions",
                    received=f"a step at position {outside}",
                    expected=f"positions from 0 to {rows - 1} (sequence_length={rows})",
                    fix="raise sequence_length, or shorten the sequences",
                )
            )
        return self.take(table, positions, 0)

    def _outside(self, ids: Array, rows: int) -> int | None:
        """Return an id that is not among the rows of a table; None if all are, or nobody knows."""
        if not self.has_values(ids) or not math.prod(self.shape(ids)):
            return None
        host: np.ndarray = self.to_numpy(ids)
        low, high = int(host.min()), int(host.max())
        if low < 0:
            return low
        return high if high >= rows else None

    def dropout(self, x: Array, keep: Array, rate: float) -> Array:
        """`x / (1 - rate)` where `keep` is True, 0 elsewhere."""
        kept = (1 - rate) or 1.0  # at a rate of 1, 0 / 0 would come back through the gradient
        return self.where(keep, self.divide(x, self._number(kept, x)), self._number(0, x))
