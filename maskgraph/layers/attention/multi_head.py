"""Multi-head attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskgraph.layers.attention.projected import ProjectedAttention


class MultiHeadAttention(ProjectedAttention):
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
        sliding_window: how far a query sees: at values less than so many positions before or
            after its own; with `use_causal_mask`, at its own and the `sliding_window - 1` before
            it. Positions count valid steps, those of queries and of values each.
        flash_attention: has no effect on what comes out, and none here; Keras's argument.
        use_gate: whether the contexts are multiplied by a sigmoid of one more projection of the
            query.

    Call arguments:
        attention_mask: bool, (batch, T, S), (T, S) or (batch, heads, T, S), True where a query
            may look at a value.
        use_causal_mask: whether a query sees no later values. Positions count valid steps.
        return_attention_scores: whether to return the weights after the output.

    Raises:
        ArgumentError: for sizes that are not positive.
        ShapeError: for inputs that are not of rank 3, or keys and values of different lengths.
        MaskError: for a mask that is not bool or does not fit.

    Source: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762; the window: Beltagy et al.,
    2020, https://arxiv.org/abs/2004.05150; the gate: Qiu et al., 2025,
    https://arxiv.org/abs/2505.06708
    Agrees with: keras.layers.MultiHeadAttention, 3.15, without attention_axes; Keras counts
    positions in the rectangle. Weights, for each of query, key, gate (if there is one), value:
    kernel (features, heads, dim), bias (heads, dim); attention_output: kernel (heads, value_dim,
    features), bias (features,).

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
        value_dim = key_dim if value_dim is None else value_dim
        self._require_sizes(num_heads=num_heads, key_dim=key_dim, value_dim=value_dim)
        if attention_axes not in (None, 1, (1,), [1]):
            raise self._wrong("attention_axes", attention_axes, "None: attention is over time")
        self.num_heads = self.query_heads = self.value_heads = num_heads
        self.key_dim = self.key_size = key_dim
        self.value_dim = self.value_size = value_dim
        self.output_sizes = (
            (output_shape,)
            if isinstance(output_shape, int)
            else None
            if output_shape is None
            else tuple(output_shape)
        )
