"""Loops over packed sequences: over the columns of the lanes, with states set anew where a sequence
begins."""

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
from maskgraph.backend.distinct import Distinct
from maskgraph.backend.lanes import Lanes
from maskgraph.backend.recurrent import Cell
from maskgraph_jax.wide import computes_widely

Step = Callable[[Array, list[Array]], list[Array]]


@computes_widely
class PackedRecurrent(Backend):
    """The loops over packed sequences."""

    def packed_rnn(
        self,
        x: Array,
        packing: Any,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        return _rnn(self, x, packing, list(states), weights, cell, go_backwards)

    def packed_rnn_of_ids(
        self,
        x: Array,
        distinct: Distinct,
        packing: Any,
        states: Sequence[Array | None],
        kernel: Array,
        recurrent_kernel: Array,
        bias: Array | None,
        cell: Cell,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        weights = (kernel, recurrent_kernel, bias)
        given = (packing, list(states), weights)
        which = self._which_product(distinct)
        if which is None:
            return _rnn(self, self.spread(x, distinct), *given, cell, go_backwards)
        return _rnn_of_ids(self, cell, go_backwards, x, which, *given)

    def packed_scan(
        self,
        x: Array,
        packing: Any,
        states: Sequence[Array],
        captured: Sequence[Array],
        step: Any,
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        if step not in _compiled:
            _compiled[step] = _compiled_scan(step)
        return _compiled[step](self, x, packing, list(states), list(captured), go_backwards)


@functools.partial(jax.jit, static_argnums=(0, 5, 6))
def _rnn(
    backend: Backend,
    x: Array,
    lanes: Lanes,
    first: list[Array | None],
    weights: tuple[Array, Array, Array | None],
    cell: Cell,
    go_backwards: bool,
) -> tuple[Array, ...]:
    kernel, recurrent_kernel, bias = weights
    step = backend._cell(cell, recurrent_kernel, bias)

    def projected(row: Array, current: list[Array]) -> list[Array]:
        return step(backend._project(row, kernel, bias), current)

    return _over_lanes(projected, x, lanes, _or_zeros(first, x, recurrent_kernel), go_backwards)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _rnn_of_ids(
    backend: Backend,
    cell: Cell,
    go_backwards: bool,
    x: Array,
    which: Array,
    lanes: Lanes,
    first: list[Array | None],
    weights: tuple[Array, Array, Array | None],
) -> tuple[Array, ...]:
    kernel, recurrent_kernel, bias = weights
    step = backend._cell(cell, recurrent_kernel, bias)
    projected = backend._project(x[0], kernel, bias)
    look_up = _looked_up_apart if backend._on_cpu else _looked_up

    def looked_up(row: Array, current: list[Array]) -> list[Array]:
        return step(look_up(projected, row), current)

    return _over_lanes(
        looked_up, which[None], lanes, _or_zeros(first, x, recurrent_kernel), go_backwards
    )


def _looked_up(table: Array, which: Array) -> Array:
    return table.at[which].get(mode="promise_in_bounds")


def _looked_up_apart(table: Array, which: Array) -> Array:
    """Look up rows in such a way that XLA does not make one loop of that and of all that is done
    with them: on a CPU it then looks up number by number, computes nothing in vectors, and takes
    more than twice as long."""
    always = which[0] >= 0  # which XLA does not know
    zeros = jnp.zeros((*which.shape, *table.shape[1:]), table.dtype)
    return lax.cond(always, _looked_up, lambda *_: zeros, table, which)


@_rnn_of_ids.defjvp
def _slopes_of_ids(
    backend: Backend, cell: Cell, go_backwards: bool, primals: Any, tangents: Any
) -> tuple[Any, Any]:
    """Differentiate the loop over what ids stand for: that over the table would add to the slopes
    of all of the table at each step."""

    def spread(x: Array, which: Array, lanes: Lanes, first: Any, weights: Any) -> Any:
        return _rnn(backend, x[:, which], lanes, first, weights, cell, go_backwards)

    return jax.jvp(spread, primals, tangents)


def _or_zeros(states: list[Array | None], x: Array, recurrent_kernel: Array) -> list[Array]:
    zero = jnp.zeros((1, recurrent_kernel.shape[0]), x.dtype)
    return [zero if state is None else state for state in states]


# A compiled function lives as long as the step it was made of, which it must not keep alive.
_compiled: WeakKeyDictionary[Any, Callable[..., tuple[Array, ...]]] = WeakKeyDictionary()


def _compiled_scan(step: Any) -> Callable[..., tuple[Array, ...]]:
    found = ref(step)

    @functools.partial(jax.jit, static_argnums=(0, 5))
    def compiled(
        backend: Backend,
        x: Array,
        lanes: Lanes,
        states: list[Array],
        captured: list[Array],
        go_backwards: bool,
    ) -> tuple[Array, ...]:
        body: Any = found()
        run = body.on(backend, x, states, captured)

        def shown_first(row: Array, current: list[Array]) -> list[Array]:
            output, new = run(row, current[1:])
            return [output, *new]

        first = [run.before(lanes.batch, states), *states]
        return _over_lanes(shown_first, x, lanes, first, go_backwards)

    return compiled


def _over_lanes(
    step: Step, x: Array, lanes: Lanes, first: list[Array], go_backwards: bool
) -> tuple[Array, ...]:
    """Return what a step shows, in slots, and the final states of the rectangle's rows.

    Args:
        first: the states that each row begins with, (batch, …), or (1, …) if all are alike.
    """
    row = _columns(lanes.row, lanes)
    valid = None if lanes.valid is None else _columns(lanes.valid, lanes)
    border = jnp.full((1, lanes.lanes), True)
    changes = row[1:] != row[:-1]
    begins = jnp.concatenate([changes, border] if go_backwards else [border, changes])

    def body(current: list[Array], now: tuple[Array, Array, Array, Array | None]) -> Any:
        x, row, begins, valid = now
        anew = [_where(begins, _of_row(f, row), c) for f, c in zip(first, current, strict=True)]
        with unnoted():
            new = step(x, anew)
        if valid is not None:
            new = [_where(valid, n, a) for n, a in zip(new, anew, strict=True)]
        return new, new

    start = [jnp.zeros((lanes.lanes, *f.shape[1:]), f.dtype) for f in first]
    steps = (_columns(x[0], lanes), row, begins, valid)
    _, after = lax.scan(body, start, steps, reverse=go_backwards)
    shown = after[0].swapaxes(0, 1).reshape(1, lanes.slots, *after[0].shape[2:])
    end = jnp.asarray(lanes.first if go_backwards else lanes.last)
    rows = jnp.arange(lanes.batch)
    exists = jnp.asarray(lanes.row)[end] == rows
    at = (end % lanes.width, end // lanes.width)
    final = [_where(exists, a[at], _of_row(f, rows)) for a, f in zip(after, first, strict=True)]
    return (shown, *final)


def _columns(x: Array, lanes: Lanes) -> Array:
    """Return slots (slots, …) column by column, (width, lanes, …)."""
    return jnp.asarray(x).reshape(lanes.lanes, lanes.width, *x.shape[1:]).swapaxes(0, 1)


def _of_row(states: Array, row: Array) -> Array:
    """Return the states of rows; those of no row at all may be any."""
    return states if len(states) == 1 else jnp.take(states, row, 0, mode="clip")


def _where(condition: Array, x1: Array, x2: Array) -> Array:
    return jnp.where(condition.reshape(condition.shape + (1,) * (x2.ndim - 1)), x1, x2)
