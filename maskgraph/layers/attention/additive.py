"""Attention by the sum of query and key."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.layers.attention.dot_product import Attention, sums_of
from maskgraph.layers.base.builtin import known_features


class AdditiveAttention(Attention):
    """Each query takes a weighted mean of the values, by a sum of tanh(query + key).

    Masks, shapes, call arguments and errors are those of `Attention`: a value whose step does not
    exist gets no weight, and the mask of the query comes out.

    Args:
        use_scale: whether the features of tanh(query + key) are weighted.
        dropout: the share of weights to drop in training.

    Source: Bahdanau et al., 2014, https://arxiv.org/abs/1409.0473
    Agrees with: keras.layers.AdditiveAttention, 3.15, with the differences of `Attention`.
    Weights: scale (dim,).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Embedding(9, 8, mask_zero=True)([[3, 7, 0]])
        >>> y = layers.AdditiveAttention()([x, x])
        >>> y.shape, y.mask.tolist()
        ((1, 3, 8), [[True, True, False]])
    """

    def __init__(
        self,
        use_scale: bool = True,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, seed=seed, **kwargs)

    def build(self, input_shape: Any) -> None:
        self.scale = None
        if self.use_scale:
            features = known_features(self, input_shape[0])
            self.scale = self.add_weight((features,), "glorot_uniform", name="scale")

    @property
    def _by_products(self) -> bool:
        return False

    def _scores(self, query: Any, key: Any) -> Any:
        return ops.sum(self._scaled(ops.tanh(sums_of(query, key))), axis=-1)
