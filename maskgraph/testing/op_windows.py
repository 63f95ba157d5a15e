"""Arguments for the ops that look through windows over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from maskgraph.testing.op_sample import FEATURES, Sample


def window_rows() -> Iterator[tuple[str, Callable[[Sample], tuple[Any, ...]]]]:
    """Yield names of ops, and what makes their arguments; `Sample.y` has a hole."""
    for padding in ("valid", "same", "causal"):
        for numbers in ((2, 1), (3, 1), (3, 2), (2, 3)):
            yield "conv", partial(_conv, padding=padding, numbers=numbers)
    yield "conv", partial(_conv, padding="valid", numbers=(2, 1), dilation_rate=2)
    yield "conv", partial(_conv, padding="same", numbers=(2, 2), dilation_rate=2)
    yield "conv", lambda s: (s.y, s.floats(1, 2, 2, 6))
    yield "conv", lambda s: (s.x, s.floats(1, 1, FEATURES, 2))
    for more in (None, 1):
        for numbers in ((1, 2), (2, 2), (3, 2), (5, 2)):
            for padding in ("valid", "same"):
                yield "conv_transpose", partial(_transpose, padding, more, numbers)
    yield "conv_transpose", lambda s: (s.x, s.floats(1, 2, 3, FEATURES), 1, "same", None, 2)
    for op in ("max_pool", "average_pool"):
        for options in ((2,), (3, 1), (2, 1, "same"), (3, 2, "same"), (1, 2)):
            yield op, partial(_pool, options=options)
    for op in ("adaptive_average_pool", "adaptive_max_pool"):
        yield op, lambda s: (s.x, 3)
        yield op, lambda s: (s.y, 2)
    yield "max_pool", lambda s: (s.whole, 2, 1)
    yield "average_pool", lambda s: (s.whole, 2)


def _conv(
    s: Sample, padding: str, numbers: tuple[int, int], dilation_rate: int = 1
) -> tuple[Any, ...]:
    taps, strides = numbers
    return (s.y, s.floats(1, taps, FEATURES, 3), strides, padding, dilation_rate)


def _transpose(padding: str, more: int | None, numbers: tuple[int, int], s: Sample) -> Any:
    taps, strides = numbers
    return (s.y, s.floats(1, taps, 3, FEATURES), strides, padding, more)


def _pool(s: Sample, options: tuple[Any, ...]) -> tuple[Any, ...]:
    return (s.y, *options)
