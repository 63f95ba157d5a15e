"""Layers that say where a step stands in its sequence; positions count the steps that exist."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
    known_features,
    positive,
    require_features,
    require_rank,
)
from maskgraph.layers.positions.base import float_of, positions_of, spread, step_mask
from maskgraph.layers.reversible_embedding import ReversibleEmbedding


class PositionEmbedding(BuiltinLayer):
    """A vector for each position, learned; to be added to the inputs, whose values it ignores.

    Mask in: positions count the steps that exist, so that padding moves nothing. Mask out: that
    of x. Shapes: (batch, time, features), unchanged. Time may be longer than the table, if the
    steps that exist are not.

    Args:
        sequence_length: how many positions there are.

    Call arguments:
        start_index: the position of the first step: an integer, or an integer scalar tensor.
        positions: the positions themselves, (time,) or (batch, time), in place of those counted.

    Raises:
        ShapeError: when run, for a step that exists at a position that the table does not reach.

    Source: Gehring et al., 2017, https://arxiv.org/abs/1705.03122
    Signature: keras_hub.layers.PositionEmbedding. Weights: embeddings (sequence_length,
    features).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Embedding(9, 4, mask_zero=True)([[0, 3, 7]])
        >>> embedded = layers.PositionEmbedding(2)(x)
        >>> embedded.shape, embedded.mask.tolist()
        ((1, 3, 4), [[False, True, True]])
    """

    def __init__(
        self, sequence_length: int, initializer: Any = "glorot_uniform", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.sequence_length = positive(self, "sequence_length", sequence_length)
        self.initializer = initializer

    def build(self, inputs_shape: Any) -> None:
        require_rank(self, inputs_shape, exactly=3)
        shape = (self.sequence_length, known_features(self, inputs_shape))
        self.embeddings = self.add_weight(shape, self.initializer, name="embeddings")

    def call(
        self, inputs: Any, start_index: Any = 0, positions: Any = None, mask: Any = None
    ) -> Any:
        require_rank(self, inputs.shape, exactly=3)
        require_features(self, inputs.shape, self.embeddings.shape[1])
        places = positions_of(inputs, start_index, positions)
        exists = step_mask(inputs)
        if exists is not None:  # the position of a step that does not exist may be anything
            places = ops.with_mask(spread(places, exists), exists)
        return spread(ops.position_embedding(self.embeddings.symbol, places), inputs)


class SinePositionEncoding(BuiltinLayer):
    """Sines and cosines of each position, in turn, at wavelengths from 2π on; to be added to the
    inputs, whose values it ignores.

    Mask in: positions count the steps that exist, so that padding moves nothing. Mask out: that
    of x. Shapes: (batch, time, features), unchanged, float.

    Args:
        max_wavelength: the bound, in units of 2π, that the wavelengths approach.

    Call arguments:
        start_index: the position of the first step: an integer, or an integer scalar tensor.
        positions: the positions themselves, (time,) or (batch, time), in place of those counted.

    Source: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762, section 3.5
    Signature: keras_hub.layers.SinePositionEncoding.

    Example:
        >>> from maskgraph import layers
        >>> layers.SinePositionEncoding()([[[0.0, 0.0], [0.0, 0.0]]]).numpy().round(2).tolist()
        [[[0.0, 1.0], [0.8399999737739563, 0.5400000214576721]]]
    """

    def __init__(self, max_wavelength: float = 10000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_wavelength = max_wavelength

    def call(
        self, inputs: Any, start_index: Any = 0, positions: Any = None, mask: Any = None
    ) -> Any:
        require_rank(self, inputs.shape, exactly=3)
        feature = np.arange(known_features(self, inputs.shape))
        frequency = self.max_wavelength ** -(feature // 2 * 2 / len(feature))
        places = ops.cast(positions_of(inputs, start_index, positions), "float32")
        angles = ops.multiply(ops.expand_dims(places, -1), frequency.astype(np.float32))
        waves = ops.where(feature % 2 == 0, ops.sin(angles), ops.cos(angles))
        return spread(ops.cast(waves, float_of(inputs, self.dtype)), inputs)


class TokenAndPositionEmbedding(BuiltinLayer):
    """The sum of a vector for each id and one for its position.

    Mask in: positions count the steps that exist. Mask out: with `mask_zero`, also without the
    steps whose id is 0. Shapes: (batch, time) of integers to (batch, time, embedding_dim).

    Args:
        vocabulary_size: how many ids there are.
        sequence_length: how many positions there are.
        embedding_dim: the size of a vector.
        tie_weights: whether `token_embedding`, a `ReversibleEmbedding`, uses its weights in
            reverse too.
        mask_zero: whether id 0 is padding.

    Call arguments:
        start_index, positions: as in `PositionEmbedding`.

    Raises:
        ShapeError: when run, for a sequence that is longer than `sequence_length`.
        VocabularyError: when run, for an id outside the vocabulary at a step that exists.

    Signature: keras_hub.layers.TokenAndPositionEmbedding. Weights: those of the embedding of ids,
    then those of the embedding of positions.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.TokenAndPositionEmbedding(9, 3, 4, mask_zero=True)([[0, 3, 7]])
        >>> x.shape, x.mask.tolist()
        ((1, 3, 4), [[False, True, True]])
    """

    def __init__(
        self,
        vocabulary_size: int,
        sequence_length: int,
        embedding_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        mask_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.token_embedding = ReversibleEmbedding(
            positive(self, "vocabulary_size", vocabulary_size),
            positive(self, "embedding_dim", embedding_dim),
            tie_weights=tie_weights,
            embeddings_initializer=embeddings_initializer,
            mask_zero=mask_zero,
            dtype=self.dtype,
            trainable=self.trainable,
            name="token_embedding",
        )
        self.position_embedding = PositionEmbedding(
            sequence_length,
            initializer=embeddings_initializer,
            dtype=self.dtype,
            trainable=self.trainable,
            name="position_embedding",
        )

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Any:
        tokens = self.token_embedding(inputs)
        places = self.position_embedding(tokens, start_index=start_index, positions=positions)
        return ops.add(tokens, places)
