"""Recurrent layers of any cell: dropout, state kept between calls, and what is refused."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import use_backend
from maskgraph.errors import ArgumentError, GraphError, ShapeError
from maskgraph.layers.recurrent.rnn import fresh
from maskgraph.testing.layer_table.recurrent import MeanCell

BACKENDS = ["numpy", "torch", "tensorflow", "jax"]
VALUES = np.random.default_rng(0).normal(size=(4, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 1, 0, 1, 1], [0] * 6], bool)


def masked():
    return mg.MaskedTensor(np.where(MASK[..., None], VALUES, np.nan), MASK)


def randomized(layer, *inputs, **options):
    layer(*inputs, **options)
    generator = np.random.default_rng(1)
    layer.set_weights([generator.normal(scale=0.5, size=w.shape) for w in layer.weights])
    return layer


# -- a cell, and the kernel that does the same -------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("kind", "cell", "options"),
    [
        (layers.SimpleRNN, layers.SimpleRNNCell, {}),
        (layers.LSTM, layers.LSTMCell, {}),
        (layers.GRU, layers.GRUCell, {}),
        (layers.GRU, layers.GRUCell, {"reset_after": False}),
        (layers.LSTM, layers.LSTMCell, {"use_bias": False, "activation": "softmax"}),
    ],
)
def test_a_loop_over_a_cell_gives_what_the_kernel_gives(kind, cell, options, backwards, backend):
    how = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    whole = randomized(kind(3, **options, **how), VALUES)
    loop = layers.RNN(cell(3, **options), **how)
    loop(VALUES)
    loop.set_weights(whole.get_weights())
    start = [np.full((4, 3), 0.5, "float32")] * whole.num_states
    with use_backend(backend, "cpu"):
        for initial in (None, start):
            expected = whole(masked(), initial_state=initial)
            found = loop(masked(), initial_state=initial)
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


def test_an_empty_sequence_ends_as_it_began():
    start = np.full((4, 3), 0.5, "float32")
    for layer in (layers.GRU(3), layers.RNN(layers.GRUCell(3)), layers.RNN([layers.GRUCell(3)])):
        np.testing.assert_array_equal(layer(masked(), initial_state=start).numpy()[3], start[3])


@pytest.mark.parametrize("shape", [(4, 0, 4), (0, 6, 4), (0, 0, 4)])
@pytest.mark.parametrize("with_mask", [False, True])
@pytest.mark.parametrize(
    "make", [MeanCell, lambda: layers.LSTMCell(2), lambda: layers.LSTMCell(2, dropout=0.5)]
)
@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_to_run_over(make, shape, with_mask, backend):
    x = np.zeros(shape, "float32")
    mask = np.zeros(shape[:2], bool) if with_mask else None
    for sequences in (True, False):
        layer = layers.RNN(make(), return_sequences=sequences, return_state=True)
        with use_backend(backend, "cpu"):
            y, *states = layer(x, mask=mask, training=True)
        assert y.shape == ((*shape[:2], 2) if sequences else (shape[0], 2))
        assert (y.numpy() == 0).all()
        assert len(states) == 2


# -- cells of the user's own -------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_cell_whose_output_is_not_its_state(backend, backwards):
    layer = layers.RNN(MeanCell(), return_sequences=True, return_state=True, go_backwards=backwards)
    randomized(layer, VALUES)
    last = fresh(layer, return_sequences=False)
    last(VALUES)
    last.set_weights(layer.get_weights())
    (kernel,) = layer.get_weights()
    with use_backend(backend, "cpu"):
        steps, total, (count,) = layer(masked())
        final, *_ = last(masked())
    for row in range(3):
        x = VALUES[row, MASK[row]]
        x = x[::-1] if backwards else x
        means = np.cumsum(x, axis=0) / np.arange(1, len(x) + 1)[:, None]
        expected = np.tanh(means @ kernel)
        np.testing.assert_allclose(steps.unpad()[row], expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(final.numpy()[row], expected[-1], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(total.numpy()[row], x.sum(axis=0), rtol=1e-5, atol=1e-6)
        assert count.numpy()[row] == len(x)
    assert (final.numpy()[3] == 0).all()


class Steep(layers.Layer):
    """A cell that is infinite at 0, which is what padding often holds."""

    state_size = 4

    def call(self, inputs, states):
        new = states[0] + ops.log(ops.square(inputs)) / inputs
        return new, new


@pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])
def test_a_cell_is_never_shown_what_makes_it_infinite(backend):
    x = mg.Input((None, 4), masked=True)
    model = mg.Model(x, layers.RNN(Steep())(layers.Dense(4)(x)))
    plan = model.plan(masked(), backend=backend)
    arrays = [plan.backend.asarray(w.numpy()) for w in plan.weights]

    def loss(weights):
        y = plan.run([(plan.backend.asarray(masked().value), MASK)], weights)[0][0]
        return plan.backend.sum(y, (0, 1), False)

    for gradient in plan.backend.gradients(loss, arrays):
        assert np.isfinite(plan.backend.to_numpy(gradient)).all()


class Learned(layers.Layer):
    """A cell with an initial state of its own, and a tuple of states."""

    state_size = (4,)

    def build(self, input_shape):
        self.start = self.add_weight((4,), "ones", name="start")

    def get_initial_state(self, batch_size=None):
        return ops.broadcast_to(ops.expand_dims(self.start, 0), (batch_size, 4))

    def call(self, inputs, states):
        return inputs, (states[0] + inputs,)


def test_a_cell_may_say_how_it_begins():
    layer = layers.RNN(Learned(), return_state=True)
    _, state = layer(VALUES)
    np.testing.assert_allclose(state.numpy(), 1 + VALUES.sum(axis=1), rtol=1e-5)
    layer.set_weights([np.full(4, 3.0)])
    _, state = layer(VALUES)
    np.testing.assert_allclose(state.numpy(), 3 + VALUES.sum(axis=1), rtol=1e-5)
    kept = layers.RNN(Learned(), return_state=True, stateful=True)
    for start in (1, 1 + VALUES.sum(axis=1)):
        _, state = kept(VALUES)
        np.testing.assert_allclose(state.numpy(), start + VALUES.sum(axis=1), rtol=1e-5)
    kept.reset_states()
    np.testing.assert_array_equal(kept.states[0].numpy(), np.ones((4, 4)))


class Remembering(layers.Layer):
    """A layer with a cell in it that looks at a tensor of the graph around it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.cell = Looking()
        self.loop = layers.RNN(self.cell)

    supports_masking = True

    def call(self, x):
        self.cell.memory = ops.sum(ops.square(x), axis=1)
        return self.loop(x)


