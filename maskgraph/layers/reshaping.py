"""Layers that change a tensor's shape or the order of its axes.

A mask describes the leading axes. Where they stay in front it passes; else it is lost, the
report says so, and what was masked becomes zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.layers.base.builtin import BuiltinLayer, positive, require_rank
from maskgraph.layers.base.windows import data_format_of


class Flatten(BuiltinLayer):
    """All axes but the batch made one.

    Mask in: it is lost where time and features become one axis, and what was masked is 0. Mask
    out: that of x where every flattened axis was masked. Shapes: (batch, …) to (batch, product).

    Args:
        data_format: "channels_first" for (batch, channels, …), flattened as if channels were
            last; "channels_last" (the default) otherwise.

    Raises:
        ArgumentError: for an unknown data_format.

    Agrees with: keras.layers.Flatten, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.Flatten()([[[1.0, 2.0], [3.0, 4.0]]]).numpy().tolist()
        [[1.0, 2.0, 3.0, 4.0]]
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(self, data_format)

    def call(self, inputs: Any) -> Any:
        rank = inputs.ndim
        if rank == 1:
            return ops.expand_dims(inputs, 1)
        if self.data_format == "channels_first":
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        return ops.merge_axes(inputs, 1, rank - 1)


class Reshape(BuiltinLayer):
    """The axes after the batch in another shape.

    Mask in: it passes if the new shape begins with the masked axes, else it is lost, and what
    was masked is 0. Mask out: that of x, or none. Shapes: (batch, …) to (batch, *target_shape).

    Args:
        target_shape: the sizes without the batch; one may be -1.

    Raises:
        ArgumentError: for sizes that are not whole numbers, or more than one -1.
        ShapeError: if the number of elements differs.

    Agrees with: keras.layers.Reshape, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.Reshape((2, 1))([[1.0, 2.0]]).shape
        (1, 2, 1)
    """

    def __init__(self, target_shape: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        listed = isinstance(target_shape, list | tuple)
        sizes = tuple(target_shape) if listed else ()
        whole = all(isinstance(n, int) and n >= -1 for n in sizes)
        if not listed or not whole or sizes.count(-1) > 1:
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (Reshape): target_shape is wrong",
                    received=repr(target_shape),
                    expected="sizes without the batch, as (4, 2); at most one is -1",
                )
            )
        self.target_shape = sizes

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (ops.shape(inputs)[0], *self.target_shape))


class Permute(BuiltinLayer):
    """The axes after the batch in another order.

    Mask in: it passes if time stays in front, else it is lost, and what was masked is 0. Mask
    out: that of x, or none. Shapes: (batch, …) to (batch, …).

    Args:
        dims: the old places of the axes, counted from 1: (2, 1) swaps two.

    Raises:
        ArgumentError: if dims is not a permutation.
        ShapeError: for an input of another rank.

    Agrees with: keras.layers.Permute, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.Permute((2, 1))([[[1.0], [2.0]]]).shape
        (1, 1, 2)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (Permute): dims is not a permutation",
                    received=self.dims,
                    expected="each axis after the batch once, counted from 1: (2, 1)",
                )
            )

    def call(self, inputs: Any) -> Any:
        require_rank(self, inputs.shape, exactly=len(self.dims) + 1)
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(BuiltinLayer):
    """A vector n times: what a decoder begins with at each of n steps.

    Mask in: that of x describes the vector's own entries; what a pooling or recurrent layer
    returns has none. Mask out: none, or that of x for each repetition. Shapes: (batch, features)
    to (batch, n, features).

    Args:
        n: how many times.

    Raises:
        ArgumentError: if n is not a positive integer.
        ShapeError: for an input of another rank.

    Agrees with: keras.layers.RepeatVector, 3.15, which drops the mask.

    Example:
        >>> from maskgraph import layers
        >>> layers.RepeatVector(2)([[1.0, 2.0]]).numpy().tolist()
        [[[1.0, 2.0], [1.0, 2.0]]]
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive(self, "n", n)

    def call(self, inputs: Any) -> Any:
        require_rank(self, inputs.shape, exactly=2)
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)
