"""Pooling over all of time: the steps that exist become one vector."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.layers.base.builtin import BuiltinLayer, require_rank
from maskgraph.layers.base.windows import data_format_of


class GlobalPooling(BuiltinLayer):
    """What the global poolings share: where time is, and whether its axis stays."""

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(self, data_format)
        self.keepdims = keepdims

    @property
    def time_axis(self) -> int:
        return 1 if self.data_format == "channels_last" else 2


class GlobalAveragePooling1D(GlobalPooling):
    """The mean over the steps that exist; zeros where there is none.

    Mask in: its steps do not count. Mask out: none. Shapes: (batch, time, features) to
    (batch, features), or (batch, 1, features) with `keepdims`.

    Args:
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time).
        keepdims: whether the axis of time stays, with size 1.

    Raises:
        ArgumentError: for an unknown data_format.
        ShapeError: for an input that is not of rank 3.

    Agrees with: keras.layers.GlobalAveragePooling1D, 3.15, which gives NaN for no steps.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0], [3.0], [0.0]]])
        >>> layers.GlobalAveragePooling1D()(x).numpy().tolist()
        [[2.0]]
    """

    def call(self, inputs: Any) -> Any:
        require_rank(self, inputs.shape, exactly=3)
        return ops.mean(inputs, self.time_axis, keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalPooling):
    """The maximum over the steps that exist; zeros where there is none.

    Mask in: its steps do not count. Mask out: none. Shapes: (batch, time, features) to
    (batch, features), or (batch, 1, features) with `keepdims`.

    Args:
        data_format: "channels_last" (the default), or "channels_first" for
            (batch, features, time).
        keepdims: whether the axis of time stays, with size 1.

    Raises:
        ArgumentError: for an unknown data_format.
        ShapeError: for an input that is not of rank 3.

    Agrees with: keras.layers.GlobalMaxPooling1D, 3.15, where there is no mask.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[-1.0], [-3.0], [0.0]]])
        >>> layers.GlobalMaxPooling1D()(x).numpy().tolist()
        [[-1.0]]
    """

    def call(self, inputs: Any) -> Any:
        require_rank(self, inputs.shape, exactly=3)
        return ops.max(inputs, self.time_axis, keepdims=self.keepdims)
