"""All contestants on JAX: each workload by hand under `jax.jit`, with a mask or, for data without
padding, none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax, nn
from jax import numpy as jnp

from benchmarks.speed.contestant import JUDGE, LIMIT, PADDED, Contestant, Run
from benchmarks.speed.contestants import keras_forms
from benchmarks.speed.contestants.ours import ours
from benchmarks.speed.workloads import Problem

Array = jax.Array
Weights = Iterator[Any]


def same(workload: str, weights: Any) -> list[np.ndarray]:
    """Return weights as they are: these forms have maskgraph's, which are Keras's."""
    return list(weights)


def contestants() -> list[Contestant]:
    """Return all on JAX."""
    return [
        *ours("jax", same),
        Contestant("limit: no padding, by hand, jit", LIMIT, partial(_make, dense=True)),
        Contestant("padded by hand, jit", PADDED, partial(_make, dense=False)),
        Contestant("padded by hand, float64", JUDGE, _in_float64),
        keras_forms.contestant("jax", same),
    ]


def _in_float64(problem: Problem) -> Run:
    with jax.enable_x64(True):
        run = _make(problem, dense=False, dtype="float64")

    def call() -> Any:
        with jax.enable_x64(True):
            return run.call()

    return Run(call, run.read)


def _make(problem: Problem, dense: bool, dtype: str = "float32") -> Run:
    form, widths = FORMS[problem.workload], problem.widths
    weights = [jnp.asarray(w, dtype) for w in problem.weights]
    host = problem.batch.dense if dense else problem.batch.ids

    def outputs(weights: list[Array], ids: Array) -> Array:
        return form(widths, iter(weights), ids, None if dense else ids != 0)

    def total(weights: list[Array], ids: Array) -> Array:
        return outputs(weights, ids).sum()

    wanted: Callable[..., Any] = jax.jit(jax.grad(total) if problem.backward else outputs)

    def call() -> Any:
        return jax.block_until_ready(wanted(weights, host))

    if problem.backward:
        return Run(call, lambda found: [np.asarray(g) for g in found])
    return Run(lambda: np.asarray(call()), lambda found: [found])


# -- parts -----------------------------------------------------------------------------------


def _linear(x: Array, weights: Weights) -> Array:
    return x @ next(weights) + next(weights)


def _norm(x: Array, weights: Weights, epsilon: float) -> Array:
    x = x - x.mean(-1, keepdims=True)
    scale = lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + epsilon)
    return x * scale * next(weights) + next(weights)


def _mean(x: Array, mask: Array | None) -> Array:
    if mask is None:
        return x.mean(1)
    return jnp.where(mask[..., None], x, 0).sum(1) / mask.sum(1, keepdims=True)


def _loop(step: Callable[..., Any], start: Any, x: Array, mask: Array | None) -> Array:
    """Run a cell over time; a state stays what it was where a step does not exist."""

    def held(state: Any, given: Any) -> Any:
        x, mask = given
        new = step(state, x)
        if mask is not None:
            new = jax.tree.map(lambda n, o: jnp.where(mask[:, None], n, o), new, state)
        return new, new[0]

    over_time = (x.swapaxes(0, 1), None if mask is None else mask.T)
    return lax.scan(held, start, over_time)[1].swapaxes(0, 1)


def _lstm(x: Array, weights: Weights, mask: Array | None) -> Array:
    kernel, recurrent, bias = next(weights), next(weights), next(weights)
    both = jnp.concatenate([kernel, recurrent])

    def step(state: Any, x: Array) -> Any:
        h, c = state
        i, f, g, o = jnp.split(jnp.concatenate([x, h], 1) @ both + bias, 4, 1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        return nn.sigmoid(o) * jnp.tanh(c), c

    start = jnp.zeros((len(x), len(recurrent)))
    return _loop(step, (start, start), x, mask)


def _gru(x: Array, weights: Weights, mask: Array | None) -> Array:
    kernel, recurrent, bias = next(weights), next(weights), next(weights)

    def step(state: Any, x: Array) -> Any:
        [h] = state
        z, r, n = jnp.split(x @ kernel + bias[0], 3, 1)  # half the time of all steps at once
        hz, hr, hn = jnp.split(h @ recurrent + bias[1], 3, 1)
        z = nn.sigmoid(z + hz)
        return (z * h + (1 - z) * jnp.tanh(n + nn.sigmoid(r + hr) * hn),)

    start = jnp.zeros((len(x), len(recurrent)))
    return _loop(step, (start,), x, mask)


# -- workloads -------------------------------------------------------------------------------


def bidirectional(widths: Any, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    ahead = _lstm(x, weights, mask)
    behind = _lstm(x[:, ::-1], weights, None if mask is None else mask[:, ::-1])
    both = jnp.concatenate([ahead, behind[:, ::-1]], -1)
    return _linear(_mean(both, mask), weights)


def transformer(widths: Any, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    for _ in range(widths.blocks):
        x = _norm(x + _attention(x, weights, mask), weights, 1e-5)
        second = next(weights), next(weights)
        inner = _linear(nn.relu(_linear(x, weights)), weights)
        x = _norm(x + inner, iter(second), 1e-5)
    return _linear(_mean(x, mask), weights)


def _attention(x: Array, weights: Weights, mask: Array | None) -> Array:
    q, k, v = (
        jnp.einsum("btd,dhs->bhts", x, next(weights)) + next(weights)[:, None] for _ in range(3)
    )
    scores = jnp.einsum("bhts,bhus->bhtu", q * q.shape[-1] ** -0.5, k)
    if mask is not None:
        scores = jnp.where(mask[:, None, None, :], scores, -1e9)
    y = jnp.einsum("bhtu,bhus->bths", nn.softmax(scores), v)
    kernel, bias = next(weights), next(weights)
    return y.reshape(x.shape) @ kernel.reshape(-1, kernel.shape[-1]) + bias


def tokenwise(widths: Any, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    for _ in range(3):
        x = _norm(nn.relu(_linear(x, weights)), weights, 1e-3)
    return _linear(_mean(x, mask), weights)


def convolution(widths: Any, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    for _ in range(4):
        if mask is not None:
            x = jnp.where(mask[..., None], x, 0)
        kernel, bias = next(weights), next(weights)
        axes = ("NTC", "TIO", "NTC")
        y = lax.conv_general_dilated(x, kernel, (1,), "SAME", dimension_numbers=axes)
        x = nn.relu(y + bias)
    if mask is not None:
        x = jnp.where(mask[..., None], x, -jnp.inf)
    return _linear(x.max(1), weights)


def tagger(widths: Any, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    x = _gru(_gru(x, weights, mask), weights, mask)
    tags = _linear(x, weights)
    return tags if mask is None else jnp.where(mask[..., None], tags, 0)


FORMS: dict[str, Any] = {
    "W1": bidirectional,
    "W2": transformer,
    "W3": tokenwise,
    "W4": convolution,
    "W5": tagger,
}
