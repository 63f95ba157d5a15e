"""The base class of losses: a loss for each step that exists, and what becomes of all of them."""

from __future__ import annotations

import inspect
from typing import Any, Self

from maskgraph import dtypes, ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.losses.data import as_mask, as_tensor
from maskgraph.losses.fitting import joined, same_rank
from maskgraph.losses.weights import spread
from maskgraph.masks import MaskedTensor
from maskgraph.ops.operands import masks_of, spec_of
from maskgraph.text import snake_case

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", None, "mean_with_sample_weight")


class Loss:
    """The base of losses: `loss(y_true, y_pred, sample_weight=None, mask=None)`.

    A subclass implements `call(y_true, y_pred)` with `maskgraph.ops`, on tensors that carry the
    mask, and returns a loss for each step, which carries it too.

    Mask in: a step counts where it exists in `y_true`, in `y_pred` and in `mask`, bool, of the
    leading axes of `y_pred`. What stands at masked steps, NaN or labels that are no class, is not
    looked at, and its gradient is 0. Mask out: none, but for `reduction="none"`.

    What comes out is of the kind that goes in: symbolic, `MaskedTensor` or native. Half precision
    is computed in float32.

    Args:
        name: of the loss; by default that of its class.
        reduction: what becomes of the steps' losses, each times its weight.
            "sum_over_batch_size", "mean": their sum by the number of steps that exist.
            "mean_with_sample_weight": their sum by that of the weights of steps that exist.
            "sum": their sum.
            "none", None: they stay, zeros at masked steps.
            Where no step exists, all sums and means are 0.
        dtype: to compute in; None for that of `y_pred`, float32 at least.

    A `sample_weight` is a number, (batch,) or (batch, 1) for a weight for each sequence, or of
    the losses' own shape, (batch, time), for each step.

    Raises:
        ArgumentError: for an unknown reduction.
        ShapeError: if labels, predictions or weights do not fit together.
        MaskError: for a mask that is not bool or does not fit.

    Agrees with: keras.losses.Loss, 3.15, whose weights of shape (batch,) are taken for weights of
    steps where the batch is as large as time is long; whose "mean_with_sample_weight" counts the
    weights of shape (batch, 1) once for each sequence, not for each step, unless there is a mask;
    and whose NaN in the padding stays NaN.

    Example:
        >>> import numpy as np
        >>> from maskgraph import MaskedTensor, losses
        >>> class Distance(losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.sqrt(ops.sum(ops.square(y_true - y_pred), axis=-1))
        >>> y_pred = MaskedTensor([[[3.0, 4.0], [np.nan, np.nan]]], [[True, False]])
        >>> float(Distance()(np.zeros((1, 2, 2)), y_pred))
        5.0
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: str | None = None,
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ArgumentError(
                explain(
                    f"{type(self).__name__}: unknown reduction",
                    received=repr(reduction),
                    expected="one of " + ", ".join(map(repr, REDUCTIONS)),
                )
            )
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction
        self.dtype = None if dtype is None else dtypes.canonical(dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each step. Both tensors carry the mask of the steps that exist."""
        raise NotImplementedError(f"{type(self).__name__} does not define call()")

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Any:
        given = [as_tensor(x) for x in (y_true, y_pred, sample_weight)]
        labels, predictions = self.fit(given[0], self._cast(given[1]), as_mask(mask))
        values = self.call(labels, predictions)
        result = self.reduce(values, given[2])
        if isinstance(result, MaskedTensor) and not any(isinstance(x, MaskedTensor) for x in given):
            return result.value
        return result

    def fit(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        """Return both as `call` gets them, with the mask of the steps that exist in all."""
        if mask is not None or masks_of(y_true) is not None or masks_of(y_pred) is not None:
            y_true, y_pred = same_rank(y_true, y_pred)
        return joined(self.name, y_true, y_pred, mask)

    def reduce(self, values: Any, sample_weight: Any) -> Any:
        """Return what `reduction` makes of the losses of steps."""
        mask, weights = masks_of(values), None
        if sample_weight is not None:
            weights = spread(self.name, sample_weight, values)
            values = ops.multiply(values, weights)
            mask = masks_of(values)
        if self.reduction in ("none", None):
            return values if mask is None else ops.with_mask(values, mask)
        if self.reduction == "sum":
            return ops.sum(values)
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            total = ops.sum(weights)
            nothing = ops.equal(total, 0)
            ratio = ops.divide(ops.sum(values), ops.where(nothing, 1, total))
            return ops.where(nothing, 0, ratio)
        return ops.mean(values)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal loss."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} reduction={self.reduction!r}>"

    def _cast(self, y_pred: Any) -> Any:
        dtype = self.dtype or dtypes.promote([spec_of(y_pred).dtype, dtypes.FLOATX])
        return y_pred if spec_of(y_pred).dtype == dtype else ops.cast(y_pred, dtype)
