"""Layers that make masks, or give them up on purpose."""

from __future__ import annotations

from typing import Any

from maskgraph import dtypes, ops
from maskgraph.errors import ArgumentError, DTypeError, explain
from maskgraph.layers.base.builtin import BuiltinLayer, positive
from maskgraph.ops.masking import intersect, unmasked


class Embedding(BuiltinLayer):
    """Turns ids into vectors, and with `mask_zero` makes the mask `ids != 0`.

    Mask in: honoured; mask out: the steps that exist in it and whose id is not padding. Shapes:
    (batch, …) of integers to (batch, …, output_dim).

    Args:
        input_dim: how many ids there are, from 0 to input_dim - 1.
        output_dim: the size of a vector.
        mask_zero: whether id 0 is padding.
        mask_value: the id that is padding, inside the vocabulary or outside; None: no id is,
            unless `mask_zero` is True.

    Raises:
        ArgumentError: if `mask_zero` is True and `mask_value` is another id than 0.
        VocabularyError: when run, for an id outside the vocabulary at a step that exists.

    Agrees with: keras.layers.Embedding, 3.15. Weights: embeddings (input_dim, output_dim).

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Embedding(10, 4, mask_zero=True)([[3, 7, 0]])
        >>> x.shape, x.mask.tolist()
        ((1, 3, 4), [[True, True, False]])
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        mask_zero: bool = False,
        mask_value: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim = positive(self, "input_dim", input_dim)
        self.output_dim = positive(self, "output_dim", output_dim)
        self.embeddings_initializer = embeddings_initializer
        self.mask_value = self._padding_id(mask_zero, mask_value)
        self.mask_zero = self.mask_value == 0

    def _padding_id(self, mask_zero: bool, mask_value: Any) -> int | None:
        where = f"layer {self.name!r} ({type(self).__name__})"
        if mask_value is None:
            return 0 if mask_zero else None
        if isinstance(mask_value, bool) or not isinstance(mask_value, int):
            raise ArgumentError(
                explain(
                    f"{where}: mask_value must be an id",
                    received=repr(mask_value),
                    expected="an integer, or None",
                )
            )
        if mask_zero and mask_value != 0:
            raise ArgumentError(
                explain(
                    f"{where}: mask_zero and mask_value contradict each other",
                    received=f"mask_zero=True and mask_value={mask_value}",
                    fix=f"mask_value={mask_value} alone",
                )
            )
        return mask_value

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, name="embeddings"
        )

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if self.mask_value is None:
            return previous_mask
        return intersect([ops.not_equal(inputs, self.mask_value), previous_mask])

    def call(self, inputs: Any) -> Any:
        if not dtypes.is_integer(inputs.dtype):
            raise DTypeError(
                explain(
                    f"layer {self.name!r} ({type(self).__name__}): ids must be integers",
                    received=inputs.dtype,
                    expected="int32",
                    fix="Input(shape=(None,), dtype='int32'), or ids.astype('int32')",
                )
            )
        mask = self.compute_mask(unmasked(inputs), inputs.mask)
        return ops.embedding(
            self.embeddings, inputs if mask is None else ops.with_mask(inputs, mask)
        )


class Masking(BuiltinLayer):
    """Makes a mask: a step whose features all equal `mask_value` does not exist.

    Mask in: honoured; mask out: the steps that exist in it and hold another value. Shapes:
    (batch, time, …, features), unchanged.

    Args:
        mask_value: what all features of a step that does not exist are.

    Agrees with: keras.layers.Masking, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.Masking()([[[1.0, 0.0], [0.0, 0.0]]]).mask.tolist()
        [[True, False]]
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        present = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)
        return intersect([present, previous_mask])

    def call(self, inputs: Any) -> Any:
        return ops.with_mask(inputs, self.compute_mask(unmasked(inputs), inputs.mask))


class DropMask(BuiltinLayer):
    """Gives up the mask on purpose: what comes out has zeros at the steps that were masked.

    Mask in: any; mask out: none. No check complains about it.

    Example:
        >>> from maskgraph import layers
        >>> x = layers.Masking()([[[1.0], [0.0]]])
        >>> layers.DropMask()(x).mask is None
        True
    """

    def call(self, inputs: Any) -> Any:
        return ops.drop_mask(inputs)
