"""A function on each sequence of a batch in lanes: a loop for each span, over as many sequences as
there are, which is data. Gradients compute it anew, one sequence after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from maskgraph.backend import Array, Backend
from maskgraph.backend.lanes import Lanes, spans


class _Sequence(NamedTuple):
    """The slots of one sequence, and some beside them.

    Attributes:
        row: the row of the rectangle that it is.
        slots: those that are looked at, (span,).
        own: which of them are its own, (span,).
        valid: which of them hold a step that exists.
    """

    row: Array
    slots: Array
    own: Array
    valid: Array

    @classmethod
    def of(cls, lanes: Lanes, row: Array, span: int) -> _Sequence:
        first, count = lanes.first[row], lanes.count[row]
        start = tf.minimum(first, lanes.slots - span)  # nothing is beyond the last slot
        place = tf.range(span) - (first - start)
        own = (place >= 0) & (place < count)
        slots = start + tf.range(span)
        return cls(row, slots, own, tf.gather(lanes.valid, slots) & own)

    def alone(self, x: Array) -> Array:
        """Return its part of (1, slots, …), zeros where others are: theirs may be infinite."""
        begin = [0, self.slots[0], *(0 for _ in x.shape[2:])]
        part = tf.slice(x, begin, [1, self.own.shape[0], *x.shape[2:]])
        return self._selected(part, tf.zeros_like(part))

    def put(self, part: Array, into: Array) -> Array:
        """Return (slots, …) with its part in place of what was there."""
        kept = self._selected(part, tf.gather(into, self.slots)[None])
        return tf.tensor_scatter_nd_update(into, self.slots[:, None], kept[0])

    def _selected(self, part: Array, there: Array) -> Array:
        own = tf.reshape(self.own, (1, -1, *(1,) * (part.shape.rank - 2)))
        return tf.where(own, part, there)


def _each(
    lanes: Lanes, once: Callable[[_Sequence, list[Array]], list[Array]], carried: list[Array]
) -> list[Array]:
    """Run a function on each sequence and what is carried from one to the next."""
    for k, span in enumerate(spans(lanes.time, lanes.slots)):

        def step(i: Array, carried: list[Array], span: int = span) -> Any:
            return i + 1, once(_Sequence.of(lanes, lanes.order[i], span), carried)

        def some(i: Array, _: Any, stop: Array = lanes.begins[k + 1]) -> Array:
            return i < stop

        _, carried = tf.while_loop(some, step, (lanes.begins[k], carried))
    return carried


def over_sequences(
    backend: Backend, body: Any, xs: Sequence[Array], others: Sequence[Array], lanes: Lanes
) -> tuple[Array, ...]:
    """Return what a `BlockBody` gives for each sequence; see `LaneOps._each_sequence`."""
    count = len(xs)

    @tf.custom_gradient
    def differentiable(*given: Array) -> Any:
        loop = _Loop(backend, body, given[:count], given[count:], lanes)
        return loop.forwards(), lambda *slopes: loop.backwards(slopes)

    return tuple(differentiable(*xs, *others))


class _Loop:
    def __init__(
        self,
        backend: Backend,
        body: Any,
        xs: Sequence[Array],
        others: Sequence[Array],
        lanes: Lanes,
    ) -> None:
        self._run = body.on(backend, xs, others)
        self._gives_steps = body.gives_steps
        self._xs, self._others, self._lanes = list(xs), list(others), lanes

    def forwards(self) -> list[Array]:
        def once(sequence: _Sequence, carried: list[Array]) -> list[Array]:
            results = self._run(
                list(map(sequence.alone, self._xs)), sequence.valid[None], self._others
            )
            return [
                sequence.put(result, into)
                if steps
                else tf.tensor_scatter_nd_update(into, [[sequence.row]], result)
                for result, into, steps in zip(results, carried, self._gives_steps, strict=True)
            ]

        found = _each(self._lanes, once, self._nothing())
        return [f[None] if steps else f for f, steps in zip(found, self._gives_steps, strict=True)]

    def _nothing(self) -> list[Array]:
        """Return zeros for all results: steps (slots, …), others (batch, …)."""
        one_step = [x[:, :1] for x in self._xs]
        results = self._run(one_step, tf.constant([[True]]), self._others)  # to learn their shapes
        lanes = self._lanes
        return [
            self._zeros((lanes.slots, *r.shape[2:]) if steps else (lanes.batch, *r.shape[1:]), r)
            for r, steps in zip(results, self._gives_steps, strict=True)
        ]

    def _zeros(self, shape: Sequence[int], like: Array) -> Array:
        """Return zeros that seem to be made of the data. XLA takes plain ones for a constant, and
        makes those of all layers in the beginning, to keep them until it is their turn."""
        if not like.dtype.is_floating:
            return tf.zeros(shape, like.dtype)
        never = self._lanes.begins[0] < 0
        some = tf.reduce_sum(tf.cast(self._xs[0][0, :1], like.dtype))
        return tf.fill(shape, tf.where(never, some, tf.zeros((), like.dtype)))

    def backwards(self, slopes: Sequence[Array]) -> list[Array | None]:
        given, count = [*self._xs, *self._others], len(self._xs)
        floats = [k for k, x in enumerate(given) if x.dtype.is_floating]
        steps = self._gives_steps

        def once(sequence: _Sequence, carried: list[Array]) -> list[Array]:
            parts = [*map(sequence.alone, self._xs), *map(tf.identity, self._others)]
            watched = [parts[k] for k in floats]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(watched)
                results = self._run(parts[:count], sequence.valid[None], parts[count:])
            above = [
                sequence.alone(slope) if with_steps else slope[sequence.row][None]
                for slope, with_steps in zip(slopes, steps, strict=True)
            ]
            sloped = [k for k, r in enumerate(results) if r.dtype.is_floating]
            found = tape.gradient(
                [results[k] for k in sloped],
                watched,
                [above[k] for k in sloped],
                tf.UnconnectedGradients.ZERO,
            )
            return [
                sequence.put(slope, into) if k < count else into + slope
                for k, slope, into in zip(floats, found, carried, strict=True)
            ]

        start = [tf.zeros_like(given[k][0] if k < count else given[k]) for k in floats]
        ended = _each(self._lanes, once, start)
        by = {k: e[None] if k < count else e for k, e in zip(floats, ended, strict=True)}
        return [by.get(k) for k in range(len(given))]
