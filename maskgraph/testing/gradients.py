"""Gradients of a model on a backend, and their judge: finite differences on NumPy in float64.

What is differentiated is the sum of the outputs' valid steps, each element times a fixed random
number, by every trainable weight and every input of floats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.backend import Array, Backend
from maskgraph.masks import MaskedTensor
from maskgraph.models.running import ModelRunner
from maskgraph.plan import LayoutPlan
from maskgraph.testing.difference import INFINITE, NONE, Difference, difference

_STEP = 1e-5

Loss = Callable[[list[Array]], Array]


@dataclass(frozen=True)
class Slopes:
    """What gradients must agree with.

    Attributes:
        gradients: those of the first backend.
        directions: for each a direction of length 1, between its own and a random one.
        values: the judge's slope along it.
    """

    gradients: list[np.ndarray]
    directions: list[np.ndarray]
    values: list[float]

    @classmethod
    def judged(
        cls,
        loss: Callable[[list[np.ndarray]], float],
        arrays: list[np.ndarray],
        gradients: list[np.ndarray],
        seed: int,
    ) -> Slopes:
        """Return the slopes of a function at `arrays`, by finite differences."""
        generator = np.random.default_rng(seed)
        directions, values = [], []
        for i, gradient in enumerate(gradients):
            random = _unit(generator.normal(size=gradient.shape))
            direction = _unit(_unit(np.nan_to_num(gradient)) + random)
            ends = [
                loss([*arrays[:i], arrays[i] + step * direction, *arrays[i + 1 :]])
                for step in (_STEP, -_STEP)
            ]
            directions.append(direction)
            values.append((ends[0] - ends[1]) / (2 * _STEP))
        return cls(gradients, directions, values)

    def compare(self, found: list[np.ndarray]) -> Difference:
        """Return how far gradients are from the first backend's, element by element, and from
        the judge's slopes: infinitely if one is not finite."""
        worst = NONE
        for gradient, first, direction, value in zip(
            found, self.gradients, self.directions, self.values, strict=True
        ):
            if not np.isfinite(gradient).all():
                return INFINITE
            slope = np.array((gradient * direction).sum())
            worst = worst.with_(difference(slope, np.array(value)))
            worst = worst.with_(difference(gradient, first))
        return worst


@dataclass(frozen=True)
class GradientProblem:
    """What to differentiate, and at which point.

    Attributes:
        runner: of the model.
        tensors: its inputs, on NumPy.
        seed: of the random numbers.
    """

    runner: ModelRunner
    tensors: list[MaskedTensor]
    seed: int

    def gradients(self, backend: Backend) -> list[np.ndarray]:
        """Return the gradients on a backend, in the order of `arrays`."""
        plan = self.runner.plan(self.tensors, backend)
        natives = [backend.asarray(a) for a in self.arrays(plan)]
        found = backend.gradients(self._loss(plan, "float32"), natives)
        return [np.asarray(backend.to_numpy(g), np.float64) for g in found]

    def slopes(self, judge: Backend, gradients: list[np.ndarray]) -> Slopes:
        """Return what the gradients of a first backend, and of others, are compared with."""
        plan = self.runner.plan(self.tensors, judge, precision="float64")
        loss = self._loss(plan, "float64")
        arrays = [a.astype(np.float64) for a in self.arrays(plan)]
        with judge.running():
            return Slopes.judged(lambda xs: float(loss(xs)), arrays, gradients, self.seed)

    def arrays(self, plan: LayoutPlan) -> list[np.ndarray]:
        """Return the values to differentiate by: trainable weights, then inputs of floats."""
        weights = [w.numpy() for w in plan.weights if _differentiable(w)]
        return weights + [t.value for t in self.tensors if dtypes.is_float(t.dtype)]

    def _loss(self, plan: LayoutPlan, dtype: str) -> Loss:
        backend = plan.backend
        fixed = [w.native(backend, _at(w.dtype, dtype)) for w in plan.weights]

        def loss(arrays: list[Array]) -> Array:
            rest = iter(arrays)
            weights = [
                next(rest) if _differentiable(w) else native
                for native, w in zip(fixed, plan.weights, strict=True)
            ]
            inputs = [
                (next(rest) if dtypes.is_float(t.dtype) else t.value, t.mask) for t in self.tensors
            ]
            generator = np.random.default_rng(self.seed)
            results = [value for value, _ in plan.run(inputs, weights)]
            return reduce(backend.add, [weighed(backend, x, dtype, generator) for x in results])

        return loss


def weighed(backend: Backend, x: Array, dtype: str, generator: np.random.Generator) -> Array:
    """The sum of a tensor's elements, each times a random number; 0 for tensors of integers."""
    shape = backend.shape(x)
    if not dtypes.is_float(backend.dtype(x)):
        return backend.full((), 0, dtype)
    weights = backend.asarray(generator.normal(size=shape), dtype)
    weighed = backend.multiply(backend.cast(x, dtype), weights)
    return backend.sum(weighed, tuple(range(len(shape))), False)


def _differentiable(weight: Any) -> bool:
    return weight.trainable and dtypes.is_float(weight.dtype)


def _at(dtype: str, precision: str) -> str:
    return precision if dtypes.is_float(dtype) else dtype


def _unit(x: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(x))
    return x / length if length else x
