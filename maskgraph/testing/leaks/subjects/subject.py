"""What the detector asks of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from maskgraph.errors import ArgumentError, explain
from maskgraph.layers.base.eager import is_foreign_ragged
from maskgraph.masks import MaskedTensor
from maskgraph.testing.leaks.alignment import Seen
from maskgraph.testing.leaks.batches import Batch
from maskgraph.testing.leaks.subjects.tensors import host, is_tensor

Filler = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Returns values with something else at masked steps, given values and a mask."""


@dataclass(frozen=True)
class Feed:
    """How a model gets its inputs and masks.

    Attributes:
        structure: of the inputs: a tuple is several arguments, all else is one.
        masked: whether the mask is passed at all, or follows from the values.
        mask_name: the keyword that takes the mask; None: the argument after the inputs.
        ignore: whether True means a step to ignore.
        lengths_name: the keyword that takes lengths, in place of the mask.
    """

    structure: Any
    masked: bool = True
    mask_name: str | None = None
    ignore: bool = False
    lengths_name: str | None = None


class Gradient(NamedTuple):
    """A gradient, and by what: the number of an input, or a weight's name."""

    by: int | str
    value: np.ndarray


class NodeRun(NamedTuple):
    """One call of a layer, op or module: what it got and what it gave."""

    kind: str
    type: str
    inputs: list[Seen]
    outputs: list[Seen]


class Subject(ABC):
    """A model, behind the methods that the detector needs.

    Attributes:
        title: what a report calls it.
        contents: whether anything may stand in the padding; if not, the mask follows from it.
        any_ids: whether ids outside the vocabulary may stand in the padding.
        left: whether padding may stand before a sequence.
        opens: whether `nodes` tells anything.
        injects: whether the padding of tensors inside can be altered.
    """

    title: str
    contents: bool = True
    any_ids: bool = False
    left: bool = True
    opens: bool = False
    injects: bool = False

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Bring the model into inference mode; leave it as it was."""
        yield

    @abstractmethod
    def outputs(self, batch: Batch, inject: Filler | None = None) -> list[Seen]:
        """Return what the model gives for a batch."""

    def nodes(self, batch: Batch, inject: Filler | None = None) -> dict[str, NodeRun]:
        """Return what every node inside gives, by name, each after those it depends on."""
        return {}

    def gradients(self, batch: Batch, cotangents: list[np.ndarray | None]) -> list[Gradient] | None:
        """Return the gradients of the sum of all outputs, each times its cotangent, by the
        inputs of floats and the weights; None if this model cannot be differentiated.

        Args:
            cotangents: arrays of the shapes of the outputs; None for those to leave out.
        """
        return None


def seen_in(result: Any, title: str) -> list[Seen]:
    """Return the tensors in what a model returned.

    Raises:
        ArgumentError: if there is none.
    """
    found = [as_seen(x) for x in tensors_in(result)]
    if not found:
        raise ArgumentError(
            explain(
                f"check_leaks: {title} returns no tensors",
                received=f"{type(result).__name__}: {result!r}"[:120],
                expected="tensors, or lists, tuples or dicts of them",
            )
        )
    return found


def tensors_in(result: Any) -> list[Any]:
    """Return the tensors in nested lists, tuples and dicts; a framework's ragged tensors come as
    `MaskedTensor`s."""
    if is_foreign_ragged(result):
        return [MaskedTensor.from_ragged(result)]
    if isinstance(result, list | tuple):
        return [x for item in result for x in tensors_in(item)]
    if isinstance(result, dict):
        return tensors_in(list(result.values()))
    return [result] if is_tensor(result) else []


def as_seen(x: Any, mask: Any = None) -> Seen:
    """Return a tensor on the host, with a mask or that which it carries."""
    if isinstance(x, MaskedTensor):
        value, mask = x.value, x.mask
    else:
        value, mask = x, mask if mask is not None else getattr(x, "_keras_mask", None)
    found = None if mask is None else host(mask)
    return Seen(host(value), found)
