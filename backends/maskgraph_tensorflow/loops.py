"""A loop over time as one function that XLA compiles, and its gradient as another."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from maskgraph.backend import Array, Backend


class Places(NamedTuple):
    """What a loop knows of each step.

    Attributes:
        valid: whether it exists, (time, rows); None: all do.
        sequence: the sequence that it belongs to, (time, rows), each with initial states of its
            own; None: the rows are the sequences.
    """

    valid: Array | None
    sequence: Array | None


def run(
    backend: Backend,
    how: tuple[Any, ...],
    x: Array,
    first: list[Array],
    weights: Sequence[Array | None],
    places: Places,
) -> Sequence[Array]:
    """Return the states of a recurrent layer after each step, (time, rows, units) each.

    Args:
        how: cell, activation, recurrent activation, whether it goes backwards, `reset_after`.
        x: (time, rows, features).
        first: the initial states, (sequences, units) each.
        weights: kernel, recurrent kernel, bias.
    """
    structure = (x, first, list(weights))
    missing = weights[-1] is None
    kind = (tuple(x.shape), x.dtype, places.valid is None, places.sequence is None, missing)
    forward, backward = _compiled(backend, how, kind)

    @tf.custom_gradient
    def differentiable(*values: Array) -> Any:
        # what is not watched is not recorded: only the function as a whole is
        unwatched = [tf.stop_gradient(value) for value in values]
        given = tf.nest.pack_sequence_as(structure, unwatched + [None] * missing)
        return forward(*given, places), lambda *slopes: backward(given, places, list(slopes))

    return differentiable(*(value for value in tf.nest.flatten(structure) if value is not None))


@functools.cache
def _compiled(
    backend: Backend, how: tuple[Any, ...], kind: tuple[Any, ...]
) -> tuple[Callable[..., list[Array]], Callable[..., list[Array]]]:
    """Return the loop and its gradient, to be called with one kind of tensors."""
    cell, activation, recurrent_activation, go_backwards, reset_after = how

    def loop(x: Array, first: list[Array], weights: list[Array], places: Places) -> list[Array]:
        kernel, recurrent_kernel, bias = weights
        step = backend._cell(
            cell, recurrent_kernel, bias, activation, recurrent_activation, reset_after
        )

        def projected(row: Array, current: list[Array]) -> list[Array]:
            # step by step: what all steps make together would not fit a cache
            return step(backend._project(row, kernel, bias), current)

        return _over_time(projected, x, first, places, go_backwards)

    def gradient(given: Any, places: Places, upstream: list[Array]) -> list[Array]:
        # the loop once more: what TensorFlow would remember of it cannot leave a compiled function
        x, first, weights = given
        watched = [value for value in tf.nest.flatten(given) if value is not None]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(watched)
            after = loop(x, first, weights, places)
        zero = tf.UnconnectedGradients.ZERO
        return tape.gradient(after, watched, upstream, unconnected_gradients=zero)

    return tf.function(loop, jit_compile=True), tf.function(gradient, jit_compile=True)


def _over_time(
    step: Callable[[Array, list[Array]], list[Array]],
    x: Array,
    first: list[Array],
    places: Places,
    go_backwards: bool,
) -> list[Array]:
    time, rows, _ = x.shape
    valid: Any = places.valid
    sequence: Any = places.sequence
    begins = None if sequence is None else _borders(sequence, go_backwards)
    kept = [
        tf.TensorArray(f.dtype, time, element_shape=(rows, f.shape[1]), clear_after_read=False)
        for f in first
    ]

    def body(count: Array, current: list[Array], kept: list[Any]) -> Any:
        now = time - 1 - count if go_backwards else count
        if begins is not None:
            anew = [tf.gather(f, sequence[now]) for f in first]
            pairs = zip(anew, current, strict=True)
            current = [tf.where(begins[now][:, None], a, c) for a, c in pairs]
        new = step(x[now], current)
        if valid is not None:
            exists = valid[now][:, None]
            new = [tf.where(exists, n, c) for n, c in zip(new, current, strict=True)]
        return count + 1, new, [a.write(now, n) for a, n in zip(kept, new, strict=True)]

    start = list(first)
    if begins is not None:
        start = [tf.zeros((rows, f.shape[1]), f.dtype) for f in first]
    given = (tf.constant(0), start, kept)
    *_, kept = tf.while_loop(lambda count, *_: count < time, body, given, maximum_iterations=time)
    return [a.stack() for a in kept]


def _borders(sequence: Array, go_backwards: bool) -> Array:
    """Return where another sequence begins than that of the step before, (time, rows)."""
    changes = tf.not_equal(sequence[1:], sequence[:-1])
    edge = tf.ones_like(sequence[:1], tf.bool)
    return tf.concat([changes, edge] if go_backwards else [edge, changes], 0)
