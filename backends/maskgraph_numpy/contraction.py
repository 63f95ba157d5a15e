"""Contractions of two operands as matrix products, which BLAS multiplies.

`np.einsum` looks for a way anew at each call, and may not come upon BLAS where operands share an
axis of the result, as queries and keys share the batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from maskgraph.backend import Array


class Contraction(NamedTuple):
    """How a product of two operands comes to be one of matrices, or of stacks of them.

    Attributes:
        left: the order of the left operand's axes: shared, its own, summed over.
        right: that of the right operand's: shared, summed over, its own.
        shared: how many axes both operands and the result have.
        summed: how many axes are summed over.
        result: of the axes shared, left and right, the order in which they come out.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    shared: int
    summed: int
    result: tuple[int, ...]

    def fits(self, a: Array, b: Array) -> bool:
        """Tell whether the sizes that meet are equal: one of 1 would be repeated."""
        summed = self.left[len(self.left) - self.summed :]
        meet = (*self.left[: self.shared], *summed)
        return all(
            a.shape[i] == b.shape[j] for i, j in zip(meet, self.right[: len(meet)], strict=True)
        )

    def of(self, a: Array, b: Array) -> Array:
        """Return the product of two operands."""
        a, b = a.transpose(self.left), b.transpose(self.right)
        own = len(self.left) - self.summed
        stack, rows, inner = a.shape[: self.shared], a.shape[self.shared : own], a.shape[own:]
        columns = b.shape[self.shared + self.summed :]
        size = math.prod(inner)
        a = _for_blas(a.reshape(*stack, math.prod(rows), size))
        b = _for_blas(b.reshape(*stack, size, math.prod(columns)))
        return np.matmul(a, b).reshape((*stack, *rows, *columns)).transpose(self.result)


def einsum(subscripts: str, operands: Sequence[Array]) -> Array:
    """Return a sum of products, as `np.einsum`."""
    found = _contraction(subscripts) if len(operands) == 2 else None
    if found is None or not found.fits(*operands):
        return np.einsum(subscripts, *operands, optimize=True)
    return found.of(*operands)


@cache
def _contraction(subscripts: str) -> Contraction | None:
    """Return how subscripts are one product of matrices; None if they are not."""
    inputs, _, result = subscripts.partition("->")
    left, right = inputs.split(",")
    shared = [label for label in left if label in right and label in result]
    summed = [label for label in left if label in right and label not in result]
    rows = [label for label in left if label not in right]
    columns = [label for label in right if label not in left]
    order = [*shared, *rows, *columns]
    distinct = all(len(set(labels)) == len(labels) for labels in (left, right, result))
    if "." in subscripts or not distinct or not summed or sorted(order) != sorted(result):
        return None
    if shared and not (rows and columns):  # many products of vectors: a loop is as good
        return None
    return Contraction(
        tuple(map(left.index, [*shared, *rows, *summed])),
        tuple(map(right.index, [*shared, *summed, *columns])),
        len(shared),
        len(summed),
        tuple(map(order.index, result)),
    )


def _for_blas(x: Array) -> Array:
    """Return a matrix, or a stack of them, with rows or columns that are contiguous: others would
    be multiplied number by number."""
    return x if x.itemsize in x.strides[-2:] else np.ascontiguousarray(x)
