"""Steps that work token by token, a few tokens at a time: what all at once give, and not more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.plan.chunks import InChunks

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch"])
_rng = np.random.default_rng(0)
LENGTHS = np.array([9, 2, 7, 1, 5])
MASK = np.arange(9) < LENGTHS[:, None]
IDS = np.where(MASK, _rng.integers(1, 30, MASK.shape), 0)
WHOLE = _rng.integers(1, 30, MASK.shape)
POSITIONS = _rng.normal(size=(9, 8)).astype("float32")


def encoder(x: Any) -> Any:
    x = layers.Embedding(30, 8, mask_zero=True)(x)
    return layers.TransformerEncoder(16, num_heads=2)(x)


def residual(x: Any) -> Any:
    x = layers.Embedding(30, 8, mask_zero=True)(x)
    for _ in range(2):
        x = layers.LayerNormalization()(x + layers.Dense(8, activation="gelu")(x) * 0.5)
    return layers.GlobalAveragePooling1D()(x)


def over_time(x: Any) -> Any:
    x = layers.Embedding(30, 8)(x)
    return ops.tanh(ops.layer_norm(layers.Dense(8)(x), axis=1)) * 2 + 1


def with_positions(x: Any) -> Any:
    x = layers.Embedding(30, 8)(x)
    return ops.relu(ops.add(layers.Dense(8)(x), POSITIONS)) + 1


MODELS = [encoder, residual, over_time, with_positions]


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two tokens at once; and how many parts each group was computed in."""
    parts: list[int] = []
    bounds = InChunks._bounds

    def noted(self: InChunks, values: Any) -> list[int]:
        found = bounds(self, values)
        parts.append(len(found) + 1)
        return found

    monkeypatch.setattr(InChunks, "_bounds", noted)
    for name in ("numpy", "torch"):
        monkeypatch.setattr(type(load(name, "cpu")), "tokens_at_once", lambda _: 2)
    return parts


@BACKENDS
@pytest.mark.parametrize("layout", ["padded", "packed", "auto"])
@pytest.mark.parametrize(
    "ids", [IDS, WHOLE, IDS[:1], IDS[:, :0]], ids=["padding", "none", "1", "0"]
)
@pytest.mark.parametrize("build", MODELS)
def test_gives_what_all_at_once_give(
    monkeypatch: pytest.MonkeyPatch,
    two_at_once: list[int],
    build: Any,
    ids: Any,
    layout: str,
    backend: str,
) -> None:
    if build is with_positions and not ids.size:
        pytest.skip("there are nine positions")
    x = mg.Input((None,), dtype="int32")
    model = mg.Model(x, build(x), seed=0)
    found = model.predict(ids, backend=backend, layout=layout)
    monkeypatch.setattr(type(load(backend, "cpu")), "tokens_at_once", lambda _: None)
    expected = model.predict(ids, backend=backend, layout=layout)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@BACKENDS
def test_all_between_two_attentions_is_one_function(two_at_once: list[int], backend: str) -> None:
    x = mg.Input((None,), dtype="int32")
    model = mg.Model(x, encoder(x), seed=0)
    plan = model.plan(IDS, backend=backend, layout="packed").packed
    groups = [s.function for s in plan._steps if isinstance(s.function, InChunks)]
    assert [len(g._joined._steps) for g in groups] == [8]  # from the context to the second norm
    model.predict(IDS, backend=backend, layout="packed")
    [parts] = two_at_once
    assert parts >= MASK.sum() // 2


@BACKENDS
def test_sequences_are_cut_where_there_is_a_rectangle(two_at_once: list[int], backend: str) -> None:
    x = mg.Input((None,), dtype="int32")
    mg.Model(x, residual(x), seed=0).predict(WHOLE, backend=backend, layout="padded")
    assert two_at_once == [len(WHOLE)]


@pytest.mark.parametrize(("axis", "number"), [(1, 3), (0, 0)])
def test_what_is_normalized_together_is_not_cut(axis: int, number: int) -> None:
    x = mg.Input((7, 4))
    y = ops.relu(ops.layer_norm(ops.relu(x), axis=axis))
    plan = mg.Model(x, y).plan(np.ones((2, 7, 4)), backend="numpy").padded
    groups = [s.function for s in plan._steps if isinstance(s.function, InChunks)]
    assert sum(len(g._joined._steps) for g in groups) == number


def test_products_alone_stay_as_they_are() -> None:
    x = mg.Input((None, 4))
    plan = mg.Model(x, [layers.Dense(2)(x), layers.Dense(3)(x)]).plan(
        np.ones((2, 7, 4)), backend="numpy"
    )
    assert not any(isinstance(s.function, InChunks) for s in plan.padded._steps)


@BACKENDS
def test_packings_of_other_lengths_are_not_cut_alike(two_at_once: list[int], backend: str) -> None:
    inputs = [mg.Input((None, 4)) for _ in range(2)]
    masked = [layers.Masking()(x) for x in inputs]
    chains = [ops.tanh(x) for x in [ops.relu(x) for x in masked]]
    outputs = [layers.GlobalMaxPooling1D()(x) for x in chains]
    data = [_rng.normal(size=(5, 9, 4)).astype("float32") * MASK[..., None] for _ in inputs]
    data[1][:, 3:] = 0
    found = mg.Model(inputs, outputs).predict(data, backend=backend, layout="packed")
    assert two_at_once == [1]  # both chains are one group, and it was run at once
    for x, y in zip(data, found, strict=True):
        np.testing.assert_allclose(y, np.tanh(np.maximum(x, 0).max(1)), rtol=1e-6)


@BACKENDS
def test_what_others_take_whole_is_not_cut(two_at_once: list[int], backend: str) -> None:
    matrices, tables = mg.Input((4, 5)), mg.Input((None, 4, 5))
    after = ops.tanh(ops.add(ops.relu(tables), ops.relu(matrices)))  # cut, then taken whole
    before = ops.add(ops.tanh(ops.add(ops.exp(tables), matrices)), ops.exp(matrices))
    model = mg.Model([matrices, tables], [after, before])
    few, many = (_rng.normal(size=(3, *shape)).astype("float32") for shape in [(4, 5), (3, 4, 5)])
    found = model.predict([few, many], backend=backend)
    expected = np.tanh(np.maximum(many, 0) + np.maximum(few, 0))
    np.testing.assert_allclose(found[0], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        found[1], np.tanh(np.exp(many) + few) + np.exp(few), rtol=1e-5, atol=1e-6
    )
    assert max(two_at_once) > 1


def test_a_plan_may_have_no_steps() -> None:
    x = mg.Input((4,))
    data = _rng.normal(size=(2, 4)).astype("float32")
    np.testing.assert_array_equal(mg.Model(x, x).predict(data, backend="numpy"), data)


def test_torch_goes_back_over_all_at_once() -> None:
    torch = pytest.importorskip("torch")
    backend = load("torch", "cpu")
    assert backend.tokens_at_once() is None
    with torch.no_grad():
        assert backend.tokens_at_once() == 512
