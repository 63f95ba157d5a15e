"""Compositions of products and means that are compiled as one: an eager op costs 10 µs and more."""

from __future__ import annotations

import functools
import math

import jax

from maskgraph.backend import Array, Backend
from maskgraph.backend.normalization import are_last
from maskgraph_jax.wide import computes_widely


@computes_widely
class Fused(Backend):
    """Layers' own ops, each of which is one call of XLA."""

    def linear(self, x: Array, kernel: Array, bias: Array | None) -> Array:
        return _linear(self, x, kernel, bias)

    def layer_norm(
        self,
        x: Array,
        gamma: Array | None,
        beta: Array | None,
        axis: tuple[int, ...],
        epsilon: float,
    ) -> Array:
        return _layer_norm(self, x, gamma, beta, axis, epsilon)

    def rms_norm(
        self, x: Array, gamma: Array | None, axis: tuple[int, ...], epsilon: float
    ) -> Array:
        return _rms_norm(self, x, gamma, axis, epsilon)


@functools.partial(jax.jit, static_argnums=0)
def _linear(backend: Backend, x: Array, kernel: Array, bias: Array | None) -> Array:
    return Backend.linear(backend, _rows(x, 1), kernel, bias).reshape(
        *x.shape[:-1], kernel.shape[-1]
    )


@functools.partial(jax.jit, static_argnums=(0, 4, 5))
def _layer_norm(
    backend: Backend,
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    axis: tuple[int, ...],
    epsilon: float,
) -> Array:
    rows, last = _rows_by(x, axis)
    return Backend.layer_norm(backend, rows, gamma, beta, last, epsilon).reshape(x.shape)


@functools.partial(jax.jit, static_argnums=(0, 3, 4))
def _rms_norm(
    backend: Backend, x: Array, gamma: Array | None, axis: tuple[int, ...], epsilon: float
) -> Array:
    rows, last = _rows_by(x, axis)
    return Backend.rms_norm(backend, rows, gamma, last, epsilon).reshape(x.shape)


# XLA's gradients of sums over the leading axes are up to seven times as slow for several of them,
# above all if one has size 1, as for slots.


def _rows_by(x: Array, axis: tuple[int, ...]) -> tuple[Array, tuple[int, ...]]:
    """Return `x` with the axes before the last ones made one, and these; `x` itself if `axis` is
    not the last ones."""
    if not are_last(axis, x.ndim):
        return x, axis
    return _rows(x, len(axis)), tuple(range(1, len(axis) + 1))


def _rows(x: Array, last: int) -> Array:
    """Return `x` with all axes but the last ones made one."""
    cut = x.ndim - last
    return x.reshape(math.prod(x.shape[:cut]), *x.shape[cut:])
