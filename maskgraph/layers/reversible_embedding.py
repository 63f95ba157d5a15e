"""An embedding that turns vectors back into scores of ids."""

from __future__ import annotations

from typing import Any

from maskgraph import dtypes, ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.layers.base.builtin import require_features, require_rank
from maskgraph.layers.sequence import Embedding


class ReversibleEmbedding(Embedding):
    """An embedding that, called with `reverse=True`, turns vectors into a logit for each id.

    Mask in: honoured; mask out: that of `Embedding`, and in reverse that of the vectors. Shapes:
    (batch, …) of integers to (batch, …, output_dim); in reverse (batch, …, output_dim) to (batch,
    …, input_dim).

    Args:
        input_dim: how many ids there are, from 0 to input_dim - 1.
        output_dim: the size of a vector.
        tie_weights: whether the way back has the same weights, or else some of its own.
        mask_zero: whether id 0 is padding.
        reverse_dtype: the dtype in which logits are computed; None: that of the vectors.
        logit_soft_cap: a bound c that logits are pressed under: c * tanh(logits / c).
        mask_value: the id that is padding.

    Call arguments:
        reverse: whether to go from vectors to logits.

    Raises:
        VocabularyError: when run, for an id outside the vocabulary at a step that exists.

    Source: Press and Wolf, 2016, https://arxiv.org/abs/1608.05859
    Agrees with: keras.layers.ReversibleEmbedding, 3.15. Weights: embeddings (input_dim,
    output_dim), and without `tie_weights` reverse_embeddings (output_dim, input_dim).

    Example:
        >>> from maskgraph import layers
        >>> embedding = layers.ReversibleEmbedding(10, 4, mask_zero=True)
        >>> logits = embedding(embedding([[3, 7, 0]]), reverse=True)
        >>> logits.shape, logits.mask.tolist()
        ((1, 3, 10), [[True, True, False]])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        mask_zero: bool = False,
        reverse_dtype: str | None = None,
        logit_soft_cap: float | None = None,
        mask_value: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            mask_zero=mask_zero,
            mask_value=mask_value,
            **kwargs,
        )
        if logit_soft_cap is not None and not logit_soft_cap > 0:
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (ReversibleEmbedding): logit_soft_cap out of range",
                    received=logit_soft_cap,
                    expected="a positive number, or None",
                )
            )
        self.tie_weights = tie_weights
        self.reverse_dtype = None if reverse_dtype is None else dtypes.canonical(reverse_dtype)
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim),
                self.embeddings_initializer,
                name="reverse_embeddings",
            )

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        vectors = dtypes.is_float(inputs.dtype)
        return previous_mask if vectors else super().compute_mask(inputs, previous_mask)

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        return self._logits(inputs) if reverse else super().call(inputs)

    def _logits(self, vectors: Any) -> Any:
        require_rank(self, vectors.shape, at_least=2)
        require_features(self, vectors.shape, self.output_dim)
        kernel: Any = (
            ops.transpose(self.embeddings.symbol) if self.tie_weights else self.reverse_embeddings
        )
        if self.reverse_dtype is not None:
            vectors, kernel = (ops.cast(x, self.reverse_dtype) for x in (vectors, kernel))
        logits = ops.matmul(vectors, kernel)
        if self.logit_soft_cap is None:
            return logits
        return ops.tanh(logits / self.logit_soft_cap) * self.logit_soft_cap
