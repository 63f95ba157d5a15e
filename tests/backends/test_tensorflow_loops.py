"""Recurrent layers on TensorFlow, in one loop with a gradient of its own: as step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.backend import Backend, load
from maskgraph.backend import lanes as lanes_module
from maskgraph.backend.recurrent import Cell

tf = pytest.importorskip("tensorflow")

BATCH, TIME, FEATURES, UNITS = 5, 9, 3, 2
RNG = np.random.default_rng(0)
RIGHT = np.arange(TIME) < np.array([[6], [9], [0], [2], [3]])
HOLES = RIGHT & (RNG.random(RIGHT.shape) < 0.7)
GATES = {"simple": 1, "lstm": 4, "gru": 3}
kinds = pytest.mark.parametrize(
    ("cell", "biased"), [("simple", True), ("lstm", True), ("gru", True), ("gru", False)]
)
backwards = pytest.mark.parametrize("go_backwards", [False, True], ids=["forwards", "backwards"])


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
        results = function(x, how[0], states, *weights[:2], bias, Cell(cell), how[1])
        loss = sum(tf.reduce_sum(r * r * rng.normal(size=r.shape)) for r in results)
    return [*results, *map(tf.convert_to_tensor, tape.gradient(loss, watched))]


def assert_close(found: list[Any], expected: list[Any]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


@kinds
@backwards
@pytest.mark.parametrize("mask", [None, HOLES], ids=["no mask", "holes"])
def test_padded(cell: str, biased: bool, go_backwards: bool, mask: Any) -> None:
    on = load("tensorflow")
    states, weights = given(cell, biased)
    x = tf.constant(RNG.normal(size=(BATCH, TIME, FEATURES)))
    how = (None if mask is None else tf.constant(mask), go_backwards)
    found = outcome(on.rnn, cell, states, weights, x, how)
    expected = outcome(lambda *a: Backend.rnn(on, *a), cell, states, weights, x, how)
    assert_close(found, expected)


@kinds
@backwards
def test_in_lanes_compiled(
    monkeypatch: pytest.MonkeyPatch, cell: str, biased: bool, go_backwards: bool
) -> None:
    monkeypatch.setattr(lanes_module, "_FEWEST_SLOTS", 1)
    on = load("tensorflow")
    lanes = on.new_packing(HOLES, 1.0, False)
    assert lanes.lanes < BATCH  # several sequences to a lane
    states, weights = given(cell, biased)
    x = tf.constant(RNG.normal(size=(BATCH, TIME, FEATURES)))

    def packed(x: Any, mask: Any, *rest: Any) -> Any:
        shown, *final = on.packed_rnn(on.pack(x, lanes), lanes, *rest)
        shown = on.unpack(shown, lanes, None)
        return (tf.reverse(shown, (1,)) if go_backwards else shown, *final)

    def padded(x: Any, *rest: Any) -> Any:
        shown, *final = Backend.rnn(on, x, *rest)
        valid = HOLES[:, ::-1] if go_backwards else HOLES
        return (tf.where(valid[..., None], shown, tf.zeros_like(shown)), *final)

    compiled = tf.function(
        lambda: outcome(packed, cell, states, weights, x, (None, go_backwards)), jit_compile=True
    )
    how = (tf.constant(HOLES), go_backwards)
    assert_close(compiled(), outcome(padded, cell, states, weights, x, how))


@backwards
@pytest.mark.parametrize("layout", ["padded", "packed"])
def test_any_cell(go_backwards: bool, layout: str) -> None:
    """A loop over a user's cell, with a state that is no float beside one that is."""
    x = mg.Input((None, FEATURES), masked=True)
    cell = layers.RNN(_Counting(UNITS), return_sequences=True, go_backwards=go_backwards)
    model = mg.Model(x, cell(x), seed=0)
    data = mg.MaskedTensor(RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32"), HOLES)
    parity = mg.testing.check_parity(model, data, ["tensorflow"], gradients=True, tolerance=1e-5)
    assert parity.ok, parity
    found = model.predict(data, backend="tensorflow", layout=layout)
    expected = model.predict(data, backend="numpy", layout="padded")
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


class _Counting(layers.Layer):
    """A sum of what was seen, and how often there was something to see."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        total = states[0] + mg.ops.tanh(mg.ops.matmul(inputs, self.kernel))
        count = states[1] + 1
        return total / count, [total, count]


def test_lanes_hold_the_backends_own_tensors() -> None:
    lanes = load("tensorflow").new_packing(HOLES, 1.0, False)
    assert isinstance(lanes, lanes_module.Lanes)
    assert isinstance(lanes.row, tf.Tensor)
