"""Where in the user's code a node was made, for findings and error notes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

_PACKAGE = str(Path(__file__).parent.parent) + os.sep


class Location(NamedTuple):
    """A file and a line of the user's code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


_known: dict[tuple[str, int], Location] = {}
"""One object a line, which many nodes share: a loop makes thousands of nodes from one."""


def caller(inside: int = 1) -> Location | None:
    """Return the innermost frame outside maskgraph; None if there is none.

    Args:
        inside: how many frames, beside this function's, are known to be maskgraph's own.
    """
    frame = sys._getframe(inside)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(_PACKAGE):
            place = file, frame.f_lineno
            return _known.get(place) or _known.setdefault(place, Location(*place))
        frame = frame.f_back  # type: ignore[assignment]
    return None
