"""Which ids there are in a batch: words repeat, and what depends on the word alone need not."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = Any

_SHARE = 0.75
"""Where more of the ids than this are distinct, gathering costs more than it saves."""

_SIZES = 8
"""How many numbers of distinct ids there are for one number of slots, where they are rounded up."""


def repeats(ids: np.ndarray, rows: int) -> bool:
    """Tell whether enough ids come more than once for it to matter. False if one is outside of a
    table of so many rows."""
    in_order = ids.flatten()
    in_order.sort()
    if not in_order.size or in_order.item(0) < 0 or in_order.item(-1) >= rows:
        return False
    distinct = 1 + np.count_nonzero(in_order[1:] != in_order[:-1])
    return bool(distinct <= _SHARE * in_order.size)


class Distinct(NamedTuple):
    """The ids of a batch, each once.

    Attributes:
        ids: (1, ids).
        which: which of them each slot has, (slots,); None if `ids` are those of the slots.
    """

    ids: Array
    which: Array | None

    @classmethod
    def of(cls, ids: np.ndarray, rows: int, of_few_sizes: bool = False) -> Distinct | None:
        """Return the distinct ids of (1, slots); None if too few come more than once, or if one is
        outside of a table of so many rows, which is for others to say.

        Args:
            of_few_sizes: whether their number is rounded up, so that it is one of a few; one of
                them is there more than once then.
        """
        if not ids.size or ids.min() < 0 or ids.max() >= rows:
            return None
        found = np.zeros(rows, bool)  # faster than sorting them
        found[ids] = True
        distinct = np.flatnonzero(found)
        if len(distinct) > _SHARE * ids.size:
            return None
        place = np.empty(rows, np.int32)
        place[distinct] = np.arange(len(distinct))
        if of_few_sizes:
            step = -(-ids.size // _SIZES)
            distinct = np.pad(distinct, (0, -len(distinct) % step), mode="edge")
        return cls(distinct.astype(ids.dtype).reshape(1, -1), place[ids.reshape(-1)])
