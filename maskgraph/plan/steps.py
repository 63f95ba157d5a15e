"""The steps of a plan: running them over slots, and handing a backend several as one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from maskgraph.backend import Backend
from maskgraph.errors import MaskgraphError
from maskgraph.graph import Node


class Step(NamedTuple):
    """A call of a function.

    Attributes:
        function: it.
        reads: the slots of its arguments.
        fills: the slot of its result.
        frees: the slots that nobody reads any more.
        gather: from all slots to the arguments, made beforehand: it is called for each step.
    """

    function: Callable[..., Any]
    reads: tuple[int, ...]
    fills: int
    frees: tuple[int, ...]
    gather: Callable[[Any], tuple[Any, ...]]

    @classmethod
    def of(
        cls, function: Callable[..., Any], reads: Sequence[int], fills: int, frees: Sequence[int]
    ) -> Step:
        """Return a step."""
        return cls(function, tuple(reads), fills, tuple(frees), _gathering(*reads))


def _gathering(*slots: int) -> Callable[[Any], tuple[Any, ...]]:
    if len(slots) > 1:
        return itemgetter(*slots)
    return lambda values: tuple([values[i] for i in slots])


Origins = Sequence[Node | None]
"""For each step the node that it was made of; None where a step says so itself."""


def execute(steps: Sequence[Step], origins: Origins, slots: Any) -> None:
    """Run steps in order over slots, which they read, fill and free."""
    done = -1
    try:
        for done, (function, _, fills, frees, gather) in enumerate(steps):  # noqa: B007
            slots[fills] = function(*gather(slots))
            for i in frees:
                slots[i] = None
    except Exception as error:
        node = origins[done]
        if node is not None:
            _note_origin(error, node)
        raise


def _note_origin(error: Exception, node: Node) -> None:
    """Name the layer in the message of an error of ours, and the user's line in a note."""
    said = error.args and str(error.args[0]).startswith("layer ")
    if isinstance(error, MaskgraphError) and node.scope.path and not said:
        error.args = (f"layer {node.scope.path!r}: {error.args[0]}", *error.args[1:])
    where = f", made at {node.location}" if node.location else ""
    error.add_note(f"in {node.path!r}{where}")


def compiled(
    backend: Backend, steps: Sequence[Step], origins: Sequence[Node], size: int
) -> tuple[list[Step], list[Node | None], int] | None:
    """Return the steps with those that a backend compiles together made one, their origins, and
    how many slots they need, of which there were `size`; None if it compiles none of them."""
    names = {node.target.name for node in origins}
    compiles = {name for name in names if backend.compiles(name)}
    if not compiles:
        return None
    groups = groupby(zip(steps, origins, strict=True), lambda pair: pair[1].target.name in compiles)
    runs = (
        Run(backend.compiled if together else None, *zip(*group, strict=True))
        for together, group in groups
    )
    return joined_runs(runs, size)


class Run(NamedTuple):
    """Adjacent steps.

    Attributes:
        make: returns a function in place of all of them; None: they stay as they are.
        steps: them.
        origins: theirs.
    """

    make: Callable[[Joined], Callable[..., tuple[Any, ...]]] | None
    steps: Sequence[Step]
    origins: Origins


def joined_runs(runs: Iterable[Run], size: int) -> tuple[list[Step], list[Node | None], int]:
    """Return the steps of all runs, with one in place of those for which there is a function, their
    origins, and how many slots they need, of which there were `size`."""
    done: list[Step] = []
    said: list[Node | None] = []
    for make, steps, origins in runs:
        if make is None:
            done += steps
            said += origins
            continue
        joined = Joined(steps, origins)
        last = len(joined.fills) - 1
        done.append(Step.of(make(joined), joined.reads, size, joined.frees))
        done += [
            Step.of(itemgetter(i), (size,), slot, (size,) if i == last else ())
            for i, slot in enumerate(joined.fills)
        ]
        said += [None] * (len(joined.fills) + 1)
        size += 1
    return done, said, size


class Joined:
    """Several steps as one function of the slots that they read, which returns those they fill.

    Attributes:
        reads: the slots that were filled before.
        fills: the slots that are read later.
        frees: the slots among `reads` that nobody reads any more.
    """

    def __init__(self, steps: Sequence[Step], origins: Origins) -> None:
        self._steps, self._origins = steps, origins
        made = {step.fills for step in steps}
        freed = {slot for step in steps for slot in step.frees}
        self.reads = tuple(dict.fromkeys(i for s in steps for i in s.reads if i not in made))
        self.fills = tuple(step.fills for step in steps if step.fills not in freed)
        self.frees = tuple(freed - made)

    def __call__(self, *values: Any) -> tuple[Any, ...]:
        slots = dict(zip(self.reads, values, strict=True))
        execute(self._steps, self._origins, slots)
        return tuple([slots[i] for i in self.fills])
