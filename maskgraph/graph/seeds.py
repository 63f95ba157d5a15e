"""Where the randomness of initial weights and dropout comes from: NumPy, on every backend."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator
from contextvars import ContextVar

_seed: ContextVar[tuple[int, Iterator[int]] | None] = ContextVar("seed", default=None)

Entropy = tuple[int, ...]


def set_random_seed(seed: int) -> None:
    """Make all weights and dropout masks drawn from here on reproducible, on every backend.

    Example:
        >>> from maskgraph import layers, utils
        >>> utils.set_random_seed(1)
        >>> a = layers.Dense(2); a.build((None, 3))
        >>> utils.set_random_seed(1)
        >>> b = layers.Dense(2); b.build((None, 3))
        >>> bool((a.get_weights()[0] == b.get_weights()[0]).all())
        True
    """
    _seed.set((seed, itertools.count()))


def next_entropy() -> Entropy:
    """Return what seeds one more generator: fresh each time, reproducible after
    `set_random_seed`."""
    state = _seed.get()
    if state is None:
        return (secrets.randbits(64),)
    seed, counter = state
    return (seed, next(counter))
