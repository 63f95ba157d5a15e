"""Attention on lanes: a query sees the steps of its own sequence.

A lane holds several sequences, and many products of its queries and keys are of two different
ones. On a CPU these cost little as long as they stay in its cache: few queries at a time.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from maskgraph import dtypes
from maskgraph.backend.lanes import Lanes

Array = Any

_AT_ONCE = 128
"""Queries of a lane that a CPU computes at once."""
_SMALL = 2**18
"""Products, of all queries with all keys, that a CPU computes at once in any case."""


class How(NamedTuple):
    """The arguments of `Backend.attention` that are no tensors."""

    causal: bool
    window: int | None
    scale: float


class Steps(NamedTuple):
    """What is known of the slots of lanes, (lanes, slots): the row each belongs to, its position,
    which counts the steps that exist from wherever, and whether it holds one."""

    row: Array
    position: Array
    valid: Array


class Seen(NamedTuple):
    """The keys and values (lanes, slots, heads, …) that queries see, and what is known of them.

    Where a sequence has infinite numbers of its own, they must not reach those that share its
    lane: even without any weight they would, since 0 times infinity is no number. So such keys
    and values are 0, and `poison` tells where they are.
    """

    keys: Array
    values: Array
    steps: Steps
    poison: Array


class LaneAttentionOps(ABC):
    """Attention on lanes, composed of primitives."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def attention_in_lanes(
        self,
        packing: Lanes,
        query: Array,
        key: Array,
        value: Array,
        allowed: None,
        causal: bool,
        window: int | None,
        scale: float,
    ) -> Array:
        """Return what `attention` gives for each sequence, in slots (1, slots, heads, …)."""
        how = How(causal, window, scale)
        position = self.cumsum(packing.valid, 0)
        by_slot = (query, key, value, packing.row, position, packing.valid)
        given = [self._in_lanes(x, packing) for x in by_slot]
        heads = self.shape(query)[2]
        if self._fits_a_cache(packing, heads):
            result = self._lanes_at_once(how, given, 1)
        else:
            parts = _parts(packing.width)

            def one(*lane: Array) -> Array:
                alone = [self.expand_dims(x, (0,)) for x in lane]
                return self.squeeze(self._lanes_at_once(how, alone, parts), (0,))

            result = self.one_by_one(one, given)
        return self.reshape(result, (1, packing.slots, heads, self.shape(result)[3]))

    def one_by_one(self, function: Callable[..., Array], xs: Sequence[Array]) -> Array:
        """Return what a function gives for each element of the leading axes of tensors. Its
        gradients may compute it anew, for what it makes on the way would not fit a cache."""
        rows = zip(*(self.unstack(x, 0) for x in xs), strict=True)
        return self.stack([function(*row) for row in rows], 0)

    def _fits_a_cache(self, packing: Lanes, heads: int) -> bool:
        on_cpu = self.device.partition(":")[0] == "cpu"
        return not on_cpu or packing.slots * packing.width * heads <= _SMALL

    def _in_lanes(self, x: Array, packing: Lanes) -> Array:
        """Slots (1, slots, …) or (slots,) as (lanes, width, …)."""
        return self.reshape(x, (packing.lanes, packing.width, *self.shape(x)[2:]))

    def _lanes_at_once(self, how: How, given: Sequence[Array], parts: int) -> Array:
        """Return the results of lanes, the queries of each cut into so many parts."""
        query, key, value, *known = given
        steps = Steps(*known)
        seen = self._seen(key, value, steps)
        queries = self.split(query, parts, 1)
        cut = zip(*(self.split(x, parts, 1) for x in steps), strict=True)
        results = [
            self._attend(q, Steps(*here), seen, how) for q, here in zip(queries, cut, strict=True)
        ]
        return results[0] if parts == 1 else self.concatenate(results, 1)

    def _seen(self, key: Array, value: Array, steps: Steps) -> Seen:
        fine = self.logical_and(*(self.all(self.isfinite(x), (2, 3), False) for x in (key, value)))
        key, value = (self.select_valid(x, fine, 0) for x in (key, value))
        return Seen(key, value, steps, self.logical_not(fine))

    def _attend(self, query: Array, here: Steps, seen: Seen, how: How) -> Array:
        """Return attention of queries (lanes, T, heads, D); of those that see nothing, anything."""
        allowed = self._visible(here, seen.steps, how)
        query = self.multiply(query, self._number(how.scale, query))
        scores = self._products(query, seen.keys)
        lowest = self._number(dtypes.lowest(self.dtype(scores)), scores)
        weights = self.softmax(self.where(self.expand_dims(allowed, (1,)), scores, lowest), 3)
        result = self._means(weights, seen.values)
        reached = self.logical_and(allowed, self.expand_dims(seen.poison, (1,)))
        poisoned = self.any(reached, (2,), False)
        return self.select_valid(result, self.logical_not(poisoned), float("nan"))

    def _visible(self, here: Steps, there: Steps, how: How) -> Array:
        """Return where queries may look, (lanes, queries, keys)."""
        own = self.equal(self.expand_dims(here.row, (2,)), self.expand_dims(there.row, (1,)))
        allowed = self.logical_and(own, self.expand_dims(there.valid, (1,)))
        if not how.causal and how.window is None:
            return allowed
        distance = self.subtract(
            self.expand_dims(here.position, (2,)), self.expand_dims(there.position, (1,))
        )
        if how.causal:
            before = self.less_equal(self._number(0, distance), distance)
            allowed = self.logical_and(allowed, before)
        if how.window is not None:
            close = self.less(self.abs(distance), self._number(how.window, distance))
            allowed = self.logical_and(allowed, close)
        return allowed


def _parts(width: int) -> int:
    """Return into how many parts of one size the queries of a lane are cut."""
    fewest = -(-width // _AT_ONCE)
    return next((n for n in range(fewest, 2 * fewest) if width % n == 0), 1)
