"""The guide "Masking and padding with Keras", step by step, on the backend of your choice.

    python examples/masking_guide.py --backend numpy

Source of the steps: https://keras.io/guides/understanding_masking_and_padding/
"""

import argparse

import numpy as np

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.utils import pad_sequences


def padding():
    """Sequences of different lengths become one rectangle."""
    raw_inputs = [
        [711, 632, 71],
        [73, 8, 3215, 55, 927],
        [83, 91, 1, 645, 1253, 927],
    ]
    padded_inputs = pad_sequences(raw_inputs, padding="post")
    print("padded:\n", padded_inputs)
    return padded_inputs


def generating(padded_inputs):
    """Embedding and Masking say which steps are real."""
    embedding = layers.Embedding(input_dim=5000, output_dim=16, mask_zero=True)
    masked_output = embedding(padded_inputs)
    print("\nmask of Embedding(mask_zero=True):\n", np.asarray(masked_output.mask))

    masking_layer = layers.Masking()
    repeated = ops.tile(ops.expand_dims(padded_inputs, axis=-1), [1, 1, 10])
    unmasked_embedding = ops.cast(repeated, "float32")
    masked_embedding = masking_layer(unmasked_embedding)
    print("\nmask of Masking():\n", np.asarray(masked_embedding.mask))


def propagating(padded_inputs):
    """In models, masks find their way alone."""
    sequential = mg.Sequential(
        [layers.Embedding(input_dim=5000, output_dim=16, mask_zero=True), layers.LSTM(32)], seed=0
    )
    inputs = mg.Input(shape=(None,), dtype="int32", name="tokens")
    x = layers.Embedding(input_dim=5000, output_dim=16, mask_zero=True)(inputs)
    outputs = layers.LSTM(32)(x)
    functional = mg.Model(inputs, outputs, seed=0)
    same = np.allclose(sequential.predict(padded_inputs), functional.predict(padded_inputs))
    print("\nsequential and functional model agree:", same)
    print(functional.check())


class MyLayer(layers.Layer):
    """A layer of layers, with the mask passed by hand."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.embedding = layers.Embedding(input_dim=5000, output_dim=16, mask_zero=True)
        self.lstm = layers.LSTM(32)

    def call(self, inputs):
        x = self.embedding(inputs)
        mask = self.embedding.compute_mask(inputs)
        return self.lstm(x, mask=mask)


class TemporalSplit(layers.Layer):
    """Split the input tensor into 2 tensors along the time dimension: the mask too."""

    def call(self, inputs):
        return ops.split(inputs, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        if mask is None:
            return None
        return ops.split(mask, 2, axis=1)


class CustomEmbedding(layers.Layer):
    """A layer that generates a mask."""

    def __init__(self, input_dim, output_dim, mask_zero=False, **kwargs):
        super().__init__(**kwargs)
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.mask_zero = mask_zero

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim), initializer="random_normal", dtype="float32"
        )

    def call(self, inputs):
        inputs = ops.cast(inputs, "int32")
        return ops.take(self.embeddings, inputs, axis=0)

    def compute_mask(self, inputs, mask=None):
        if not self.mask_zero:
            return None
        return ops.not_equal(inputs, 0)


class MyActivation(layers.Layer):
    """A layer that works step by step, and lets masks pass."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return ops.relu(inputs)


class TemporalSoftmax(layers.Layer):
    """A layer that consumes the mask: a softmax over the steps that exist."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        assert mask is not None
        broadcast_float_mask = ops.expand_dims(ops.cast(mask, "float32"), -1)
        inputs_exp = ops.exp(inputs) * broadcast_float_mask
        inputs_sum = ops.sum(inputs_exp * broadcast_float_mask, axis=1, keepdims=True)
        return inputs_exp / inputs_sum


def custom_layers(padded_inputs):
    """Layers that pass masks by hand, change, generate, let through or consume them."""
    print("\nMyLayer:", MyLayer()(padded_inputs).shape)

    masked = layers.Embedding(input_dim=5000, output_dim=16, mask_zero=True)(padded_inputs)
    first_half, second_half = TemporalSplit()(masked)
    print("\nTemporalSplit:\n", np.asarray(first_half.mask), "\n", np.asarray(second_half.mask))

    x = np.random.default_rng(0).integers(0, 10, size=(3, 10)).astype("int32")
    y = CustomEmbedding(10, 32, mask_zero=True)(x)
    print("\nCustomEmbedding:\n", np.asarray(y.mask))

    inputs = mg.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(input_dim=5000, output_dim=16, mask_zero=True)(inputs)
    x = MyActivation()(x)
    print("\nmask after MyActivation:", x.mask)
    outputs = layers.LSTM(32)(x)
    print("model:", mg.Model(inputs, outputs).predict(padded_inputs).shape)

    x = layers.Embedding(input_dim=10, output_dim=32, mask_zero=True)(inputs)
    x = layers.Dense(1)(x)
    model = mg.Model(inputs, TemporalSoftmax()(x))
    tokens = np.random.default_rng(1).integers(0, 10, size=(4, 8)).astype("int32")
    shares = model(tokens).numpy()[..., 0]
    print("\nTemporalSoftmax, shares of the steps:\n", shares.round(3))
    print("each row sums to", shares.sum(axis=1).round(6))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", default="numpy", help="numpy, torch, tensorflow or jax")
    parser.add_argument("--device", default=None, help="cpu, cuda, cuda:1, gpu:0 …")
    options = parser.parse_args()
    mg.utils.set_random_seed(0)
    with mg.use_backend(options.backend, options.device) as backend:
        print(f"backend {backend.name} on {backend.device}\n")
        padded_inputs = padding()
        generating(padded_inputs)
        propagating(padded_inputs)
        custom_layers(padded_inputs)


if __name__ == "__main__":
    main()
