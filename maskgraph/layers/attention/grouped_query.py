"""Grouped-query attention."""

from __future__ import annotations

from typing import Any

from maskgraph.layers.attention.projected import ProjectedAttention


class GroupedQueryAttention(ProjectedAttention):
    """Multi-head attention in which several heads of queries share one of keys and values.

    Masks in and out, call arguments and errors are those of `MultiHeadAttention`: a value whose
    step does not exist gets no weight, and the mask of the query comes out. Shapes: query (batch,
    T, features), value and key (batch, S, features) to (batch, T, features of the query); the
    scores, on demand, (batch, num_query_heads, T, S).

    Args:
        head_dim: the size of a head's queries, keys and values.
        num_query_heads: how many heads of queries there are.
        num_key_value_heads: how many heads of keys and values there are, a divisor of the former.
        dropout: the share of weights to drop in training.
        sliding_window: how far a query sees, as in `MultiHeadAttention`.
        flash_attention: has no effect on what comes out, and none here; Keras's argument.
        use_gate: whether the contexts are multiplied by a sigmoid of one more projection of the
            query.

    Raises:
        ArgumentError: if the heads of queries do not divide into groups of one size.

    Source: Ainslie et al., 2023, https://arxiv.org/abs/2305.13245
    Agrees with: keras.layers.GroupQueryAttention, 3.15, which is its name here too; Keras counts
    positions in the rectangle. Weights, for each of query, key, gate (if there is one), value:
    kernel (features, heads, head_dim), bias (heads, head_dim); attention_output: kernel
    (num_query_heads, head_dim, features), bias (features,).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Embedding(9, 8, mask_zero=True)([[3, 7, 0]])
        >>> y = layers.GroupQueryAttention(4, num_query_heads=4, num_key_value_heads=2)(x, x)
        >>> y.shape, y.mask.tolist()
        ((1, 3, 8), [[True, True, False]])
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        self._require_sizes(
            head_dim=head_dim,
            num_query_heads=num_query_heads,
            num_key_value_heads=num_key_value_heads,
        )
        if num_query_heads % num_key_value_heads:
            raise self._wrong(
                "num_key_value_heads", num_key_value_heads, f"a divisor of {num_query_heads}"
            )
        self.head_dim = self.key_size = self.value_size = head_dim
        self.num_query_heads = self.query_heads = num_query_heads
        self.num_key_value_heads = self.value_heads = num_key_value_heads
        self.output_sizes = None


GroupQueryAttention = GroupedQueryAttention
"""The name under which Keras exports the class."""
