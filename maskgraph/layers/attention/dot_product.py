"""Attention by the product of query and key, without projections."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.errors import ShapeError, explain
from maskgraph.layers.attention.base import AttentionLayer
from maskgraph.layers.attention.given_masks import carrying


class Attention(AttentionLayer):
    """Each query takes a weighted mean of the values, by the product of it with their keys.

    Mask in: a value whose step does not exist, or its key's, gets no weight; a query without any
    valid key gets zeros. Mask out: that of the query. Shapes: a list of query (batch, T, dim),
    value (batch, S, features) and, if it is not the value, key (batch, S, dim) to (batch, T,
    features); the scores, on demand, (batch, T, S).

    Args:
        use_scale: whether scores are multiplied by a weight.
        score_mode: "dot", or "concat": the sum of tanh(query + key), times a weight.
        dropout: the share of weights to drop in training.

    Call arguments:
        mask: a list of masks, of the query, the value and, if there is one, the key, in place of
            those that they carry. None keeps what is carried.
        return_attention_scores: whether to return the weights after the output.
        use_causal_mask: whether a query sees no later values. Positions count valid steps.
        attention_mask: bool, (batch, T, S) or (T, S), True where a query may look at a value.

    Raises:
        ArgumentError: if it is not called on a list of two or three tensors.
        ShapeError: for inputs that are not of rank 3, or that do not go together.
        MaskError: for a mask that is not bool or does not fit.

    Source: Luong et al., 2015, https://arxiv.org/abs/1508.04025
    Agrees with: keras.layers.Attention, 3.15, which has no attention_mask and counts positions in
    the rectangle. Weights: scale (), concat_score_weight ().

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Embedding(9, 8, mask_zero=True)([[3, 7, 0]])
        >>> y = layers.Attention()([x, x])
        >>> y.shape, y.mask.tolist()
        ((1, 3, 8), [[True, True, False]])
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout=dropout, seed=seed, **kwargs)
        if score_mode not in ("dot", "concat"):
            raise self._wrong("score_mode", score_mode, "'dot' or 'concat'")
        self.use_scale = use_scale
        self.score_mode = score_mode

    def __call__(self, inputs: Any, mask: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Call the layer on a list of tensors; `mask` may be of fewer, so `call` attaches it."""
        if mask is None and not args:
            return super().__call__(inputs, **kwargs)
        return super().__call__(inputs, mask, *args, **kwargs)

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
        attention_mask: Any = None,
    ) -> Any:
        query, value, key = self._unpacked(inputs, mask)
        if self._by_products:
            query = self._scaled(query)
        one_head = [ops.expand_dims(x, 2) for x in (query, key, value)]
        context, weights = self._attend(
            *one_head,
            attention_mask=attention_mask,
            causal=use_causal_mask,
            training=training,
            return_scores=return_attention_scores,
        )
        context = ops.squeeze(context, 2)
        return (context, ops.squeeze(weights, 1)) if return_attention_scores else context

    def _unpacked(self, inputs: Any, masks: Any) -> tuple[Any, Any, Any]:
        """Return query, value and key, with the masks given in place of their own."""
        expected = "a list: [query, value] or [query, value, key]"
        if not isinstance(inputs, list | tuple) or len(inputs) not in (2, 3):
            raise self._wrong("inputs", inputs, expected)
        masks = [None] * len(inputs) if masks is None else masks
        if not isinstance(masks, list | tuple) or len(masks) not in (2, len(inputs)):
            raise self._wrong("mask", masks, "a list of masks: [query_mask, value_mask]")
        self._require_pairs(inputs[0], inputs[-1], inputs[1])
        query, value = map(self._carrying, inputs, masks[:2])
        key = value if len(inputs) == 2 else self._carrying(inputs[2], *masks[2:])
        self._require_same_features(query, key)
        return query, value, key

    def _carrying(self, x: Any, mask: Any = None) -> Any:
        return carrying(self, x, mask)

    def _require_same_features(self, query: Any, key: Any) -> None:
        sizes = query.shape[2], key.shape[2]
        if None not in sizes and sizes[0] != sizes[1]:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): queries and keys differ in "
                    "their features",
                    received=f"query {tuple(query.shape)}, key {tuple(key.shape)}",
                    expected="a last axis of the same size",
                    fix="project one of them with Dense, or use MultiHeadAttention",
                )
            )

    @property
    def _by_products(self) -> bool:
        return self.score_mode == "dot"

    def _scores(self, query: Any, key: Any) -> Any:
        if self._by_products:
            return super()._scores(query, key)
        scores = ops.sum(ops.tanh(self._scaled(sums_of(query, key))), axis=-1)
        return ops.multiply(scores, self.concat_score_weight)

    def _scaled(self, x: Any) -> Any:
        return x if self.scale is None else ops.multiply(x, self.scale)


def sums_of(query: Any, key: Any) -> Any:
    """Return the sum of each query with each key, (batch, heads, T, S, dim)."""
    query, key = (ops.transpose(x, (0, 2, 1, 3)) for x in (query, key))
    return ops.add(ops.expand_dims(query, 3), ops.expand_dims(key, 2))
