"""Attention on any backend: products, shares, and a product again."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any

Array = Any


class AttentionOps(ABC):
    """Attention, composed of primitives. A backend with a kernel of its own overrides it."""

    if TYPE_CHECKING:  # the primitives, which Backend declares and explains

        def __getattr__(self, primitive: str) -> Any: ...

    def attention(
        self,
        query: Array,
        key: Array,
        value: Array,
        allowed: Array | None,
        causal: bool,
        window: int | None,
        scale: float,
    ) -> Array:
        """Return for each query the mean of the values, weighted by the softmax of the products
        of it with their keys, (batch, T, heads, V); zeros where it may look nowhere.

        Args:
            query: (batch, T, heads, D).
            key: (batch, S, K, D), where each of the K heads serves heads / K of the queries', one
                group after another.
            value: (batch, S, K, V).
            allowed: bool, of any shape that broadcasts to (batch, heads, T, S), True where a query
                may look; None: everywhere.
            causal: whether it may look at no later place than its own.
            window: how far it may look: at places less than so many before or after its own.
            scale: a factor for the products.
        """
        places = self._near(self.shape(query)[1], self.shape(key)[1], causal, window)
        if allowed is None or places is None:
            allowed = places if allowed is None else allowed
        else:
            allowed = self.logical_and(allowed, places)
        if scale != 1:
            query = self.multiply(query, self._number(scale, query))
        scores = self._products(query, key)
        if allowed is None:
            return self._means(self.softmax(scores, 3), value)
        return self._means(self.masked_softmax(scores, allowed, 3), value)

    def _near(self, steps: int, keys: int, causal: bool, window: int | None) -> Array | None:
        """Return which places a query at each place may look at, bool, (steps, keys); None: all."""
        if not causal and window is None:
            return None
        rows, columns = (self.arange(0, size, 1, "int32") for size in (steps, keys))
        distance = self.subtract(self.expand_dims(rows, (1,)), self.expand_dims(columns, (0,)))
        before = self.less_equal(self._number(0, distance), distance) if causal else None
        if window is None:
            return before
        close = self.less(self.abs(distance), self._number(window, distance))
        return close if before is None else self.logical_and(before, close)

    def _products(self, query: Array, key: Array) -> Array:
        """Return the product of each query with each key, (batch, heads, T, S)."""
        batch, steps, heads, size = self.shape(query)
        keys, shared = self.shape(key)[1:3]
        if heads == shared:
            return self.einsum("bthd,bshd->bhts", [query, key])
        groups = self.reshape(query, (batch, steps, shared, heads // shared, size))
        products = self.einsum("btkgd,bskd->bkgts", [groups, key])
        return self.reshape(products, (batch, heads, steps, keys))

    def _means(self, weights: Array, value: Array) -> Array:
        """Return the means of the values by weights (batch, heads, T, S)."""
        batch, heads, steps, keys = self.shape(weights)
        shared, size = self.shape(value)[2:]
        if heads == shared:
            return self.einsum("bhts,bshv->bthv", [weights, value])
        groups = self.reshape(weights, (batch, shared, heads // shared, steps, keys))
        means = self.einsum("bkgts,bskv->btkgv", [groups, value])
        return self.reshape(means, (batch, steps, heads, size))
