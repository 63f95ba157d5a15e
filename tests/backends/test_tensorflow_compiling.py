"""Plans on TensorFlow that XLA compiles: as op by op, gradients too, for every layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.errors import VocabularyError
from maskgraph.testing.conformance import test_layers as conformance
from maskgraph.testing.gradient_law import check_gradient_law
from maskgraph.testing.law import check_law
from maskgraph.testing.layer_table import LAWFUL, LayerRow

tf = pytest.importorskip("tensorflow")
from maskgraph_tensorflow import compiling  # noqa: E402

ROWS = list({str(row).partition("-")[0]: row for row in reversed(LAWFUL)}.values())
"""One of each layer."""
rows = pytest.mark.parametrize("row", ROWS, ids=str)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile whatever comes, also what is never seen again."""
    monkeypatch.setattr(compiling, "PATIENCE", -1.0)


@pytest.mark.usefixtures("at_once")
@rows
def test_layers(row: LayerRow) -> None:
    """Padding right, left and between, NaN in it; packed as padded; gradients."""
    conformance.test_parity(load("tensorflow"), row)
    conformance.test_layouts(load("tensorflow"), row)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("row", [r for r in ROWS if str(r).startswith(("LSTM", "Conv1D", "Multi"))])
def test_law(row: LayerRow) -> None:
    check_law(row, backend="tensorflow", lengths=(3, 0, 1), padding=["right"])
    check_gradient_law(row, backend="tensorflow", lengths=(3, 0, 1))


def model() -> mg.Model:
    ids = mg.Input((None,), "int32")
    x = layers.Embedding(9, 4, mask_zero=True)(ids)
    return mg.Model(ids, layers.GlobalAveragePooling1D()(layers.Dense(3)(x)), seed=0)


def test_what_comes_again_is_compiled_and_gives_the_same() -> None:
    ids = np.array([[3, 1, 4], [1, 5, 0]], "int32")
    plan = model().plan(ids, backend="tensorflow", layout="packed")
    [(first, _)] = plan.run([(ids, None)])
    assert plan.packed.compilations == 0
    for step in plan.packed._steps:
        if isinstance(step.function, compiling.Compiled):
            step.function._spent = dict.fromkeys(step.function._spent, 1.0)
    [(second, _)] = plan.run([(ids, None)])
    assert plan.packed.compilations > 0
    np.testing.assert_allclose(first, second, rtol=1e-6)


@pytest.mark.usefixtures("at_once")
def test_nothing_is_compiled_where_functions_are_run_eagerly() -> None:
    tf.config.run_functions_eagerly(True)
    try:
        plan = model().plan([[3, 1], [2]], backend="tensorflow", layout="packed")
        ids = mg.MaskedTensor(np.array([[3, 1], [2, 0]], "int32"), [[True, True], [True, False]])
        plan.run([(ids.value, ids.mask)])
        assert plan.packed.compilations == 0
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("at_once")
def test_what_xla_refuses_is_run_op_by_op_from_then_on() -> None:
    refused = []

    def function(x: Any) -> tuple[Any, ...]:
        if not tf.executing_eagerly():
            refused.append(x)
        return (tf.unique(x)[0],)  # how many there are XLA cannot know

    compiled = compiling.Compiled(function)
    x = tf.constant([3, 1, 3])
    for _ in range(3):
        assert compiled(x)[0].numpy().tolist() == [3, 1]
    assert len(refused) == 1


@pytest.mark.usefixtures("at_once")
def test_a_users_function_has_the_plan_within_it() -> None:
    built, ids = model(), tf.constant([[3, 1, 0], [2, 2, 2]])
    inside = tf.function(lambda x: built(x).value)
    np.testing.assert_allclose(inside(ids), built(ids).value, rtol=1e-6)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("training", [False, True])
def test_an_id_outside_the_vocabulary_is_found_when_the_program_has_run(training: bool) -> None:
    built, ids = model(), np.array([[3, 1, 0], [2, 9, 2]], "int32")
    with mg.use_backend("tensorflow"), tf.GradientTape() if training else tf.device("CPU:0"):
        with pytest.raises(VocabularyError, match=r"layer 'embedding[\s\S]*9"):
            built(ids)
        ids[1, 1] = 8
        assert np.isfinite(built(ids).numpy()).all()


@pytest.mark.usefixtures("at_once")
def test_sizes_and_several_results_pass_through() -> None:
    x = mg.Input((None, 4), masked=True)
    batch, time = ops.shape(x)[:2]
    wide = ops.reshape(x, (batch, time, 2, 2)) * ops.cast(time, "float32")
    first, second = ops.split(wide, 2, axis=3)
    built = mg.Model(x, [first - second, ops.max(x, axis=1)], seed=0)
    values = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    data: Any = mg.MaskedTensor(values, [[True, True, False], [True, False, False]])
    found = built.predict(data, backend="tensorflow")
    for a, b in zip(found, built.predict(data, backend="numpy"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
