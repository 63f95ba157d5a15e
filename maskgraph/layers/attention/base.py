"""What all attention layers share: from scores to weights, and the masks around them."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.graph import next_entropy
from maskgraph.layers.attention.visibility import visible
from maskgraph.layers.base.builtin import BuiltinLayer, require_rank
from maskgraph.ops.masking import intersect


class AttentionLayer(BuiltinLayer):
    """The base of attention layers: how scores become weights, and which mask comes out."""

    _heads = False
    """Whether scores are (batch, heads, T, S), or else (batch, T, S)."""

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

    def _allowed(
        self, query: Any, key: Any, value: Any, attention_mask: Any, causal: bool, scores: bool
    ) -> Any:
        """Return where a query may look; with `scores`, which are returned, one that does not
        exist looks nowhere."""
        return visible(
            self,
            query,
            value,
            intersect([value.mask, key.mask]),
            attention_mask=attention_mask,
            causal=causal,
            window=self.sliding_window,
            heads=self._heads,
            only_queries=scores,
        )

    def _shares(self, scores: Any, allowed: Any, training: bool) -> tuple[Any, Any]:
        """Return the weights of the values, and those that dropout leaves."""
        weights = ops.softmax(scores) if allowed is None else ops.masked_softmax(scores, allowed)
        if not training or not self.dropout:
            return weights, weights
        keep = ops.random_keep(weights, self.dropout, self.generator)
        return weights, ops.dropout(weights, keep, self.dropout)


def of_query(context: Any, query: Any) -> Any:
    """Return what came of the queries, with their mask."""
    return context if query.mask is None else ops.with_mask(context, query.mask)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
