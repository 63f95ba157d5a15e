"""The table of all losses, which every test of losses draws from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskgraph import losses
from maskgraph.losses import Loss

Draw = Callable[[np.random.Generator, int], np.ndarray]
"""Makes a number of steps."""

_FEATURES = 3
_CLASSES = 5


@dataclass(frozen=True)
class LossRow:
    """A loss in one configuration, and what it is called on.

    Attributes:
        name: unique in the table.
        make: returns the loss, given its reduction.
        y_true, y_pred: draw steps.
        junk: what may stand in masked labels, besides zeros and noise.
    """

    name: str
    make: Callable[..., Loss]
    y_true: Draw
    y_pred: Draw
    junk: float = np.nan

    def __str__(self) -> str:
        return self.name


def numbers(generator: np.random.Generator, steps: int) -> np.ndarray:
    return generator.normal(scale=2, size=(steps, _FEATURES))


def positive(generator: np.random.Generator, steps: int) -> np.ndarray:
    return generator.uniform(0.1, 3, (steps, _FEATURES))


def binary(generator: np.random.Generator, steps: int) -> np.ndarray:
    return generator.integers(0, 2, (steps, _FEATURES)).astype(np.float64)


def signs(generator: np.random.Generator, steps: int) -> np.ndarray:
    return 2 * binary(generator, steps) - 1


def shares(generator: np.random.Generator, steps: int) -> np.ndarray:
    return generator.uniform(0.02, 0.98, (steps, _FEATURES))


def bits(generator: np.random.Generator, steps: int) -> np.ndarray:
    return generator.integers(0, 2, steps).astype("int32")


def scores(generator: np.random.Generator, steps: int) -> np.ndarray:
    return generator.normal(scale=2, size=steps)


def labels(generator: np.random.Generator, steps: int) -> np.ndarray:
    return generator.integers(0, _CLASSES, steps).astype("int32")


def columns(generator: np.random.Generator, steps: int) -> np.ndarray:
    return labels(generator, steps)[:, None]


def float_labels(generator: np.random.Generator, steps: int) -> np.ndarray:
    return labels(generator, steps).astype("float64")


def one_hot(generator: np.random.Generator, steps: int) -> np.ndarray:
    return np.asarray(np.eye(_CLASSES)[labels(generator, steps)])


def logits(generator: np.random.Generator, steps: int) -> np.ndarray:
    return generator.normal(scale=2, size=(steps, _CLASSES))


def probabilities(generator: np.random.Generator, steps: int) -> np.ndarray:
    powers = np.exp(logits(generator, steps))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _row(
    cls: Callable[..., Loss],
    y_true: Draw,
    y_pred: Draw,
    suffix: str = "",
    junk: float = np.nan,
    **arguments: object,
) -> LossRow:
    def make(reduction: str | None = "sum_over_batch_size") -> Loss:
        return cls(reduction=reduction, **arguments)

    name = make().__class__.__name__
    return LossRow(f"{name}-{suffix}" if suffix else name, make, y_true, y_pred, junk)


LOSSES: tuple[LossRow, ...] = (
    _row(losses.MeanSquaredError, numbers, numbers),
    _row(losses.MeanSquaredError, scores, scores, "scalar"),
    _row(losses.MeanAbsoluteError, numbers, numbers),
    _row(losses.MeanAbsolutePercentageError, positive, numbers),
    _row(losses.MeanSquaredLogarithmicError, positive, positive),
    _row(losses.Huber, numbers, numbers),
    _row(losses.Huber, numbers, numbers, "narrow", delta=0.3),
    _row(losses.LogCosh, numbers, numbers),
    _row(losses.CosineSimilarity, numbers, numbers),
    _row(losses.Hinge, signs, numbers),
    _row(losses.Hinge, binary, numbers, "binary", junk=-7),
    _row(losses.SquaredHinge, binary, numbers),
    _row(losses.CategoricalHinge, one_hot, logits),
    _row(losses.KLDivergence, probabilities, probabilities),
    _row(losses.Poisson, positive, positive),
    _row(losses.BinaryCrossentropy, binary, shares),
    _row(losses.BinaryCrossentropy, binary, numbers, "logits", from_logits=True),
    _row(losses.BinaryCrossentropy, binary, shares, "smooth", label_smoothing=0.2),
    _row(losses.BinaryCrossentropy, bits, scores, "scalar", junk=-1, from_logits=True),
    _row(losses.BinaryFocalCrossentropy, binary, shares),
    _row(
        losses.BinaryFocalCrossentropy,
        binary,
        numbers,
        "balanced",
        from_logits=True,
        apply_class_balancing=True,
        gamma=3.0,
    ),
    _row(losses.CategoricalCrossentropy, one_hot, probabilities),
    _row(losses.CategoricalCrossentropy, one_hot, logits, "logits", from_logits=True),
    _row(
        losses.CategoricalCrossentropy,
        one_hot,
        logits,
        "smooth",
        from_logits=True,
        label_smoothing=0.1,
    ),
    _row(losses.SparseCategoricalCrossentropy, labels, probabilities, junk=-1),
    _row(losses.SparseCategoricalCrossentropy, labels, logits, "logits", 1e6, from_logits=True),
    _row(losses.SparseCategoricalCrossentropy, columns, probabilities, "columns", junk=1e6),
    _row(losses.SparseCategoricalCrossentropy, float_labels, logits, "floats", from_logits=True),
    _row(
        losses.SparseCategoricalCrossentropy,
        labels,
        logits,
        "ignore",
        junk=-100,
        from_logits=True,
        ignore_class=2,
    ),
)
"""Every loss of steps; CTC, whose labels have a time of their own, has tests of its own."""
