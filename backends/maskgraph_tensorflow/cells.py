"""Loops over cells that are two products and arithmetic element by element, as most are.

Only what goes from step to step is in the loop of the gradient: the gradients of the products, of
which those by inputs and weights follow in one product each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from maskgraph.backend import Array
from maskgraph_tensorflow.loops import Loop

Products = Callable[[Array, list[Array]], Array]


class CellStep:
    """A step of `loops.run`.

    Args:
        project: what gates get from a row: a product, and what is added to it.
        recur: what they get from the output before, in the same way.
        after: the states, from both and from the states before.
    """

    def __init__(
        self,
        project: Products,
        recur: Products,
        after: Callable[[Array, Array, list[Array]], list[Array]],
    ) -> None:
        self.project, self.recur, self.after = project, recur, after

    def __call__(self, row: Array, states: list[Array], read: list[Array]) -> list[Array]:
        # projected step by step: what all steps make together would not fit a cache
        return self.after(self.project(row, read), self.recur(states[0], read), states)


class CellLoop(Loop):
    """A loop over a `CellStep`."""

    def backwards(self, after: Sequence[Array], slopes: Sequence[Array]) -> list[Array | None]:
        of_products, by_first = self._loop_backwards(after, slopes)
        x, before, read = _flat(self._x), _flat(self._all_before(after[0])), self._read
        watched = [x, *read] if x.dtype.is_floating else read  # else it says which rows
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            products = [self._step.project(x, read), self._step.recur(before, read)]
        slopes, zero = list(map(_flat, of_products)), tf.UnconnectedGradients.ZERO
        found = list(map(tf.convert_to_tensor, tape.gradient(products, watched, slopes, zero)))
        by_x = tf.reshape(found.pop(0), self._x.shape) if x.dtype.is_floating else None
        return [by_x, *by_first, *found]

    def _loop_backwards(
        self, after: Sequence[Array], slopes: Sequence[Array]
    ) -> tuple[list[Array], list[Array]]:
        """Return the gradients by the products of all steps, and by the initial states."""
        step, read = self._step, self._read

        def body(now: Array, carried: list[Array]) -> tuple[list[Array], list[Array]]:
            above = [c + d[now] for c, d in zip(carried, slopes, strict=True)]
            before = self._before_again(now, after)
            given = [step.project(self._x[now], read), step.recur(before[0], read), *before]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(given)
                new = self._kept(now, step.after(*given[:2], before), before)
            zero = tf.UnconnectedGradients.ZERO
            of_row, of_h, *of_before = tape.gradient(new, given, above, zero)
            of_before[0] += tf.matmul(of_h, read[1], transpose_b=True)
            return self._to_step_before(now, of_before), [of_row, of_h, *of_before]

        start = [tf.zeros((self._rows, *f.shape[1:]), f.dtype) for f in self._first]
        wide = tf.zeros((self._rows, read[1].shape[1]), start[0].dtype)
        ended, (of_rows, of_hs, *of_before) = self._over_time(
            body, start, [wide, wide, *start], not self._places.go_backwards
        )
        return [of_rows, of_hs], self._of_first(of_before, ended)

    def _all_before(self, outputs: Array) -> Array:
        """Return the outputs before each step, (time, rows, units)."""
        first = tf.zeros((1, *outputs.shape[1:]), outputs.dtype)
        if self._begins is None:
            first = tf.broadcast_to(self._first[0], outputs.shape[1:])[None]
        if self._places.go_backwards:
            before = tf.concat([outputs[1:], first], 0)
        else:
            before = tf.concat([first, outputs[:-1]], 0)
        if self._begins is None:
            return before
        own = self._first[0]
        began = own if own.shape[0] == 1 else tf.gather(own, self._places.sequence)
        return tf.where(self._begins[..., None], began, before)


def _flat(x: Array) -> Array:
    """Return (time, rows, …) as (time * rows, …)."""
    return tf.reshape(x, (-1, *x.shape[2:]))
