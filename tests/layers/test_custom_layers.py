"""Layers written by users, as Keras users write them."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import ArgumentError, BackendError, GraphError, MaskError

IDS = np.array([[3, 1, 4, 0], [1, 0, 0, 0]], "int32")
MASK = [[True, True, True, False], [True, False, False, False]]
BACKENDS = ["numpy", "torch", "tensorflow", "jax"]


@pytest.fixture(params=BACKENDS)
def backend(request):
    with mg.use_backend(request.param) as backend:
        yield backend


def embedded():
    tokens = mg.Input(shape=(None,), dtype="int32")
    return tokens, layers.Embedding(10, 4, mask_zero=True)(tokens)


def host(x):
    return None if x is None else np.asarray(x).tolist()


class Seen(layers.Layer):
    """Says nothing about masks, and returns what it sees."""

    def call(self, inputs):
        return inputs + 0


class Scale(layers.Layer):
    def __init__(self, start=2.0, **kwargs):
        super().__init__(**kwargs)
        self.start = start
        self.supports_masking = True

    def build(self, input_shape):
        self.factor = self.add_weight(
            shape=(input_shape[-1],), initializer=lambda shape, dtype: np.full(shape, self.start)
        )

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "start": self.start}


def test_layer_without_opt_in_sees_zeros_and_ends_the_mask(backend):
    x = mg.MaskedTensor(np.full((2, 4, 1), np.nan, "float32"), np.array(MASK))
    x.value[np.array(MASK)] = 7
    result = Seen()(x)
    assert result.mask is None
    assert result.numpy()[..., 0].tolist() == [[7, 7, 7, 0], [7, 0, 0, 0]]


def test_what_the_layer_sees_is_zero_also_after_other_layers(backend):
    x = mg.Input(shape=(None, 1), masked=True)
    model = mg.Model(x, Seen()(x + 7), on_mask_loss="ignore")
    ones = mg.MaskedTensor(np.ones((2, 4, 1), "float32"), np.array(MASK))
    assert model(ones).numpy()[..., 0].tolist() == [[8, 8, 8, 0], [8, 0, 0, 0]]


def test_layer_on_a_framework_sees_zeros_too():
    class Shift(layers.Layer):
        backends = {"numpy"}

        def call(self, inputs):
            return inputs + 1

        def compute_output_shape(self, input_shape):
            return input_shape

    x = mg.Input(shape=(None, 1), masked=True)
    model = mg.Model(x, Shift()(x + 7), on_mask_loss="ignore")
    ones = mg.MaskedTensor(np.ones((2, 4, 1), "float32"), np.array(MASK))
    assert model(ones).numpy()[..., 0].tolist() == [[9, 9, 9, 1], [9, 1, 1, 1]]


def test_opted_in_layer_passes_the_mask(backend):
    x = layers.Embedding(10, 4, mask_zero=True)(IDS)
    result = Scale()(x)
    assert host(result.mask) == MASK
    np.testing.assert_allclose(result.numpy(), 2 * x.numpy(), rtol=1e-6)


def test_config_makes_an_equal_layer():
    layer = Scale(3.0, name="three")
    again = Scale.from_config(layer.get_config())
    assert (again.name, again.start) == ("three", 3.0)
    dense = layers.Dense(5, activation="relu", name="d")
    assert layers.Dense.from_config(dense.get_config()).units == 5


def test_consumer_gets_the_mask(backend):
    class Count(layers.Layer):
        def call(self, inputs, mask=None):
            assert mask is not None
            return ops.sum(ops.cast(mask, "float32"), axis=1, keepdims=True)

    tokens, x = embedded()
    model = mg.Model(tokens, Count()(x), on_mask_loss="error")
    assert model.predict(IDS).tolist() == [[3.0], [1.0]]


def test_mask_is_none_where_there_is_none():
    class Tells(layers.Layer):
        def call(self, inputs, mask=None):
            return inputs * (0.0 if mask is None else 1.0)

    assert Tells()(np.ones((1, 2), "float32")).numpy().tolist() == [[0.0, 0.0]]


def test_masks_of_several_arguments():
    """`mask` is that of the first argument, `<name>_mask` that of the argument `<name>`."""

    class Both(layers.Layer):
        supports_masking = True

        def call(self, query, value, mask=None, value_mask=None):
            assert mask is not None
            assert value_mask is not None
            return query + value

    a = mg.MaskedTensor(np.ones((1, 3)), np.array([[True, True, False]]))
    b = mg.MaskedTensor(np.ones((1, 3)), np.array([[False, True, True]]))
    assert host(Both()(a, b).mask) == [[False, True, False]], "the later mask is not dropped"


def test_mask_by_hand_replaces_the_tensors_own(backend):
    x = layers.Embedding(10, 4, mask_zero=True)(IDS)
    only_first = np.array([[True, False, False, False]] * 2)
    lstm = layers.LSTM(3)
    by_hand = lstm(x, mask=only_first).numpy()
    np.testing.assert_allclose(by_hand, lstm(x[:, :1]).numpy(), atol=1e-6)


def test_mask_by_hand_may_be_data_in_a_symbolic_call():
    x = mg.Input(shape=(3, 2))
    y = layers.GlobalMaxPooling1D()(x, mask=np.array([[False, True, False]]))
    with pytest.raises(MaskError, match=r"\(1, 2\)"):
        layers.GlobalMaxPooling1D()(x, mask=np.array([[False, True]]))
    data = np.arange(6, dtype="float32").reshape(1, 3, 2)
    assert mg.Model(x, y).predict(data).tolist() == [[2.0, 3.0]]


def test_layer_that_returns_its_input_still_computes_its_mask():
    class Hide(layers.Layer):
        def call(self, inputs):
            return inputs

        def compute_mask(self, inputs, mask=None):
            return ops.not_equal(inputs[..., 0], 1.0)

    x = np.array([[[1.0], [2.0]]], "float32")
    result = Hide()(x)
    assert host(result.mask) == [[False, True]]
    assert result.numpy().tolist() == [[[0.0], [2.0]]]


def test_several_outputs_have_a_mask_each(backend):
    class TemporalSplit(layers.Layer):
        def call(self, inputs):
            return ops.split(inputs, 2, axis=1)

        def compute_mask(self, inputs, mask=None):
            return None if mask is None else ops.split(mask, 2, axis=1)

    tokens, x = embedded()
    first, second = TemporalSplit()(x)
    model = mg.Model(tokens, [first, layers.LSTM(3)(second)], on_mask_loss="error")
    steps, _ = model(IDS)
    assert host(steps.mask) == [[True, True], [True, False]]


def test_sub_layers_get_masks_without_being_told(backend):
    class Encoder(layers.Layer):
        supports_masking = True

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.stack = [layers.GRU(4, return_sequences=True), layers.Dense(4)]

        def call(self, inputs):
            x = inputs
            for layer in self.stack:
                x = layer(x)
            assert x.mask is inputs.mask
            return x

    encoder = Encoder()
    x = mg.MaskedTensor(np.ones((2, 4, 3), "float32"), np.array(MASK))
    result = encoder(x)
    alone = encoder(np.ones((1, 3, 3), "float32"))
    np.testing.assert_allclose(result.unpad()[0], alone.numpy()[0], atol=1e-6)
    assert len(encoder.weights) == 5


def test_training_reaches_the_layer_and_its_sub_layers():
    class Noisy(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dropout = layers.Dropout(0.5, seed=0)

        def call(self, inputs, training=False):
            x = self.dropout(inputs)
            return x + 10 if training else x

    x = np.ones((1, 100), "float32")
    assert (Noisy()(x).numpy() == 1).all()
    assert set(np.unique(Noisy()(x, training=True).numpy())) == {10.0, 12.0}


def test_layer_on_a_framework_names_its_backends():
    class TorchRelu(layers.Layer):
        backends = {"torch"}
        supports_masking = True

        def build(self, input_shape):
            self.shift = self.add_weight((1,), "ones")

        def call(self, inputs):
            import torch

            return torch.relu(inputs + self.shift.value)

        def compute_output_shape(self, input_shape):
            return input_shape

    tokens, x = embedded()
    model = mg.Model(tokens, TorchRelu(name="native")(x), on_mask_loss="error")
    result = model.predict(IDS, backend="torch")
    assert (result[~np.array(MASK)] == 0).all()
    assert (result[np.array(MASK)] > 0.8).all()
    with pytest.raises(BackendError, match=r"layer 'native' \(TorchRelu\).*'numpy'[\s\S]*torch"):
        model.predict(IDS, backend="numpy")


def test_layer_on_a_framework_must_tell_its_shape():
    class Shapeless(layers.Layer):
        backends = {"torch"}

        def call(self, inputs):
            return inputs

    with pytest.raises(GraphError, match="compute_output_shape"):
        Shapeless()(mg.Input(shape=(3,)))


def test_sizes_known_only_at_run_time():
    class Halves(layers.Layer):
        def call(self, inputs):
            batch, time, features = ops.shape(inputs)
            return ops.reshape(inputs, (batch, time // 2, 2 * features))

    model = mg.Sequential([mg.Input(shape=(None, 3)), Halves()])
    assert model.predict(np.ones((2, 6, 3), "float32")).shape == (2, 3, 6)


# -- mistakes --------------------------------------------------------------------------------


def test_forgotten_super_init():
    class Careless(layers.Layer):
        def __init__(self):
            self.inner = layers.Dense(2)

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(GraphError, match=r"Careless.__init__ must begin with super\(\)"):
        Careless()(np.ones((1, 2)))


def test_numpy_inside_call_is_explained():
    class Foreign(layers.Layer):
        def call(self, inputs):
            return np.tanh(inputs)

    with pytest.raises(TypeError) as error:
        Foreign(name="foreign")(mg.Input(shape=(3,)))
    notes = " ".join(error.value.__notes__)
    assert "layer 'foreign' (Foreign)" in notes
    assert "maskgraph.ops" in notes


def test_wrong_number_of_masks():
    class TwoMasks(layers.Layer):
        def call(self, inputs):
            return inputs * 1, inputs * 2

        def compute_mask(self, inputs, mask=None):
            return [mask, mask, mask]

    _, x = embedded()
    with pytest.raises(MaskError, match=r"received: 3[\s\S]*expected: 2"):
        TwoMasks()(x)


def test_mask_that_does_not_fit_the_output():
    class Shorter(layers.Layer):
        supports_masking = True

        def call(self, inputs):
            return inputs[:, :2]

    x = mg.MaskedTensor(np.ones((1, 3, 2)), np.array([[True, True, False]]))
    with pytest.raises(MaskError, match=r"\(None, 3\)[\s\S]*\(None, 2, 2\)"):
        Shorter()(x)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Dense(), "Dense: missing a required argument: 'units'"),
        (lambda: layers.Dense(3, regularizer="l2"), "Dense has no argument 'regularizer'"),
        (lambda: layers.Dense(-3), r"units out of range[\s\S]*-3"),
        (lambda: layers.Embedding(0, 3), "input_dim out of range"),
        (lambda: layers.Dense(3, activation="rlu"), r"'rlu'[\s\S]*relu"),
        (lambda: layers.Dropout(1.5), "rate out of range"),
    ],
)
def test_wrong_arguments(make, text):
    with pytest.raises(ArgumentError, match=text):
        make()
