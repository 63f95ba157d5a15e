"""Layers that multiply tensors along axes: two inputs, or an input and a kernel."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.layers import activations
from maskgraph.layers.base.builtin import BuiltinLayer
from maskgraph.layers.equation import Equation
from maskgraph.layers.normalization.features import unit_length
from maskgraph.ops import shapes
from maskgraph.ops.masking import intersect, unmasked


class Dot(BuiltinLayer):
    """The dot products of two inputs along an axis of each, for each sequence.

    Mask in: along a masked axis, only steps that exist in both inputs count. Mask out: what is
    left of the masks; two of time, (batch, time 1) and (batch, time 2), give one of (batch,
    time 1, time 2), so that a softmax over the last axis shares among steps that exist. Shapes:
    a list of two, (batch, …) each, to (batch, the rest of the first, the rest of the second), or
    (batch, 1) where nothing is left.

    Args:
        axes: the axis of both inputs, or one for each; not that of the batch.
        normalize: whether to give the inputs a length of 1 along these axes first, which makes
            the products cosines.

    Raises:
        ArgumentError: for axes that are neither an integer nor two.
        ShapeError: for another number of inputs, or sizes that do not fit.

    Agrees with: keras.layers.Dot, 3.15, which drops the masks and counts padding.

    Example:
        >>> from maskgraph import layers
        >>> import numpy as np
        >>> x, y = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])
        >>> layers.Dot(axes=1)([x, y]).numpy().tolist()
        [[11.0]]
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        both = (axes, axes) if isinstance(axes, int) else tuple(axes)
        if len(both) != 2 or not all(isinstance(a, int) for a in both):
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (Dot): axes are wrong",
                    received=repr(axes),
                    expected="an integer, or two: one for each input",
                )
            )
        self.axes = both
        self.normalize = normalize

    def call(self, inputs: Any) -> Any:
        xs = self._fitting(inputs)
        axes = [shapes.canonical_axis(a, x.ndim) for a, x in zip(self.axes, xs, strict=True)]
        if self.normalize:
            xs = _steps_in_both(xs) if axes == [1, 1] else xs
            xs = [unit_length(x, [a], 1e-7) for x, a in zip(xs, axes, strict=True)]
        own = _labels([x.ndim for x in xs], axes)
        contracted = own[0][axes[0]]
        result = (own[0] + own[1][1:]).replace(contracted, "")
        y = ops.einsum(f"{own[0]},{own[1]}->{result}", xs)
        if y.mask is None:
            mask = _joined_mask(xs, own, result, unmasked(y))
            y = y if mask is None else ops.with_mask(y, mask)
        return ops.expand_dims(y, -1) if len(result) == 1 else y

    def _fitting(self, inputs: Any) -> list[Any]:
        several = isinstance(inputs, list | tuple)
        found = [x.shape for x in inputs] if several else [inputs.shape]
        fits = len(found) == 2 and all(
            -len(s) <= a < len(s) and a % len(s) for a, s in zip(self.axes, found, strict=True)
        )
        if fits:
            sizes = {s[a] for a, s in zip(self.axes, found, strict=True)} - {None}
            fits = len(sizes) < 2
        if not fits:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (Dot): the inputs do not fit axes={self.axes}",
                    received=" and ".join(str(tuple(s)) for s in found),
                    expected="a list of two tensors, of one size along these axes, which are not "
                    "that of the batch",
                )
            )
        return list(inputs)


def _labels(ranks: list[int], axes: list[int]) -> tuple[str, str]:
    """Return a letter for each axis of two inputs; they share the batch's and the contracted."""
    first = string.ascii_letters[: ranks[0]]
    rest = iter(string.ascii_letters[ranks[0] :])
    shared = {0: first[0], axes[1]: first[axes[0]]}
    return first, "".join(shared.get(a) or next(rest) for a in range(ranks[1]))


def _steps_in_both(xs: list[Any]) -> list[Any]:
    """Return two inputs that meet along time with the mask of the steps that exist in both."""
    masks = [x.mask for x in xs]
    if any(m is not None and m.ndim > 2 for m in masks):
        return xs
    joined = intersect(masks)
    return xs if joined is None else [ops.with_mask(x, joined) for x in xs]


def _joined_mask(xs: list[Any], own: tuple[str, str], result: str, y: Any) -> Any:
    """Return the mask of the elements of y that are made of steps that exist in both inputs;
    None if no masked axis is left."""
    parts = []
    for x, labels in zip(xs, own, strict=True):
        masked = labels[: 0 if x.mask is None else x.mask.ndim]
        left = [label for label in masked if label in result]
        if len(left) > 1:
            gone = [a for a, label in enumerate(masked) if label not in result]
            parts.append((left, ops.any(x.mask, gone) if gone else x.mask))
    if not parts:
        return None
    rank = 1 + max(result.index(left[-1]) for left, _ in parts)
    spread = [
        ops.expand_dims(mask, [a for a in range(rank) if result[a] not in left])
        for left, mask in parts
    ]
    return intersect([ops.all_valid(y, rank), *spread])


class EinsumDense(BuiltinLayer):
    """`activation(einsum(equation, x, kernel) + bias)`.

    Mask in: steps of a contracted axis count if they exist. Mask out: that of x, if its axes lead
    the result; else it is lost, unless it was used up. Shapes: as the equation says.

    Args:
        equation: as "btd,de->bte"; letters for axes, "..." for any number of axes at the
            beginning or the end of the input and the result.
        output_shape: the sizes of the result, without the batch and what "..." stands for; None
            for one that is not known.
        activation: a name or function; None for linear.
        bias_axes: the letters of the result that the bias has; None for no bias.

    Raises:
        ArgumentError: for what is not an equation, or another number of sizes.
        ShapeError: if an input does not fit, or a size that the kernel needs is not known.

    Agrees with: keras.layers.EinsumDense, 3.15, which drops the mask. Weights: kernel, bias.

    Example:
        >>> from maskgraph import layers
        >>> layer = layers.EinsumDense("...d,de->...e", output_shape=5, bias_axes="e")
        >>> layer([[[1.0, 2.0], [3.0, 4.0]]]).shape
        (1, 2, 5)
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        where = f"layer {self.name!r} (EinsumDense)"
        self.equation = Equation.parsed(where, equation, sizes, bias_axes or "")
        self.activation = activations.get(activation)
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape: Any) -> None:
        shape: Any = self.equation.kernel_shape(tuple(input_shape))
        draw = self.equation.kernel_draw(self.kernel_initializer)
        self.kernel = self.add_weight(shape, draw, name="kernel")
        if self.equation.bias:
            shape = self.equation.bias_shape(tuple(input_shape))
            self.bias = self.add_weight(shape, self.bias_initializer, name="bias")

    def call(self, inputs: Any) -> Any:
        x = ops.einsum(self.equation.explicit(tuple(inputs.shape)), [inputs, self.kernel])
        if self.equation.bias:
            x = x + self.bias
        return self.activation(x)
