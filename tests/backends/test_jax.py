"""What is JAX's own: its transformations, its 64-bit switch, its tracers, its tensors."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load, owner
from maskgraph.backend.conditions import noting
from maskgraph.errors import VocabularyError
from maskgraph.models.running import ModelRunner
from maskgraph.operators import REGISTRY
from maskgraph.plan import Plan
from maskgraph.testing.conformance.test_ops import PLANNED
from maskgraph.testing.gradient_law import check_gradient_law
from maskgraph.testing.op_calls import PlannedOp, values_of
from maskgraph.testing.op_sample import Sample
from maskgraph.testing.op_table import OpRow

jax = pytest.importorskip("jax")
from maskgraph_jax.backend import JaxBackend  # noqa: E402
from maskgraph_jax.compiling import LEFT_OUT  # noqa: E402

jnp = jax.numpy

IDS = np.array([[0, 0, 3, 1], [2, 4, 0, 5], [0, 0, 0, 0]], "int32")
"""Left-padded, with a hole, and empty."""
VALUES = np.random.default_rng(0).normal(size=(3, 4, 3))
VALUES[IDS == 0] = np.nan


def tagger() -> mg.Model:
    """Ids to shares: a look-up, loops over time, attention, statistics, pooling."""
    tokens = mg.Input((None,), "int32", "tokens")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    x = layers.LayerNormalization()(layers.MultiHeadAttention(2, 3)(x, x) + x)
    x = ops.concatenate([layers.GlobalAveragePooling1D()(x), layers.LSTM(2)(x)], axis=-1)
    return mg.Model(tokens, layers.Dense(2, activation="softmax")(x), seed=0)


def series(dtype: str = "float32") -> mg.Model:
    x = mg.Input((None, 3), dtype, "series", masked=True)
    hidden = layers.LSTM(4, return_sequences=True, dtype=dtype)(x)
    return mg.Model(x, layers.GlobalAveragePooling1D(dtype=dtype)(hidden), seed=0)


def plan_of(model: mg.Model, *data: Any, mask: Any = None) -> tuple[Plan, list[Any]]:
    """A model's plan on JAX, and its weights there."""
    runner = ModelRunner(model)
    plan = runner.plan(runner.admit(*data, mask=mask), load("jax", "cpu"))
    return plan, [w.native(plan.backend, w.dtype) for w in plan.weights]


# -- transformations -----------------------------------------------------------------------


