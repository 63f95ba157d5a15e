"""TensorFlow's ragged tensors to and from masks. Gradients pass both ways."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from maskgraph.backend import Array
from maskgraph.errors import DTypeError, explain


def to_padded(value: Any) -> tuple[Array, Array] | None:
    """Return (right-padded values, mask) of a ragged tensor, None for any other value.

    Raises:
        DTypeError: for a tensor with more than one ragged axis.
    """
    if not isinstance(value, tf.RaggedTensor):
        return None
    if value.ragged_rank > 1:
        raise DTypeError(
            explain(
                "a ragged tensor with more than one ragged axis is not supported",
                received=f"ragged_rank={value.ragged_rank}, shape {value.shape}",
                expected="ragged_rank=1, of shape (batch, None, ...)",
                fix="tf.ragged.constant(rows, ragged_rank=1), or pass nested lists",
            )
        )
    padded = value.to_tensor()
    return padded, tf.sequence_mask(value.row_lengths(), tf.shape(padded)[1])


def ragged_tensor(values: Array, mask: Array) -> Any:
    """Return the valid steps, wherever they stood, as rows of their own lengths."""
    return tf.ragged.boolean_mask(values, mask)
