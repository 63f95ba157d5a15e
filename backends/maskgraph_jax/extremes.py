"""Maxima and minima over axes, with gradients that XLA cannot lose.

JAX's own go to the elements that equal the extreme. Where XLA computes these elements anew to
compare them, it may round the last bit differently: then none is equal, and the gradient is gone,
or infinite. A place is an integer, which nothing rounds. Of several extremes the first has the
gradient.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from maskgraph.backend import Array

Axes = tuple[int, ...]


def maximum(x: Array, axis: Axes, keepdims: bool) -> Array:
    """Return the maximum over axes that are not empty."""
    return _extreme(jnp.max, lax.argmax, x, axis, keepdims)


def minimum(x: Array, axis: Axes, keepdims: bool) -> Array:
    """Return the minimum over axes that are not empty."""
    return _extreme(jnp.min, lax.argmin, x, axis, keepdims)


def _extreme(
    reduce: Callable[..., Array], place: Callable[..., Array], x: Array, axis: Axes, keepdims: bool
) -> Array:
    differentiable = isinstance(x, jax.core.Tracer) and jnp.issubdtype(x.dtype, jnp.floating)
    if axis and differentiable:
        return _traced(reduce, place, axis, keepdims, x)
    return reduce(x, axis, keepdims=keepdims)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2, 3))
def _traced(reduce: Any, place: Any, axis: Axes, keepdims: bool, x: Array) -> Array:
    return reduce(x, axis, keepdims=keepdims)


@_traced.defjvp
def _slope(
    reduce: Any, place: Any, axis: Axes, keepdims: bool, x: tuple[Array], dx: tuple[Array]
) -> tuple[Array, Array]:
    result = _traced(reduce, place, axis, keepdims, x[0])
    merged = _merged(x[0], axis)
    # not jnp's, whose places are int64: this runs where the user may not have 64-bit numbers
    at = place(merged, merged.ndim - 1, jnp.int32)[..., None]
    slope = jnp.take_along_axis(_merged(dx[0], axis), at, -1, mode="promise_in_bounds")
    return result, slope.reshape(result.shape)


def _merged(x: Array, axis: Axes) -> Array:
    """Return `x` with some axes made one, the last."""
    kept = [a for a in range(x.ndim) if a not in axis]
    size = math.prod(x.shape[a] for a in axis)
    return x.transpose(*kept, *axis).reshape(*(x.shape[a] for a in kept), size)
