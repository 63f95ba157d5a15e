"""The rows of the table of ops that are about attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from maskgraph.testing.op_sample import Masked, Sample

_SIZES = (4, 3), (2, 3), (2, 2)
"""Four heads of queries, two of keys and values."""


def attention_rows() -> Iterator[tuple[str, Callable[[Sample], tuple[Any, ...]]]]:
    """Yield the op, and functions that make its arguments of a sample."""
    kinds: tuple[Callable[[Sample], tuple[Any, ...]], ...] = (
        lambda s: (*_masked(s),),
        lambda s: (*_masked(s), None, True, None, 0.5),
        lambda s: (*_masked(s), None, False, 2),
        lambda s: (*_masked(s, other=True), None, True, None, 0.5),
        lambda s: (*_masked(s, other=True), _allowed(s, 4), True, 2, 0.5),
        lambda s: (_masked(s)[0], _plain(s)[1], _masked(s)[2], _allowed(s, 1), True),
        lambda s: (_masked(s)[0], *_plain(s)[1:], None, True),
        lambda s: (_plain(s)[0], *_masked(s)[1:], None, False, 1),
        lambda s: (*_plain(s), None, True, None, 0.5),
        lambda s: (*_plain(s), None, True, 2),
        lambda s: (*_plain(s), _allowed(s, 1), True),
    )
    for make in kinds:
        yield "attention", make


def _plain(s: Sample) -> list[np.ndarray]:
    return [s.plain(40 + i, *size) for i, size in enumerate(_SIZES)]


def _masked(s: Sample, other: bool = False) -> list[Masked]:
    """Return query, key and value; the latter two with another mask, if `other`."""
    return [s.masked(x, other and i > 0) for i, x in enumerate(_plain(s))]


def _allowed(s: Sample, heads: int) -> np.ndarray:
    """Return where queries may look, (batch, heads, time, time)."""
    return s.plain(50, 4, heads)[:, :, : s.time].transpose(0, 3, 1, 2) > -0.5
