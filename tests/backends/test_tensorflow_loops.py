"""Recurrent layers on TensorFlow, in a loop that XLA compiles: as op by op, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from maskgraph.backend import Backend, load
from maskgraph.backend.packing import Packing

tf = pytest.importorskip("tensorflow")
from maskgraph_tensorflow import loops, recurrent  # noqa: E402

BATCH, TIME, FEATURES, UNITS = 5, 9, 3, 2
RNG = np.random.default_rng(0)
RIGHT = np.arange(TIME) < np.array([[6], [9], [0], [2], [3]])
MASKS = {
    "none": None,
    "holes": RIGHT & (RNG.random(RIGHT.shape) < 0.7),
    "all": np.ones_like(RIGHT),
}
GATES = {"simple": 1, "lstm": 4, "gru": 3}
kinds = pytest.mark.parametrize(
    ("cell", "biased"), [("simple", True), ("lstm", True), ("gru", True), ("gru", False)]
)
backwards = pytest.mark.parametrize("go_backwards", [False, True], ids=["forwards", "backwards"])


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let short loops be compiled, too, made a little longer; return what was."""
    seen = []

    def run(*args: Any) -> Any:
        seen.append(args)
        return loops.run(*args)

    monkeypatch.setattr(recurrent, "_LONG", 4)
    monkeypatch.setattr(recurrent, "run", run)
    return seen


def given(cell: str, biased: bool) -> tuple[list[Any], list[Any]]:
    """Initial states and weights."""
    rng, width = np.random.default_rng(1), GATES[cell] * UNITS
    rows = (2, width) if cell == "gru" else (width,)
    states = [tf.constant(rng.normal(size=(BATCH, UNITS))) for _ in range(1 + (cell == "lstm"))]
    shapes = [(FEATURES, width), (UNITS, width), *([rows] if biased else [])]
    return states, [tf.constant(rng.normal(size=shape)) for shape in shapes]


def outcome(function: Any, cell: str, states: Any, weights: Any, x: Any, how: Any) -> list[Any]:
    """Return results and gradients."""
    watched = [x, *states, *weights]
    rng = np.random.default_rng(2)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        bias = weights[2] if len(weights) == 3 else None
        results = function(
            x, how[0], states, *weights[:2], bias, cell, "tanh", "sigmoid", how[1], True
        )
        loss = sum(tf.reduce_sum(r * r * rng.normal(size=r.shape)) for r in results)
    return [*results, *map(tf.convert_to_tensor, tape.gradient(loss, watched))]


@kinds
@backwards
@pytest.mark.parametrize("mask", ["none", "holes"])
def test_padded(
    compiled: list[Any], cell: str, biased: bool, go_backwards: bool, mask: str
) -> None:
    on, exists = load("tensorflow"), MASKS[mask]
    states, weights = given(cell, biased)
    x = tf.constant(RNG.normal(size=(BATCH, TIME, FEATURES)))
    how = (None if exists is None else tf.constant(exists), go_backwards)
    found = outcome(on.rnn, cell, states, weights, x, how)
    assert len(compiled) == 1
    expected = outcome(lambda *a: Backend.rnn(on, *a), cell, states, weights, x, how)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@kinds
@backwards
@pytest.mark.parametrize("mask", ["holes", "all"])
def test_packed(
    compiled: list[Any], cell: str, biased: bool, go_backwards: bool, mask: str
) -> None:
    on, packing = load("tensorflow"), Packing(MASKS[mask], 1e6, True)
    states, weights = given(cell, biased)
    x = tf.constant(RNG.normal(size=(1, packing.slots, FEATURES)))
    valid = np.ones(packing.slots) if packing.valid is None else packing.valid.astype("float64")

    def shown(function: Any) -> Any:
        def run(*args: Any) -> Any:
            first, *rest = function(*args)
            return [first * valid[:, None], *rest]  # whatever is finite may stand elsewhere

        return run

    how = (packing, go_backwards)
    found = outcome(shown(on.packed_rnn), cell, states, weights, x, how)
    assert len(compiled) == 1
    stepwise = shown(lambda *a: Backend.packed_rnn(on, *a))
    expected = outcome(stepwise, cell, states, weights, x, how)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_short_loops_and_traced_ones_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> Any:
        raise AssertionError("compiled")

    monkeypatch.setattr(recurrent, "run", refuse)
    on, (states, weights) = load("tensorflow"), given("lstm", True)
    short, long = (tf.ones((BATCH, time, FEATURES), tf.float64) for time in (9, 40))
    rest = ("lstm", "tanh", "sigmoid", False, True)
    on.rnn(short, None, states, *weights, *rest)
    tf.function(lambda x: on.rnn(x, None, states, *weights, *rest)[0])(long)
    with pytest.raises(AssertionError, match="compiled"):
        on.rnn(long, None, states, *weights, *rest)
