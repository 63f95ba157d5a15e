"""Initial values of weights, drawn with NumPy so that a seed gives the same on every backend."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, explain

Shape = tuple[int, ...]
Generator = np.random.Generator
Draw = Callable[[Shape, str, Generator], np.ndarray]


def zeros(shape: Shape, dtype: str, generator: Generator) -> np.ndarray:
    return np.zeros(shape, dtype)


def ones(shape: Shape, dtype: str, generator: Generator) -> np.ndarray:
    return np.ones(shape, dtype)


def identity(shape: Shape, dtype: str, generator: Generator) -> np.ndarray:
    rows, columns = shape
    return np.eye(rows, columns).astype(dtype)


def constant(value: float) -> Draw:
    """Return an initializer that fills with one value."""
    return lambda shape, dtype, generator: np.full(shape, value, dtype)


def random_normal(shape: Shape, dtype: str, generator: Generator) -> np.ndarray:
    return generator.normal(0.0, 0.05, shape).astype(dtype)


def random_uniform(shape: Shape, dtype: str, generator: Generator) -> np.ndarray:
    return generator.uniform(-0.05, 0.05, shape).astype(dtype)


def truncated_normal(shape: Shape, dtype: str, generator: Generator) -> np.ndarray:
    return _truncated(0.05, shape, generator).astype(dtype)


def orthogonal(shape: Shape, dtype: str, generator: Generator) -> np.ndarray:
    """A matrix with orthonormal columns (rows if it is wide).

    Source: Saxe et al., 2013, https://arxiv.org/abs/1312.6120
    """
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(generator.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))  # makes the distribution uniform
    return (q if rows >= columns else q.T).reshape(shape).astype(dtype)


def _truncated(deviation: float, shape: Shape, generator: Generator) -> np.ndarray:
    """Normal values, those beyond two deviations drawn again."""
    values = generator.normal(size=shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.normal(size=int(outside.sum()))
    return values * deviation


def _fans(shape: Shape) -> tuple[float, float]:
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    receptive = math.prod(shape[:-2])
    return float(shape[-2] * receptive), float(shape[-1] * receptive)


def _scaled(scale: float, mode: str, distribution: str) -> Draw:
    """Return an initializer whose variance is `scale` by the number of connections.

    Source: Glorot and Bengio, 2010 (glorot); He et al., 2015 (he); LeCun et al., 1998 (lecun).
    """

    def draw(shape: Shape, dtype: str, generator: Generator) -> np.ndarray:
        fan_in, fan_out = _fans(shape)
        fan = fan_in if mode == "fan_in" else (fan_in + fan_out) / 2
        variance = scale / max(1.0, fan)
        if distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return generator.uniform(-limit, limit, shape).astype(dtype)
        # truncation at two deviations shrinks the deviation by this factor
        deviation = math.sqrt(variance) / 0.87962566103423978
        return _truncated(deviation, shape, generator).astype(dtype)

    return draw


_BY_NAME: dict[str, Draw] = {
    "zeros": zeros,
    "ones": ones,
    "identity": identity,
    "normal": random_normal,
    "random_normal": random_normal,
    "uniform": random_uniform,
    "random_uniform": random_uniform,
    "truncated_normal": truncated_normal,
    "orthogonal": orthogonal,
    "glorot_uniform": _scaled(1, "fan_avg", "uniform"),
    "glorot_normal": _scaled(1, "fan_avg", "normal"),
    "he_uniform": _scaled(2, "fan_in", "uniform"),
    "he_normal": _scaled(2, "fan_in", "normal"),
    "lecun_uniform": _scaled(1, "fan_in", "uniform"),
    "lecun_normal": _scaled(1, "fan_in", "normal"),
}


def get(initializer: Any) -> Draw:
    """Return the initializer for a name, or for a function of (shape, dtype[, generator]).

    Raises:
        ArgumentError: for anything else.
    """
    if isinstance(initializer, str) and initializer in _BY_NAME:
        return _BY_NAME[initializer]
    if callable(initializer):
        parameters = inspect.signature(initializer).parameters
        if len(parameters) >= 3:
            return initializer  # type: ignore[no-any-return]
        return lambda shape, dtype, generator: np.asarray(initializer(shape, dtype))
    raise ArgumentError(
        explain(
            "unknown initializer",
            received=repr(initializer),
            expected="a function of (shape, dtype), or one of " + ", ".join(_BY_NAME),
        )
    )
