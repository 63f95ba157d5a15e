"""Layers that make sequences longer or shorter, each at its own ends."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, MaskError, explain
from maskgraph.layers.base.builtin import BuiltinLayer, positive, require_rank
from maskgraph.layers.base.layer import Layer
from maskgraph.layers.base.windows import TimeLayer
from maskgraph.ops.extent import eroded, extent, holes, lengthened, places, widened
from maskgraph.ops.masking import intersect, unmasked


class UpSampling1D(BuiltinLayer):
    """Repeats each step.

    Mask out: that of x, each step repeated. Shapes: (batch, time, features) to
    (batch, size * time, features).

    Args:
        size: how often each step comes out.

    Raises:
        ArgumentError: for a size that is not positive.

    Agrees with: keras.layers.UpSampling1D, 3.15, which drops the mask.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0], [0.0]]])
        >>> layers.UpSampling1D(2)(x).mask.tolist()
        [[True, True, False, False]]
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = positive(self, "size", size)

    def call(self, inputs: Any) -> Any:
        require_rank(self, inputs.shape, exactly=3)
        return ops.repeat(inputs, self.size, axis=1)


class ZeroPadding1D(TimeLayer):
    """Adds steps of zeros before and after each sequence; they exist from then on.

    Mask out: that of x, with the new steps before the first and after the last valid one, in a
    rectangle as much wider; an empty sequence becomes the new steps alone. Shapes:
    (batch, time, features) to (batch, time and the new steps, features).

    Args:
        padding: how many steps before and after: one number for both, or two.
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.

    Raises:
        ArgumentError: for numbers that are negative.
        MaskError: for a mask that is not one of (batch, time).

    Agrees with: keras.layers.ZeroPadding1D, 3.15, which drops the mask.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[0.0], [5.0], [0.0]]])
        >>> layers.ZeroPadding1D((1, 0))(x).mask.tolist()
        [[False, True, True, False]]
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = _both_ends(self, "padding", padding)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return super().call(inputs)

    def over_time(self, x: Any) -> Any:
        left, right = self.padding
        mask = _mask_of_time(self, x)
        padded = ops.pad(unmasked(x), ((0, 0), self.padding, (0, 0)))
        if mask is None:
            return padded
        steps = lengthened(mask, left + right)
        steps = intersect([steps, ops.logical_not(widened(holes(mask), left, right, False))])
        # an empty sequence has its new steps in front
        empty = ops.logical_not(ops.any(mask, axis=1, keepdims=True))
        front = ops.less(places(steps), left + right)
        return ops.with_mask(padded, ops.logical_or(steps, ops.logical_and(empty, front)))


class Cropping1D(BuiltinLayer):
    """Leaves out the first and the last steps of each sequence.

    Mask out: that of x without each sequence's own first and last steps (a hole counts as a
    step). Shapes: (batch, time, features) to (batch, time less those left out, features); a
    sequence that is too short becomes empty.

    Args:
        cropping: how many steps at the beginning and at the end: one number for both, or two.

    Raises:
        ArgumentError: for numbers that are negative.
        MaskError: for a mask that is not one of (batch, time).

    Agrees with: keras.layers.Cropping1D, 3.15, which drops the mask.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[0.0], [5.0], [6.0], [7.0]]])
        >>> layers.Cropping1D((1, 0))(x).mask.tolist()
        [[False, True, True]]
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = _both_ends(self, "cropping", cropping)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        require_rank(self, inputs.shape, exactly=3)
        first, last = self.cropping
        mask = _mask_of_time(self, inputs)
        cropped = ops.getitem(inputs, (slice(None), slice(first, -last or None)))
        if mask is None:
            return cropped
        return ops.with_mask(cropped, intersect([cropped.mask, eroded(extent(mask), first + last)]))


def _mask_of_time(layer: Layer, x: Any) -> Any:
    """Return the mask of a tensor, which tells where its sequences end.

    Raises:
        MaskError: if it is not one of (batch, time).
    """
    if x.mask is not None and x.mask.ndim != 2:
        raise MaskError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): not a mask of time",
                received=f"a mask of shape {x.mask.shape}",
                expected="a mask of (batch, time)",
                fix="layers.DropMask() gives it up",
            )
        )
    return x.mask


def _both_ends(layer: Layer, name: str, value: Any) -> tuple[int, int]:
    """Return two numbers of steps, given as such or as one for both ends."""
    pair = (value, value) if isinstance(value, int) else value
    if (
        not isinstance(pair, list | tuple)
        or len(pair) != 2
        or any(not isinstance(n, int) or n < 0 for n in pair)
    ):
        raise ArgumentError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): {name} out of range",
                received=repr(value),
                expected="a number of steps for both ends, or two numbers; not negative",
            )
        )
    return pair[0], pair[1]
