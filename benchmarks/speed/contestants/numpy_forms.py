"""NumPy by hand: each workload on a rectangle, with a mask or, for data without padding, none.

Run on one sequence at a time without a mask, these are also what all others must agree with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.speed.contestant import LIMIT, PADDED, Contestant, Run
from benchmarks.speed.contestants.ours import ours
from benchmarks.speed.workloads import Problem

Array = np.ndarray
Weights = Iterator[Array]


def contestants() -> list[Contestant]:
    """Return all on NumPy."""
    return [
        *ours("numpy", lambda workload, weights: list(weights)),
        Contestant("limit: no padding, by hand", LIMIT, _dense, backward=False),
        Contestant("padded by hand", PADDED, _padded, backward=False),
    ]


def _dense(problem: Problem) -> Run:
    return _run(problem, problem.batch.dense, masked=False)


def _padded(problem: Problem) -> Run:
    return _run(problem, problem.batch.ids, masked=True)


def _run(problem: Problem, ids: Array, masked: bool) -> Run:
    form = FORMS[problem.workload]

    def call() -> Array:
        return form(problem, iter(problem.weights), ids, ids != 0 if masked else None)

    return Run(call, lambda result: [result])


def alone(problem: Problem, ids: Array) -> Array:
    """Return what each sequence gives alone; zeros at steps that do not exist. To a convolution a
    step that is missing within is a zero, in place."""
    form, rows = FORMS[problem.workload], []
    for row in ids:
        steps = row[None, row != 0]
        if problem.workload == "W4":
            steps = np.trim_zeros(row)[None]
        [found] = form(problem, iter(problem.weights), steps, None if steps.all() else steps != 0)
        if problem.steps:
            whole = np.zeros((len(row), found.shape[-1]), found.dtype)
            whole[row != 0] = found
            found = whole
        rows.append(found)
    return np.stack(rows)


# -- parts -----------------------------------------------------------------------------------


def _sigmoid(x: Array) -> Array:
    return 0.5 * np.tanh(0.5 * x) + 0.5


def _dense_layer(x: Array, weights: Weights) -> Array:
    kernel, bias = next(weights), next(weights)
    return x @ kernel + bias


def _relu(x: Array) -> Array:
    return np.maximum(x, 0, out=x)


def _norm(x: Array, weights: Weights, epsilon: float) -> Array:
    gamma, beta = next(weights), next(weights)
    x = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon)
    return x * scale * gamma + beta


def _mean(x: Array, mask: Array | None) -> Array:
    if mask is None:
        return x.mean(1)
    return np.where(mask[..., None], x, 0).sum(1) / mask.sum(1, keepdims=True).astype(x.dtype)


def _lstm(x: Array, weights: Weights, mask: Array | None, backwards: bool = False) -> Array:
    kernel, recurrent, bias = next(weights), next(weights), next(weights)
    size = len(recurrent)
    given = x @ kernel + bias
    h = c = np.zeros((len(x), size), x.dtype)
    outputs = np.empty((*x.shape[:2], size), x.dtype)
    times = range(x.shape[1])
    for t in reversed(times) if backwards else times:
        gates = given[:, t] + h @ recurrent
        soft = _sigmoid(gates)
        new_c = soft[:, size : 2 * size] * c + soft[:, :size] * np.tanh(
            gates[:, 2 * size : 3 * size]
        )
        new_h = soft[:, 3 * size :] * np.tanh(new_c)
        h, c = (new_h, new_c) if mask is None else _held(mask[:, t], (new_h, new_c), (h, c))
        outputs[:, t] = h
    return outputs


def _gru(x: Array, weights: Weights, mask: Array | None) -> Array:
    kernel, recurrent, bias = next(weights), next(weights), next(weights)
    size = len(recurrent)
    given = x @ kernel + bias[0]
    h = np.zeros((len(x), size), x.dtype)
    outputs = np.empty((*x.shape[:2], size), x.dtype)
    for t in range(x.shape[1]):
        of_h = h @ recurrent + bias[1]
        soft = _sigmoid(given[:, t, : 2 * size] + of_h[:, : 2 * size])
        z, r = soft[:, :size], soft[:, size:]
        new = np.tanh(given[:, t, 2 * size :] + r * of_h[:, 2 * size :])
        new = z * (h - new) + new
        h = new if mask is None else np.where(mask[:, t, None], new, h)
        outputs[:, t] = h
    return outputs


def _held(mask: Array, new: Sequence[Array], old: Sequence[Array]) -> list[Array]:
    return [np.where(mask[:, None], n, o) for n, o in zip(new, old, strict=True)]


# -- workloads -------------------------------------------------------------------------------


def bidirectional(problem: Problem, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    both = [_lstm(x, weights, mask), _lstm(x, weights, mask, backwards=True)]
    return _dense_layer(_mean(np.concatenate(both, -1), mask), weights)


def transformer(problem: Problem, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    for _ in range(problem.widths.blocks):
        x = _norm(x + _attention(x, weights, mask), weights, 1e-5)
        hidden = next(weights), next(weights)  # the second norm comes first among the weights
        inner = _dense_layer(_relu(_dense_layer(x, weights)), weights)
        x = _norm(x + inner, iter(hidden), 1e-5)
    return _dense_layer(_mean(x, mask), weights)


def _attention(x: Array, weights: Weights, mask: Array | None) -> Array:
    batch, time, features = x.shape
    q, k, v = (_heads(x, next(weights), next(weights)) for _ in range(3))
    scores = (q * q.dtype.type(q.shape[-1] ** -0.5)) @ k.swapaxes(-1, -2)
    if mask is not None:
        scores = np.where(mask[:, None, None, :], scores, np.float32(-1e9))
    scores -= scores.max(-1, keepdims=True)
    shares = np.exp(scores, out=scores)
    shares /= shares.sum(-1, keepdims=True)
    joined = (shares @ v).swapaxes(1, 2).reshape(batch, time, features)
    kernel, bias = next(weights), next(weights)
    return joined @ kernel.reshape(features, features) + bias


def _heads(x: Array, kernel: Array, bias: Array) -> Array:
    features, heads, size = kernel.shape
    y = x @ kernel.reshape(features, heads * size) + bias.reshape(-1)
    return y.reshape(*x.shape[:2], heads, size).swapaxes(1, 2)


def tokenwise(problem: Problem, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    for _ in range(3):
        x = _norm(_relu(_dense_layer(x, weights)), weights, 1e-3)
    return _dense_layer(_mean(x, mask), weights)


def convolution(problem: Problem, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    for _ in range(4):
        if mask is not None:
            x = np.where(mask[..., None], x, 0)
        kernel, bias = next(weights), next(weights)
        y = x @ kernel[1] + bias
        y[:, 1:] += x[:, :-1] @ kernel[0]
        y[:, :-1] += x[:, 1:] @ kernel[2]
        x = _relu(y)
    if mask is not None:
        x = np.where(mask[..., None], x, -np.inf)
    return _dense_layer(x.max(1), weights)


def tagger(problem: Problem, weights: Weights, ids: Array, mask: Array | None) -> Array:
    x = next(weights)[ids]
    x = _gru(_gru(x, weights, mask), weights, mask)
    tags = _dense_layer(x, weights)
    return tags if mask is None else np.where(mask[..., None], tags, 0)


FORMS: dict[str, Any] = {
    "W1": bidirectional,
    "W2": transformer,
    "W3": tokenwise,
    "W4": convolution,
    "W5": tagger,
}
