"""Recurrent kernels on packed batches: each sequence is what it is alone."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

import maskgraph_jax
import maskgraph_numpy
import maskgraph_tensorflow
import maskgraph_torch
from maskgraph import ops
from maskgraph.backend import Backend
from maskgraph.backend.packed_recurrent import loop_order
from maskgraph.backend.packing import Packing
from maskgraph.backend.recurrent import Cell
from maskgraph.graph import Spec, source
from maskgraph.plan import StepBody

FEATURES, UNITS = 3, 2
RNG = np.random.default_rng(5)
NUMPY = maskgraph_numpy.plugin.load()("cpu")
PLUGINS = {
    module.plugin.name: module.plugin
    for module in (maskgraph_numpy, maskgraph_torch, maskgraph_tensorflow, maskgraph_jax)
}

RIGHT = np.arange(7) < np.array([[5], [7], [2], [2], [6]])
MASKS = {
    "right": RIGHT,
    "left": RIGHT[:, ::-1],
    "holes": (RNG.random((5, 7)) < 0.6) & (np.arange(5) != 2)[:, None],
    "an empty row": RIGHT & (np.arange(5) != 1)[:, None],
    "one row": RIGHT[:1],
    "one step": np.array([[False, False], [False, True]]),
    "all": np.ones((3, 4), bool),
    "many": np.arange(50) < (51 * np.linspace(0, 1, 40)[:, None] ** 2),
}


class Kind(NamedTuple):
    """A cell, and how many gates and states it has."""

    cell: Cell
    gates: int
    states: int

    @property
    def weights(self) -> list[np.ndarray]:
        """Kernel, recurrent kernel and bias."""
        rng = np.random.default_rng(2)
        rows = (2,) if self.cell.kind == "gru" and self.cell.reset_after else ()
        width = self.gates * UNITS
        return [rng.normal(size=s) for s in ((FEATURES, width), (UNITS, width), (*rows, width))]


KINDS = [
    Kind(Cell("simple"), 1, 1),
    Kind(Cell("simple", "relu"), 1, 1),
    Kind(Cell("simple", "softsign"), 1, 1),
    Kind(Cell("lstm"), 4, 2),
    Kind(Cell("lstm", "relu", "hard_sigmoid"), 4, 2),
    Kind(Cell("gru"), 3, 1),
    Kind(Cell("gru", "relu"), 3, 1),
    Kind(Cell("gru", reset_after=False), 3, 1),
]
LSTM = Kind(Cell("lstm"), 4, 2)
USUAL = [k for k in KINDS if k.cell.reset_after and k.cell.activation == "tanh"]
kinds = pytest.mark.parametrize(
    "kind", KINDS, ids=lambda k: "-".join(map(str, vars(k.cell).values()))
)
backwards = pytest.mark.parametrize("go_backwards", [False, True], ids=["forwards", "backwards"])
CLOSE = {"float32": 1e-5, "float64": 1e-10}


@pytest.fixture(scope="module", params=PLUGINS)
def any_backend(request: pytest.FixtureRequest) -> Backend:
    plugin = PLUGINS[request.param]
    if plugin.missing():
        pytest.skip(f"{plugin.framework} is not installed")
    return plugin.load()("cpu")


# -- data, in slots ------------------------------------------------------------------------------


@cache
def _data(mask_name: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Steps of a rectangle, and a state for each of its rows, twice."""
    rng = np.random.default_rng(3)
    batch, time = MASKS[mask_name].shape
    return rng.normal(size=(batch, time, FEATURES)), list(rng.normal(size=(2, batch, UNITS)))


def _cases(backend: Backend, dtypes: tuple[str, ...]) -> list[tuple[str, Packing, str]]:
    """Masks in few blocks and in many, with their holes and without, and the dtypes of data. JAX
    compiles each case anew, and has two."""
    if backend.name == "jax":
        chosen, dtypes = [("holes", 1e6, True), ("many", 0.0, False)], dtypes[-1:]
    else:
        chosen = list(product(MASKS, (0.0, 1e6), (False, True)))
        chosen = [c for c in chosen if c[0] != "many" or c[1:] == (0.0, False)]
    new = backend.new_packing
    return [(name, new(MASKS[name], *how), kind) for name, *how in chosen for kind in dtypes]


def _in_slots(x: np.ndarray, packing: Packing) -> np.ndarray:
    """Return a rectangle in slots, (1, slots, …); those without a step hold something wrong."""
    flat = x.reshape(-1, *x.shape[2:])
    flat = flat if packing.index is None else flat[packing.index]
    if packing.valid is not None:
        flat = np.where(packing.valid[:, None], flat, 1e3)
    return flat[None]


