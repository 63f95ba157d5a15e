"""Packed batches in lanes: into slots, out of them, and along each sequence."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from maskgraph.backend import Array, Backend
from maskgraph.backend.distinct import Distinct
from maskgraph.backend.lanes import Lanes
from maskgraph_jax import by_sequence
from maskgraph_jax.wide import computes_widely, precision


@computes_widely
class Packed(Backend):
    """Functions on (1, slots, …), whose shapes are the same for many batches."""

    def new_packing(self, mask: np.ndarray, block_cost: float, in_place: bool) -> Any:
        return Lanes.of(mask, in_place)

    def pack(self, x: Array, packing: Any) -> Array:
        return _pack(x, packing)

    def unpack(self, x: Array, packing: Any, shape: Any) -> Array:
        return _unpack(x, packing)

    def slots_valid(self, packing: Any) -> Array:
        if packing.full:
            return jnp.full((1, packing.slots), True)
        return jnp.asarray(packing.valid)[None]

    def distinct(self, ids: Array, table: Array) -> Distinct:
        """The ids of all slots: how many distinct ones there are would be another shape for each
        batch."""
        return Distinct(ids, None)

    def by_block(
        self, xs: Sequence[Array], packing: Any, others: Sequence[Array], body: Any
    ) -> tuple[Array, ...]:
        """Run a function on the rectangle, or what gives the same on lanes."""
        special = by_sequence.found(body, [x.dtype for x in (*xs, *others)])
        if special is not None and not packing.full:
            return (special(self, packing, body.given(xs, others)),)
        mask = None if packing.full else jnp.asarray(packing.slot) >= 0
        rectangles = [_unpack(x, packing) for x in xs]
        results = body.on(self, xs, others)(rectangles, mask, others)
        return tuple(
            _pack(result, packing) if steps else result
            for result, steps in zip(results, body.gives_steps, strict=True)
        )

    def packed_conv(
        self, inputs: Array, packing: Any, kernel: Array, padding: str, dilation_rate: int
    ) -> Array:
        whole = inputs.shape[2] == kernel.shape[1] and jnp.issubdtype(inputs.dtype, jnp.floating)
        if whole and not packing.full:
            return _conv(inputs, packing, kernel, padding, dilation_rate)
        rectangle = self.conv(_unpack(inputs, packing), kernel, 1, padding, dilation_rate)
        return _pack(rectangle, packing)


@jax.jit
def _pack(x: Array, lanes: Lanes) -> Array:
    batch, time, *rest = x.shape
    if (batch, time) == (1, 1) != (lanes.batch, lanes.time):
        return x
    if lanes.full:
        x = jnp.broadcast_to(x, (lanes.batch, lanes.time, *rest))
        return x.reshape(1, lanes.slots, *rest)
    index = jnp.asarray(lanes.index)
    if (batch, time) != (lanes.batch, lanes.time):
        index = index % lanes.time if batch == 1 else index // lanes.time
    return jnp.take(x.reshape(batch * time, *rest), index, 0, mode="clip")[None]


@jax.jit
def _unpack(x: Array, lanes: Lanes) -> Array:
    if lanes.full:
        return x.reshape(lanes.batch, lanes.time, *x.shape[2:])
    slot = jnp.asarray(lanes.slot)
    exists = slot.reshape(*slot.shape, *(1,) * (x.ndim - 2)) >= 0
    return jnp.where(exists, jnp.take(x[0], slot, 0, mode="clip"), jnp.zeros((), x.dtype))


@functools.partial(jax.jit, static_argnums=(3, 4))
def _conv(x: Array, lanes: Lanes, kernel: Array, padding: str, dilation_rate: int) -> Array:
    """Convolve: one product for all taps, of which each slot then takes what its sequence has."""
    taps, features, filters = kernel.shape
    reach = (taps - 1) * dilation_rate
    before = {"same": reach // 2, "causal": reach}[padding]
    flat = x.reshape(lanes.slots, features)
    side_by_side = kernel.transpose(1, 0, 2).reshape(features, taps * filters)
    products = jnp.matmul(flat, side_by_side, precision=precision())
    row, valid = jnp.asarray(lanes.row), jnp.asarray(lanes.valid)
    source = jnp.where(valid, row, -1)  # what is masked gives nothing
    result = jnp.zeros((), x.dtype)
    for tap in range(taps):
        away = tap * dilation_rate - before
        own = _shifted(source, away, -1) == row
        part = _shifted(products[:, tap * filters : (tap + 1) * filters], away, 0)
        result = result + jnp.where(own[:, None], part, 0)
    return result[None]


def _shifted(x: Array, away: int, nothing: int) -> Array:
    """Return for each slot what stands so many slots after it, or nothing where none is."""
    size = x.shape[0]
    here = x[min(max(away, 0), size) : max(size + min(away, 0), 0)]
    missing = (min(-min(away, 0), size), min(max(away, 0), size))
    return jnp.pad(here, (missing, *[(0, 0)] * (x.ndim - 1)), constant_values=nothing)
