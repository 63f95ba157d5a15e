"""Layers that merge several tensors into one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, ClassVar

from maskgraph import dtypes, ops
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.layers.base.builtin import BuiltinLayer
from maskgraph.ops import shapes
from maskgraph.ops.masking import unite


class Merge(BuiltinLayer):
    """What the merging layers share: which steps of the result exist, and what stands in for a
    step that an input lacks."""

    def __init__(self, mask_merge: str = "all", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mask_merge not in ("all", "any"):
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): unknown mask_merge",
                    received=repr(mask_merge),
                    expected="'all': a step exists where it exists in every input, or 'any': "
                    "where it exists in at least one",
                )
            )
        self.mask_merge = mask_merge

    def call(self, inputs: Any) -> Any:
        xs = self._fitting(inputs)
        if self.mask_merge == "all" or all(x.mask is None for x in xs):
            return self.merge(xs)
        merged = self.merge_present(xs)
        exists = unite([x.mask for x in xs])
        return merged if exists is None else ops.with_mask(merged, exists)

    def merge(self, xs: list[Any]) -> Any:
        """Return the result where every input has a step."""
        raise NotImplementedError

    def merge_present(self, xs: list[Any]) -> Any:
        """Return the result where an absent step changes nothing."""
        return self.merge([filled(x, self.neutral(x.dtype)) for x in xs])

    def neutral(self, dtype: str) -> float:
        """Return the value that changes nothing."""
        return 0

    def _fitting(self, inputs: Any) -> list[Any]:
        if not isinstance(inputs, list | tuple) or len(inputs) < 2:
            received = getattr(inputs, "shape", None)
            raise ShapeError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): there is nothing to merge",
                    received="a list of one" if received is None else f"a tensor {received}",
                    expected="a list of at least 2 tensors",
                    fix=f"{type(self).__name__}()([x, y])",
                )
            )
        try:
            return self.aligned(list(inputs))
        except ShapeError as error:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): the inputs do not fit "
                    f"together: {str(error).splitlines()[0]}",
                    received=" and ".join(str(tuple(x.shape)) for x in inputs),
                )
            ) from None

    def aligned(self, xs: list[Any]) -> list[Any]:
        """Return the inputs with axes of size 1 after the batch, so that all have one rank.

        Raises:
            ShapeError: if they do not broadcast, or a mask would describe other axes then.
        """
        rank = max(x.ndim for x in xs)
        if any(x.mask is not None and x.ndim < rank for x in xs):
            raise ShapeError(
                "a masked input has fewer axes than the others; expand it: ops.expand_dims(x, -1)"
            )
        xs = [ops.expand_dims(x, range(1, 1 + rank - x.ndim)) if x.ndim < rank else x for x in xs]
        shapes.broadcast(*(x.shape for x in xs))
        return xs


def filled(x: Any, value: float) -> Any:
    """Return `x` without its mask, with a value in place of what does not exist."""
    return x if x.mask is None else ops.select_valid(x, x.mask, value)


class Elementwise(Merge):
    """A merge that applies an op of two operands again and again."""

    op: ClassVar[Callable[[Any, Any], Any]]

    def merge(self, xs: list[Any]) -> Any:
        return reduce(type(self).op, xs)


class Add(Elementwise):
    """The sum of its inputs.

    Mask out: the steps that exist in every input; with `mask_merge="any"` those that exist in
    any, an absent one counting for 0. Shapes: a list of tensors that broadcast; those of fewer
    axes get new ones after the batch.

    Args:
        mask_merge: "all" or "any". An input without a mask exists everywhere.

    Raises:
        ShapeError: for less than two inputs, or shapes that do not broadcast.

    Agrees with: keras.layers.Add, 3.15, except for masks that differ.

    Example:
        >>> from maskgraph import layers, MaskedTensor
        >>> import numpy as np
        >>> x = MaskedTensor(np.ones((1, 2, 1)), np.array([[True, False]]))
        >>> y = MaskedTensor(np.ones((1, 2, 1)))
        >>> layers.Add(mask_merge="any")([x, y]).numpy().ravel().tolist()
        [2.0, 1.0]
    """

    op = ops.add


class Subtract(Elementwise):
    """The first of two inputs less the second.

    Mask out: the steps that exist in both; with `mask_merge="any"` those that exist in either,
    an absent one counting for 0. Shapes: a list of two tensors that broadcast.

    Raises:
        ShapeError: for another number of inputs, or shapes that do not broadcast.

    Agrees with: keras.layers.Subtract, 3.15, except for masks that differ.

    Example:
        >>> from maskgraph import layers
        >>> import numpy as np
        >>> layers.Subtract()([np.array([[3.0]]), np.array([[1.0]])]).numpy().tolist()
        [[2.0]]
    """

    op = ops.subtract

    def merge(self, xs: list[Any]) -> Any:
        if len(xs) != 2:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (Subtract): it takes two inputs",
                    received=f"{len(xs)} tensors",
                    expected="2 tensors",
                )
            )
        return super().merge(xs)


class Multiply(Elementwise):
    """The product of its inputs.

    Mask out: the steps that exist in every input; with `mask_merge="any"` those that exist in
    any, an absent one counting for 1. Shapes: a list of tensors that broadcast.

    Raises:
        ShapeError: for less than two inputs, or shapes that do not broadcast.

    Agrees with: keras.layers.Multiply, 3.15, except for masks that differ.

    Example:
        >>> from maskgraph import layers
        >>> import numpy as np
        >>> layers.Multiply()([np.array([[3.0]]), np.array([[2.0]])]).numpy().tolist()
        [[6.0]]
    """

    op = ops.multiply

    def neutral(self, dtype: str) -> float:
        return 1


class Maximum(Elementwise):
    """The largest of its inputs, element by element.

    Mask out: the steps that exist in every input; with `mask_merge="any"` those that exist in
    any, an absent one losing to every other. Shapes: a list of tensors that broadcast.

    Raises:
        ShapeError: for less than two inputs, or shapes that do not broadcast.

    Agrees with: keras.layers.Maximum, 3.15, except for masks that differ.

    Example:
        >>> from maskgraph import layers
        >>> import numpy as np
        >>> layers.Maximum()([np.array([[3.0]]), np.array([[2.0]])]).numpy().tolist()
        [[3.0]]
    """

    op = ops.maximum

    def neutral(self, dtype: str) -> float:
        return dtypes.lowest(dtype)


class Minimum(Elementwise):
    """The smallest of its inputs, element by element.

    Mask out: the steps that exist in every input; with `mask_merge="any"` those that exist in
    any, an absent one losing to every other. Shapes: a list of tensors that broadcast.

    Raises:
        ShapeError: for less than two inputs, or shapes that do not broadcast.

    Agrees with: keras.layers.Minimum, 3.15, except for masks that differ.

    Example:
        >>> from maskgraph import layers
        >>> import numpy as np
        >>> layers.Minimum()([np.array([[3.0]]), np.array([[2.0]])]).numpy().tolist()
        [[2.0]]
    """

    op = ops.minimum

    def neutral(self, dtype: str) -> float:
        return dtypes.highest(dtype)


class Average(Merge):
    """The mean of its inputs.

    Mask out: the steps that exist in every input; with `mask_merge="any"` those that exist in
    any, and the mean is over the inputs that have the step. Shapes: a list of tensors that
    broadcast.

    Raises:
        ShapeError: for less than two inputs, or shapes that do not broadcast.

    Agrees with: keras.layers.Average, 3.15, except for masks that differ.

    Example:
        >>> from maskgraph import layers
        >>> import numpy as np
        >>> layers.Average()([np.array([[3.0]]), np.array([[1.0]])]).numpy().tolist()
        [[2.0]]
    """

    def merge(self, xs: list[Any]) -> Any:
        return ops.divide(reduce(ops.add, xs), len(xs))

    def merge_present(self, xs: list[Any]) -> Any:
        total = reduce(ops.add, [filled(x, 0) for x in xs])
        masks = [ops.align_mask(x.mask, x.ndim) for x in xs if x.mask is not None]
        number = reduce(ops.add, [ops.cast(m, total.dtype) for m in masks]) + (len(xs) - len(masks))
        return ops.divide(total, ops.maximum(number, 1))


class Concatenate(Merge):
    """Its inputs side by side along an axis.

    Mask out: along another axis than time, the steps that exist in every input; with
    `mask_merge="any"` those that exist in any, an absent one giving zeros. Along time, the
    masks end to end. Shapes: a list of tensors whose sizes are equal but for the axis.

    Args:
        axis: the axis to join along.
        mask_merge: "all" or "any". An input without a mask exists everywhere.

    Raises:
        ShapeError: for less than two inputs, or sizes that differ.

    Agrees with: keras.layers.Concatenate, 3.15, except for masks that differ.

    Example:
        >>> from maskgraph import layers
        >>> import numpy as np
        >>> layers.Concatenate()([np.ones((1, 2, 3)), np.ones((1, 2, 4))]).shape
        (1, 2, 7)
    """

    def __init__(self, axis: int = -1, mask_merge: str = "all", **kwargs: Any) -> None:
        super().__init__(mask_merge, **kwargs)
        self.axis = axis

    def aligned(self, xs: list[Any]) -> list[Any]:
        self.merge(xs)  # for its checks
        return xs

    def merge(self, xs: Sequence[Any]) -> Any:
        return ops.concatenate(xs, self.axis)

    def call(self, inputs: Any) -> Any:
        xs = self._fitting(inputs)
        rank = max((x.mask.ndim for x in xs if x.mask is not None), default=0)
        if self.axis % xs[0].ndim < rank:  # along time nothing meets that could be absent
            return self.merge(xs)
        return super().call(xs)
