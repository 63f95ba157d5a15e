"""Normalization by statistics of a data set, which are found before training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.layers.base.builtin import BuiltinLayer, widened
from maskgraph.layers.normalization.features import sorted_axes
from maskgraph.layers.normalization.statistics import Statistics, batches_of

_SMALLEST = 1e-7
"""The least standard deviation to divide by."""


class Normalization(BuiltinLayer):
    """`(x - mean) / sqrt(variance)`, by a mean and a variance that are given, or those of the data
    that `adapt` has seen.

    Mask out: that of x. Shapes: any, of any dtype, to the same; float32 at least.

    Args:
        axis: the axis or axes whose entries each have their own statistics; None for one mean
            and variance of everything.
        mean: given values, which broadcast to `axis`; with them comes `variance`.
        variance: see `mean`.
        invert: whether to undo a normalization instead.

    Raises:
        ArgumentError: for a mean without a variance, or of another shape.
        ShapeError: if the size of an axis is not known, or there is no such axis.

    Agrees with: keras.layers.Normalization, 3.15, which counts padding. Weights, unless given:
    mean, variance, count (which stays 0, as in Keras).

    Example:
        >>> from maskgraph import layers
        >>> norm = layers.Normalization()
        >>> norm.adapt([[[1.0], [3.0]], [[5.0]]])  # two sequences
        >>> norm.get_weights()[0].tolist()
        [3.0]
    """

    def __init__(
        self,
        axis: int | Iterable[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.given = None if mean is None else (np.asarray(mean), np.asarray(variance))
        self.invert = invert
        if (mean is None) != (variance is None) or np.shape(mean) != np.shape(variance):
            raise self._wrong("mean and variance come together, in one shape", mean, variance)
        if np.ndim(mean) > len(self.axis):
            raise self._wrong(f"they have more axes than axis={self.axis}", mean, variance)

    def _wrong(self, what: str, mean: Any, variance: Any) -> ArgumentError:
        return ArgumentError(
            explain(
                f"layer {self.name!r} (Normalization): {what}",
                received=f"mean={mean!r}, variance={variance!r}",
            )
        )

    def build(self, input_shape: Any) -> None:
        kept = sorted_axes(self.axis, len(input_shape))
        if self.given is None:
            shape = [input_shape[a] for a in kept]
            self.mean = self.add_weight(shape, "zeros", trainable=False, name="mean")
            self.variance = self.add_weight(shape, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")

    def call(self, inputs: Any) -> Any:
        x = widened(inputs)
        kept = sorted_axes(self.axis, x.ndim)
        if self.given is None:
            sizes = dict(zip(kept, self.mean.shape, strict=True))
            along = [sizes.get(a, 1) for a in range(x.ndim)]
            mean, variance = (ops.reshape(w.symbol, along) for w in (self.mean, self.variance))
        else:
            mean, variance = (_aligned(v, kept, x.ndim) for v in self.given)
        deviation = ops.maximum(ops.sqrt(variance), _SMALLEST)
        return mean + x * deviation if self.invert else (x - mean) / deviation

    def adapt(self, data: Any, mask: Any = None) -> None:
        """Take mean and variance from data, in place of those taken before.

        Only valid steps count. The data may come in batches: what results is what one pass over
        all of it in float64 gives.

        Args:
            data: an array, a tensor, a `MaskedTensor`, a list of sequences, or an iterable of
                such batches, of which a tuple (x, y, …) counts for x.
            mask: of data that is one batch, in place of the one that it carries.

        Raises:
            ArgumentError: if mean and variance were given, or no step of the data is valid.
            ShapeError: if a batch has other sizes along `axis` than the layer or another batch.
        """
        where = f"layer {self.name!r} (Normalization): adapt()"
        if self.given is not None:
            raise ArgumentError(
                explain(
                    f"{where} would take the place of the mean and variance that were given",
                    fix="leave them out: Normalization()",
                )
            )
        found: Statistics | None = None
        for batch in batches_of(data, mask, where, self._least_rank):
            self.ensure_built({"inputs": batch.shape})
            kept = sorted_axes(self.axis, batch.ndim)
            self._check_sizes(where, batch.shape, kept)
            found = found or Statistics(self.mean.shape)
            found.add(batch, kept)
        if found is None or not found.count.any():
            raise ArgumentError(explain(f"{where}: there is no valid step in the data"))
        self.mean.assign(found.mean)
        self.variance.assign(found.variance)

    @property
    def _least_rank(self) -> int:
        """How many axes a tensor must have, so that all of `axis` exist."""
        return max((a + 1 if a >= 0 else -a for a in self.axis), default=0)

    def _check_sizes(self, where: str, shape: tuple[int, ...], kept: list[int]) -> None:
        if tuple(shape[a] for a in kept) != self.mean.shape:
            raise ShapeError(
                explain(
                    f"{where}: a batch does not fit",
                    received=f"shape {shape}",
                    expected=f"sizes {self.mean.shape} along axis {self.axis}",
                )
            )


def _aligned(values: np.ndarray, kept: list[int], rank: int) -> np.ndarray:
    """Return given statistics with their axes in the places of the last of those kept."""
    shape = [1] * rank
    for i in range(1, values.ndim + 1):
        shape[kept[-i]] = values.shape[-i]
    return values.reshape(shape).astype("float32")
