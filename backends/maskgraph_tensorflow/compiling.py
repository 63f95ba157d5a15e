"""Steps of a plan as one function that XLA compiles: op by op each costs 20 µs and more, and what
it makes goes through memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from maskgraph.backend import Array
from maskgraph.backend.conditions import noting
from maskgraph.backend.lanes import SIZES, TENSORS, Lanes

LEFT_OUT = frozenset(
    {
        # they draw numbers, anew at each call
        "random_keep",
        "random_normal",
        # it calls a user's function
        "native_call",
        # it takes step by step in Python, which takes long to compile
        "ctc_loss",
        # it looks at ids
        "distinct",
    }
)
"""The ops that are not compiled together with others."""

PATIENCE = 0.1
"""Seconds that runs of one kind take op by op before it is compiled."""


class Compiled:
    """A function compiled by XLA, for each kind of tensors and for each of the sizes that it is
    called with; it returns sizes as numbers, too.

    A kind is run op by op until that has taken a while, for it may never come again, and to compile
    it takes longer. So is all where TensorFlow is told to run functions eagerly, and where it
    traces a function of the user's, who then says what is compiled.

    Where a condition on values turns out not to hold, the function is run once more, op by op:
    that says what is wrong, and where. What XLA refuses is run op by op from then on.

    Attributes:
        programs: how many times it was compiled.
    """

    def __init__(self, function: Callable[..., tuple[Any, ...]]) -> None:
        self.programs = 0
        self._function = function
        self._spent: dict[Any, float] = {}
        self._compiled: dict[Any, _Program] = {}

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        if not tf.executing_eagerly() or tf.config.functions_run_eagerly():
            return self._function(*values)
        tensors: list[Array] = []
        kind = tuple([_taken(value, tensors) for value in values])
        program = self._compiled.get(kind)
        if program is None:
            spent = self._spent.get(kind, 0.0)
            if spent < PATIENCE:
                began = time.perf_counter()
                results = self._function(*values)
                self._spent[kind] = spent + time.perf_counter() - began
                return results
            self.programs += 1
            program = self._compiled[kind] = _Program(self._function, kind)
        try:
            found = program.run(*tensors)
        except tf.errors.OpError:  # XLA refuses it, or something is wrong with the data
            del self._compiled[kind]
            self._spent[kind] = float("-inf")
            return self._function(*values)
        if program.conditional and not found[0].numpy():
            return self._function(*values)
        result: tuple[Any, ...] = _given(program.result, iter(found[program.conditional :]))
        return result


class _Tensor(NamedTuple):
    """What stands for a tensor in what a function is compiled for, and in what it returns."""

    shape: tuple[int, ...]
    dtype: Any


class _Lanes(NamedTuple):
    """What stands for lanes: themselves without tensors, and what stands for these."""

    sizes: tuple[int, ...]
    tensors: tuple[Any, ...]


class _Program:
    """A compiled function of tensors.

    Attributes:
        run: from tensors to a flat list of tensors, the first of which says whether the noted
            conditions hold, if there are any.
        conditional: whether there are.
        result: what the function returns, with a `_Tensor` in the place of each tensor.
    """

    def __init__(self, function: Callable[..., tuple[Any, ...]], kind: Any) -> None:
        self.conditional = False
        self.result: Any = None

        def flat(*tensors: Array) -> list[Array]:
            found: list[Array] = []
            with noting() as conditions:
                results = function(*_given(kind, iter(tensors)))
            self.result = _taken(results, found)
            self.conditional = bool(conditions)
            return [tf.reduce_all(tf.stack(conditions)), *found] if conditions else found

        compiled = tf.function(flat, jit_compile=True, autograph=False)
        self.run = compiled.get_concrete_function(
            *(tf.TensorSpec(t.shape, t.dtype) for t in _tensors(kind))
        )


def _taken(value: Any, tensors: list[Array]) -> Any:
    """Return a value with `_Tensor`s in the place of its tensors, which are added to the list."""
    if isinstance(value, tf.Tensor):
        tensors.append(value)
        return _Tensor(tuple(value.shape), value.dtype)
    if isinstance(value, tuple):
        parts = [_taken(item, tensors) for item in value]
        return tuple(parts) if type(value) is tuple else type(value)(*parts)
    if isinstance(value, Lanes):
        held = tuple([_taken(getattr(value, name), tensors) for name in TENSORS])
        return _Lanes(tuple([getattr(value, name) for name in SIZES]), held)
    if isinstance(value, tf.Variable):
        return _taken(tf.convert_to_tensor(value), tensors)
    return value


def _given(kind: Any, tensors: Iterator[Array]) -> Any:
    """Undo `_taken`."""
    if isinstance(kind, _Tensor):
        return next(tensors)
    if isinstance(kind, _Lanes):
        return Lanes(*kind.sizes, *(_given(part, tensors) for part in kind.tensors))
    if isinstance(kind, tuple):
        parts = [_given(part, tensors) for part in kind]
        return tuple(parts) if type(kind) is tuple else type(kind)(*parts)
    return kind


def _tensors(kind: Any) -> Iterator[_Tensor]:
    if isinstance(kind, _Tensor):
        yield kind
    elif isinstance(kind, tuple):
        for part in kind:
            yield from _tensors(part)
