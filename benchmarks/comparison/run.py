"""Run every case in this process, on one backend."""

from __future__ import annotations

import importlib
import io
import logging
import platform
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from typing import Any

import numpy as np

from benchmarks.comparison.case import CASES, Case
from benchmarks.comparison.gradients import NoGradientsError
from benchmarks.comparison.sides import KerasSide, MaskgraphSide
from benchmarks.comparison.verdict import (
    ABSENT,
    RAISES,
    RIGHT,
    TOLERANCE,
    Verdict,
    absent,
    attempt,
    distance,
    figure,
    wrong,
)

THEMES = (
    "lost", "lost_layers", "lost_saving", "lost_custom",
    "seen", "seen_meeting", "seen_losses", "padding",
    "empty",
    "told", "told_ragged", "told_custom",
)  # fmt: skip


def all_cases() -> list[Case]:
    """Return every case, in the order of the rows."""
    for theme in THEMES:
        importlib.import_module(f"benchmarks.comparison.cases.{theme}")
    return sorted(CASES, key=lambda c: (c.row, c.id))


def run_maskgraph(case: Case, backend: str) -> Verdict:
    """Run a case's experiment with maskgraph."""
    side = MaskgraphSide(backend)
    with side.k.use_backend(backend, "cpu"):
        return attempt(partial(_without_gradients, case.maskgraph, side))


def run_keras(case: Case) -> Verdict:
    """Run a case's experiment with Keras, on the backend that KERAS_BACKEND names."""
    if case.keras is None:
        return absent(case.keras_lacks)
    side = KerasSide()
    side.k.utils.set_random_seed(0)
    return attempt(partial(_without_gradients, case.keras, side))


def _without_gradients(experiment: Any, side: Any) -> Verdict:
    try:
        return experiment(side)
    except NoGradientsError:
        return absent("no gradients")


def run_all(backend: str) -> dict[str, Any]:
    """Return the verdicts of Keras and maskgraph on a backend, and of PyTorch by hand if it is
    that framework's process, as plain data."""
    logging.disable(logging.ERROR)
    keras: dict[str, Any] = {}
    maskgraph: dict[str, Any] = {}
    pytorch: dict[str, Any] = {}
    compared = 0
    for case in all_cases():
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            np.random.seed(0)
            theirs, ours = run_keras(case), run_maskgraph(case, backend)
            same = agreeing(ours, theirs)
            compared += same is not None
            ours = same or ours
            if backend == "torch" and case.pytorch is not None:
                pytorch[case.id] = _plain(attempt(case.pytorch))
        keras[case.id], maskgraph[case.id] = _plain(theirs), _plain(ours)
    return {
        "backend": backend,
        "versions": dict(_versions(backend)),
        "compared": compared,
        "keras": keras,
        "maskgraph": maskgraph,
        "pytorch": pytorch,
    }


def agreeing(ours: Verdict, theirs: Verdict) -> Verdict | None:
    """Return maskgraph's verdict, or that it gives something else than Keras with the same
    weights: for each sequence alone, and in the batch where Keras is right. None if there is
    nothing to compare."""
    if ours.status != RIGHT or theirs.status in (ABSENT, RAISES):
        return None
    pairs = [(ours.alone, theirs.alone)]
    if theirs.status == RIGHT:
        pairs.append((ours.found, theirs.found))
    pairs = [(mine, other) for mine, other in pairs if len(mine) and len(other)]
    if not pairs:
        return None
    gap = max(map(_apart, pairs))
    return wrong(f"differs from Keras by {figure(gap)}") if gap > TOLERANCE else ours


def _apart(pair: Any) -> float:
    mine, other = pair
    return max(map(distance, mine, other)) if len(mine) == len(other) else np.inf


def _plain(verdict: Verdict) -> dict[str, str]:
    return {"status": verdict.status, "text": verdict.text}


def _versions(backend: str) -> Iterator[tuple[str, str]]:
    import keras

    import maskgraph

    yield "Python", platform.python_version()
    yield "NumPy", np.__version__
    yield "Keras", keras.__version__
    yield "maskgraph", maskgraph.__version__
    if backend != "numpy":
        module = importlib.import_module(backend)
        yield (
            {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}[backend],
            str(module.__version__),
        )
