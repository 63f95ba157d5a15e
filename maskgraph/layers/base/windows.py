"""The base of the layers that look through windows over time, and the checks they share."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.layers.base.builtin import BuiltinLayer, positive, require_rank
from maskgraph.layers.base.layer import Layer


def one_size(layer: Layer, name: str, value: Any) -> int:
    """Return a size given as a positive integer, or as a list or tuple of one.

    Raises:
        ArgumentError: if it is not.
    """
    single = isinstance(value, list | tuple) and len(value) == 1
    return positive(layer, name, value[0] if single else value)


def choice(layer: Layer, name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return a word given to a constructor, in small letters.

    Raises:
        ArgumentError: if it is none of those allowed.
    """
    word = value.lower() if isinstance(value, str) else value
    if word not in allowed:
        raise ArgumentError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): unknown {name}",
                received=repr(value),
                expected="one of " + ", ".join(map(repr, allowed)),
            )
        )
    return str(word)


def data_format_of(layer: Layer, data_format: str | None) -> str:
    """Return where the features stand; None is "channels_last".

    Raises:
        ArgumentError: for an unknown one.
    """
    if data_format not in (None, "channels_last", "channels_first"):
        raise ArgumentError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): unknown data_format",
                received=repr(data_format),
                expected="'channels_last': (batch, time, features), or 'channels_first': "
                "(batch, features, time)",
            )
        )
    return data_format or "channels_last"


class TimeLayer(BuiltinLayer):
    """A layer on (batch, time, features), or on (batch, features, time) for "channels_first",
    which it turns round before and after; no mask of (batch, time) fits that."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(self, data_format)

    def channels_last(self, shape: Any) -> tuple[Any, ...]:
        """Return the shape (batch, time, features) of an input of that shape."""
        require_rank(self, shape, exactly=3)
        batch, *rest = shape
        return (batch, *(rest if self.data_format == "channels_last" else reversed(rest)))

    def call(self, inputs: Any) -> Any:
        require_rank(self, inputs.shape, exactly=3)
        if self.data_format == "channels_last":
            return self.over_time(inputs)
        outputs = self.over_time(ops.transpose(inputs, (0, 2, 1)))
        return ops.transpose(outputs, (0, 2, 1))

    def over_time(self, x: Any) -> Any:
        """Return the outputs for (batch, time, features)."""
        raise NotImplementedError