class Looking(layers.Layer):
    state_size = 4

    def call(self, inputs, states):
        new = states[0] + inputs * self.memory
        return new, [new]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cell_may_look_at_the_graph_around_it(backend):
    with use_backend(backend, "cpu"):
        y = Remembering()(VALUES)
    expected = VALUES.sum(axis=1) * np.square(VALUES).sum(axis=1)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-4)


class Scaling(layers.Layer):
    """A cell that computes something of a weight alone."""

    state_size = 4

    def build(self, input_shape):
        self.scale = self.add_weight((4,), "ones", name="scale")

    def call(self, inputs, states):
        new = states[0] + inputs * ops.exp(self.scale)
        return new, new


@pytest.mark.parametrize("backend", ["torch", "tensorflow", "jax"])
def test_what_a_cell_makes_of_a_weight_alone_follows_the_weight(backend):
    layer = layers.RNN(Scaling())
    for scale in (1.0, 2.0):
        layer(VALUES)
        layer.set_weights([np.full(4, scale)])
        expected = np.exp(scale) * VALUES.sum(axis=1)
        np.testing.assert_allclose(layer(VALUES).numpy(), expected, rtol=1e-4, atol=1e-5)
    x = mg.Input((None, 4))
    plan = mg.Model(x, layer(x)).plan(VALUES, backend=backend)
    on = plan.backend
    (gradient,) = on.gradients(
        lambda w: on.sum(plan.run([(on.asarray(VALUES), None)], w)[0][0], (0, 1), False),
        [on.asarray(w.numpy()) for w in plan.weights],
    )
    expected = np.exp(2.0) * VALUES.sum(axis=(0, 1))
    np.testing.assert_allclose(on.to_numpy(gradient), expected, rtol=1e-4, atol=1e-4)