def _steps(packing: Packing, row: int) -> np.ndarray:
    """Return the slots of the steps of a row, in order."""
    valid = np.ones(packing.slots, bool) if packing.valid is None else packing.valid
    return np.flatnonzero(valid & (packing.row == row))


# -- outputs and states --------------------------------------------------------------------------


@cache
def _alone(
    kind: Kind, mask_name: str, go_backwards: bool, initial: bool, biased: bool
) -> list[list[np.ndarray]]:
    """Return outputs and final states of each row, without its padding, in float64."""
    x, states = _data(mask_name)
    kernel, recurrent, bias = kind.weights
    results = []
    for row, exists in enumerate(MASKS[mask_name]):
        first = [s[row : row + 1] if initial else None for s in states[: kind.states]]
        result = NUMPY.rnn(
            x[row : row + 1, exists], None, first, kernel, recurrent, bias if biased else None,
            kind.cell, go_backwards,
        )  # fmt: skip
        out, *final = (a[0] for a in result)
        results.append([out[::-1] if go_backwards else out, *final])
    return results


def _assert_alone(
    found: list[np.ndarray], expected: list[list[np.ndarray]], packing: Packing, close: float
) -> None:
    assert np.isfinite(found[0]).all()
    for row, (right, *right_final) in enumerate(expected):
        steps = found[0][0, _steps(packing, row)]
        np.testing.assert_allclose(steps, right, rtol=close, atol=close)
        for state, right_state in zip(found[1:], right_final, strict=True):
            np.testing.assert_allclose(state[row], right_state, rtol=close, atol=close)


@kinds
@backwards
def test_each_sequence_is_what_it_is_alone(
    any_backend: Backend, kind: Kind, go_backwards: bool
) -> None:
    b = any_backend
    for name, packing, dtype in _cases(b, ("float32", "float64")):
        kernel, recurrent, bias = (b.asarray(w, dtype) for w in kind.weights)
        x, states = _data(name)
        slots = b.asarray(_in_slots(x, packing), dtype)
        given = [b.asarray(s, dtype) for s in states[: kind.states]]
        for initial, biased in ((True, True), (False, False)):
            first = given if initial else [None] * kind.states
            found = b.packed_rnn(
                slots, packing, first, kernel, recurrent, bias if biased else None,
                kind.cell, go_backwards,
            )  # fmt: skip
            assert b.shape(found[0]) == (1, packing.slots, UNITS)
            assert {b.dtype(a) for a in found} == {dtype}
            expected = _alone(kind, name, go_backwards, initial, biased)
            _assert_alone([b.to_numpy(a) for a in found], expected, packing, CLOSE[dtype])


@backwards
def test_what_an_lstm_shows_without_its_cell_state(
    any_backend: Backend, go_backwards: bool
) -> None:
    """Without gradients, for which a backend may take another way."""
    b, kind = any_backend, LSTM
    for name, packing, dtype in _cases(b, ("float32", "float64")):
        *weights, bias = (b.asarray(w, dtype) for w in kind.weights)
        x, states = _data(name)
        slots = b.asarray(_in_slots(x, packing), dtype)
        for initial, biased in ((True, True), (False, False), (False, True)):
            first = [b.asarray(s, dtype) if initial else None for s in states]
            with b.running():
                found = b.packed_rnn_shown(
                    slots, packing, first, *weights, bias if biased else None,
                    kind.cell, go_backwards,
                )  # fmt: skip
            assert len(found) == 2
            expected = [e[:2] for e in _alone(kind, name, go_backwards, initial, biased)]
            _assert_alone([b.to_numpy(a) for a in found], expected, packing, CLOSE[dtype])


