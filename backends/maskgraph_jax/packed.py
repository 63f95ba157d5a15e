"""Packed batches in lanes with JAX: what is run eagerly is compiled op by op."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from maskgraph.backend import Array, Backend
from maskgraph.backend.lane_ops import LaneOps
from maskgraph.backend.lane_pooling import LanePoolingOps
from maskgraph.backend.lanes import Lanes
from maskgraph_jax.sequences import over_sequences
from maskgraph_jax.wide import computes_widely


@computes_widely
class Packed(LaneOps, LanePoolingOps, Backend):
    """Functions on (1, slots, …), whose shapes are the same for many batches."""

    def _handed_over(self, arrays: list[np.ndarray]) -> Sequence[Array]:
        return arrays  # a compiled function takes them sooner than JAX makes its own of them

    def pack(self, x: Array, packing: Any) -> Array:
        return _pack(self, x, packing)

    def unpack(self, x: Array, packing: Any, shape: Any) -> Array:
        return _unpack(self, x, packing)

    def packed_conv(
        self, inputs: Array, packing: Any, kernel: Array, padding: str, dilation_rate: int
    ) -> Array:
        return _conv(self, inputs, packing, kernel, padding, dilation_rate)

    def _taken_rows(self, x: Array, index: Array) -> Array:
        return jnp.take(x, index, 0, mode="clip")

    def _each_sequence(
        self, xs: Sequence[Array], packing: Lanes, others: Sequence[Array], body: Any
    ) -> tuple[Array, ...]:
        return over_sequences(self, body, list(xs), list(others), packing)

    def _segment_sum(self, x: Array, segments: Array, count: int) -> Array:
        return jax.ops.segment_sum(x, segments, count)

    def _row_maximum(self, x: Array, packing: Lanes) -> Array:
        return _row_maximum(self, x, packing)


@functools.partial(jax.jit, static_argnums=0)
def _pack(backend: Packed, x: Array, lanes: Lanes) -> Array:
    return LaneOps.pack(backend, x, lanes)


@functools.partial(jax.jit, static_argnums=0)
def _unpack(backend: Packed, x: Array, lanes: Lanes) -> Array:
    return LaneOps.unpack(backend, x, lanes, None)


@functools.partial(jax.jit, static_argnums=(0, 4, 5))
def _conv(
    backend: Packed, x: Array, lanes: Lanes, kernel: Array, padding: str, dilation_rate: int
) -> Array:
    return LaneOps.packed_conv(backend, x, lanes, kernel, padding, dilation_rate)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _row_maximum(backend: Packed, x: Array, lanes: Lanes) -> Array:
    most = jax.ops.segment_max(x, backend._owner(lanes), lanes.batch + 1)[: lanes.batch]
    some = backend._steps_of_rows(lanes) > 0
    return jnp.where(some.reshape(-1, *(1,) * (x.ndim - 1)), most, 0)


@_row_maximum.defjvp
def _slope(backend: Packed, primals: Any, tangents: Any) -> tuple[Array, Array]:
    """The gradient goes to one step: a place, which no rounding moves (see `extremes`), is found
    on the rectangle."""
    (x, lanes), (dx, _) = primals, tangents
    most = _row_maximum(backend, x, lanes)
    slot = jnp.asarray(lanes.slot)
    flat = x.reshape(lanes.slots, math.prod(x.shape[1:]))
    steps = jnp.where((slot >= 0)[..., None], backend._taken_rows(flat, slot), -jnp.inf)
    best = lax.argmax(steps, 1, jnp.int32)
    place = jnp.take_along_axis(slot, best, 1, mode="clip")
    slope = jnp.take_along_axis(dx.reshape(flat.shape), jnp.maximum(place, 0), 0, mode="clip")
    return most, jnp.where(place >= 0, slope, 0).reshape(most.shape)