def test_a_whole_plan_in_float64_has_its_cells_in_float64():
    x = mg.Input((None, 4))
    layer = layers.RNN([layers.GRUCell(3), MeanCell3()])
    model = mg.Model(x, layer(x), seed=0)
    low, high = (
        model.plan(VALUES, backend="numpy", precision=p).run([(VALUES, None)])[0][0]
        for p in (None, "float64")
    )
    assert (low.dtype, high.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(low, high, rtol=1e-5, atol=1e-6)
    assert (low != high).any()


class MeanCell3(MeanCell):
    state_size = (3, [1])

    def build(self, input_shape):
        self.kernel = self.add_weight((3, 2), name="kernel")


# -- dropout -----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_inputs_are_dropped_alike_at_every_step(backend):
    x = np.ones((50, 5, 8), "float32")
    for make in (layers.SimpleRNN, lambda n, **o: layers.RNN(layers.SimpleRNNCell(n, **o))):
        layer = make(8, activation="linear", dropout=0.5, seed=0)
        layer.return_sequences = True
        layer(x)
        layer.set_weights([np.eye(8), np.zeros((8, 8)), np.zeros(8)])
        with use_backend(backend, "cpu"):
            first, second = (layer(x, training=True).numpy() for _ in range(2))
        assert set(np.unique(first)) == {0, 2}
        assert (first == first[:, :1]).all(), "steps differ"
        assert (first != second).any(), "calls do not differ"
        assert (first[0] != first[1]).any(), "sequences do not differ"
        assert abs(first.mean() - 1) < 0.2
        assert (layer(x).numpy() == 1).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_state_is_dropped_alike_at_every_step(backend):
    x = np.zeros((50, 3, 2), "float32")
    layer = layers.SimpleRNN(
        8, activation="linear", recurrent_dropout=0.5, return_sequences=True, seed=0
    )
    layer(x)
    layer.set_weights([np.zeros((2, 8)), np.eye(8), np.zeros(8)])
    start = np.ones((50, 8), "float32")
    with use_backend(backend, "cpu"):
        y = layer(x, initial_state=start, training=True).numpy()
    assert set(np.unique(y[:, 0])) == {0, 2}
    assert (y[:, 1] == y[:, 0] * 2).all(), "another draw at the second step"
    assert (y[:, 2] == y[:, 0] * 4).all()
    assert abs(y[:, 0].mean() - 1) < 0.2
    assert (layer(x, initial_state=start).numpy() == 1).all()


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_dropout_is_alike_on_every_backend(kind):
    results = []
    for backend in BACKENDS:
        mg.utils.set_random_seed(3)
        layer = kind(3, dropout=0.3, recurrent_dropout=0.3, seed=7)
        with use_backend(backend, "cpu"):
            results.append(layer(masked(), training=True).numpy())
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-5, atol=1e-6)
    layer = kind(3, dropout=0.3, recurrent_dropout=0.3)
    assert (layer(VALUES, training=True).numpy() != layer(VALUES, training=True).numpy()).any()


def test_each_of_stacked_cells_draws_for_itself():
    cells = [layers.SimpleRNNCell(8, "linear", dropout=0.5, seed=s) for s in (0, 1)]
    layer = layers.RNN(cells, return_sequences=True)
    x = np.ones((20, 4, 8), "float32")
    layer(x)
    layer.set_weights([np.eye(8), np.zeros((8, 8)), np.zeros(8)] * 2)
    y = layer(x, training=True).numpy()
    assert set(np.unique(y)) == {0, 4}
    assert (y == y[:, :1]).all()
    assert abs((y == 4).mean() - 0.25) < 0.15


# -- states between calls ----------------------------------------------------------------------

