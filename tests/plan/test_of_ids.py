"""Loops over embedded ids: what inputs and kernel make together is made once for each id."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.backend import load
from maskgraph.errors import VocabularyError

BACKENDS = ("numpy", "torch", "tensorflow", "jax")
LOOPS = {
    "lstm": lambda: layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
    "gru": lambda: layers.GRU(5, return_sequences=True, go_backwards=True),
    "gru, reset before": lambda: layers.GRU(5, reset_after=False),
    "simple": lambda: layers.SimpleRNN(5),
    "lstm of another kind": lambda: layers.LSTM(5, activation="relu", use_bias=False),
}


def ids(kinds, hole=True):
    """Return rows of ids below `kinds`, one row without steps, and one with a hole."""
    generator = np.random.default_rng(0)
    found = np.zeros((9, 13), "int32")
    for row, count in zip(found, [13, 5, 7, 1, 9, 0, 12, 3, 4], strict=True):
        row[:count] = generator.integers(1, kinds, count)
    found[2, 3] = 0 if hole else 1
    return found


def model(loop):
    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Embedding(3000, 6, mask_zero=True, name="words")(tokens)
    return mg.Model(tokens, LOOPS[loop]()(x), seed=0)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("kinds", [6, 3000], ids=["repeated", "all but once each"])
def test_it_gives_what_padded_gives(backend, loop, kinds):
    made, data = model(loop), ids(kinds)
    assert "packed_rnn_of_ids" in str(made.plan(data, backend=backend, layout="packed"))
    expected = made.predict(data, backend="numpy", layout="padded")
    for _ in range(2):  # before something is compiled, and after
        found = made.predict(data, backend=backend, layout="packed")
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_states_go_in_and_come_out(backend):
    tokens, h = mg.Input((None,), "int32"), mg.Input((5,))
    x = layers.Embedding(9, 6, mask_zero=True)(tokens)
    outputs = layers.LSTM(5, return_state=True)(x, initial_state=[h, h * 2])
    made = mg.Model([tokens, h], list(outputs), seed=0)
    data = [ids(6), np.random.default_rng(1).normal(size=(9, 5)).astype("float32")]
    expected = made.predict(data, backend="numpy", layout="padded")
    found = made.predict(data, backend=backend, layout="packed")
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS[1:])
@pytest.mark.parametrize("loop", LOOPS)
def test_gradients_are_those_of_padded(backend, loop):
    made, data, on = model(loop), ids(6), load(backend)

    def slopes(layout):
        plan = made.plan(data, backend=backend, layout=layout)

        def total(weights):
            [(value, _)] = plan.run([(data, None)], weights)
            return on.sum(on.square(value), tuple(range(len(on.shape(value)))), False)

        weights = [on.asarray(w.numpy()) for w in plan.weights]
        return list(map(on.to_numpy, on.gradients(total, weights)))

    for a, b in zip(slopes("packed"), slopes("padded"), strict=True):
        assert b.any()
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_jax_differentiates_forwards_too():
    jax = pytest.importorskip("jax")
    made, data = model("lstm"), ids(6)
    weights = [w.numpy() for w in made.plan(data, backend="jax").weights]
    directions = [np.ones_like(w) for w in weights]

    def slope(layout):
        plan = made.plan(data, backend="jax", layout=layout)
        run = lambda weights: plan.run([(data, None)], weights)[0][0]  # noqa: E731
        return jax.jvp(run, (weights,), (directions,))[1]

    np.testing.assert_allclose(slope("packed"), slope("padded"), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backend", ["numpy", "tensorflow", "jax"])
def test_the_product_is_made_once_for_each_id(backend, monkeypatch):
    cls, rows = type(load(backend)), []
    own = cls._project if backend != "numpy" else cls.packed_rnn_of_ids

    def spy(self, x, *rest):
        rows.append(x.shape[-2])
        return own(self, x, *rest)

    monkeypatch.setattr(cls, own.__name__, spy)
    made = model("simple")
    made.predict(ids(6), backend=backend, layout="packed")
    assert rows
    assert max(rows) < 20, "54 steps, 5 ids; where shapes are compiled, their number is rounded"


def test_no_product_is_saved_where_the_kernel_makes_it_itself():
    data = np.ones((2, 6), "int32")
    assert "unmasked" in str(model("lstm").plan(data, backend="torch"))
    assert "packed_rnn_of_ids" in str(model("lstm").plan(data, backend="numpy"))


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_id_outside_the_vocabulary_is_refused(backend):
    data = ids(6)
    data[4, 2] = 3000
    with pytest.raises(VocabularyError, match="3000"):
        model("gru").predict(data, backend=backend, layout="packed")
