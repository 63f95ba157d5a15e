"""Weights that a run updates, and losses that layers add."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import GraphError, ShapeError


class Counter(layers.Layer):
    """Counts the valid steps it has seen, and adds their sum of squares to the loss."""

    supports_masking = True

    def build(self, input_shape):
        self.seen = self.add_weight((), "zeros", trainable=False, name="seen")

    def call(self, inputs, training=False):
        steps = ops.sum(ops.ones_like(inputs)[..., 0], axis=(0, 1))
        self.add_update(self.seen, self.seen.symbol * 0.5 + steps)
        self.add_loss(ops.sum(ops.square(inputs)))
        return inputs + self.seen


@pytest.fixture(params=["numpy", "torch", "tensorflow", "jax"])
def backend(request):
    with mg.use_backend(request.param):
        yield request.param


def padded(rows=2):
    values = np.full((rows, 3, 1), np.nan, "float32")
    mask = np.array([[True, True, False], [True, False, False]] * (rows // 2))
    values[mask] = 2
    return mg.MaskedTensor(values, mask)


def test_a_layer_called_on_data(backend):
    counter = Counter()
    assert counter(padded()).numpy()[0, :2].tolist() == [[2.0], [2.0]]
    assert counter.seen.numpy() == 3
    assert [float(x) for x in counter.losses] == [12.0]
    assert counter(padded()).numpy()[0, 0] == 5
    assert counter.seen.numpy() == 4.5


def test_in_nested_models_and_wrappers(backend):
    counter = Counter()
    x = mg.Input((None, 1), masked=True)
    inner = mg.Model(x, counter(x), name="inner")
    y = mg.Input((None, 1), masked=True)
    model = mg.Model(y, layers.Dense(2)(inner(y)))
    model(padded())
    assert counter.seen.numpy() == 3
    assert [float(x) for x in model.losses] == [12.0]


def test_called_twice_in_one_run_it_is_updated_twice(backend):
    counter = Counter()
    x = mg.Input((None, 1), masked=True)
    model = mg.Model(x, counter(counter(x)[:, :2]))
    model(padded())
    assert counter.seen.numpy() == 3 * 0.5 + 3
    assert len(model.losses) == 2


def test_batches_of_a_prediction_follow_each_other(backend):
    counter = Counter()
    x = mg.Input((None, 1), masked=True)
    mg.Model(x, counter(x)).predict(padded(4), batch_size=2)
    assert counter.seen.numpy() == 4.5


def test_a_run_that_fails_updates_nothing(backend):
    counter = Counter()
    tokens = mg.Input((None,), "int32")
    model = mg.Model(tokens, counter(layers.Embedding(9, 2)(tokens)))
    with pytest.raises(mg.errors.VocabularyError):
        model.predict(np.array([[1], [99]]), batch_size=1)
    assert counter.seen.numpy() == 0


def test_a_bare_plan_updates_nothing(backend):
    counter = Counter()
    x = mg.Input((None, 1), masked=True)
    data = padded()
    plan = mg.Model(x, counter(x)).plan(data)
    plan.run([(data.value, data.mask)])
    assert counter.seen.numpy() == 0
    results = plan.compute([(data.value, data.mask)])
    assert [weight for weight, _ in results.updates] == [counter.seen]
    results.apply()
    assert counter.seen.numpy() == 3


def test_wrong_use():
    counter = Counter()
    with pytest.raises(GraphError, match="add_loss is for use within call"):
        counter.add_loss(ops.sum(mg.Input((2,))))

    class Wrong(layers.Layer):
        def build(self, input_shape):
            self.total = self.add_weight((2,), "zeros", name="total")

        def call(self, inputs):
            self.add_update(self.total, ops.sum(inputs))
            return inputs

    with pytest.raises(ShapeError, match="an update does not fit weight 'total'"):
        Wrong()(np.ones((1, 2)))
