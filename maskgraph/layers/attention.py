"""Multi-head attention."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import ArgumentError, MaskError, ShapeError, explain
from maskgraph.graph import Weight, next_entropy
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
    known_features,
    require_features,
    require_rank,
)
from maskgraph.ops.masking import intersect, unmasked
from maskgraph.ops.operands import spec_of

Projection = tuple[Weight, Weight | None]


class MultiHeadAttention(BuiltinLayer):
    """Each query takes a weighted mean of the values, by how its key fits; several times over.

    Mask in: a value whose step does not exist, or its key's, gets no weight; a query without any
    valid key gets the zero vector for its context. Mask out: that of the query. Masks passed as
    `query_mask`, `value_mask`, `key_mask` take the place of those that the tensors carry; the
    tensors themselves stay as they are. Shapes: query (batch, T, features), value and key
    (batch, S, features) to (batch, T, features of the query or `output_shape`); the scores, on
    demand, (batch, heads, T, S).

    Args:
        num_heads: how many attentions there are side by side.
        key_dim: the size of a head's queries and keys.
        value_dim: the size of a head's values; `key_dim` if None.
        dropout: the share of weights to drop in training.
        output_shape: the size, or sizes, of what comes out in place of the query's features.

    Call arguments:
        attention_mask: bool, (batch, T, S), (T, S) or (batch, heads, T, S), True where a query
            may look at a value.
        use_causal_mask: whether a query sees no later values. Positions count valid steps.
        return_attention_scores: whether to return the weights after the output.

    Raises:
        ShapeError: for inputs that are not of rank 3, or keys and values of different lengths.
        MaskError: for a mask that is not bool or does not fit.

    Source: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762
    Agrees with: keras.layers.MultiHeadAttention, 3.15, without attention_axes. Weights, for each
    of query, key, value: kernel (features, heads, dim), bias (heads, dim); attention_output:
    kernel (heads, value_dim, features), bias (features,).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Embedding(9, 8, mask_zero=True)([[3, 7, 0]])
        >>> y = layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x)
        >>> y.shape, y.mask.tolist()
        ((1, 3, 8), [[True, True, False]])
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes: dict[str, Any] = {
            "num_heads": num_heads,
            "key_dim": key_dim,
            "value_dim": value_dim or key_dim,
        }
        for argument, size in sizes.items():
            if not isinstance(size, int) or size < 1:
                raise self._wrong(argument, size, "a positive integer")
        if not 0 <= dropout < 1:
            raise self._wrong("dropout", dropout, "a share from 0 up to, but not including, 1")
        if attention_axes not in (None, 1, (1,), [1]):
            raise self._wrong("attention_axes", attention_axes, "None: attention is over time")
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.value_dim = value_dim or key_dim
        self.dropout = dropout
        self.use_bias = use_bias
        self.output_sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.generator = np.random.default_rng(next_entropy() if seed is None else seed)

    def _wrong(self, argument: str, received: Any, expected: str) -> ArgumentError:
        where = f"layer {self.name!r} (MultiHeadAttention)"
        return ArgumentError(
            explain(f"{where}: {argument} is wrong", received=repr(received), expected=expected)
        )

    def build(  # type: ignore[override]
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        for shape in (query_shape, key_shape, value_shape):
            require_rank(self, shape, exactly=3)
        heads, features = self.num_heads, known_features(self, query_shape)
        self.query = self._projection("query", (features,), (heads, self.key_dim))
        self.key = self._projection(
            "key", (known_features(self, key_shape),), (heads, self.key_dim)
        )
        self.value = self._projection(
            "value", (known_features(self, value_shape),), (heads, self.value_dim)
        )
        self.output = self._projection(
            "attention_output", (heads, self.value_dim), tuple(self.output_sizes or (features,))
        )

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
        key = value if key is None else key
        self._check(query, key, value)
        query, value = _carrying(query, query_mask), _carrying(value, value_mask)
        key = _carrying(key, key_mask)
        exists = intersect([value.mask, key.mask])
        allowed = self._allowed(query, value, exists, attention_mask, use_causal_mask)
        if return_attention_scores and allowed is not None and query.mask is not None:
            allowed = ops.logical_and(allowed, ops.expand_dims(query.mask, (1, 3)))

        queries, keys, values = (
            unmasked(_project(x, projection, axes=1))
            for x, projection in ((query, self.query), (key, self.key), (value, self.value))
        )
        queries = ops.multiply(queries, 1 / math.sqrt(self.key_dim))
        scores = ops.einsum("bthd,bshd->bhts", [queries, keys])
        weights = ops.softmax(scores) if allowed is None else ops.masked_softmax(scores, allowed)
        kept = weights
        if training and self.dropout:
            keep = ops.random_keep(weights, self.dropout, self.generator)
            kept = ops.dropout(weights, keep, self.dropout)
        context = ops.einsum("bhts,bshd->bthd", [kept, values])
        if query.mask is not None:
            context = ops.with_mask(context, query.mask)
        output = _project(context, self.output, axes=2)
        return (output, weights) if return_attention_scores else output

    def _check(self, query: Any, key: Any, value: Any) -> None:
        for x, (kernel, _) in ((query, self.query), (key, self.key), (value, self.value)):
            require_rank(self, x.shape, exactly=3)
            require_features(self, x.shape, kernel.shape[0])
        if None not in (key.shape[1], value.shape[1]) and key.shape[1] != value.shape[1]:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (MultiHeadAttention): keys and values differ in length",
                    received=f"key {tuple(key.shape)}, value {tuple(value.shape)}",
                    expected="one key for each value",
                )
            )

    def _allowed(
        self, query: Any, value: Any, exists: Any, attention_mask: Any, causal: bool
    ) -> Any:
        """Return where a query may look, of a shape that broadcasts to (batch, heads, T, S)."""
        parts = []
        if exists is not None:
            parts.append(ops.expand_dims(exists, (1, 2)))
        if attention_mask is not None:
            parts.append(self._aligned(attention_mask))
        if causal:
            # within one mask the order of valid steps is that of the rectangle
            masks = (None, None) if exists is query.mask else (query.mask, exists)
            queries, values = map(_positions, (query, value), masks)
            parts.append(
                ops.greater_equal(ops.expand_dims(queries, (1, 3)), ops.expand_dims(values, (1, 2)))
            )
        return reduce(ops.logical_and, parts) if parts else None

    def _aligned(self, attention_mask: Any) -> Any:
        shape, dtype = spec_of(attention_mask)
        if dtype != "bool" or len(shape) not in (2, 3, 4):
            raise MaskError(
                explain(
                    f"layer {self.name!r} (MultiHeadAttention): attention_mask is wrong",
                    received=f"{dtype} of shape {shape}",
                    expected="bool of shape (batch, T, S), (T, S) or (batch, heads, T, S), True "
                    "where a query may look",
                    fix="compare: attention_mask != 0",
                )
            )
        axes = {2: (0, 1), 3: (1,), 4: ()}[len(shape)]
        mask = unmasked(attention_mask)
        return ops.expand_dims(mask, axes) if axes else mask


def _carrying(x: Any, mask: Any) -> Any:
    """Return `x` with a mask given explicitly in place of its own."""
    return x if mask is None or mask is x.mask else ops.with_mask(x, mask)


def _project(x: Any, projection: Projection, axes: int) -> Any:
    """Return the product of the last `axes` axes of `x` with a kernel, plus a bias."""
    kernel, bias = projection
    old = string.ascii_lowercase[2 : 2 + axes]
    new = string.ascii_lowercase[2 + axes : 2 + kernel.ndim]
    result = ops.einsum(f"ab{old},{old}{new}->ab{new}", [x, kernel])
    return result if bias is None else ops.add(result, bias)


def _positions(x: Any, mask: Any) -> Any:
    """Return the position of each step among those that exist, (batch or 1, time)."""
    if mask is not None:
        return ops.cumsum(mask, axis=1)
    return ops.expand_dims(ops.arange(1, ops.shape(x)[1] + 1), 0)