STATEFUL = {
    "LSTM": lambda **o: layers.LSTM(3, **o),
    "GRU": lambda **o: layers.GRU(3, **o),
    "own": lambda **o: layers.RNN(MeanCell(), **o),
    "stacked": lambda **o: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **o),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", STATEFUL)
def test_a_sequence_in_two_calls_gives_what_it_gives_in_one(name, backend):
    whole = randomized(STATEFUL[name](return_sequences=True), VALUES)
    parts = STATEFUL[name](return_sequences=True, stateful=True)
    with use_backend(backend, "cpu"):
        parts(VALUES)
        parts.set_weights(whole.get_weights())
        for x, mask in ((VALUES, None), (masked().value, MASK)):
            parts.reset_states()
            expected = whole(x, mask=mask).numpy()
            for steps in (slice(0, 2), slice(2, 2), slice(2, 6)):
                part = None if mask is None else mask[:, steps]
                found = parts(x[:, steps], mask=part).numpy()
                np.testing.assert_allclose(found, expected[:, steps], rtol=1e-5, atol=1e-6)


def test_states_are_kept_as_keras_keeps_them():
    keras = pytest.importorskip("keras")
    ours = layers.LSTM(3, stateful=True)
    theirs = keras.layers.LSTM(3, stateful=True)
    theirs(VALUES)
    theirs.reset_state()
    ours(VALUES)
    ours.reset_state()
    ours.set_weights(theirs.get_weights())
    for _ in range(2):
        expected = keras.ops.convert_to_numpy(theirs(VALUES))
        np.testing.assert_allclose(ours(VALUES).numpy(), expected, rtol=1e-4, atol=1e-5)
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]


