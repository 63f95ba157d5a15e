"""What is computed on lanes: each sequence as on the rectangle, in few compiled programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import lane_ops, lanes, load
from maskgraph.errors import VocabularyError

RNG = np.random.default_rng(4)
MASK = (RNG.random((7, 12)) < 0.6) & (np.arange(7) != 2)[:, None]
"""Holes, an empty row, several sequences to a lane."""


def data(features: int = 6) -> mg.MaskedTensor:
    values = RNG.normal(size=(*MASK.shape, features)).astype("float32")
    values[~MASK] = np.nan
    return mg.MaskedTensor(values, MASK)


@pytest.fixture(params=["jax", "tensorflow"])
def on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A backend that compiles, whatever comes, at once."""
    pytest.importorskip(request.param)
    if request.param == "tensorflow":
        from maskgraph_tensorflow import compiling

        monkeypatch.setattr(compiling, "PATIENCE", -1.0)
    return request.param


def assert_same_as_padded(y: Any, x: Any, given: mg.MaskedTensor, on: str) -> None:
    """Packed, what NumPy gives on the rectangle."""
    model = mg.Model(x, y, seed=0, on_mask_loss="ignore")
    found = model.predict(given, backend=on, layout="packed")
    expected = model.predict(given, backend="numpy", layout="padded")
    for a, b in zip(listed(found), listed(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def listed(result: Any) -> list[np.ndarray]:
    return result if isinstance(result, list) else [result]


# -- along a sequence ----------------------------------------------------------------------------


@pytest.fixture(params=["one by one", "rectangle"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each sequence by itself, as if all were long, or the rectangle."""
    if request.param == "one by one":
        monkeypatch.setattr(lane_ops, "_LONG", 0)
        monkeypatch.setattr(lanes, "_SHORT", 2)
    return request.param


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("shared", [1, 2])
@pytest.mark.parametrize("holes", ["skipped", "in place"])
def test_attention(
    on: str, cut: str, causal: bool, window: int | None, shared: int, holes: str
) -> None:
    x = mg.Input((None, 24), masked=True)
    given = layers.Conv1D(24, 3, padding="same")(x) if holes == "in place" else x
    q = _heads(given, 2)
    k, v = (_heads(given[..., : 12 * shared] * f, shared) for f in (0.5, 2.0))
    y = ops.attention(q, k, v, causal=causal, window=window, scale=0.3)
    assert_same_as_padded(y, x, data(24), on)


def _heads(x: Any, heads: int) -> Any:
    batch, time = ops.shape(x)[:2]
    return ops.reshape(x, (batch, time, heads, 12))


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("causal", [False, True])
def test_infinite_numbers_stay_in_their_own_sequence(
    on: str, cut: str, number: float, causal: bool
) -> None:
    """They share a lane with others, whose products with them have no weight."""
    x = mg.Input((None, 6), masked=True)
    y = layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=causal)
    model = mg.Model(x, y, seed=0)
    sound = data()
    values = sound.numpy().copy()
    step = np.flatnonzero(MASK[3])[1]
    values[3, step, 0] = number
    spoilt = mg.MaskedTensor(values, MASK)
    found = model.predict(spoilt, backend=on, layout="packed")
    expected = model.predict(spoilt, backend="numpy", layout="padded")
    others = np.arange(len(MASK)) != 3
    np.testing.assert_allclose(found[others], expected[others], rtol=1e-5, atol=1e-5)
    assert np.isfinite(found[others]).all()
    sees = np.arange(12) >= step if causal else np.full(12, True)
    assert not np.isfinite(found[3, sees & MASK[3]]).any()


@pytest.mark.parametrize("padding", ["same", "causal"])
@pytest.mark.parametrize(
    ("taps", "dilation", "groups"), [(3, 1, 1), (2, 1, 1), (4, 3, 1), (3, 2, 2)]
)
def test_convolution(on: str, padding: str, taps: int, dilation: int, groups: int) -> None:
    x = mg.Input((None, 6), masked=True)
    conv = layers.Conv1D(4, taps, padding=padding, dilation_rate=dilation, groups=groups)
    assert_same_as_padded(conv(x), x, data(), on)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("holes", ["skipped", "in place"])
def test_reductions(on: str, cut: str, keepdims: bool, holes: str) -> None:
    start = mg.Input((None, 6), masked=True)
    x = layers.Conv1D(6, 3, padding="same")(start) if holes == "in place" else start
    names = ("sum", "mean", "max", "min", "logsumexp", "std")
    y = [getattr(ops, name)(x, axis=1, keepdims=keepdims) for name in names]
    assert_same_as_padded([*y, ops.sum(x, axis=(1, 2)), ops.cumsum(x, 1)], start, data(), on)


def test_of_several_extremes_one_step_has_the_gradient(on: str) -> None:
    x = mg.Input((None, 2), masked=True)
    model = mg.Model(x, [ops.max(x, axis=1), ops.min(x, axis=1)])
    values = np.array([[[1, 0], [1, 2], [9, 9]], [[3, 3], [9, 9], [9, 9]]], "float32")
    mask = np.array([[True, True, False], [True, False, False]])
    plan, backend = model.plan(values, mask=mask, backend=on, layout="packed"), load(on)

    def total(given: list[Any]) -> Any:
        return sum(backend.sum(v, (0, 1), False) for v, _ in plan.run([(given[0], mask)]))

    [slope] = backend.gradients(total, [backend.asarray(values)])
    expected = [[[2, 1], [0, 1], [0, 0]], [[2, 2], [0, 0], [0, 0]]]
    np.testing.assert_array_equal(backend.to_numpy(slope), expected)


class Summed(layers.Layer):
    """A product with a weight, summed over time: each sequence reads the weight."""

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], 3), name="kernel")

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return ops.einsum("btd,dk->bk", [inputs, self.kernel])


def test_gradients(on: str, cut: str) -> None:
    """By the inputs, and by weights that each sequence reads, of steps and of rows, of which one
    has no step."""
    x = mg.Input((None, 4), masked=True)
    attended = layers.MultiHeadAttention(2, 2)(x, x, use_causal_mask=True)
    shared = ops.softmax(attended, axis=1) * ops.cumsum(x, 1)
    square = ops.reshape(x, (*ops.shape(x)[:2], 2, 2))
    y = [shared, ops.logsumexp(shared, axis=1), ops.std(x, axis=1), ops.max(square, axis=1)]
    y.append(Summed()(x))
    model, backend = mg.Model(x, y, seed=0), load(on)
    values = RNG.normal(size=(*MASK.shape, 4)).astype("float32")
    one = backend.full((), 1, "float32")  # lest what is 0 had no slope
    found = []
    for layout in ("packed", "padded"):
        plan = model.plan(values, mask=MASK, backend=on, layout=layout)

        def total(given: list[Any], plan: Any = plan) -> Any:
            results = plan.run([(given[0], MASK)], given[1:])
            return sum(
                backend.sum(backend.square(backend.add(v, one)), tuple(range(len(v.shape))), False)
                for v, _ in results
            )

        weights = [backend.asarray(w.numpy()) for w in plan.weights]
        slopes = backend.gradients(total, [backend.asarray(values), *weights])
        found.append(list(map(backend.to_numpy, slopes)))
    for packed, padded in zip(*found, strict=True):
        assert np.abs(padded).max() > 0
        np.testing.assert_allclose(packed, padded, rtol=1e-4, atol=1e-4)


def test_infinite_numbers_do_not_reach_the_gradients_of_other_sequences(on: str, cut: str) -> None:
    x = mg.Input((None, 6), masked=True)
    y = [layers.MultiHeadAttention(2, 3)(x, x), ops.softmax(x, axis=1), ops.cumsum(x, 1)]
    model, backend = mg.Model(x, y, seed=0), load(on)
    values = np.nan_to_num(data().numpy())
    values[3, np.flatnonzero(MASK[3])[1]] = np.inf
    others = backend.asarray((np.arange(len(MASK)) != 3)[:, None, None])
    plan = model.plan(values, mask=MASK, backend=on, layout="packed")

    def total(given: list[Any]) -> Any:
        results = [v for v, _ in plan.run([(given[0], MASK)])]
        zero = backend.full((), 0, "float32")
        kept = [backend.where(others, backend.square(v), zero) for v in results]
        return sum(backend.sum(v, (0, 1, 2), False) for v in kept)

    [slope] = backend.gradients(total, [backend.asarray(values)])
    assert np.isfinite(backend.to_numpy(slope)[np.arange(len(MASK)) != 3]).all()


# -- programs ------------------------------------------------------------------------------------


def everything() -> mg.Model:
    tokens = mg.Input((None,), "int32")
    x = layers.Embedding(50, 4, mask_zero=True)(tokens)
    x = layers.MultiHeadAttention(2, 2)(x, x, use_causal_mask=True) + x
    x = layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(x)
    x = layers.GRU(4, return_sequences=True)(x)
    y = [layers.GlobalMaxPooling1D()(x), layers.LSTM(3, go_backwards=True)(x), ops.mean(x, 1)]
    return mg.Model(tokens, ops.concatenate(y, 1), seed=0)


def lengths(batch: int, time: int, count: int) -> Iterator[np.ndarray]:
    """Masks of sequences whose lengths are log-normal."""
    generator = np.random.default_rng(1)
    for _ in range(count):
        drawn = generator.lognormal(np.log(0.33 * time), 0.6, batch)
        yield np.arange(time) < np.clip(drawn, 1, time).astype(int)[:, None]


def test_random_batches_find_few_programs(on: str) -> None:
    model, generator, backend = everything(), np.random.default_rng(0), load(on, "cpu")
    plan = None
    for mask in lengths(16, 32, 100):
        ids = np.where(mask, generator.integers(1, 50, mask.shape), 0).astype("int32")
        plan = plan or model.plan(ids, backend=on, device="cpu", layout="packed")
        [(found, _)] = plan.run([(ids, None)])
        assert np.isfinite(backend.to_numpy(found)).all()
    expected = model.predict(ids, backend="numpy", layout="padded")
    np.testing.assert_allclose(backend.to_numpy(found), expected, atol=1e-5)
    assert 2 < plan.packed.compilations <= 12  # six shapes, before and after ids are looked at
    assert f"compiled {plan.packed.compilations} times" in str(plan)


def test_a_packed_run_is_compiled_before_and_after_ids_are_looked_at(on: str) -> None:
    plan = everything().plan([[3, 1], [2]], backend=on, device="cpu", layout="packed")
    names = [type(step.function).__name__ for step in plan.packed._steps]
    assert [name for name in names if name != "itemgetter"] == ["Compiled", "method", "Compiled"]


def test_a_batch_without_padding_is_the_rectangle(on: str) -> None:
    model, ids = everything(), RNG.integers(1, 50, (3, 5)).astype("int32")
    found = model.predict(ids, backend=on, layout="packed")
    expected = model.predict(ids, backend="numpy", layout="padded")
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_an_id_outside_the_vocabulary_is_found_when_the_program_has_run(
    on: str, layout: str
) -> None:
    model, ids = everything(), np.array([[3, 1, 0], [2, 4, 5]], "int32")
    model.predict(ids, backend=on, layout=layout)
    ids[0, 0] = 50
    for _ in range(2):
        with pytest.raises(VocabularyError, match=r"layer 'embedding[\s\S]*50") as found:
            model.predict(ids, backend=on, layout=layout)
        assert any("test_on_lanes.py" in note for note in found.value.__notes__)
    ids[0, 0] = 49
    assert np.isfinite(model.predict(ids, backend=on, layout=layout)).all()
