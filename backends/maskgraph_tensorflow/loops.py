"""A loop over time as one loop of TensorFlow's, with a gradient of its own.

What TensorFlow would remember of a loop, so as to differentiate it, cannot leave a function that
XLA compiles. This gradient remembers the states after each step, and computes the rest anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from maskgraph.backend import Array
from maskgraph.backend.conditions import unnoted

Step = Callable[[Array, list[Array], list[Array]], list[Array]]
"""From one step of the sequence, the states before it, and what it reads at every step, to the
states after it."""


class Places(NamedTuple):
    """What a loop knows of each step.

    Attributes:
        valid: whether it exists, (time, rows); None: all do.
        sequence: the sequence that it belongs to, (time, rows), each with initial states of its
            own; None: the rows are the sequences.
        go_backwards: whether the loop begins at the end.
    """

    valid: Array | None
    sequence: Array | None
    go_backwards: bool

    def begins(self) -> Array | None:
        """Where another sequence begins than that of the step before, (time, rows)."""
        if self.sequence is None:
            return None
        changes = tf.not_equal(self.sequence[1:], self.sequence[:-1])
        edge = tf.ones_like(self.sequence[:1], tf.bool)
        return tf.concat([changes, edge] if self.go_backwards else [edge, changes], 0)


def run(
    step: Step,
    x: Array,
    first: Sequence[Array],
    read: Sequence[Array],
    places: Places,
    kind: type[Loop],
) -> list[Array]:
    """Return the states after each step, (time, rows, …) each.

    Args:
        x: (time, rows, …).
        first: the initial states, (sequences, …) each.
        read: what each step reads.
        kind: the class that knows the gradient: `Loop` that of any step.
    """
    count = len(first)

    @tf.custom_gradient
    def differentiable(x: Array, *others: Array) -> Any:
        loop = kind(step, x, others[:count], others[count:], places)
        after = loop.forwards()
        return after, lambda *slopes: loop.backwards(after, slopes)

    return list(differentiable(x, *first, *read))


class Loop:
    """A loop over the steps of `run`."""

    def __init__(
        self,
        step: Step,
        x: Array,
        first: Sequence[Array],
        read: Sequence[Array],
        places: Places,
    ) -> None:
        self._step: Any = step
        self._x, self._first, self._read = x, first, list(read)
        self._places = places
        self._begins = places.begins()
        self._time, self._rows = x.shape[:2]

    def forwards(self) -> list[Array]:
        states = [tf.zeros((self._rows, *f.shape[1:]), f.dtype) for f in self._first]
        if self._begins is None:
            states = list(self._first)

        def body(now: Array, states: list[Array]) -> tuple[list[Array], list[Array]]:
            new = self._stepped(now, self._x[now], self._before(now, states), self._read)
            return new, new

        return self._over_time(body, states, states, self._places.go_backwards)[1]

    def backwards(self, after: Sequence[Array], slopes: Sequence[Array]) -> list[Array | None]:
        """Return the gradients by x, the initial states and what is read."""
        count = len(after)

        def body(now: Array, carried: list[Array]) -> tuple[list[Array], list[Array]]:
            above = [c + d[now] for c, d in zip(carried, slopes, strict=False)]
            given = [self._x[now], *self._before_again(now, after), *map(tf.identity, self._read)]
            of_row, *rest = self._slopes(now, given, above)
            totals = [t + r for t, r in zip(carried[count:], rest[count:], strict=True)]
            return [*self._to_step_before(now, rest[:count]), *totals], [of_row, *rest[:count]]

        start = [tf.zeros((self._rows, *f.shape[1:]), f.dtype) for f in self._first]
        start += [tf.zeros_like(r) for r in self._read]
        ended, (of_x, *of_before) = self._over_time(
            body, start, [self._x[0], *start[:count]], not self._places.go_backwards
        )
        return [of_x, *self._of_first(of_before, ended), *ended[count:]]

    def _slopes(self, now: Array, given: list[Array], above: list[Array]) -> list[Array]:
        """Return the gradients of a step by its row, the states before it, and what it reads."""
        watched = [v for v in given if v.dtype.is_floating]
        count = len(above)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            new = self._stepped(now, given[0], given[1 : 1 + count], given[1 + count :])
        found = iter(tape.gradient(new, watched, above, tf.UnconnectedGradients.ZERO))
        return [next(found) if v.dtype.is_floating else tf.zeros_like(v) for v in given]

    def _before_again(self, now: Array, after: Sequence[Array]) -> list[Array]:
        """Return the states before a step, of those after each."""
        backwards = self._places.go_backwards
        earlier = tf.minimum(now + 1, self._time - 1) if backwards else tf.maximum(now - 1, 0)
        before = self._before(now, [a[earlier] for a in after])
        if self._begins is not None:
            return before
        at_edge = tf.equal(now, self._time - 1 if backwards else 0)
        return [tf.where(at_edge, f, b) for f, b in zip(self._first, before, strict=True)]

    def _to_step_before(self, now: Array, of_before: list[Array]) -> list[Array]:
        """Return what of the gradients goes on to the step before: not where a sequence begins."""
        if self._begins is None:
            return of_before
        begins = self._begins[now]
        return [tf.where(_wide(begins, s), tf.zeros_like(s), s) for s in of_before]

    def _of_first(self, of_before: list[Array], ended: list[Array]) -> list[Array]:
        """Return the gradients by the initial states: from where each sequence begins."""
        if self._begins is None:
            return ended[: len(of_before)]
        begins, sequence = self._begins, self._places.sequence
        slopes = [tf.where(_wide(begins, d), d, tf.zeros_like(d)) for d in of_before]
        return [
            tf.math.unsorted_segment_sum(d, sequence, f.shape[0])
            if f.shape[0] > 1
            else tf.reduce_sum(d, (0, 1))[None]
            for f, d in zip(self._first, slopes, strict=True)
        ]

    def _before(self, now: Array, states: list[Array]) -> list[Array]:
        """Return the states before a step: those that it begins with, where a sequence begins."""
        if self._begins is None:
            return states
        sequences: Any = self._places.sequence
        begins, sequence = self._begins[now], sequences[now]
        return [
            tf.where(_wide(begins, s), f if f.shape[0] == 1 else tf.gather(f, sequence), s)
            for f, s in zip(self._first, states, strict=True)
        ]

    def _stepped(
        self, now: Array, row: Array, before: list[Array], read: list[Array]
    ) -> list[Array]:
        with unnoted():
            return self._kept(now, self._step(row, before, read), before)

    def _kept(self, now: Array, new: list[Array], before: list[Array]) -> list[Array]:
        """Return the new states where the step exists, and those before it elsewhere."""
        if self._places.valid is None:
            return new
        exists = self._places.valid[now]
        return [tf.where(_wide(exists, n), n, b) for n, b in zip(new, before, strict=True)]

    def _over_time(
        self, body: Any, start: list[Array], shown: Sequence[Array], backwards: bool
    ) -> tuple[list[Array], list[Array]]:
        """Run a function of a time and what is carried, which returns what is carried on and what
        is shown; return the former, and all of the latter, (time, …)."""
        time = self._time
        kept = [
            tf.TensorArray(s.dtype, time, element_shape=s.shape, clear_after_read=False)
            for s in shown
        ]

        def once(count: Array, carried: list[Array], kept: list[Any]) -> Any:
            now = time - 1 - count if backwards else count
            carried, show = body(now, carried)
            return count + 1, carried, [a.write(now, s) for a, s in zip(kept, show, strict=True)]

        _, carried, kept = tf.while_loop(
            lambda count, *_: count < time,
            once,
            (tf.constant(0), list(start), kept),
            maximum_iterations=time,
        )
        return carried, [a.stack() for a in kept]


def _wide(condition: Array, x: Array) -> Array:
    """Return a condition with axes added to broadcast against `x`."""
    return tf.reshape(condition, (*condition.shape, *(1,) * (x.shape.rank - condition.shape.rank)))
