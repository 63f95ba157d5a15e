"""Weights: NumPy values drawn when first needed, and their native copies on each backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from maskgraph.backend import Array, Backend, load
from maskgraph.errors import ShapeError, explain
from maskgraph.graph.seeds import Entropy, next_entropy
from maskgraph.graph.symbol import Spec, SymbolicTensor, source
from maskgraph.operators import TensorOperators

Draw = Callable[[tuple[int, ...], str, np.random.Generator], np.ndarray]


class Weight(TensorOperators):
    """A layer's variable. The NumPy value is the truth; backends hold copies of it.

    Ops take a weight like any tensor. `value` is its native tensor on the backend in use.
    """

    changes: ClassVar[int] = 0
    """How often any weight's value has changed: who keeps native tensors need not ask each."""

    def __init__(
        self, name: str, shape: tuple[int, ...], dtype: str, draw: Draw, trainable: bool = True
    ) -> None:
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self.trainable = trainable
        self.mask = None
        self._draw = draw
        self._entropy = next_entropy()
        self._value: np.ndarray | None = None
        self.assigned = False
        """Whether the value was set, and is not the initial one."""
        self._natives: dict[tuple[str, str, str], Array] = {}
        self._symbol: SymbolicTensor | None = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def symbol(self) -> SymbolicTensor:
        """The symbol that stands for this weight in graphs."""
        if self._symbol is None:
            self._symbol = source("weight", self.name, Spec(self.shape, self.dtype), self)
        return self._symbol

    def reseed(self, entropy: Entropy) -> None:
        """Draw the value anew, from this seed."""
        self._entropy = entropy
        self._value = None
        self.assigned = False
        self._changed()

    def numpy(self) -> np.ndarray:
        """Return the value (not a copy: use `assign` to change it)."""
        if self._value is None:
            generator = np.random.default_rng(self._entropy)
            value = np.asarray(self._draw(self.shape, self.dtype, generator))
            self._value = self._fitting(value)
        return self._value

    def assign(self, value: Any) -> None:
        """Set the value, on every backend.

        Raises:
            ShapeError: if the shape differs.
        """
        self._value = self._fitting(np.array(value))
        self.assigned = True
        self._changed()

    def _changed(self) -> None:
        self._natives.clear()
        Weight.changes += 1

    def native(self, backend: Backend, dtype: str) -> Array:
        """Return the value as a tensor of a backend, converted once."""
        key = (backend.name, backend.device, dtype)
        if key not in self._natives:
            self._natives[key] = backend.asarray(self.numpy(), dtype)
        return self._natives[key]

    @property
    def value(self) -> Array:
        """The native tensor on the backend in use."""
        return self.native(load(), self.dtype)

    def _fitting(self, value: np.ndarray) -> np.ndarray:
        if value.shape != self.shape:
            raise ShapeError(
                explain(
                    f"weight {self.name!r}: the value's shape does not fit",
                    received=value.shape,
                    expected=self.shape,
                    fix="weights come in Keras's order and shapes: see get_weights()",
                )
            )
        return value.astype(self.dtype)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype)

    def __repr__(self) -> str:
        return f"<Weight {self.name} shape={self.shape} dtype={self.dtype}>"
