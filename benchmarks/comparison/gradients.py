"""Gradients of a layer's weights, in each framework's own way."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.sides import Side


class NoGradientsError(Exception):
    """The backend does not differentiate."""


def keras_gradients(side: Side, run: Any, layer: Any, x: Any, ends: Any) -> list[np.ndarray]:
    """Return the gradients of the sum of `run(x)` where `ends` is True, by a layer's weights."""
    ops = side.k.ops
    chosen = None if ends is None else ops.convert_to_tensor(ends)

    def loss() -> Any:
        y = run(x)
        return ops.sum(y if chosen is None else ops.where(chosen, y, ops.zeros_like(y)))

    how = {"tensorflow": _of_tensorflow, "torch": _of_torch, "jax": _of_jax}
    if side.backend not in how:
        raise NoGradientsError(f"Keras has no gradients on {side.backend}")
    return [np.asarray(g) for g in how[side.backend](side, layer, loss)]


def _of_tensorflow(side: Side, layer: Any, loss: Any) -> list[np.ndarray]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        total = loss()
    variables = [v.value for v in layer.trainable_variables]
    found = tape.gradient(total, variables, unconnected_gradients="zero")
    return [tf.convert_to_tensor(g).numpy() for g in found]


def _of_torch(side: Side, layer: Any, loss: Any) -> list[np.ndarray]:
    layer.zero_grad()
    loss().backward()
    values = [v.value for v in layer.trainable_variables]
    return [np.zeros(v.shape) if v.grad is None else v.grad.numpy().copy() for v in values]


def _of_jax(side: Side, layer: Any, loss: Any) -> list[np.ndarray]:
    import jax

    variables = layer.trainable_variables

    def total(weights: Any) -> Any:
        with side.k.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
            return loss()

    return list(jax.grad(total)([v.value for v in variables]))


def maskgraph_gradients(side: Side, run: Any, layer: Any, x: Any, ends: Any) -> list[np.ndarray]:
    """Return the gradients of the sum of `run(x)` where `ends` is True, by a layer's weights."""
    mg = side.k
    backend = mg.backend.load(side.backend)
    if not backend.differentiates:
        raise NoGradientsError(f"maskgraph has no gradients on {side.backend}")
    symbol = mg.Input(shape=(None, x.shape[-1]), masked=x.mask is not None)
    plan = mg.Model(symbol, run(symbol)).plan(x, backend=side.backend)

    def loss(weights: list[Any]) -> Any:
        [(y, _)] = plan.run([(x.value, x.mask)], weights)
        shape = backend.shape(y)
        if ends is not None:
            chosen = backend.asarray(np.broadcast_to(ends, shape))
            y = backend.where(chosen, y, backend.zeros_like(y))
        return backend.sum(y, tuple(range(len(shape))), False)

    natives = [weight.native(backend, weight.dtype) for weight in plan.weights]
    found = backend.gradients(loss, natives)
    by_weight = {
        id(w): np.asarray(backend.to_numpy(g)) for w, g in zip(plan.weights, found, strict=True)
    }
    return [by_weight[id(w)] for w in layer.weights]
