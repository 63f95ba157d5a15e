"""Attention on lanes: a query sees the steps of its own sequence.

A lane holds several sequences, and many products of its queries and keys are of two different
ones. On a CPU these cost little as long as they stay in its cache: few queries at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from maskgraph.backend import Array, Backend
from maskgraph.backend.lanes import Lanes
from maskgraph_jax.wide import precision

_AT_ONCE = 128
"""Queries of a lane that a CPU computes at once."""
_SMALL = 2**18
"""Products, of all queries with all keys, that a CPU computes at once in any case."""


class How(NamedTuple):
    """The arguments of `Backend.attention` that are no tensors."""

    causal: bool
    window: int | None
    scale: float


class Steps(NamedTuple):
    """What is known of slots, (…, slots): the row each belongs to, its position, which counts
    the steps that exist from wherever, and whether it holds one."""

    row: Array
    position: Array
    valid: Array


def in_lanes(
    backend: Backend, lanes: Lanes, query: Array, key: Array, value: Array, how: How
) -> Array:
    """Return what `Backend.attention` gives for each sequence, in slots (1, slots, heads, …)."""
    valid = jnp.asarray(lanes.valid)
    steps = Steps(jnp.asarray(lanes.row), jnp.cumsum(valid, dtype=jnp.int32), valid)
    given = _cut((query[0], steps, key[0], value[0]), lanes.lanes)
    parts = _parts(backend, lanes, query.shape[2])
    if parts is None:
        queries, steps, keys, values = given
        result = _attend((queries, steps), _Seen.of(keys, values, steps), how)
    else:
        result = lax.map(lambda lane: _by_parts(parts, lane, how), given)
    return result.reshape(1, lanes.slots, *result.shape[-2:])


def _parts(backend: Backend, lanes: Lanes, heads: int) -> int | None:
    """Return into how many parts the queries of a lane are cut; None if all lanes are computed
    at once."""
    width = lanes.width
    if backend.device.partition(":")[0] != "cpu" or lanes.slots * width * heads <= _SMALL:
        return None
    fewest = -(-width // _AT_ONCE)
    return next((n for n in range(fewest, 2 * fewest) if width % n == 0), 1)


def _by_parts(parts: int, lane: Any, how: How) -> Array:
    """Return the results of one lane, (parts, queries, heads, V)."""
    queries, steps, keys, values = lane
    seen = _Seen.of(keys[None], values[None], jax.tree.map(lambda x: x[None], steps))

    @jax.checkpoint  # gradients compute it anew: what is between products would not fit the cache
    def few(part: tuple[Array, Steps]) -> Array:
        return _attend(jax.tree.map(lambda x: x[None], part), seen, how)[0]

    return lax.map(few, _cut((queries, steps), parts))


class _Seen(NamedTuple):
    """The keys and values (batch, heads, slots, …) that queries see, and what is known of them.

    Where a sequence has infinite numbers of its own, they must not reach those that share its
    lane: even without any weight they would, since 0 times infinity is no number. So such keys
    and values are 0, and `poison` tells where they are.
    """

    keys: Array
    values: Array
    steps: Steps
    poison: Array

    @classmethod
    def of(cls, keys: Array, values: Array, steps: Steps) -> _Seen:
        fine = jnp.isfinite(keys).all((2, 3)) & jnp.isfinite(values).all((2, 3))
        keys, values = (
            jnp.where(fine[:, None, :, None], x.swapaxes(1, 2), 0) for x in (keys, values)
        )
        return cls(keys, values, steps, ~fine)


def _attend(queries: tuple[Array, Steps], seen: _Seen, how: How) -> Array:
    """Return attention of queries (batch, T, heads, D); of those that see nothing, anything.

    The values are summed up first, and then divided by the sum of their weights: there are fewer
    of them than of weights.
    """
    query, here = queries
    batch, steps, heads, size = query.shape
    shared = seen.keys.shape[1]
    allowed = _visible(here, seen.steps, how)
    query = query.reshape(batch, steps, shared, heads // shared, size)
    query = (query * jnp.asarray(how.scale, query.dtype)).transpose(0, 2, 3, 1, 4)
    scores = jnp.einsum("bkgtd,bksd->bkgts", query, seen.keys, precision=precision())
    scores = jnp.where(allowed[:, None, None], scores, jnp.finfo(scores.dtype).min)
    weights = jnp.exp(scores - lax.stop_gradient(scores.max(-1, keepdims=True)))
    total = jnp.einsum("bkgts,bksv->bkgtv", weights, seen.values, precision=precision())
    mean = total / weights.sum(-1, keepdims=True)
    poisoned = (allowed & seen.poison[:, None]).any(-1)[..., None, None]
    result = mean.transpose(0, 3, 1, 2, 4).reshape(batch, steps, heads, -1)
    return jnp.where(poisoned, jnp.nan, result)


def _visible(here: Steps, there: Steps, how: How) -> Array:
    """Return where queries may look, (batch, queries, keys)."""
    allowed = (here.row[:, :, None] == there.row[:, None]) & there.valid[:, None]
    distance = here.position[:, :, None] - there.position[:, None]
    if how.causal:
        allowed = allowed & (distance >= 0)
    if how.window is not None:
        allowed = allowed & (jnp.abs(distance) < how.window)
    return allowed


def _cut(tree: Any, count: int) -> Any:
    """Return the leading axis of arrays as `count` parts, (count, size, …)."""
    return jax.tree.map(lambda x: x.reshape(count, x.shape[0] // count, *x.shape[1:]), tree)
