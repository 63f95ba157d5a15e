"""`supports_masking = "infer"`: the mask follows from the ops, or the layer is refused."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import MaskError
from maskgraph.testing import check_law
from maskgraph.testing.sequences import Sequences

FLOATS = Sequences(trailing=(4,))


def layer(function):
    """Return a layer that states nothing about masks."""

    class Inferred(layers.Layer):
        supports_masking = "infer"

        def call(self, inputs):
            return function(inputs)

    return Inferred()


DENSE, LSTM = layers.Dense(2), layers.LSTM(3)

SAFE = {
    "elementwise": lambda x: ops.gelu(x * 2) + 1,
    "features": lambda x: x[..., 1:] - ops.mean(x, axis=-1, keepdims=True),
    "mean over time": lambda x: ops.mean(x, axis=1),
    "centred": lambda x: x - ops.mean(x, axis=1, keepdims=True),
    "running": lambda x: ops.cumsum(x, axis=1),
    "shares": lambda x: ops.softmax(x, axis=1),
    "heads": lambda x: ops.reshape(x, (*ops.shape(x)[:2], 2, 2)),
    "similarity": lambda x: ops.einsum("btd,bte->bde", [x, x]),
    "reversed": lambda x: ops.flip(x, 1),
    "twice": lambda x: ops.concatenate([x, x], axis=1),
    "layers": lambda x: LSTM(DENSE(x)),
    "bias": lambda x: x + ops.ones((ops.shape(x)[1], 1)) * 3,
}

UNSAFE = {
    "getitem": lambda x: x[:, 1:],
    "getitem-one": lambda x: x[:, -1],
    "split": lambda x: ops.split(x, [1], axis=1)[0],
    "take": lambda x: ops.take(x, np.array([0]), axis=1),
    "argmax": lambda x: ops.argmax(x, axis=1),
    "max": lambda x: ops.max(x, axis=0),
    "cumsum": lambda x: ops.cumsum(x, axis=0),
    "reshape": lambda x: ops.reshape(x, (-1, 4)),
    "transpose": lambda x: ops.transpose(x, (0, 2, 1)),
    "drop_mask": lambda x: ops.drop_mask(x) + 1,
    "multiply": lambda x: x * ops.shape(x)[1],
    "arange": lambda x: x + ops.expand_dims(ops.arange(ops.shape(x)[1]), -1),
}


@pytest.mark.parametrize("name", SAFE)
def test_safe_ops_are_inferred_and_lawful(name):
    check_law(layer(SAFE[name]), FLOATS, padding=["right", "left", "holes"])


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_ops_are_refused_by_name(name):
    op = name.partition("-")[0]
    x = mg.Input((None, 4), masked=True)
    with pytest.raises(MaskError, match=rf"(?s)its mask cannot be inferred.*ops\.{op}, at .*fix"):
        layer(UNSAFE[name])(x)


@pytest.mark.parametrize("name", UNSAFE)
def test_without_a_mask_nothing_is_refused(name):
    layer(UNSAFE[name])(mg.Input((None, 4)))


def test_on_data_too():
    x = mg.MaskedTensor(np.ones((1, 2, 4), "float32"), np.array([[True, False]]))
    assert layer(SAFE["elementwise"])(x).mask.tolist() == [[True, False]]
    with pytest.raises(MaskError, match=r"ops\.getitem"):
        layer(UNSAFE["getitem"])(x)


def test_layers_inside_that_lose_a_mask_are_named():
    class Plain(layers.Layer):
        def call(self, inputs):
            return inputs * 2

    x = mg.Input((None, 4), masked=True)
    with pytest.raises(MaskError, match=r"layer 'plain'.*does not support masking"):
        layer(Plain(name="plain"))(x)


def test_a_layer_that_calls_a_framework_is_refused():
    class Native(layers.Layer):
        supports_masking = "infer"
        backends = {"numpy"}

        def call(self, inputs):
            return inputs + 1

        def compute_output_shape(self, input_shape):
            return input_shape

    with pytest.raises(MaskError, match="calls a framework directly"):
        Native()(mg.Input((None, 4), masked=True))
