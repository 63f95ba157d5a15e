"""The rows of the table of ops that are about normalization: along features, and along time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from maskgraph.testing.op_sample import FEATURES, Sample

Row = tuple[str, Callable[[Sample], tuple[Any, ...]]]


def normalization_rows() -> Iterator[Row]:
    """Yield ops and functions that make their arguments."""
    yield "layer_norm", lambda s: (s.x, s.scale, s.floats(11, FEATURES))
    yield "layer_norm", lambda s: (s.x, None, s.floats(11, FEATURES), -1, 0.1)
    yield "layer_norm", lambda s: (s.grid, s.floats(11, 2, 3), s.floats(12, 2, 3), (-2, -1))
    yield "layer_norm", lambda s: (s.grid, s.floats(11, 2), s.floats(12, 2), 2)
    yield "layer_norm", lambda s: (s.x, s.floats(11, s.time), s.floats(12, s.time), 1)
    yield "layer_norm", lambda s: (s.x, None, None, (1, 2))
    yield "rms_norm", lambda s: (s.x, s.scale)
    yield "rms_norm", lambda s: (s.grid, s.floats(11, 2, 3), (2, 3), 0.1)
    yield "rms_norm", lambda s: (s.grid, s.floats(11, 2), 2)
    yield "rms_norm", lambda s: (s.x, s.floats(11, s.time, FEATURES), (1, 2))
    yield "rms_norm", lambda s: (s.x, None, 1)
