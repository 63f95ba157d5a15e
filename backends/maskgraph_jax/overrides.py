"""Derived functions for which JAX has its own, or that are compiled as one.

An eager op costs 10 µs and more, and 30 ms of compiling for each shape that it first meets; a
composition within `jax.jit` costs that once.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from maskgraph.backend import Array, Backend
from maskgraph.backend.conditions import noted
from maskgraph.backend.recurrent import Cell
from maskgraph_jax import extremes, loops
from maskgraph_jax.wide import computes_widely


@computes_widely
class Overrides(Backend):
    """What a backend need not have, where JAX has something better."""

    # -- one element at a time -------------------------------------------------------------

    def square(self, x: Array) -> Array:
        return jnp.square(x)

    def reciprocal(self, x: Array) -> Array:
        return jnp.reciprocal(x)

    def rsqrt(self, x: Array) -> Array:
        return lax.rsqrt(x)

    def clip(self, x: Array, x_min: float, x_max: float) -> Array:
        return _clip(x, self._number(x_min, x), self._number(x_max, x))

    def relu(self, x: Array) -> Array:
        return jax.nn.relu(x)

    def relu6(self, x: Array) -> Array:
        return lax.clamp(self._number(0, x), x, self._number(6, x))

    def leaky_relu(self, x: Array, negative_slope: float) -> Array:
        return _leaky_relu(x, self._number(negative_slope, x))

    def elu(self, x: Array, alpha: float) -> Array:
        return jax.nn.elu(x, alpha)

    def selu(self, x: Array) -> Array:
        return jax.nn.selu(x)

    def sigmoid(self, x: Array) -> Array:
        return jax.nn.sigmoid(x)

    def hard_sigmoid(self, x: Array) -> Array:
        return _hard_sigmoid(x)

    def silu(self, x: Array) -> Array:
        return jax.nn.silu(x)

    def softplus(self, x: Array) -> Array:
        return jax.nn.softplus(x)

    def softsign(self, x: Array) -> Array:
        return jax.nn.soft_sign(x)

    def log_sigmoid(self, x: Array) -> Array:
        return jax.nn.log_sigmoid(x)

    def mish(self, x: Array) -> Array:
        return jax.nn.mish(x)

    def gelu(self, x: Array, approximate: bool) -> Array:
        return jax.nn.gelu(x, approximate)

    def not_equal(self, x1: Array, x2: Array) -> Array:
        return jnp.not_equal(x1, x2)

    def logical_xor(self, x1: Array, x2: Array) -> Array:
        return jnp.logical_xor(x1, x2)

    # -- along axes ------------------------------------------------------------------------

    def _nothing(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        """What a reduction over no elements gives: zeros."""
        kept = [1 if a in axis else n for a, n in enumerate(x.shape) if keepdims or a not in axis]
        return self.zeros(kept, self.dtype(x))

    def min(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if self._over_nothing(x, axis):
            return self._nothing(x, axis, keepdims)
        return extremes.minimum(x, axis, keepdims)

    def any(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return jnp.any(x, axis, keepdims=keepdims)

    def all(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        return jnp.all(x, axis, keepdims=keepdims)

    def mean(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if self._over_nothing(x, axis):
            return self._nothing(x, axis, keepdims)
        return jnp.mean(x, axis, keepdims=keepdims)

    def var(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if self._over_nothing(x, axis):
            return self._nothing(x, axis, keepdims)
        return jnp.var(x, axis, keepdims=keepdims)

    def logsumexp(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        if self._over_nothing(x, axis):
            return self._nothing(x, axis, keepdims)
        return jax.nn.logsumexp(x, axis, keepdims=keepdims)

    def softmax(self, x: Array, axis: int) -> Array:
        return jax.nn.softmax(x, axis) if x.size else x

    def log_softmax(self, x: Array, axis: int) -> Array:
        return jax.nn.log_softmax(x, axis) if x.size else x

    def masked_softmax(self, x: Array, mask: Array, axis: int) -> Array:
        return _masked_softmax(self, x, mask, axis)

    # -- shape and place -------------------------------------------------------------------

    def expand_dims(self, x: Array, axis: tuple[int, ...]) -> Array:
        return lax.expand_dims(x, axis)

    def squeeze(self, x: Array, axis: tuple[int, ...]) -> Array:
        return lax.squeeze(x, axis)

    def stack(self, xs: Sequence[Array], axis: int) -> Array:
        return jnp.stack(xs, axis)

    def split(
        self, x: Array, indices_or_sections: int | Sequence[int], axis: int
    ) -> tuple[Array, ...]:
        # unlike slices, whose gradients are as large as x, the parts share one
        cuts = self._cuts(x.shape[axis], indices_or_sections)
        return tuple(lax.split(x, [b - a for a, b in pairwise(cuts)], axis))

    def unstack(self, x: Array, axis: int) -> tuple[Array, ...]:
        return tuple(jnp.unstack(x, axis=axis))

    def repeat(self, x: Array, repeats: int, axis: int) -> Array:
        return jnp.repeat(x, repeats, axis)

    def tile(self, x: Array, repeats: Sequence[int]) -> Array:
        return jnp.tile(x, tuple(repeats))

    # -- masks and look-ups ----------------------------------------------------------------

    def select_valid(self, x: Array, mask: Array, fill_value: Any) -> Array:
        return _select_valid(self, x, mask, self._number(fill_value, x))

    def embedding(self, table: Array, ids: Array) -> Array:
        # an id that is not checked yet: to JAX, one below 0 would count from the end
        known = not isinstance(ids, jax.core.Tracer)
        return super().embedding(table, ids if known else jnp.where(ids < 0, table.shape[0], ids))

    def _outside(self, ids: Array, rows: int) -> int | None:
        within = lambda: ((ids >= 0) & (ids < rows)).all()  # noqa: E731
        return None if noted(within) else super()._outside(ids, rows)

    def check_labels(self, labels: Array, num_classes: int) -> Array:
        within = lambda: ((labels >= 0) & (labels < num_classes)).all()  # noqa: E731
        return labels if noted(within) else super().check_labels(labels, num_classes)

    def dropout(self, x: Array, keep: Array, rate: float) -> Array:
        return jnp.where(keep, jnp.divide(x, (1 - rate) or 1.0), 0)

    # -- the recurrent loop ----------------------------------------------------------------

    def rnn(
        self,
        x: Array,
        mask: Array | None,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        return loops.rnn(self, x, mask, tuple(states), *weights, cell, go_backwards)

    def scan(
        self,
        x: Array,
        mask: Array | None,
        states: Sequence[Array],
        captured: Sequence[Array],
        step: Any,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        return loops.scan(self, x, mask, list(states), list(captured), step, go_backwards)


@functools.partial(jax.jit, static_argnums=(0, 3))
def _masked_softmax(backend: Backend, x: Array, mask: Array, axis: int) -> Array:
    return Backend.masked_softmax(backend, x, mask, axis)


@functools.partial(jax.jit, static_argnums=0)
def _select_valid(backend: Backend, x: Array, mask: Array, fill_value: Array) -> Array:
    return jnp.where(backend.align_mask(mask, x.ndim), x, fill_value)


# Where there is no one derivative, these have the one that other backends' have.


@jax.jit
def _clip(x: Array, x_min: Array, x_max: Array) -> Array:
    return jnp.where(x < x_min, x_min, jnp.where(x > x_max, x_max, x))


@jax.jit
def _leaky_relu(x: Array, slope: Array) -> Array:
    return jnp.where(x > 0, x, x * slope)


@jax.jit
def _hard_sigmoid(x: Array) -> Array:
    return lax.clamp(x.dtype.type(0), x + 3, x.dtype.type(6)) / 6
