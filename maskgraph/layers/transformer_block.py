"""What encoder and decoder of a transformer are made of: sub-layers, and residuals around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from maskgraph import ops
from maskgraph.errors import ShapeError, explain
from maskgraph.layers.attention import MultiHeadAttention
from maskgraph.layers.base.builtin import (
    BuiltinLayer,
    known_features,
    positive,
    require_rank,
    share,
)
from maskgraph.layers.core import Dense
from maskgraph.layers.normalization.features import LayerNormalization
from maskgraph.layers.regularization import Dropout


class TransformerBlock(BuiltinLayer):
    """The base of encoder and decoder: the layers that they are made of, and the residuals."""

    feedforward_intermediate_dense: Dense
    feedforward_output_dense: Dense
    feedforward_layer_norm: LayerNormalization
    feedforward_dropout: Dropout

    def __init__(
        self,
        intermediate_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        activation: Any = "relu",
        layer_norm_epsilon: float = 1e-05,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        normalize_first: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.intermediate_dim = positive(self, "intermediate_dim", intermediate_dim)
        self.num_heads = positive(self, "num_heads", num_heads)
        self.dropout = share(self, "dropout", dropout, below_one=True)
        self.activation = activation
        self.layer_norm_epsilon = layer_norm_epsilon
        self.normalize_first = normalize_first
        self._common: dict[str, Any] = {"dtype": self.dtype, "trainable": self.trainable}
        self._initializers: dict[str, Any] = {
            "kernel_initializer": kernel_initializer,
            "bias_initializer": bias_initializer,
        }

    def _hidden(self, shape: Any) -> int:
        """Return the features of a sequence, of which each head gets its share."""
        require_rank(self, shape, exactly=3)
        hidden = known_features(self, shape)
        if hidden < self.num_heads:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): more heads than features",
                    received=f"{hidden} features, num_heads={self.num_heads}",
                    expected="at least one feature a head",
                )
            )
        return hidden

    def _attention(self, name: str, hidden: int) -> MultiHeadAttention:
        return MultiHeadAttention(
            self.num_heads,
            hidden // self.num_heads,
            dropout=self.dropout,
            name=name,
            **self._initializers,
            **self._common,
        )

    def _norm(self, name: str) -> LayerNormalization:
        return LayerNormalization(epsilon=self.layer_norm_epsilon, name=name, **self._common)

    def _dropout(self, name: str) -> Dropout:
        return Dropout(self.dropout, name=name)

    def _dense(self, name: str, units: int, activation: Any = None) -> Dense:
        return Dense(units, activation, name=name, **self._initializers, **self._common)

    def _residual(
        self, x: Any, norm: LayerNormalization, dropout: Dropout, inner: Callable[[Any], Any]
    ) -> Any:
        """Return `x` plus what `inner` makes of it, normalized before or after."""
        if self.normalize_first:
            return ops.add(x, dropout(inner(norm(x))))
        return norm(ops.add(x, dropout(inner(x))))

    def _feedforward(self, x: Any) -> Any:
        return self._residual(
            x,
            self.feedforward_layer_norm,
            self.feedforward_dropout,
            lambda y: self.feedforward_output_dense(self.feedforward_intermediate_dense(y)),
        )
