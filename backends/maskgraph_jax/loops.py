"""Loops over time, compiled whole: op by op and step by step costs a hundred times as much."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

import jax
import jax.numpy as jnp
from jax import lax

from maskgraph.backend import Array, Backend
from maskgraph.backend.conditions import unnoted
from maskgraph.backend.recurrent import Cell


@functools.partial(jax.jit, static_argnums=(0, 7, 8))
def rnn(
    backend: Backend,
    x: Array,
    mask: Array | None,
    states: Sequence[Array | None],
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    cell: Cell,
    go_backwards: bool,
) -> tuple[Array, ...]:
    """Run a recurrent layer: see `Backend.rnn`."""
    step = backend._cell(cell, recurrent_kernel, bias)

    def shown_first(row: Array, current: list[Array]) -> list[Array]:
        # projected step by step: what all steps make together would not fit a cache
        new = step(backend._project(row, kernel, bias), current[1:])
        return [new[0], *new]

    zeros = jnp.zeros((x.shape[0], recurrent_kernel.shape[0]), x.dtype)
    initial = [zeros if state is None else state for state in states]
    outputs, _, *final = _over_time(shown_first, x, mask, [initial[0], *initial], go_backwards)
    return (outputs, *final)


def scan(
    backend: Backend,
    x: Array,
    mask: Array | None,
    states: Sequence[Array],
    captured: Sequence[Array],
    step: Any,
    go_backwards: bool,
) -> tuple[Array, ...]:
    """Run a step function over time: see `Backend.scan`."""
    if step not in _compiled:
        _compiled[step] = _compiled_scan(step)
    return _compiled[step](backend, x, mask, list(states), list(captured), go_backwards)


# A compiled function lives as long as the step it was made of, which it must not keep alive.
_compiled: WeakKeyDictionary[Any, Callable[..., tuple[Array, ...]]] = WeakKeyDictionary()


def _compiled_scan(step: Any) -> Callable[..., tuple[Array, ...]]:
    found = ref(step)

    @functools.partial(jax.jit, static_argnums=(0, 5))
    def compiled(
        backend: Backend,
        x: Array,
        mask: Array | None,
        states: list[Array],
        captured: list[Array],
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        body: Any = found()
        run = body.on(backend, x, states, captured)

        def shown_first(row: Array, current: list[Array]) -> list[Array]:
            output, new = run(row, current[1:])
            return [output, *new]

        initial = [run.before(x.shape[0], states), *states]
        return _over_time(shown_first, x, mask, initial, go_backwards)

    return compiled


def _over_time(
    step: Callable[[Array, list[Array]], list[Array]],
    x: Array,
    mask: Array | None,
    initial: list[Array],
    go_backwards: bool,
) -> tuple[Array, ...]:
    """Return the outputs of all steps in the order they were computed, the last one, and the final
    states. A step takes and returns the output and the states; a masked one changes none."""

    def body(current: list[Array], now: tuple[Array, Array | None]) -> tuple[list[Array], Array]:
        row, valid = now
        with unnoted():
            new = step(row, current)
        if valid is not None:
            new = [_kept(valid, n, c) for n, c in zip(new, current, strict=True)]
        return new, new[0]

    steps = (jnp.moveaxis(x, 1, 0), None if mask is None else jnp.moveaxis(mask, 1, 0))
    final, outputs = lax.scan(body, initial, steps, reverse=go_backwards)
    outputs = jnp.flip(outputs, 0) if go_backwards else outputs
    return (jnp.moveaxis(outputs, 0, 1), *final)


def _kept(valid: Array, new: Array, old: Array) -> Array:
    return jnp.where(valid.reshape(valid.shape + (1,) * (new.ndim - 1)), new, old)
