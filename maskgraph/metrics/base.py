"""The base class of metrics: sums over the steps that exist, kept on the host in float64."""

from __future__ import annotations

import inspect
from collections import defaultdict
from numbers import Integral
from typing import Any, Self

import numpy as np

from maskgraph import dtypes
from maskgraph.errors import ArgumentError, explain
from maskgraph.metrics.gathering import Steps, elements
from maskgraph.text import snake_case


class Metric:
    """The base of metrics: `update_state(y_true, y_pred, sample_weight=None, mask=None)`,
    `result()`, `reset_state()`; calling it updates and returns the result.

    Mask in: a step counts where it exists in `y_true`, in `y_pred` and in `mask`; what stands at
    masked steps, NaN or labels that are no class, is not looked at. Both may be a `MaskedTensor`,
    native tensors of any backend, arrays, lists, or lists of sequences of different lengths.

    The steps that exist are gathered first, so batches of any padding, one after the other, give
    what all their steps give at once. Without any step the result is 0. Sums are kept in float64.

    A `sample_weight` is a number, (batch,) or (batch, 1) for a weight for each sequence, or
    (batch, time) for each step.

    A subclass implements `add(steps)`, which calls `self.count(name, value)` for each sum that it
    keeps, and `value(sums)`, which makes the result of them.

    Args:
        dtype: of the result; None for float64.
        name: of the metric; by default that of its class.

    Raises:
        ShapeError: if labels, predictions or weights do not fit together.
        MaskError: for a mask that is not bool or does not fit.
        DTypeError: for a symbolic tensor.

    Agrees with: keras.metrics.Metric, 3.15, where AUC, Precision, Recall, F1Score, IoU, R2Score,
    RootMeanSquaredError, Mean and Sum ignore masks.

    Example:
        >>> import numpy as np
        >>> from maskgraph import MaskedTensor, metrics
        >>> class Largest(metrics.Metric):
        ...     def add(self, steps):
        ...         error = np.abs(steps.y_true - steps.y_pred)
        ...         self.sums["largest"] = max(self.sums["largest"], error.max(initial=0))
        ...     def value(self, sums):
        ...         return sums["largest"]
        >>> largest = Largest()
        >>> largest([[1.0, -1.0]], MaskedTensor([[3.0, 9.0]], [[True, False]]))
        2.0
    """

    def __init__(self, dtype: str | None = None, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.dtype = None if dtype is None else dtypes.canonical(dtype)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all steps."""
        self.sums: defaultdict[Any, Any] = defaultdict(float)

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Count the steps of a batch that exist."""
        self.add(self.gather(y_true, y_pred, sample_weight, mask))

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        """Return the steps that exist; here each element is one."""
        return elements(self.name, y_true, y_pred, sample_weight, mask)

    def add(self, steps: Steps) -> None:
        """Count steps."""
        raise NotImplementedError(f"{type(self).__name__} does not define add()")

    def value(self, sums: dict[Any, Any]) -> Any:
        """Return the result of the sums kept; those never counted are 0."""
        raise NotImplementedError(f"{type(self).__name__} does not define value()")

    def count(self, name: Any, value: Any) -> None:
        """Add to one of the sums kept."""
        self.sums[name] = self.sums[name] + value

    def result(self) -> Any:
        """Return the metric of all steps counted since the last reset: a number, or an array."""
        value = np.asarray(self.value(self.sums), np.float64)
        if self.dtype is not None:
            value = value.astype(self.dtype)
        return value if value.ndim else value.item()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal metric."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def ratio(numerator: Any, denominator: Any) -> np.ndarray:
    """Return the quotient, 0 where the denominator is 0."""
    above, below = np.broadcast_arrays(np.asarray(numerator, float), np.asarray(denominator, float))
    shares = np.zeros(above.shape)
    np.divide(above, below, out=shares, where=below != 0)
    return shares


def positive(owner: str, name: str, value: Any) -> int:
    """Return a number given to a constructor.

    Raises:
        ArgumentError: if it is not a positive integer.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ArgumentError(
            explain(
                f"{owner}: {name} out of range", received=repr(value), expected="an integer >= 1"
            )
        )
    return int(value)


def one_of(owner: str, name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    """Return a word given to a constructor.

    Raises:
        ArgumentError: if it is none of those allowed.
    """
    if value not in allowed:
        raise ArgumentError(
            explain(
                f"{owner}: unknown {name}",
                received=repr(value),
                expected="one of " + ", ".join(map(repr, allowed)),
            )
        )
    return value
