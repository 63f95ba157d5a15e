"""What all attention layers share: what they do with queries, keys and values, once they have them.

Where only the result is wanted, and scores are products, it is one op. Where scores are to be
seen, dropped or made otherwise, it is the same in several.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.graph import next_entropy
from maskgraph.layers.attention.given_masks import allowed_by
from maskgraph.layers.base.builtin import BuiltinLayer, require_rank
from maskgraph.ops.attention import visible
from maskgraph.ops.masking import intersect, unmasked


class AttentionLayer(BuiltinLayer):
    """The base of attention layers: how scores become weights, and which mask comes out."""

    _heads = False
    """Whether an `attention_mask` may have an axis of heads."""

    def __init__(
        self,
        *,
        dropout: float,
        seed: int | None,
        sliding_window: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= dropout < 1:
            raise self._wrong("dropout", dropout, "a share from 0 up to, but not including, 1")
        if sliding_window is not None and not _is_size(sliding_window):
            raise self._wrong("sliding_window", sliding_window, "a positive integer, or None")
        self.dropout = dropout
        self.sliding_window = sliding_window
        self.generator = np.random.default_rng(next_entropy() if seed is None else seed)

    def _wrong(self, argument: str, received: Any, expected: str) -> ArgumentError:
        where = f"layer {self.name!r} ({type(self).__name__})"
        return ArgumentError(
            explain(f"{where}: {argument} is wrong", received=repr(received), expected=expected)
        )

    def _require_sizes(self, **sizes: Any) -> None:
        for argument, size in sizes.items():
            if not _is_size(size):
                raise self._wrong(argument, size, "a positive integer")

    def _require_pairs(self, query: Any, key: Any, value: Any) -> None:
        """Refuse tensors that are not of rank 3, and keys without values."""
        for x in (query, key, value):
            require_rank(self, x.shape, exactly=3)
        lengths = key.shape[1], value.shape[1]
        if None not in lengths and lengths[0] != lengths[1]:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): keys and values differ in "
                    "length",
                    received=f"key {tuple(key.shape)}, value {tuple(value.shape)}",
                    expected="one key for each value",
                )
            )

    def _attend(
        self,
        query: Any,
        key: Any,
        value: Any,
        *,
        attention_mask: Any,
        causal: bool,
        training: bool,
        return_scores: bool,
        scale: float = 1.0,
    ) -> tuple[Any, Any]:
        """Return the means of the values, (batch, T, heads, size), with the mask of the query, and
        the weights, (batch, heads, T, S), or None if they are not to be returned.

        Args:
            query, key, value: (batch, time, heads, size), with their masks.
            scale: a factor for scores that are products.
        """
        allowed = allowed_by(self, attention_mask, self._heads)
        dropped = training and self.dropout > 0
        if self._by_products and not (return_scores or dropped):
            fused = ops.attention(query, key, value, allowed, causal, self.sliding_window, scale)
            return fused, None
        exists = intersect([value.mask, key.mask])
        seen = visible(query, key, query.mask, exists, allowed, causal, self.sliding_window)
        if return_scores and query.mask is not None:  # one that does not exist looks nowhere
            seen = intersect([seen, ops.expand_dims(query.mask, (1, 3))])
        scaled = query if scale == 1 else ops.multiply(query, scale)
        scores = self._scores(unmasked(scaled), unmasked(key))
        weights = ops.softmax(scores) if seen is None else ops.masked_softmax(scores, seen)
        kept = self._dropped(weights) if dropped else weights
        means = ops.einsum("bhts,bshv->bthv", [kept, for_each(query, unmasked(value))])
        if query.mask is not None:
            means = ops.with_mask(means, query.mask)
        return means, weights

    @property
    def _by_products(self) -> bool:
        """Whether a score is the product of a query with a key."""
        return True

    def _scores(self, query: Any, key: Any) -> Any:
        """Return how well each key fits each query, (batch, heads, T, S)."""
        return ops.einsum("bthd,bshd->bhts", [query, for_each(query, key)])

    def _dropped(self, weights: Any) -> Any:
        keep = ops.random_keep(weights, self.dropout, self.generator)
        return ops.dropout(weights, keep, self.dropout)


def for_each(query: Any, x: Any) -> Any:
    """Return heads of keys or values, repeated for each of the queries' heads that they serve."""
    heads: int = x.shape[2]
    return x if heads == query.shape[2] else ops.repeat(x, query.shape[2] // heads, axis=2)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
