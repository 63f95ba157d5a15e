"""Pooling through windows over time, and pooling into a fixed number of parts."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.layers.base.windows import TimeLayer, choice, one_size


class WindowPooling(TimeLayer):
    """What pooling through windows shares."""

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.pool_size = one_size(self, "pool_size", pool_size)
        self.strides = self.pool_size if strides is None else one_size(self, "strides", strides)
        self.padding = choice(self, "padding", padding, ("valid", "same"))


class MaxPooling1D(WindowPooling):
    """The maximum of the steps that exist in each window; zeros where none does.

    Windows begin where a sequence begins, wherever it stands in the rectangle. Mask in: its steps
    do not count. Mask out: as many steps at the front as the sequence alone gives; for strides
    of 1, the places where a window begins that lies within it ("valid"), or that of x ("same").
    Shapes: (batch, time, features) to (batch, new time, features).

    Args:
        pool_size: the number of steps in a window.
        strides: from one window to the next; None for `pool_size`.
        padding: "valid" (windows lie within the sequence), or "same" (they reach beyond its ends,
            where nothing counts).
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.

    Raises:
        ArgumentError: for sizes that are not positive.

    Agrees with: keras.layers.MaxPooling1D, 3.15, where there is no mask.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[-1.0], [-3.0], [-5.0], [0.0]]])
        >>> layers.MaxPooling1D(2, padding="same")(x).numpy().tolist()
        [[[-1.0], [-5.0]]]
    """

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def over_time(self, x: Any) -> Any:
        return ops.max_pool(x, self.pool_size, self.strides, self.padding)


class AveragePooling1D(WindowPooling):
    """The mean of the steps that exist in each window; zeros where none does.

    Windows begin where a sequence begins, wherever it stands in the rectangle. Mask in: its steps
    do not count. Mask out: as many steps at the front as the sequence alone gives; for strides
    of 1, the places where a window begins that lies within it ("valid"), or that of x ("same").
    Shapes: (batch, time, features) to (batch, new time, features), float.

    Args:
        pool_size: the number of steps in a window.
        strides: from one window to the next; None for `pool_size`.
        padding: "valid" (windows lie within the sequence), or "same" (they reach beyond its ends,
            where nothing counts).
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.

    Raises:
        ArgumentError: for sizes that are not positive.

    Agrees with: keras.layers.AveragePooling1D, 3.15, where there is no mask.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0], [3.0], [5.0], [0.0]]])
        >>> layers.AveragePooling1D(2, padding="same")(x).numpy().tolist()
        [[[2.0], [5.0]]]
    """

    def over_time(self, x: Any) -> Any:
        return ops.average_pool(x, self.pool_size, self.strides, self.padding)


class AdaptivePooling(TimeLayer):
    """What pooling into a fixed number of parts shares."""

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.output_size = one_size(self, "output_size", output_size)


class AdaptiveAveragePooling1D(AdaptivePooling):
    """The mean of each of `output_size` parts of a sequence, as equal as can be; zeros where
    there is no step. Neighbouring parts share a step where the length does not divide.

    Mask in: its steps do not count, nor for where the parts are. Mask out: none. Shapes:
    (batch, time, features) to (batch, output_size, features), float.

    Args:
        output_size: the number of parts.
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.

    Raises:
        ArgumentError: for a size that is not positive.

    Agrees with: keras.layers.AdaptiveAveragePooling1D, 3.15, where there is no mask.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0], [3.0], [5.0], [0.0]]])
        >>> layers.AdaptiveAveragePooling1D(2)(x).numpy().tolist()
        [[[2.0], [4.0]]]
    """

    def over_time(self, x: Any) -> Any:
        return ops.adaptive_average_pool(x, self.output_size)


class AdaptiveMaxPooling1D(AdaptivePooling):
    """The maximum of each of `output_size` parts of a sequence, as equal as can be; zeros where
    there is no step. Neighbouring parts share a step where the length does not divide.

    Mask in: its steps do not count, nor for where the parts are. Mask out: none. Shapes:
    (batch, time, features) to (batch, output_size, features).

    Args:
        output_size: the number of parts.
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time), which has no place for a mask of time.

    Raises:
        ArgumentError: for a size that is not positive.

    Agrees with: keras.layers.AdaptiveMaxPooling1D, 3.15, where there is no mask.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[-1.0], [-3.0], [-5.0], [0.0]]])
        >>> layers.AdaptiveMaxPooling1D(2)(x).numpy().tolist()
        [[[-1.0], [-3.0]]]
    """

    def over_time(self, x: Any) -> Any:
        return ops.adaptive_max_pool(x, self.output_size)
