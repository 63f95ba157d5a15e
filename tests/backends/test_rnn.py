"""The recurrent kernel: a masked step does not exist, and Keras says what a step is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from maskgraph.backend import Backend
from maskgraph.backend.recurrent import Cell

BATCH, STEPS, FEATURES, UNITS = 4, 5, 3, 2
MASK = np.array(
    [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0]], bool
)  # whole, left-padded, with a hole, empty

# (cell, gates, states, reset_after)
CELLS = [("simple", 1, 1, True), ("lstm", 4, 2, True), ("gru", 3, 1, True), ("gru", 3, 1, False)]
cells = pytest.mark.parametrize(("cell", "gates", "states", "reset_after"), CELLS)
backwards = pytest.mark.parametrize("go_backwards", [False, True])


def _weights(cell: str, gates: int, reset_after: bool) -> list[np.ndarray]:
    """Kernel, recurrent kernel and bias."""
    rng = np.random.default_rng(2)
    rows = (2,) if cell == "gru" and reset_after else ()
    shapes = [(FEATURES, gates * UNITS), (UNITS, gates * UNITS), (*rows, gates * UNITS)]
    return [rng.normal(size=shape) for shape in shapes]


def _data(states: int) -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(BATCH, STEPS, FEATURES)), [
        rng.normal(size=(BATCH, UNITS)) for _ in range(states)
    ]


def _run(
    backend: Backend,
    x: Any,
    mask: np.ndarray | None,
    initial: list[Any],
    weights: list[Any],
    cell: str,
    go_backwards: bool,
    reset_after: bool,
) -> list[Any]:
    native = [None if a is None else backend.asarray(a) for a in (x, mask, *weights)]
    x, mask, kernel, recurrent, bias = native
    initial = [None if s is None else backend.asarray(s) for s in initial]
    return list(
        backend.rnn(
            x, mask, initial, kernel, recurrent, bias,
            Cell(cell, reset_after=reset_after), go_backwards,
        )
    )  # fmt: skip


@pytest.fixture(params=[False, True], ids=["framework", "numpy"])
def any_backend(request: pytest.FixtureRequest, backend: Backend, reference: Backend) -> Backend:
    return reference if request.param else backend


@cells
@backwards
def test_each_row_is_what_it_is_alone(
    any_backend: Backend,
    cell: str,
    gates: int,
    states: int,
    reset_after: bool,
    go_backwards: bool,
) -> None:
    b, weights = any_backend, _weights(cell, gates, reset_after)
    x, initial = _data(states)
    dirty = np.where(MASK[..., None], x, 1e3)  # finite, but wrong
    how = (weights, cell, go_backwards, reset_after)
    out, *final = map(b.to_numpy, _run(b, dirty, MASK, initial, *how))
    assert out.shape == (BATCH, STEPS, UNITS)
    computed = MASK[:, ::-1] if go_backwards else MASK
    for row in range(BATCH):
        start = [s[row : row + 1] for s in initial]
        alone = _run(b, x[row : row + 1, MASK[row]], None, start, *how)
        right, *right_final = map(b.to_numpy, alone)
        np.testing.assert_allclose(out[row, computed[row]], right[0], rtol=1e-9)
        for state, right_state in zip(final, right_final, strict=True):
            np.testing.assert_allclose(state[row], right_state[0], rtol=1e-9)
    for state, first in zip(final, initial, strict=True):  # the empty row keeps its state
        np.testing.assert_array_equal(state[3], first[3])


@cells
@backwards
def test_frameworks_equal_numpy(
    backend: Backend,
    reference: Backend,
    cell: str,
    gates: int,
    states: int,
    reset_after: bool,
    go_backwards: bool,
) -> None:
    x, _ = _data(states)
    weights = _weights(cell, gates, reset_after)
    for bias in (weights[2], None):
        how = (MASK, [None] * states, [*weights[:2], bias], cell, go_backwards, reset_after)
        for a, e in zip(_run(backend, x, *how), _run(reference, x, *how), strict=True):
            np.testing.assert_allclose(backend.to_numpy(a), e, rtol=1e-9)


@cells
def test_gradients_ignore_the_padding(
    backend: Backend, cell: str, gates: int, states: int, reset_after: bool
) -> None:
    """The gradient of a batch is the sum over its rows alone, whatever stands in the padding."""
    x, initial = _data(states)
    weights = _weights(cell, gates, reset_after)

    def gradients(x: np.ndarray, mask: np.ndarray | None, first: list[Any]) -> list[np.ndarray]:
        def loss(arrays: list[Any]) -> Any:
            out, *final = _run(
                backend, arrays[0], mask, first, arrays[1:], cell, False, reset_after
            )
            out = out if mask is None else backend.select_valid(out, backend.asarray(mask), 0)
            total = backend.sum(backend.square(out), (0, 1, 2), False)
            for state in final:
                total = backend.add(total, backend.sum(state, (0, 1), False))
            return total

        native = [backend.asarray(a) for a in (x, *weights)]
        return [backend.to_numpy(g) for g in backend.gradients(loss, native)]

    dirty = np.where(MASK[..., None], x, 1e3)
    of_x, *of_weights = gradients(dirty, MASK, initial)
    assert (of_x[~MASK] == 0).all()
    sums = [np.zeros_like(w) for w in weights]
    for row in range(BATCH):
        alone = gradients(x[row : row + 1, MASK[row]], None, [s[row : row + 1] for s in initial])
        np.testing.assert_allclose(of_x[row, MASK[row]], alone[0][0], rtol=1e-8)
        sums = [a + b for a, b in zip(sums, alone[1:], strict=True)]
    for gradient, right in zip(of_weights, sums, strict=True):
        np.testing.assert_allclose(gradient, right, rtol=1e-8)


@cells
@backwards
def test_equals_keras(
    any_backend: Backend,
    cell: str,
    gates: int,
    states: int,
    reset_after: bool,
    go_backwards: bool,
) -> None:
    keras = pytest.importorskip("keras")
    x, initial = _data(states)
    weights = _weights(cell, gates, reset_after)
    name = {"simple": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]
    options = {"reset_after": reset_after} if cell == "gru" else {}
    layer = getattr(keras.layers, name)(
        UNITS, return_sequences=True, return_state=True, go_backwards=go_backwards, **options
    )
    layer.build((None, STEPS, FEATURES))
    layer.set_weights(weights)
    expected = layer(x.astype("float32"), initial_state=[s.astype("float32") for s in initial])
    how = (weights, cell, go_backwards, reset_after)
    for a, e in zip(_run(any_backend, x, None, initial, *how), expected, strict=True):
        right = keras.ops.convert_to_numpy(e)
        np.testing.assert_allclose(any_backend.to_numpy(a), right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 0, FEATURES), (0, 3, FEATURES)])
def test_nothing_to_run_over(any_backend: Backend, shape: tuple[int, ...]) -> None:
    x, mask = np.zeros(shape), np.zeros(shape[:2], bool)
    how = (_weights("lstm", 4, True), "lstm", False, True)
    out, h, c = _run(any_backend, x, mask, [None, None], *how)
    assert any_backend.shape(out) == (*shape[:2], UNITS)
    assert any_backend.shape(h) == any_backend.shape(c) == (shape[0], UNITS)
