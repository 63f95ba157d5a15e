"""What looks along a sequence, on lanes: for ops that need no rectangle to do so.

A step sees those of its own sequence because these say to which they belong.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from maskgraph.backend import Array, Backend
from maskgraph.backend.lanes import Lanes
from maskgraph_jax import extremes
from maskgraph_jax.attention import How, in_lanes

Special = Callable[[Backend, Lanes, dict[str, Any]], Array]


def found(body: Any, dtypes: Sequence[Any]) -> Special | None:
    """Return how the op of a `BlockBody` runs on lanes; None if it needs the rectangle."""
    same = len(set(dtypes)) == 1 and jnp.issubdtype(dtypes[0], jnp.floating)
    if not same or (body.op.name in _POOLED and body.arguments["axis"] != (1,)):
        return None
    return _SPECIAL.get(body.op.name)


def _attention(backend: Backend, lanes: Lanes, given: dict[str, Any]) -> Array:
    how = How(given["causal"], given["window"], given["scale"])
    return in_lanes(backend, lanes, given["query"], given["key"], given["value"], how)


# -- pooling -------------------------------------------------------------------------------------


def _sum(backend: Backend, lanes: Lanes, given: dict[str, Any]) -> Array:
    return _kept(_total(given["x"][0], lanes), given)


def _mean(backend: Backend, lanes: Lanes, given: dict[str, Any]) -> Array:
    total = _total(given["x"][0], lanes)
    number = jnp.maximum(_count(lanes), 1).astype(total.dtype)
    return _kept(total / number.reshape(-1, *(1,) * (total.ndim - 1)), given)


def _max(backend: Backend, lanes: Lanes, given: dict[str, Any]) -> Array:
    return _kept(_extreme(jax.ops.segment_max, extremes.maximum, given["x"][0], lanes), given)


def _min(backend: Backend, lanes: Lanes, given: dict[str, Any]) -> Array:
    return _kept(_extreme(jax.ops.segment_min, extremes.minimum, given["x"][0], lanes), given)


def _kept(pooled: Array, given: dict[str, Any]) -> Array:
    return pooled[:, None] if given["keepdims"] else pooled


def _count(lanes: Lanes) -> Array:
    """Return how many steps each row of the rectangle has, (batch,)."""
    return (jnp.asarray(lanes.slot) >= 0).sum(1, dtype=jnp.int32)


def _owner(lanes: Lanes) -> Array:
    """Return the row of the rectangle that has the step of each slot; `batch` if none has."""
    return jnp.where(jnp.asarray(lanes.valid), jnp.asarray(lanes.row), lanes.batch)


def _total(x: Array, lanes: Lanes) -> Array:
    """Return the sum of the steps (slots, …) of each row of the rectangle."""
    return jax.ops.segment_sum(x, _owner(lanes), lanes.batch + 1)[: lanes.batch]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _extreme(by_segment: Any, on_rectangle: Any, x: Array, lanes: Lanes) -> Array:
    most = by_segment(x, _owner(lanes), lanes.batch + 1)[: lanes.batch]
    some = _count(lanes) > 0
    return jnp.where(some.reshape(-1, *(1,) * (x.ndim - 1)), most, 0)


@_extreme.defjvp
def _slope(by_segment: Any, on_rectangle: Any, primals: Any, tangents: Any) -> tuple[Array, Array]:
    """The gradient goes to one step, found on the rectangle: see `extremes`."""
    (x, lanes), (dx, _) = primals, tangents
    slot = jnp.asarray(lanes.slot)
    exists = slot.reshape(*slot.shape, *(1,) * (x.ndim - 1)) >= 0
    worst = -jnp.inf if on_rectangle is extremes.maximum else jnp.inf

    def pooled(x: Array) -> Array:
        steps = jnp.where(exists, jnp.take(x, slot, 0, mode="clip"), worst)
        most = on_rectangle(steps, (1,), False)
        return jnp.where(exists.any(1), most, 0)

    return jax.jvp(pooled, (x,), (dx,))


_POOLED: dict[str, Special] = {"sum": _sum, "mean": _mean, "max": _max, "min": _min}
_SPECIAL: dict[str, Special] = {"attention": _attention, **_POOLED}
