"""Spectral normalization: a layer whose kernel has a largest singular value of 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import Weight
from maskgraph.layers.base.builtin import BuiltinLayer, positive
from maskgraph.layers.base.layer import Layer
from maskgraph.layers.normalization.features import unit_length

_SMALLEST = 1e-7
"""The least length to divide by."""


class SpectralNormalization(BuiltinLayer):
    """A layer, in training with its kernel divided by its largest singular value.

    That is found by power iteration, which goes on from `vector_u` where the run before stopped.
    After a run in training the kernel takes the divided value; otherwise the layer is used as it
    is. Gradients are those of the division too, where Keras takes the divided kernel as given.

    Mask in and out: the layer's. Shapes: the layer's.

    Args:
        layer: the layer, with a `kernel` or `embeddings`.
        power_iterations: how many steps of power iteration a run makes.

    Raises:
        ArgumentError: if `layer` is no layer, or has neither a kernel nor embeddings.

    Source: Miyato et al., 2018, https://arxiv.org/abs/1802.05957
    Agrees with: keras.layers.SpectralNormalization, 3.15. Weights: the layer's
    kernel, vector_u, the layer's others.

    Example:
        >>> from maskgraph import layers
        >>> norm = layers.SpectralNormalization(layers.Dense(1, kernel_initializer="ones"))
        >>> print(norm([[3.0, 4.0]], training=True).numpy().round(2))  # the kernel's length is 1
        [[4.95]]
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise self._wrong("it normalizes a layer", type(layer).__name__)
        self.power_iterations = positive(self, "power_iterations", power_iterations)
        self.layer = layer

    def _wrong(self, what: str, received: str) -> ArgumentError:
        return ArgumentError(
            explain(
                f"layer {self.name!r} (SpectralNormalization): {what}",
                received=received,
                expected="a layer with a kernel or embeddings, as Dense(8)",
            )
        )

    def build(self, input_shape: Any) -> None:
        self.layer.ensure_built({"inputs": input_shape})
        held = [n for n in ("kernel", "embeddings") if hasattr(self.layer, n)]
        if not held:
            raise self._wrong("the layer has nothing to normalize", type(self.layer).__name__)
        self.attribute = held[0]
        self._weights.append(self._weight)  # which comes first, as in Keras
        self.vector_u = self.add_weight(
            (1, self._weight.shape[-1]), "truncated_normal", trainable=False, name="vector_u"
        )

    @property
    def _weight(self) -> Weight:
        weight: Weight = getattr(self.layer, self.attribute)
        return weight

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return self.layer(inputs)
        weight = self._weight
        kernel, vector = self._normalized(weight.symbol)
        self.add_update(weight, kernel)
        self.add_update(self.vector_u, vector)
        with _in_place(self.layer, self.attribute, kernel):
            return self.layer(inputs)

    def _normalized(self, kernel: Any) -> tuple[Any, Any]:
        """Return the kernel divided by its largest singular value, and the vector u found."""
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        u = self.vector_u.symbol
        for _ in range(self.power_iterations):
            v = unit_length(ops.matmul(u, ops.transpose(matrix)), [0, 1], _SMALLEST)
            u = unit_length(ops.matmul(v, matrix), [0, 1], _SMALLEST)
        largest = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
        empty = ops.all(ops.equal(kernel, 0))
        divided = kernel / ops.reshape(ops.where(empty, 1, largest), ())
        return divided, ops.where(empty, self.vector_u, u)


@contextmanager
def _in_place(layer: Layer, name: str, value: Any) -> Iterator[None]:
    """Let a layer's attribute have another value while it is called."""
    own = getattr(layer, name)
    object.__setattr__(layer, name, value)
    try:
        yield
    finally:
        object.__setattr__(layer, name, own)