def test_a_plan_under_jit_and_grad_is_the_eager_one() -> None:
    plan, weights = plan_of(tagger(), IDS)
    ids = jnp.asarray(IDS)

    def loss(weights: list[Any], ids: Any) -> Any:
        [(shares, _)] = plan.run([(ids, None)], weights)
        return jnp.sum(shares[:, 0] ** 2)

    np.testing.assert_allclose(jax.jit(loss)(weights, ids), loss(weights, ids), rtol=1e-6)
    eager = jax.grad(loss)(weights, ids)
    ours = plan.backend.gradients(lambda xs: loss(xs, ids), weights)
    compiled = jax.jit(jax.grad(loss))(weights, ids)
    for a, b, c in zip(eager, ours, compiled, strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(b, a, atol=1e-7)
        np.testing.assert_allclose(c, a, rtol=1e-6, atol=1e-6)


def test_jit_keeps_the_law() -> None:
    model = series()
    mask = IDS != 0
    plan, weights = plan_of(model, VALUES.astype("float32"), mask=mask)
    run = jax.jit(lambda x, mask: plan.run([(x, mask)], weights)[0][0])
    found = run(jnp.asarray(VALUES, "float32"), jnp.asarray(mask))
    for row, exists, result in zip(VALUES.astype("float32"), mask, found, strict=True):
        alone = row[exists][None]
        np.testing.assert_allclose(result, model.predict(alone, backend="jax")[0], atol=1e-6)
    assert (found[2] == 0).all()


def test_a_model_may_be_called_while_jax_traces() -> None:
    model = tagger()
    traced = jax.jit(lambda ids: model(ids).value)(jnp.asarray(IDS))
    expected = model.predict(IDS, backend="numpy")
    np.testing.assert_allclose(traced, expected, atol=1e-6)
    # no tracer was kept: not in the model's plan, nor among its weights
    np.testing.assert_allclose(model.predict(IDS, backend="jax"), expected, atol=1e-6)
    with jax.checking_leaks():
        jax.jit(lambda ids: tagger()(ids).value)(jnp.asarray(IDS))


def test_vmap_maps_over_weights() -> None:
    plan, weights = plan_of(series(), VALUES.astype("float32"), mask=IDS != 0)
    both = [jnp.stack([w, 2 * w]) for w in weights]
    data = [(VALUES.astype("float32"), IDS != 0)]
    found = jax.vmap(lambda ws: plan.run(data, ws)[0][0])(both)
    np.testing.assert_allclose(found[0], plan.run(data, weights)[0][0], atol=1e-6)
    np.testing.assert_allclose(found[1], plan.run(data, [2 * w for w in weights])[0][0], atol=1e-6)


def test_a_step_of_a_loop_is_compiled_with_jax() -> None:
    x = mg.Input((None, 3), masked=True)
    cells = [layers.LSTMCell(4), layers.GRUCell(2)]
    model = mg.Model(x, layers.RNN(cells, return_sequences=True, go_backwards=True)(x), seed=0)
    given = [VALUES[0, 2:], VALUES[1, [0, 1, 3]]]
    expected = model.predict(given, backend="numpy")
    np.testing.assert_allclose(model.predict(given, backend="jax"), expected, atol=1e-6)


def test_ids_that_nobody_could_check_read_nothing() -> None:
    backend = load("jax", "cpu")
    table = jnp.ones((3, 2))
    rows = jax.jit(backend.embedding)(table, jnp.array([0, 3, -1, 2]))
    assert np.isnan(rows).all(1).tolist() == [False, True, True, False]


# -- steps compiled together ----------------------------------------------------------------


@pytest.mark.parametrize("row", PLANNED, ids=str)
def test_what_is_compiled_looks_at_no_value(row: OpRow) -> None:
    """Else a check would be left out in silence."""
    looks: list[str] = []

    class Watched(JaxBackend):
        def compiles(self, op: str) -> bool:
            return False

        def has_values(self, x: Any) -> bool:
            looks.append("asks whether there are values")
            return super().has_values(x)

        def to_numpy(self, x: Any) -> np.ndarray:
            looks.append("takes values")
            return super().to_numpy(x)

    planned = PlannedOp.of(row, Watched("cpu"), row.arguments(Sample()))
    with noting():  # what is wrong with values shows when it has run
        jax.eval_shape(planned.run, [values_of(x) for x in planned.inputs])
    left_out = {node.target.name for node in planned.plan.origins} & LEFT_OUT
    assert bool(looks) <= bool(left_out), (row, looks)


def test_what_is_compiled_draws_no_numbers() -> None:
    drawing = {name for name, op in REGISTRY.items() if "generator" in op.parameters}
    assert drawing
    assert drawing <= LEFT_OUT


def test_sizes_and_tensors_pass_in_and_out() -> None:
    tokens = mg.Input((None,), "int32")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    size = ops.shape(x)[1]  # known when data comes, and read after a look-up
    again = layers.Embedding(50, 4)(ops.broadcast_to(ops.arange(size), ops.shape(tokens)))
    model = mg.Model(tokens, [x * size, again + x], seed=0)
    for ids in ([[1, 2, 3], [4, 5]], [[7, 8]], [[1], [2], [3]]):
        expected = model.predict(ids, backend="numpy")
        for a, b in zip(model.predict(ids, backend="jax"), expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_the_gradient_of_an_extreme_is_not_lost_where_values_are_computed_anew() -> None:
    """XLA rounds the last bit differently in the two places that read what is compared."""
    x = mg.Input((None, 4), masked=True)
    y = layers.LayerNormalization(axis=1, center=False, scale=False)(x * 2 + 1) * 2 + 1
    most, least = layers.GlobalMaxPooling1D()(y), ops.min(y, axis=1)
    for outputs in ([most, y], [least, y]):
        for seed in range(3):
            check_gradient_law(mg.Model(x, outputs), backend="jax", seed=seed)


def test_dropout_is_drawn_anew_at_each_call() -> None:
    with mg.use_backend("jax"):
        dropout = layers.Dropout(0.5, seed=0)
        first, second = (dropout(np.ones((1, 50)), training=True).numpy() for _ in range(2))
    assert (first != second).any()


# -- 64 bits -------------------------------------------------------------------------------


def test_float64_is_computed_in_float64_and_the_process_does_not_notice() -> None:
    assert not jax.config.jax_enable_x64
    model, mask = series("float64"), IDS != 0
    expected = model.predict(VALUES, mask=mask, backend="numpy")
    found = model.predict(VALUES, mask=mask, backend="jax")
    assert found.dtype == expected.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
    assert not jax.config.jax_enable_x64
    assert jnp.arange(3).dtype == "int32"
    assert (jnp.ones(3) * 0.5).dtype == "float32"


def test_gradients_in_float64() -> None:
    backend = load("jax", "cpu")
    x = backend.asarray(np.array([0.1, 0.2]))
    loss = lambda xs: backend.sum(backend.exp(xs[0]), (0,), False)  # noqa: E731
    [gradient] = backend.gradients(loss, [x])
    assert gradient.dtype == "float64"
    np.testing.assert_allclose(backend.to_numpy(gradient), np.exp([0.1, 0.2]), rtol=1e-15)


def test_large_ids_stay_what_they_are() -> None:
    backend = load("jax", "cpu")
    large = np.array([2**40 + 1, 3])
    ids = backend.asarray(large)
    assert backend.dtype(ids) == "int64"
    one = backend.full((), 1, "int64")
    assert backend.to_numpy(backend.add(ids, one)).tolist() == [2**40 + 2, 4]
    # while JAX traces with its switch off, too
    assert np.array(jax.jit(backend.add)(ids, one)).tolist() == [2**40 + 2, 4]


def test_a_process_that_opted_in_is_served_too() -> None:
    code = """
import jax
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp, maskgraph as mg
from maskgraph import layers
x = mg.Input((None,), "int32")
model = mg.Model(x, layers.LSTM(2)(layers.Embedding(5, 3, mask_zero=True)(x)), seed=0)
ids = jnp.array([[1, 2, 0]])
print(ids.dtype, model(ids).dtype, jax.jit(lambda ids: model(ids).value)(ids).dtype)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["int64", "float32", "float32"]


def test_layers_that_call_jax_see_the_users_own_settings() -> None:
    class OneMore(layers.Layer):
        backends = {"jax"}

        def call(self, inputs):  # type: ignore[no-untyped-def]
            seen.append((jnp.ones(1).dtype.name, bool(inputs.any())))
            return inputs + jnp.ones(1)

        def compute_output_shape(self, input_shape):  # type: ignore[no-untyped-def]
            return input_shape

    seen: list[tuple[str, bool]] = []
    x = mg.Input((None, 1))
    model = mg.Model(x, OneMore()(x * 2 + 1) * 3 - 1)
    for _ in range(2):  # called each time, with values to look at
        assert model.predict(np.zeros((1, 3, 1)), backend="jax").tolist() == [[[5], [5], [5]]]
    assert seen == [("float32", True)] * 2


# -- tensors -------------------------------------------------------------------------------


def test_jax_tensors_and_tracers_are_jaxs() -> None:
    seen = []

    def look(x: Any) -> Any:
        seen.append(owner(x))
        return jnp.sum(x)

    x = jnp.ones((2, 2))
    assert owner(x) == "jax"
    jax.jit(look)(x)
    jax.grad(look)(x)
    jax.vmap(look)(x)
    assert seen == ["jax"] * 3
    assert owner(jax.random.key(0).dtype) is owner(jnp.float32) is None
    result = series()(x[:, :, None].repeat(3, 2))
    assert result.backend.name == "jax"
    assert isinstance(result.value, jax.Array)


def test_what_becomes_of_a_buffer_is_not_seen() -> None:
    backend = load("jax", "cpu")
    buffer = np.zeros(4096, "float32")
    x = backend.asarray(buffer)
    buffer[:] = 1
    assert not backend.to_numpy(x).any()
    result = backend.to_numpy(x)
    result[:] = 1  # nor is what becomes of a result, which may be written to
    assert not backend.to_numpy(x).any()


def test_inputs_go_to_what_is_compiled_from_the_host_and_elsewhere_as_tensors() -> None:
    x = mg.Input((3,), name="x")
    model = mg.Model(x, [x, x * 2])
    buffer = np.ones((2, 3), "float32")
    plan = model.plan(buffer, backend="jax", device="cpu").padded
    same, twice = (value for value, _ in plan.run([(buffer, None)]))
    buffer[:] = 5
    assert isinstance(same, jax.Array)
    assert isinstance(twice, jax.Array)
    assert np.asarray(same).tolist() == [[1] * 3] * 2
    assert np.asarray(twice).tolist() == [[2] * 3] * 2

    backend = load("jax", "cpu")
    given = backend.as_argument(buffer, "float32")
    assert isinstance(given, np.ndarray)
    assert not np.shares_memory(given, buffer)
    assert isinstance(backend.as_argument(buffer, "float64"), jax.Array)


def test_tensors_of_other_libraries_and_layouts() -> None:
    torch = pytest.importorskip("torch")
    backend = load("jax", "cpu")
    strided = torch.arange(12.0).reshape(3, 4).T[::2]
    expected = strided.numpy()
    for value in (strided, jax.dlpack.from_dlpack(strided.contiguous()), expected, expected[::-1]):
        np.testing.assert_array_equal(backend.to_numpy(backend.asarray(value)), np.asarray(value))
    assert backend.to_numpy(backend.asarray(expected.astype(">f4"))).tolist() == expected.tolist()


@pytest.mark.parametrize("key", [
    (0,), (-1,), (slice(None), 2), (slice(None, None, -1),), (slice(3, 0, -2), None, ..., 1),
    (..., slice(-1, None)), (slice(5, 2),), (None, 1, None, slice(1, 3), -2), (...,), (),
    (slice(None, None, 3), slice(None, None, -2), slice(1, 1)), (slice(10, None, -3),),
])  # fmt: skip
def test_indexing(key: tuple[Any, ...]) -> None:
    array = np.arange(4 * 3 * 5).reshape(4, 3, 5)
    backend = load("jax", "cpu")
    found = backend.to_numpy(backend.getitem(backend.asarray(array), key))
    np.testing.assert_array_equal(found, array[key])


def test_several_devices() -> None:
    """Each is a device of its own, and what is computed stays there."""
    code = """
import numpy as np
from maskgraph.backend import load
backend = load("jax", "cpu:1")
print(*backend.devices())
x = backend.asarray(np.ones(3, "float32"))
for y in (x, backend.full((), 2, "float32"), backend.add(x, x), load("jax").asarray(x)):
    print(backend.device_of(y))
"""
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **flags},
    )
    assert done.stdout.splitlines() == ["cpu cpu:1", "cpu:1", "cpu:1", "cpu:1", "cpu"]


def test_an_id_is_checked_where_gradients_are_taken_and_not_within_jit() -> None:
    x = mg.Input((None,), "int32")
    model = mg.Model(x, layers.GlobalAveragePooling1D()(layers.Embedding(5, 2, mask_zero=True)(x)))
    ids, on = np.array([[3, 0], [4, 7]], "int32"), load("jax")
    plan = model.plan(ids, backend="jax", layout="packed")
    weights = [w.native(on, w.dtype) for w in plan.weights]

    def total(weights: list[Any], ids: Any) -> Any:
        [(value, _)] = plan.run([(ids, None)], weights)
        return value.sum()

    with pytest.raises(VocabularyError, match="7"):
        jax.grad(total)(weights, ids)
    assert np.isnan(jax.jit(total)(weights, ids))  # which nobody could check