def test_masked_steps_keep_the_state():
    layer = layers.LSTM(3, stateful=True)
    layer(VALUES)
    before = [w.numpy().copy() for w in layer.states]
    layer(VALUES, mask=np.zeros((4, 6), bool))
    for weight, value in zip(layer.states, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_a_model_keeps_states():
    x = mg.Input(batch_shape=(4, None, 4))
    layer = layers.GRU(3, stateful=True)
    model = mg.Model(x, layer(x), seed=0)
    alone = layers.GRU(3)
    alone(VALUES)
    alone.set_weights(layer.get_weights())
    model(VALUES[:, :3])
    result = model(VALUES[:, 3:]).numpy()
    np.testing.assert_allclose(result, alone(VALUES).numpy(), rtol=1e-5, atol=1e-6)
    layer.reset_states()
    np.testing.assert_allclose(model(VALUES).numpy(), alone(VALUES).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [4, 40])
def test_predict_keeps_states_too(size):
    x = mg.Input((None, 4), batch_size=size)
    layer = layers.GRU(3, stateful=True)
    model = mg.Model(x, layer(x), seed=0)
    many = np.resize(VALUES, (size, 6, 4))
    model.predict(many[:, :2])
    parts = model.predict(many[:, 2:], backend="torch")
    layer.reset_states()
    np.testing.assert_allclose(parts, model.predict(many), rtol=1e-5, atol=1e-6)
    with pytest.raises(ShapeError, match="input"):
        model.predict(many[:3])


def test_a_run_that_fails_changes_no_state():
    x = mg.Input(batch_shape=(4, None, 4))
    layer = layers.GRU(3, stateful=True, return_sequences=True)
    model = mg.Model(x, ops.reshape(layer(x), (5, -1)), on_mask_loss="ignore")
    assert model(VALUES[:, :5]).shape == (5, 12)
    before = layer.states[0].numpy().copy()
    with pytest.raises(ValueError, match="reshape"):
        model(VALUES)
    np.testing.assert_array_equal(layer.states[0].numpy(), before)


def test_both_directions_keep_states():
    both = layers.Bidirectional(layers.GRU(3, stateful=True))
    first = both(VALUES).numpy()
    second = both(VALUES).numpy()
    assert (first[:, :3] != second[:, :3]).any()
    assert (first[:, 3:] != second[:, 3:]).any()
    both.reset_states()
    np.testing.assert_array_equal(both(VALUES).numpy(), first)


def test_a_sequential_model_takes_the_batch_size_from_the_data():
    model = mg.Sequential([layers.LSTM(3, stateful=True)])
    assert (model(VALUES).numpy() != model(VALUES).numpy()).any()


def test_initial_states_take_the_place_of_those_that_are_kept():
    layer = layers.GRU(3, stateful=True)
    start = np.full((4, 3), 0.5, "float32")
    first = layer(VALUES, initial_state=start).numpy()
    np.testing.assert_array_equal(layer(VALUES, initial_state=start).numpy(), first)
    np.testing.assert_array_equal(layer.states[0].numpy(), first)


# -- errors ------------------------------------------------------------------------------------


def cell(result, state_size=4):
    class Cell(layers.Layer):
        def __init__(self):
            super().__init__()
            if state_size is not None:
                self.state_size = state_size

        def call(self, inputs, states):
            return result(inputs, states)

    return Cell()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.RNN(3), ArgumentError, "not a recurrent cell: it is not a maskgraph layer"),
        (lambda: layers.RNN(layers.Dense(3)), ArgumentError, "it has no state_size"),
        (lambda: layers.RNN([]), ArgumentError, "there is nothing to stack"),
        (
            lambda: layers.RNN(cell(lambda x, s: x))(VALUES),
            GraphError,
            r"call\(\) must return \(output, new_states\)",
        ),
        (
            lambda: layers.RNN(cell(lambda x, s: (x, [s[0][:, :2]])))(VALUES),
            ShapeError,
            r"its new states do not fit those before\n.*\(2,\)(.|\n)*\(4,\)",
        ),
        (
            lambda: layers.RNN(cell(lambda x, s: (x, [s[0], x])))(VALUES),
            ShapeError,
            "its new states do not fit",
        ),
        (lambda: layers.RNN(layers.GRUCell(3))(VALUES[0]), ShapeError, "rank 3 or more"),
        (lambda: layers.LSTM(3, dropout=1.0), ArgumentError, "dropout out of range"),
        (lambda: layers.GRU(3, recurrent_dropout="a"), ArgumentError, "recurrent_dropout out of"),
        (lambda: layers.StackedRNNCells(layers.GRUCell(3)), ArgumentError, "nothing to stack"),
        (
            lambda: layers.GRU(3, stateful=True)(mg.Input((None, 4))),
            ShapeError,
            "must know the batch size(.|\n)*batch_shape",
        ),
        (lambda: layers.ConvLSTM1D(3, 2)(VALUES), ShapeError, "wrong rank"),
        (
            lambda: layers.ConvLSTM1D(3, 2)(mg.Input((None, None, 4))),
            ShapeError,
            "the number of rows must be known",
        ),
        (
            lambda: layers.ConvLSTM1D(3, 2, data_format="channels_first"),
            ArgumentError,
            "channels_last",
        ),
        (
            lambda: layers.ConvLSTM1D(3, 2, strides=2, dilation_rate=2),
            ArgumentError,
            "do not go together",
        ),
        (
            lambda: layers.Bidirectional(layers.GRU(3, go_backwards=True)),
            ArgumentError,
            "must go in opposite directions\n.*True for both",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_another_batch_size_is_refused():
    layer = layers.GRU(3, stateful=True)
    layer(VALUES)
    with pytest.raises(ShapeError, match=r"keeps its batch size\n.*a batch of 2\n.*4, as in"):
        layer(VALUES[:2])


def test_a_cell_cannot_leave_anything_behind():
    class Counting(layers.Layer):
        state_size = 4

        def call(self, inputs, states):
            self.add_loss(ops.sum(inputs))
            return inputs, states

    with pytest.raises(GraphError, match="cannot update weights or add losses"):
        layers.RNN(Counting())(VALUES)


def test_a_mask_of_rows_is_lost_and_said_to_be():
    x = mg.Input((5, 6, 2))
    with_rows = ops.with_mask(x, ops.any(ops.not_equal(x, 0), axis=-1))
    y = layers.ConvLSTM1D(3, 2, return_sequences=True)(with_rows)
    assert y.mask is None
    assert "its own axes were masked" in y.node.losses[0]
