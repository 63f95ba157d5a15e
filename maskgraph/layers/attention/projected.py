"""Attention on projections of queries, keys and values, several heads side by side."""

from __future__ import annotations

import math
from typing import Any

from maskgraph import ops
from maskgraph.graph import Weight
from maskgraph.layers.attention.base import AttentionLayer
from maskgraph.layers.attention.given_masks import carrying
from maskgraph.layers.base.builtin import known_features, require_features, require_rank

Projection = tuple[Weight, Weight | None]


class ProjectedAttention(AttentionLayer):
    """The base of multi-head and grouped-query attention.

    Subclasses set how many heads there are and of which sizes, and what comes out.
    """

    _heads = True

    query_heads: int
    value_heads: int
    """How many heads of keys and values there are; each serves as many heads of queries."""
    key_size: int
    value_size: int
    output_sizes: tuple[int, ...] | None
    """The sizes of what comes out; None: the features of the query."""

    def __init__(
        self,
        *,
        use_bias: bool,
        use_gate: bool,
        kernel_initializer: Any,
        bias_initializer: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.use_gate = use_gate
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(  # type: ignore[override]
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        for shape in (query_shape, key_shape, value_shape):
            require_rank(self, shape, exactly=3)
        queries, keys, values = (
            known_features(self, shape) for shape in (query_shape, key_shape, value_shape)
        )
        context = (self.query_heads, self.value_size)
        self.query = self._projection("query", (queries,), (self.query_heads, self.key_size))
        self.key = self._projection("key", (keys,), (self.value_heads, self.key_size))
        self.gate = self._projection("gate", (queries,), context) if self.use_gate else None
        self.value = self._projection("value", (values,), (self.value_heads, self.value_size))
        self.output = self._projection("attention_output", context, self.output_sizes or (queries,))

    def _projection(self, name: str, old: tuple[int, ...], new: tuple[int, ...]) -> Projection:
        kernel = self.add_weight((*old, *new), self.kernel_initializer, name=f"{name}/kernel")
        if not self.use_bias:
            return kernel, None
        return kernel, self.add_weight(new, self.bias_initializer, name=f"{name}/bias")

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._require_pairs(query, value if key is None else key, value)
        query, value = carrying(self, query, query_mask), carrying(self, value, value_mask)
        key = carrying(self, value if key is None else key, key_mask)
        for x, (kernel, _) in ((query, self.query), (key, self.key), (value, self.value)):
            require_features(self, x.shape, kernel.shape[0])
        context, weights = self._attend(
            ops.project(query, *self.query, axes=1),
            ops.project(key, *self.key, axes=1),
            ops.project(value, *self.value, axes=1),
            attention_mask=attention_mask,
            causal=use_causal_mask,
            training=training,
            return_scores=return_attention_scores,
            scale=1 / math.sqrt(self.key_size),
        )
        if self.gate is not None:
            context = context * ops.sigmoid(ops.project(query, *self.gate, axes=1))
        output = ops.project(context, *self.output, axes=2)
        return (output, weights) if return_attention_scores else output
