"""What a layer's call leaves behind beside its outputs: new values of weights, and losses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskgraph.graph.symbol import SymbolicTensor
    from maskgraph.graph.weight import Weight


@dataclass
class Effects:
    """Symbols that are computed with a run, though no output depends on them.

    Attributes:
        updates: (weight, the value that it takes after a run).
        losses: scalars to be added to what is minimized.
    """

    updates: list[tuple[Weight, SymbolicTensor]] = field(default_factory=list)
    losses: list[SymbolicTensor] = field(default_factory=list)


_current: ContextVar[Effects | None] = ContextVar("effects", default=None)


@contextmanager
def collected() -> Iterator[Effects]:
    """Gather the effects of the layer that is traced in the block, without its sub-layers'."""
    effects = Effects()
    token = _current.set(effects)
    try:
        yield effects
    finally:
        _current.reset(token)


def current_effects() -> Effects | None:
    """Return where the layer being traced leaves its effects; None outside of any `call`."""
    return _current.get()
