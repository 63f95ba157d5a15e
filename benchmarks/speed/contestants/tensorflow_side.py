"""All contestants on TensorFlow: each workload by hand under XLA, with a mask or, for data
without padding, none; and a `RaggedTensor` where layers look at one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.speed.contestant import JUDGE, LIMIT, OTHER, PADDED, Contestant, Run
from benchmarks.speed.contestants import keras_forms
from benchmarks.speed.contestants.ours import ours
from benchmarks.speed.workloads import Problem

Tensor = Any
Weights = Iterator[Any]


def same(workload: str, weights: Any) -> list[np.ndarray]:
    """Return weights as they are: these forms have maskgraph's, which are Keras's."""
    return list(weights)


def contestants() -> list[Contestant]:
    """Return all on TensorFlow."""
    tf.get_logger().setLevel("ERROR")  # each line is a new function, and it warns of that
    return [
        *ours("tensorflow", same),
        Contestant("limit: no padding, by hand, XLA", LIMIT, partial(_make, dense=True)),
        Contestant("padded by hand, XLA", PADDED, _make),
        Contestant("padded by hand, float64", JUDGE, partial(_make, dtype="float64")),
        Contestant(
            "RaggedTensor, tf.function", OTHER, partial(_make, form=ragged), workloads=("W3",)
        ),
        keras_forms.contestant("tensorflow", same),
    ]


def _make(problem: Problem, dense: bool = False, form: Any = None, dtype: str = "float32") -> Run:
    widths = problem.widths
    by_hand = form or FORMS[problem.workload]
    weights = [tf.constant(w, dtype) for w in problem.weights]
    host = problem.batch.dense if dense else problem.batch.ids

    def outputs(weights: list[Tensor], ids: Tensor) -> Tensor:
        return by_hand(widths, iter(weights), ids, None if dense else ids != 0)

    def gradients(weights: list[Tensor], ids: Tensor) -> list[Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            total = tf.reduce_sum(outputs(weights, ids))
        return [tf.convert_to_tensor(g) for g in tape.gradient(total, weights)]

    wanted = tf.function(
        gradients if problem.backward else outputs, jit_compile=form is None, autograph=False
    )
    if problem.backward:
        return Run(
            lambda: [g.numpy() for g in wanted(weights, tf.constant(host))], lambda found: found
        )
    return Run(lambda: wanted(weights, tf.constant(host)).numpy(), lambda found: [found])


# -- parts -----------------------------------------------------------------------------------


def _linear(x: Tensor, weights: Weights) -> Tensor:
    kernel, bias = next(weights), next(weights)
    flat = tf.matmul(tf.reshape(x, (-1, kernel.shape[0])), kernel) + bias
    return tf.reshape(flat, (*x.shape[:-1], kernel.shape[1])) if x.shape[0] else flat


def _norm(x: Tensor, weights: Weights, epsilon: float) -> Tensor:
    x = x - tf.reduce_mean(x, -1, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + epsilon)
    return x * scale * next(weights) + next(weights)


def _mean(x: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return tf.reduce_mean(x, 1)
    total = tf.reduce_sum(tf.where(mask[..., None], x, 0.0), 1)
    return total / tf.reduce_sum(tf.cast(mask, x.dtype), 1, keepdims=True)


def _loop(
    step: Callable[..., Any], start: tuple[Tensor, ...], x: Tensor, mask: Tensor | None
) -> Tensor:
    """Run a cell over time; a state stays what it was where a step does not exist."""
    time = x.shape[1]
    x = tf.transpose(x, (1, 0, 2))
    exists = None if mask is None else tf.transpose(mask)[..., None]

    def body(t: Tensor, outputs: Any, *state: Tensor) -> Any:
        new = step(state, x[t])
        if exists is not None:
            new = [tf.where(exists[t], n, o) for n, o in zip(new, state, strict=True)]
        return t + 1, outputs.write(t, new[0]), *new

    outputs = tf.TensorArray(start[0].dtype, time, element_shape=start[0].shape)
    found = tf.while_loop(
        lambda t, *rest: t < time, body, (0, outputs, *start), maximum_iterations=time
    )
    return tf.transpose(found[1].stack(), (1, 0, 2))


def _lstm(x: Tensor, weights: Weights, mask: Tensor | None) -> Tensor:
    kernel, recurrent, bias = next(weights), next(weights), next(weights)
    both = tf.concat([kernel, recurrent], 0)

    def step(state: Any, x: Tensor) -> Any:
        h, c = state
        i, f, g, o = tf.split(tf.matmul(tf.concat([x, h], 1), both) + bias, 4, 1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    start = tf.zeros((x.shape[0], recurrent.shape[0]), x.dtype)
    return _loop(step, (start, start), x, mask)


def _gru(x: Tensor, weights: Weights, mask: Tensor | None) -> Tensor:
    kernel, recurrent, bias = next(weights), next(weights), next(weights)

    def step(state: Any, x: Tensor) -> Any:
        [h] = state
        z, r, n = tf.split(tf.matmul(x, kernel) + bias[0], 3, 1)  # as on JAX, step by step
        hz, hr, hn = tf.split(tf.matmul(h, recurrent) + bias[1], 3, 1)
        z = tf.sigmoid(z + hz)
        return (z * h + (1 - z) * tf.tanh(n + tf.sigmoid(r + hr) * hn),)

    start = tf.zeros((x.shape[0], recurrent.shape[0]), x.dtype)
    return _loop(step, (start,), x, mask)


# -- workloads -------------------------------------------------------------------------------


def bidirectional(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = tf.gather(next(weights), ids)
    ahead = _lstm(x, weights, mask)
    behind = _lstm(x[:, ::-1], weights, None if mask is None else mask[:, ::-1])
    return _linear(_mean(tf.concat([ahead, behind[:, ::-1]], -1), mask), weights)


def transformer(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = tf.gather(next(weights), ids)
    for _ in range(widths.blocks):
        x = _norm(x + _attention(x, weights, mask), weights, 1e-5)
        second = next(weights), next(weights)
        inner = _linear(tf.nn.relu(_linear(x, weights)), weights)
        x = _norm(x + inner, iter(second), 1e-5)
    return _linear(_mean(x, mask), weights)


def _attention(x: Tensor, weights: Weights, mask: Tensor | None) -> Tensor:
    q, k, v = (_heads(x, next(weights), next(weights)) for _ in range(3))
    scores = tf.matmul(q * q.shape[-1] ** -0.5, k, transpose_b=True)
    if mask is not None:
        scores = tf.where(mask[:, None, None, :], scores, -1e9)
    y = tf.transpose(tf.matmul(tf.nn.softmax(scores), v), (0, 2, 1, 3))
    kernel, bias = next(weights), next(weights)
    flat = tf.reshape(kernel, (-1, kernel.shape[-1]))
    return _linear(tf.reshape(y, x.shape), iter((flat, bias)))


def _heads(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    features, heads, size = kernel.shape
    flat = tf.reshape(kernel, (features, heads * size)), tf.reshape(bias, (-1,))
    y = tf.reshape(_linear(x, iter(flat)), (*x.shape[:2], heads, size))
    return tf.transpose(y, (0, 2, 1, 3))


def tokenwise(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = tf.gather(next(weights), ids)
    return _linear(_mean(_blocks(x, weights), mask), weights)


def _blocks(x: Tensor, weights: Weights) -> Tensor:
    for _ in range(3):
        x = _norm(tf.nn.relu(_linear(x, weights)), weights, 1e-3)
    return x


def ragged(widths: Any, weights: Weights, ids: Tensor, mask: Tensor) -> Tensor:
    """W3 on the values of a `RaggedTensor`."""
    rows = tf.ragged.boolean_mask(ids, mask)
    x = rows.with_flat_values(_blocks(tf.gather(next(weights), rows.flat_values), weights))
    return _linear(tf.reduce_mean(x, 1), weights)


def convolution(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = tf.gather(next(weights), ids)
    for _ in range(4):
        if mask is not None:
            x = tf.where(mask[..., None], x, 0.0)
        kernel, bias = next(weights), next(weights)
        x = tf.nn.relu(tf.nn.conv1d(x, kernel, 1, "SAME") + bias)
    if mask is not None:
        x = tf.where(mask[..., None], x, float("-inf"))
    return _linear(tf.reduce_max(x, 1), weights)


def tagger(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = tf.gather(next(weights), ids)
    tags = _linear(_gru(_gru(x, weights, mask), weights, mask), weights)
    return tags if mask is None else tf.where(mask[..., None], tags, tf.zeros_like(tags))


FORMS: dict[str, Any] = {
    "W1": bidirectional,
    "W2": transformer,
    "W3": tokenwise,
    "W4": convolution,
    "W5": tagger,
}
