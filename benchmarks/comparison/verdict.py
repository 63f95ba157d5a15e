"""What an experiment found: computed from numbers, never written by hand."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

TOLERANCE = 1e-5

RIGHT, WRONG, RAISES, ABSENT = "right", "wrong", "raises", "absent"


@dataclass(frozen=True)
class Verdict:
    """The result of one experiment.

    Attributes:
        status: "right", "wrong", "raises", or "absent" if it could not be run.
        text: what was found, with a figure.
        alone: what each sequence gives alone, for comparison with another library.
        found: what they give in the padded batch.
    """

    status: str
    text: str
    alone: Sequence[np.ndarray] = field(default=(), compare=False, repr=False)
    found: Sequence[np.ndarray] = field(default=(), compare=False, repr=False)

    def noting(self, note: str) -> Verdict:
        return replace(self, text=f"{self.text}, {note}")

    def with_arrays(self, alone: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> Verdict:
        return replace(self, alone=alone, found=found)


def right(text: str = "") -> Verdict:
    return Verdict(RIGHT, f"right, {text}" if text else "right")


def wrong(text: str) -> Verdict:
    return Verdict(WRONG, text)


def absent(text: str) -> Verdict:
    """The verdict on what cannot be run here."""
    return Verdict(ABSENT, text)


def distance(found: Any, expected: Any) -> float:
    """Return the largest difference, relative for numbers above 1; infinite for NaN and for
    shapes that differ."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if found.shape != expected.shape:
        return math.inf
    if not found.size:
        return 0.0
    with np.errstate(invalid="ignore"):
        worst = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    worst = np.where(found == expected, 0, worst)  # infinities that agree
    return float(np.nan_to_num(worst, nan=math.inf).max())


def close(found: Any, expected: Any, fault: str = "off by") -> Verdict:
    """Return whether a result is what it should be, and how far it is from it."""
    if np.shape(found) != np.shape(expected):
        return wrong(f"shape {np.shape(found)}, not {np.shape(expected)}")
    gap = distance(found, expected)
    if gap <= TOLERANCE:
        return right(bound(gap))
    if np.isnan(np.asarray(found, np.float64)).any():
        return wrong("NaN")
    return wrong(f"{fault} {figure(gap)}")


def bound(gap: float) -> str:
    """Return the power of ten that a small difference stays below."""
    if gap == 0:
        return "exactly"
    return f"< 1e{math.floor(math.log10(gap)) + 1}"


def figure(x: float) -> str:
    """Return a number with two significant digits."""
    if not math.isfinite(x) or not 1e-4 <= abs(x) < 1e6:
        return "infinite" if math.isinf(x) else f"{x:.1g}"
    return f"{float(f'{x:.2g}'):g}"


def refused(run: Callable[[], Any], expected: type[Exception] = Exception) -> Verdict:
    """Return whether something that is wrong is refused, with an error of the library's own."""
    try:
        run()
    except expected as error:
        return right(f"refused: {told(error)}")
    return wrong("accepted in silence")


def told(error: BaseException) -> str:
    """Return an error as "ValueError: its first line", without names that vary between runs."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered"):  # Keras's wrapping
        lines = lines[1:]
    text = re.sub(r"_\d+\b|0x[0-9a-f]+|/\S+/", "", lines[0] if lines else "")
    text = re.sub(r"\x1b\[[0-9;]*m|\{\{.*?\}\}|\s*\[Op:\w+\] name:.*", "", text).strip()
    if len(text) > 90:
        text = text[:87].rstrip() + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def attempt(experiment: Callable[[], Verdict]) -> Verdict:
    """Run an experiment. An error is a result; a fault that the library warned of says so."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            verdict = experiment()
        except Exception as error:
            return Verdict(RAISES, f"raises {told(error)}")
    warned = any("mask" in str(w.message).lower() for w in caught)
    return verdict.noting("with a warning") if warned and verdict.status == WRONG else verdict
