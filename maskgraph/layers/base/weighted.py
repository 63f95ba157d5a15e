"""The weights of a layer, and of the layers in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from maskgraph import dtypes
from maskgraph.errors import ShapeError, explain
from maskgraph.graph import Weight, leaves
from maskgraph.layers import initializers

if TYPE_CHECKING:
    from maskgraph.layers.base.layer import Layer


class Weighted:
    """What has a name, weights of its own, and layers with weights of theirs."""

    name: str
    dtype: str
    _trainable: bool
    _weights: list[Weight]
    _learned: list[Weight]
    """Those that were made for training to change, whether it may now or not."""
    _sublayers: list[Layer]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        for name in ("_weights", "_learned", "_sublayers"):
            object.__setattr__(self, name, [])
        return self

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = None,
        dtype: str | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> Weight:
        """Return a new weight of this layer.

        Args:
            shape: all sizes must be known.
            initializer: a name, or a function of (shape, dtype); Glorot-uniform by default.
        """
        if any(n is None for n in shape):
            raise ShapeError(
                explain(
                    f"layer {self.name!r}: a weight needs sizes that are known",
                    received=tuple(shape),
                    fix="give the feature size in Input(shape=(None, features))",
                )
            )
        weight = Weight(
            name or f"weight_{len(self._weights)}",
            tuple(int(n) for n in shape),
            dtypes.canonical(dtype or self.dtype),
            initializers.get(initializer or "glorot_uniform"),
            trainable and self.trainable,
        )
        self._weights.append(weight)
        if trainable:
            self._learned.append(weight)
        return weight

    @property
    def trainable(self) -> bool:
        """Whether training may change the weights that were made for it to change."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for weight in self._learned:
            weight.trainable = self._trainable
        for layer in self._sublayers:
            layer.trainable = value

    def trainable_flags(self) -> tuple[bool, ...]:
        """Return `trainable` of this layer and of those in it, on which a run in training may
        depend."""
        return (self.trainable, *(f for x in self._sublayers for f in x.trainable_flags()))

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("__"):
            for leaf in leaves(value):
                if isinstance(leaf, Weighted) and all(leaf is not x for x in self._sublayers):
                    self._sublayers.append(cast("Layer", leaf))
        object.__setattr__(self, name, value)

    @property
    def weights(self) -> list[Weight]:
        """All weights, its own first and then its sub-layers', in Keras's order."""
        found: dict[int, Weight] = {id(w): w for w in self._weights}
        for layer in self._sublayers:
            found.update({id(w): w for w in layer.weights})
        return list(found.values())

    @property
    def trainable_weights(self) -> list[Weight]:
        return [w for w in self.weights if w.trainable] if self.trainable else []

    @property
    def variables(self) -> list[Weight]:
        return self.weights

    def count_params(self) -> int:
        """Return how many numbers the weights hold."""
        return sum(int(np.prod(w.shape)) for w in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights' values, in Keras's order.

        In a model with branches some of which have a `Masking`, or a `Concatenate` of masked
        inputs, Keras's may differ: exchange weights layer by layer there, by `get_layer(name)`.
        """
        return [w.numpy().copy() for w in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set all weights, in the order of `get_weights`. If one does not fit, none is set.

        Raises:
            ShapeError: if their number or a shape differs.
        """
        own = self.weights
        shapes = [np.shape(w) for w in weights]
        if shapes != [w.shape for w in own]:
            raise ShapeError(
                explain(
                    f"layer {self.name!r}: the weights do not fit",
                    received=", ".join(map(str, shapes)) or "none",
                    expected=", ".join(f"{w.name} {w.shape}" for w in own)
                    or "none: the layer is not built yet, so call it once first",
                )
            )
        for weight, value in zip(own, weights, strict=True):
            weight.assign(value)