@backwards
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_not_shown_by_other_sequences(
    go_backwards: bool, number: float
) -> None:
    """Though they lie in one row with that which has it."""
    b, packing = PLUGINS["torch"].load()("cpu"), Packing(MASKS["many"])
    x, _ = _data("many")
    x = x.copy()
    x[20, 3] = number
    expected = _alone(LSTM, "many", go_backwards, False, True)
    slots, *weights = (b.asarray(a, "float32") for a in (_in_slots(x, packing), *LSTM.weights))
    with b.running():
        out, last = b.packed_rnn_shown(
            slots, packing, [None, None], *weights, LSTM.cell, go_backwards
        )
    for row, (right, right_last, _) in enumerate(expected):
        if row != 20:
            steps = out[0, _steps(packing, row)]
            np.testing.assert_allclose(steps, right, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(last[row], right_last, rtol=1e-5, atol=1e-5)


def _slopes(run: Any, packing: Packing, go_backwards: bool, wrong: int | None) -> list[np.ndarray]:
    """Return the gradients for steps and weights of an LSTM on PyTorch; the slope of what row
    `wrong` shows is no number."""
    x, _ = _data("many")
    torch = pytest.importorskip("torch")
    arrays = [torch.tensor(a).requires_grad_() for a in (_in_slots(x, packing), *LSTM.weights)]
    slots, *weights = arrays
    out, last = run(slots, packing, [None, None], *weights, LSTM.cell, go_backwards)[:2]
    rng = np.random.default_rng(7)
    of_out, of_last = (torch.tensor(rng.normal(size=s.shape)) for s in (out, last))
    if packing.valid is not None:
        of_out[:, ~packing.valid] = 0
    if wrong is not None:
        of_last[wrong] = np.nan
    return [g.numpy() for g in torch.autograd.grad([out, last], arrays, [of_out, of_last])]


@backwards
@pytest.mark.parametrize("wrong", [None, 20])
def test_torch_goes_back_end_to_end(go_backwards: bool, wrong: int | None) -> None:
    """A slope that is no number goes to its own sequence, and to the weights."""
    b, packing = PLUGINS["torch"].load()("cpu"), Packing(MASKS["many"], 1e6)
    runs = (b.packed_rnn, b.packed_rnn_shown)
    found = [_slopes(run, packing, go_backwards, wrong) for run in runs]
    for right, slope in zip(*found, strict=True):
        np.testing.assert_allclose(slope, right, rtol=1e-9, atol=1e-11)
    others = np.concatenate([_steps(packing, row) for row in range(40) if row != 20])
    assert np.isfinite(found[1][0][0, others]).all()


# -- any step ------------------------------------------------------------------------------------


def _body(dtype: str) -> StepBody:
    """A step with a state of rank 2 that is shown twice its size, and one that counts."""
    x = source("input", "x", Spec((None, FEATURES), dtype))
    states = [
        source("input", "h", Spec((None, UNITS), dtype)),
        source("input", "n", Spec((None,), "int32")),
    ]
    kernel = source("input", "kernel", Spec((FEATURES, UNITS), dtype))
    h = ops.tanh(ops.matmul(x, kernel) + states[0] * 0.5)
    return StepBody("cell", x, states, ops.concatenate([h, h + 1], 1), [h, states[1] + 1])


def _scanned(
    run: Any,
    backend: Backend,
    body: StepBody,
    x: np.ndarray,
    places: Packing | None,
    states: tuple[np.ndarray, np.ndarray],
    go_backwards: bool,
) -> list[np.ndarray]:
    dtype = body.output[1]
    kernel = np.random.default_rng(2).normal(size=(FEATURES, UNITS))
    first = [backend.asarray(states[0], dtype), backend.asarray(states[1], "int32")]
    captured = [backend.asarray(kernel, dtype)]
    result = run(backend.asarray(x, dtype), places, first, captured, body, go_backwards)
    return [backend.to_numpy(a) for a in result]


@backwards
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_step_sees_each_sequence_alone(
    any_backend: Backend, go_backwards: bool, dtype: str
) -> None:
    b, body, judge = any_backend, _body(dtype), _body("float64")
    for name, packing, _ in _cases(b, (dtype,)):
        x, (h, _) = _data(name)
        n = np.arange(len(h))
        slots = _in_slots(x, packing)
        found = _scanned(b.packed_scan, b, body, slots, packing, (h, n), go_backwards)
        expected = []
        for row, exists in enumerate(MASKS[name]):
            alone = x[row : row + 1, exists], None, (h[row : row + 1], n[row : row + 1])
            result = _scanned(NUMPY.scan, NUMPY, judge, *alone, go_backwards)
            out, *final = (a[0] for a in result)
            expected.append([out[::-1] if go_backwards else out, *final])
        _assert_alone(found, expected, packing, CLOSE[dtype])


# -- gradients -----------------------------------------------------------------------------------


def _loss(
    b: Backend, outputs: Any, final: Any, of_outputs: np.ndarray, of_states: np.ndarray
) -> Any:
    """Return a sum in which each number that comes out weighs differently."""
    kind = b.dtype(outputs)
    total = b.sum(b.multiply(b.square(outputs), b.asarray(of_outputs, kind)), (0, 1, 2), False)
    for state, weight in zip(final, of_states, strict=False):
        total = b.add(total, b.sum(b.multiply(state, b.asarray(weight, kind)), (0, 1), False))
    return total


def _gradients(
    b: Backend,
    run: Any,
    places: Any,
    kind: Kind,
    go_backwards: bool,
    arrays: list[Any],
    weighing: tuple[np.ndarray, np.ndarray],
) -> list[np.ndarray]:
    """Return the gradients for x, states and weights of `rnn` or `packed_rnn`."""

    def loss(given: list[Any]) -> Any:
        x, first, weights = given[0], given[1 : 1 + kind.states], given[1 + kind.states :]
        out, *final = run(x, places, first, *weights, kind.cell, go_backwards)
        return _loss(b, out, final, *weighing)

    return [b.to_numpy(g) for g in b.gradients(loss, arrays)]


@kinds
@backwards
def test_gradients_are_those_of_the_padded_reference(
    backend: Backend, kind: Kind, go_backwards: bool
) -> None:
    b = backend
    if b.name == "jax" and (kind not in USUAL or go_backwards):
        pytest.skip("one loop serves all cells and directions, and is compiled for each")
    rng = np.random.default_rng(7)
    # PyTorch's kernels depend on the dtype; elsewhere a third of the cases will do
    cases = _cases(b, ("float32", "float64") if b.name == "torch" else ("float64",))
    for name, packing, dtype in cases[:: 1 if b.name == "torch" else 3]:
        mask, close = MASKS[name], 10 * CLOSE[dtype]
        x, states = _data(name)
        others = [b.asarray(a, dtype) for a in (*states[: kind.states], *kind.weights)]
        of_outputs = rng.normal(size=(*mask.shape, UNITS)) * mask[..., None]
        of_states = rng.normal(size=(2, len(mask), UNITS))
        ordered = of_outputs[:, ::-1] if go_backwards else of_outputs
        in_slots = _in_slots(of_outputs, packing)
        if packing.valid is not None:
            in_slots = in_slots * np.asarray(packing.valid)[:, None]
        how = (kind, go_backwards)
        of_x, *right = _gradients(
            b, b.rnn, b.asarray(mask), *how, [b.asarray(x, dtype), *others], (ordered, of_states)
        )
        slots = b.asarray(_in_slots(x, packing), dtype)
        of_slots, *found = _gradients(
            b, b.packed_rnn, packing, *how, [slots, *others], (in_slots, of_states)
        )
        for row in range(len(mask)):
            steps = of_slots[0, _steps(packing, row)]
            np.testing.assert_allclose(steps, of_x[row, mask[row]], rtol=close, atol=close)
        if packing.valid is not None:
            assert (of_slots[0, ~packing.valid] == 0).all()
        for a, e in zip(found, right, strict=True):
            np.testing.assert_allclose(a, e, rtol=close, atol=close * max(1, abs(e).max()))


@kinds
@backwards
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["torch"], indirect=True)
def test_dense_data_give_what_a_mask_of_true_gives(
    backend: Backend, kind: Kind, go_backwards: bool, dtype: str
) -> None:
    """PyTorch's own kernels, for data without a mask, are judged by the loop for data with one."""
    b, close = backend, 10 * CLOSE[dtype]
    x, states = _data("all")
    arrays = [b.asarray(a, dtype) for a in (x, *states[: kind.states], *kind.weights)]
    first, weights = arrays[1 : 1 + kind.states], arrays[1 + kind.states :]
    exists = b.asarray(MASKS["all"])
    found, right = (
        b.rnn(arrays[0], mask, first, *weights, kind.cell, go_backwards) for mask in (None, exists)
    )
    for a, e in zip(found, right, strict=True):
        np.testing.assert_allclose(b.to_numpy(a), b.to_numpy(e), rtol=close, atol=close)
    rng = np.random.default_rng(7)
    weighing = rng.normal(size=b.shape(found[0])), rng.normal(size=(2, *b.shape(found[1])))
    slopes, right_slopes = (
        _gradients(b, b.rnn, mask, kind, go_backwards, arrays, weighing) for mask in (None, exists)
    )
    for a, e in zip(slopes, right_slopes, strict=True):
        np.testing.assert_allclose(a, e, rtol=close, atol=close)


