"""Keras on the backend that KERAS_BACKEND names, compiled where its backend compiles.

Masks go the way that Keras sends them, and where it loses one they are given by hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.speed.contestant import KERAS, Contestant, Run
from benchmarks.speed.contestants.ours import Convert
from benchmarks.speed.workloads import Problem

HOW = {"tensorflow": "jit_compile", "jax": "jit", "torch": "eager"}


def contestant(backend: str, convert: Convert) -> Contestant:
    """Return Keras on a backend."""
    return Contestant(f"Keras, {HOW[backend]}", KERAS, partial(_make, backend, convert))


def _make(backend: str, convert: Convert, problem: Problem) -> Run:
    os.environ.setdefault("KERAS_BACKEND", backend)
    import keras

    if keras.config.backend() != backend:
        raise RuntimeError(f"this process has Keras on {keras.config.backend()}")
    built = _Built(keras, problem)
    run = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend](built, problem)
    if not problem.backward:
        return Run(run, lambda found: [found])

    def read(found: Any) -> list[np.ndarray]:
        return convert(problem.workload, [np.asarray(g) for g in found])

    return Run(run, read)


class _Built:
    """A Keras model with the weights of a problem.

    Attributes:
        model: it.
        variables: its weights, in maskgraph's order.
    """

    def __init__(self, keras: Any, problem: Problem) -> None:
        self.keras, self.widths = keras, problem.widths
        self.layers: list[Any] = []
        ids = keras.Input((None,), dtype="int32")
        outputs = getattr(self, problem.workload)(ids)
        if problem.steps:
            outputs = keras.ops.where(self._mask(ids), outputs, 0.0)
        self.model = keras.Model(ids, outputs)
        left = iter(problem.weights)
        for layer in self.layers:
            layer.set_weights([next(left) for _ in layer.weights])
        self.variables = [v for layer in self.layers for v in layer.trainable_variables]

    def new(self, name: str, *args: Any, **options: Any) -> Any:
        self.layers.append(getattr(self.keras.layers, name)(*args, **options))
        return self.layers[-1]

    def _mask(self, ids: Any) -> Any:
        return self.keras.ops.expand_dims(self.keras.ops.not_equal(ids, 0), -1)

    def _embedded(self, ids: Any, size: int) -> Any:
        return self.new("Embedding", self.widths.vocabulary, size, mask_zero=True)(ids)

    def W1(self, ids: Any) -> Any:  # noqa: N802
        x = self._embedded(ids, self.widths.rnn)
        layers = self.keras.layers
        lstm = layers.LSTM(self.widths.rnn, return_sequences=True)
        x = self.new("Bidirectional", lstm)(x)
        return self.new("Dense", 1)(layers.GlobalAveragePooling1D()(x))

    def W2(self, ids: Any) -> Any:  # noqa: N802
        x = self._embedded(ids, self.widths.model)
        mask = self.keras.ops.not_equal(ids, 0)
        for _ in range(self.widths.blocks):
            x = self._encoder(x, mask[:, None, :])
        x = self.keras.layers.GlobalAveragePooling1D()(x, mask=mask)
        return self.new("Dense", 1)(x)

    def _encoder(self, x: Any, seen: Any) -> Any:
        widths = self.widths
        size = widths.model // widths.heads
        attend = self.new("MultiHeadAttention", widths.heads, size)
        first = self.new("LayerNormalization", epsilon=1e-5)
        second = self.new("LayerNormalization", epsilon=1e-5)
        into = self.new("Dense", widths.hidden, activation="relu")
        out = self.new("Dense", widths.model)
        x = first(x + attend(x, x, attention_mask=seen))
        return second(x + out(into(x)))

    def W3(self, ids: Any) -> Any:  # noqa: N802
        x = self._embedded(ids, self.widths.dense)
        for _ in range(3):
            x = self.new("Dense", self.widths.dense, activation="relu")(x)
            x = self.new("LayerNormalization")(x)
        return self.new("Dense", 1)(self.keras.layers.GlobalAveragePooling1D()(x))

    def W4(self, ids: Any) -> Any:  # noqa: N802
        x = self._embedded(ids, self.widths.conv)
        mask, where = self._mask(ids), self.keras.ops.where
        for _ in range(4):  # Keras's convolution sees the padding, and drops the mask
            x = where(mask, x, 0.0)
            x = self.new("Conv1D", self.widths.conv, 3, padding="same", activation="relu")(x)
        return self.new("Dense", 1)(self.keras.ops.max(where(mask, x, -1e30), axis=1))

    def W5(self, ids: Any) -> Any:  # noqa: N802
        x = self._embedded(ids, self.widths.rnn)
        for _ in range(2):
            x = self.new("GRU", self.widths.rnn, return_sequences=True)(x)
        return self.new("Dense", self.widths.tags)(x)


# -- running it ------------------------------------------------------------------------------


def _tensorflow(built: _Built, problem: Problem) -> Callable[[], Any]:
    import tensorflow as tf

    ids = problem.batch.ids

    def gradients(ids: Any) -> Any:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(built.model(ids, training=False))
        values = [v.value for v in built.variables]
        return [tf.convert_to_tensor(g) for g in tape.gradient(total, values)]

    if problem.backward:
        backward = tf.function(gradients, jit_compile=True)
        return lambda: [g.numpy() for g in backward(tf.constant(ids))]
    forward = tf.function(lambda ids: built.model(ids, training=False), jit_compile=True)
    return lambda: forward(tf.constant(ids)).numpy()


def _jax(built: _Built, problem: Problem) -> Callable[[], Any]:
    import jax

    ids, model = problem.batch.ids, built.model
    own = [v.value for v in model.trainable_variables]
    rest = [v.value for v in model.non_trainable_variables]
    places = [[v is w for w in model.trainable_variables].index(True) for v in built.variables]

    def outputs(weights: Any, ids: Any) -> Any:
        return model.stateless_call(weights, rest, ids, training=False)[0]

    if problem.backward:
        slope = jax.jit(jax.grad(lambda weights, ids: outputs(weights, ids).sum()))

        def backward() -> Any:
            found = jax.block_until_ready(slope(own, ids))
            return [found[i] for i in places]

        return backward
    forward = jax.jit(outputs)
    return lambda: np.asarray(forward(own, ids))


def _torch(built: _Built, problem: Problem) -> Callable[[], Any]:
    import torch

    ids, model = problem.batch.ids, built.model

    def forward() -> Any:
        with torch.no_grad():
            return model(torch.from_numpy(ids), training=False).numpy()

    def backward() -> Any:
        total = model(torch.from_numpy(ids), training=False).sum()
        return torch.autograd.grad(total, [v.value for v in built.variables])

    return backward if problem.backward else forward
