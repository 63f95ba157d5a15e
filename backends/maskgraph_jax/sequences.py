"""A function on each sequence of a batch in lanes: a loop for each span, over as many sequences as
there are, which is data. Gradients compute it anew, one sequence after the other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from maskgraph.backend import Array, Backend
from maskgraph.backend.lanes import Lanes, spans
from maskgraph_jax.wide import wide


class _Sequence(NamedTuple):
    """The slots of one sequence, and some beside them: `span` slots from `start`.

    Attributes:
        row: the row of the rectangle that it is.
        own: which of the slots are its own, (span,).
        valid: which of them hold a step that exists.
    """

    row: Array
    start: Array
    own: Array
    valid: Array

    @classmethod
    def of(cls, lanes: Lanes, row: Array, span: int) -> _Sequence:
        first, count = jnp.asarray(lanes.first)[row], jnp.asarray(lanes.count)[row]
        start = jnp.minimum(first, lanes.slots - span)  # nothing is beyond the last slot
        place = jnp.arange(span, dtype=start.dtype) - (first - start)
        own = (place >= 0) & (place < count)
        valid = lax.dynamic_slice_in_dim(jnp.asarray(lanes.valid), start, span) & own
        return cls(row, start, own, valid)

    def alone(self, x: Array) -> Array:
        """Return its part of (1, slots, …), zeros where others are: theirs may be infinite."""
        return self._selected(lax.dynamic_slice_in_dim(x, self.start, len(self.own), 1), 0)

    def put(self, part: Array, into: Array) -> Array:
        """Return (1, slots, …) with its part in place of what was there."""
        there = lax.dynamic_slice_in_dim(into, self.start, len(self.own), 1)
        kept = self._selected(part, there)
        return lax.dynamic_update_slice_in_dim(into, kept, self.start, 1)

    def _selected(self, part: Array, there: Array | int) -> Array:
        return jnp.where(self.own.reshape(1, -1, *(1,) * (part.ndim - 2)), part, there)


def _each(
    lanes: Lanes, once: Callable[[_Sequence, list[Array]], list[Array]], carried: list[Array]
) -> list[Array]:
    """Run a function on each sequence and what is carried from one to the next."""
    order, begins = jnp.asarray(lanes.order), jnp.asarray(lanes.begins)
    for k, span in enumerate(spans(lanes.time, lanes.slots)):

        def step(i: Array, carried: list[Array], span: int = span) -> list[Array]:
            return once(_Sequence.of(lanes, order[i], span), carried)

        carried = lax.fori_loop(begins[k], begins[k + 1], step, carried)
    return carried


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def over_sequences(
    backend: Backend, body: Any, xs: list[Array], others: list[Array], lanes: Lanes
) -> tuple[Array, ...]:
    """Return what a `BlockBody` gives for each sequence; see `LaneOps._each_sequence`."""
    run = body.on(backend, xs, others)

    def once(sequence: _Sequence, carried: list[Array]) -> list[Array]:
        results = run(list(map(sequence.alone, xs)), sequence.valid[None], others)
        return [
            sequence.put(result, into) if steps else into.at[sequence.row].set(result[0])
            for result, into, steps in zip(results, carried, body.gives_steps, strict=True)
        ]

    likes = jax.eval_shape(lambda: run([x[:, :1] for x in xs], jnp.full((1, 1), True), others))
    start = [
        jnp.zeros((1, lanes.slots, *r.shape[2:]) if steps else (lanes.batch, *r.shape[1:]), r.dtype)
        for r, steps in zip(likes, body.gives_steps, strict=True)
    ]
    return tuple(_each(lanes, once, start))


def _forwards(
    backend: Backend, body: Any, xs: list[Array], others: list[Array], lanes: Lanes
) -> tuple[tuple[Array, ...], Any]:
    return over_sequences(backend, body, xs, others, lanes), (xs, others, lanes)


def _backwards(
    backend: Backend, body: Any, kept: Any, slopes: Sequence[Array]
) -> tuple[list[Array | None], list[Array | None], None]:
    xs, others, lanes = kept
    run = body.on(backend, xs, others)
    sloped = [k for k, slope in enumerate(slopes) if slope.dtype != jax.dtypes.float0]
    given = [*xs, *others]
    floats = [k for k, x in enumerate(given) if jnp.issubdtype(x.dtype, jnp.floating)]

    def once(sequence: _Sequence, carried: list[Array]) -> list[Array]:
        parts = [*map(sequence.alone, xs), *others]

        def results(*values: Array) -> list[Array]:
            whole = dict(enumerate(parts)) | dict(zip(floats, values, strict=True))
            views = [whole[k] for k in range(len(parts))]
            found = run(views[: len(xs)], sequence.valid[None], views[len(xs) :])
            return [found[k] for k in sloped]

        above = [
            sequence.alone(slopes[k]) if body.gives_steps[k] else slopes[k][sequence.row][None]
            for k in sloped
        ]
        _, pull = jax.vjp(results, *(parts[k] for k in floats))
        return [
            sequence.put(slope, into) if k < len(xs) else into + slope
            for k, slope, into in zip(floats, pull(above), carried, strict=True)
        ]

    with wide():
        found = _each(lanes, once, [jnp.zeros_like(given[k]) for k in floats])
    by = dict(zip(floats, found, strict=True))
    all_of_them = [by.get(k) for k in range(len(given))]
    return all_of_them[: len(xs)], all_of_them[len(xs) :], None


over_sequences.defvjp(_forwards, _backwards)
