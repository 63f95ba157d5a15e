"""The blocks of a transformer: attention and a feed-forward network, each with a residual."""

from __future__ import annotations

from typing import Any

from maskgraph.errors import ArgumentError, explain
from maskgraph.layers.attention.given_masks import carrying
from maskgraph.layers.transformer_block import TransformerBlock


class TransformerEncoder(TransformerBlock):
    """Attention of a sequence to itself, then a feed-forward network, each with a residual and a
    normalization.

    Mask in: a step that does not exist is not attended to. Mask out: that of x. Shapes: (batch,
    time, features), unchanged.

    Args:
        intermediate_dim: the size of the feed-forward network's hidden layer.
        num_heads: the heads of attention, each of features // num_heads.
        dropout: the share to drop, of attention's weights and of what is added to the residuals.
        activation: of the feed-forward network.
        layer_norm_epsilon: is added to variances.
        normalize_first: whether to normalize what goes into attention and network, in place of
            the sums.

    Call arguments:
        padding_mask: (batch, time), bool, in place of the mask that the sequence carries.
        attention_mask: (batch, time, time), bool, True where a step may look at another.
        return_attention_scores: whether to return the weights of attention after the output.

    Raises:
        ShapeError: for an input that is not of rank 3, or of fewer features than heads.
        MaskError: for a mask that is not bool or does not fit.

    Source: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762; `normalize_first`: Xiong et
    al., 2020, https://arxiv.org/abs/2002.04745
    Signature: keras_hub.layers.TransformerEncoder. Weights: those of self-attention, its
    normalization, the feed-forward network's normalization and its two Dense layers.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Embedding(9, 8, mask_zero=True)([[3, 7, 0]])
        >>> y = layers.TransformerEncoder(16, num_heads=2)(x)
        >>> y.shape, y.mask.tolist()
        ((1, 3, 8), [[True, True, False]])
    """

    def build(self, inputs_shape: Any) -> None:
        hidden = self._hidden(inputs_shape)
        self.self_attention = self._attention("self_attention", hidden)
        self.self_attention_layer_norm = self._norm("self_attention_layer_norm")
        self.self_attention_dropout = self._dropout("self_attention_dropout")
        self.feedforward_layer_norm = self._norm("feedforward_layer_norm")
        self.feedforward_intermediate_dense = self._dense(
            "feedforward_intermediate_dense", self.intermediate_dim, self.activation
        )
        self.feedforward_output_dense = self._dense("feedforward_output_dense", hidden)
        self.feedforward_dropout = self._dropout("feedforward_dropout")

    def call(
        self,
        inputs: Any,
        padding_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
    ) -> Any:
        scores: list[Any] = []

        def attend(x: Any) -> Any:
            attended = self.self_attention(
                x,
                x,
                attention_mask=attention_mask,
                return_attention_scores=return_attention_scores,
            )
            if return_attention_scores:
                attended, weights = attended
                scores.append(weights)
            return attended

        x = self._residual(
            carrying(self, inputs, padding_mask),
            self.self_attention_layer_norm,
            self.self_attention_dropout,
            attend,
        )
        output = self._feedforward(x)
        return (output, scores[0]) if return_attention_scores else output


class TransformerDecoder(TransformerBlock):
    """Attention of a sequence to itself, to another sequence, if there is one, and a feed-forward
    network, each with a residual and a normalization.

    Mask in: a step that does not exist, in either sequence, is not attended to. Mask out: that of
    the decoder's sequence. Shapes: (batch, T, features), unchanged; the encoder's sequence is
    (batch, S, any features).

    Args:
        intermediate_dim, num_heads, dropout, activation, layer_norm_epsilon, normalize_first: as
            in `TransformerEncoder`.

    Call arguments:
        encoder_sequence: the other sequence; a decoder that is built without one has none ever.
        decoder_padding_mask, encoder_padding_mask: (batch, T) and (batch, S), bool, in place of
            the masks that the sequences carry.
        decoder_attention_mask: (batch, T, T), bool, True where a step may look at another.
        encoder_attention_mask: (batch, T, S), bool, True where a step may look at the encoder's.
        use_causal_mask: whether a step sees no later ones. Positions count valid steps.

    Raises:
        ArgumentError: if the encoder's sequence is missing, or there is one too many.
        ShapeError: for an input that is not of rank 3, or of fewer features than heads.
        MaskError: for a mask that is not bool or does not fit.

    Source: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762
    Signature: keras_hub.layers.TransformerDecoder, without caches. Weights: those of
    self-attention and its normalization, cross-attention and its normalization, the feed-forward
    network's two Dense layers and its normalization.

    Example:
        >>> from maskgraph import layers
        >>> encoded = layers.Embedding(9, 6, mask_zero=True)([[0, 4, 1, 2]])
        >>> x = layers.Embedding(9, 8, mask_zero=True)([[3, 7, 0]])
        >>> y = layers.TransformerDecoder(16, num_heads=2)(x, encoded)
        >>> y.shape, y.mask.tolist()
        ((1, 3, 8), [[True, True, False]])
    """

    def build(self, decoder_sequence_shape: Any, encoder_sequence_shape: Any = None) -> None:
        hidden = self._hidden(decoder_sequence_shape)
        self.self_attention = self._attention("self_attention", hidden)
        self.self_attention_layer_norm = self._norm("self_attention_layer_norm")
        self.self_attention_dropout = self._dropout("self_attention_dropout")
        self.cross_attention: Any = None
        if encoder_sequence_shape is not None:
            self.cross_attention = self._attention("cross_attention", hidden)
            self.cross_attention_layer_norm = self._norm("cross_attention_layer_norm")
            self.cross_attention_dropout = self._dropout("cross_attention_dropout")
        self.feedforward_intermediate_dense = self._dense(
            "feedforward_intermediate_dense", self.intermediate_dim, self.activation
        )
        self.feedforward_output_dense = self._dense("feedforward_output_dense", hidden)
        self.feedforward_layer_norm = self._norm("feedforward_layer_norm")
        self.feedforward_dropout = self._dropout("feedforward_dropout")

    def call(
        self,
        decoder_sequence: Any,
        encoder_sequence: Any = None,
        decoder_padding_mask: Any = None,
        decoder_attention_mask: Any = None,
        encoder_padding_mask: Any = None,
        encoder_attention_mask: Any = None,
        use_causal_mask: bool = True,
    ) -> Any:
        self._require_as_built(encoder_sequence)
        x = self._residual(
            carrying(self, decoder_sequence, decoder_padding_mask),
            self.self_attention_layer_norm,
            self.self_attention_dropout,
            lambda y: self.self_attention(
                y, y, attention_mask=decoder_attention_mask, use_causal_mask=use_causal_mask
            ),
        )
        if encoder_sequence is not None:
            x = self._across(
                x,
                carrying(self, encoder_sequence, encoder_padding_mask),
                encoder_attention_mask,
            )
        return self._feedforward(x)

    def _across(self, x: Any, encoded: Any, attention_mask: Any) -> Any:
        return self._residual(
            x,
            self.cross_attention_layer_norm,
            self.cross_attention_dropout,
            lambda y: self.cross_attention(y, encoded, attention_mask=attention_mask),
        )

    def _require_as_built(self, encoder_sequence: Any) -> None:
        built_with = self.cross_attention is not None
        if built_with != (encoder_sequence is not None):
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (TransformerDecoder): the encoder's sequence is "
                    + ("missing" if built_with else "one too many"),
                    expected="two sequences, or one, at every call, as at the first",
                    fix="use a layer of its own for the other kind of call",
                )
            )