@backwards
@pytest.mark.parametrize("kind", USUAL, ids=lambda k: k.cell)
@pytest.mark.parametrize("backend", ["torch"], indirect=True)
def test_kernels_that_know_lengths_give_what_stairs_give(
    backend: Backend, kind: Kind, go_backwards: bool
) -> None:
    """On a GPU each batch is one call of a kernel that PyTorch has for the CPU, too."""
    from maskgraph_torch.recurrent import by_sizes, converted, fused_kernel

    torch = pytest.importorskip("torch")
    packing = Packing(MASKS["an empty row"])
    x, states = _data("an empty row")
    x, *weights = (torch.tensor(a) for a in (_in_slots(x, packing), *kind.weights))
    first = [torch.tensor(s) for s in states[: kind.states]]
    function = fused_kernel(x, kind.cell)
    order = loop_order(packing, go_backwards)
    out, *final = by_sizes(
        function,
        x[0, order.slots],
        [s[order.rows] for s in first],
        converted(kind.cell, *weights),
        order,
    )
    found = [out[order.back][None], *(s[order.place] for s in final)]
    right = backend.packed_rnn(x, packing, first, *weights, kind.cell, go_backwards)
    for a, e in zip(found, right, strict=True):
        np.testing.assert_allclose(a.numpy(), e.numpy(), rtol=1e-10, atol=1e-12)
