"""Models that are one layer after another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maskgraph import dtypes
from maskgraph.errors import GraphError, explain
from maskgraph.graph import SymbolicTensor
from maskgraph.layers.base.eager import as_data
from maskgraph.layers.base.layer import Layer
from maskgraph.masks import MaskedTensor
from maskgraph.models.inputs import Input
from maskgraph.models.model import Model


class Sequential(Model):
    """A stack of layers, each called on what the one before it returns.

    Without an `Input` at its beginning it is connected when it is first called.

    Args:
        layers: the layers, and perhaps an `Input` before them.

    Agrees with: keras.Sequential, 3.15.

    Example:
        >>> import maskgraph as mg
        >>> from maskgraph import layers
        >>> model = mg.Sequential([layers.Embedding(10, 4, mask_zero=True), layers.LSTM(3)])
        >>> model([[7, 3, 9], [4, 4]]).shape
        (2, 3)
    """

    def __init__(
        self,
        layers: Iterable[Any] = (),
        *,
        seed: int | None = None,
        on_mask_loss: str = "warn",
        **kwargs: Any,
    ) -> None:
        super(Model, self).__init__(**kwargs)
        self.seed = seed
        self.on_mask_loss = on_mask_loss
        self._stack: list[Layer] = []
        self._start: SymbolicTensor | None = None
        for layer in layers:
            self._append(layer)
        self._reconnect()

    def add(self, layer: Any) -> None:
        """Put a layer (or, at the beginning, an `Input`) at the end."""
        self._append(layer)
        self._reconnect()

    @property
    def layers(self) -> list[Layer]:
        return list(self._stack)

    @property
    def is_connected(self) -> bool:
        return "_named" in self.__dict__

    def _append(self, layer: Any) -> None:
        if isinstance(layer, SymbolicTensor) and not self._stack and self._start is None:
            self._start = layer
            return
        if layer is self:
            raise GraphError(
                explain(
                    f"model {self.name!r} cannot contain itself: that is a cycle",
                    fix="add another model, or a layer",
                )
            )
        if not isinstance(layer, Layer):
            raise GraphError(
                explain(
                    f"model {self.name!r}: only layers can be stacked",
                    received=repr(layer),
                    expected="layers, after an optional mg.Input(...)",
                )
            )
        if any(layer.name == other.name and layer is not other for other in self._stack):
            raise GraphError(
                explain(
                    f"model {self.name!r}: two layers have the same name",
                    received=repr(layer.name),
                    fix="pass name=… to one of them",
                )
            )
        self._stack.append(layer)

    def _reconnect(self) -> None:
        if self._start is None or not self._stack:
            return
        x: Any = self._start
        for layer in self._stack:
            x = layer(x)
        self.connect(self._start, x)

    def _start_from(self, example: SymbolicTensor | MaskedTensor) -> None:
        """Connect for inputs like this one: sizes vary, but for the features of vectors, and the
        number of sequences that a stateful layer goes on with."""
        if not self._stack:
            raise GraphError(f"model {self.name!r} has no layers: add one first")
        sizes = example.shape[1:]
        free = len(sizes) - 1 if dtypes.is_float(example.dtype) else len(sizes)
        fixed = any(layer.fixed_batch for layer in self._stack)
        batch_size = example.shape[0] if fixed else None
        shape = (None,) * free + tuple(sizes[free:])
        self._start = Input(shape, example.dtype, batch_size=batch_size)
        self._reconnect()

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the model on a symbolic tensor, or on data; see `Model.__call__`."""
        if not self.is_connected:
            inputs = inputs if isinstance(inputs, SymbolicTensor) else as_data(inputs)
            self._start_from(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def predict(self, x: Any, **options: Any) -> Any:
        """Return the outputs for data as NumPy arrays; see `Model.predict`."""
        if not self.is_connected:
            x = as_data(x)
            self._start_from(x)
        return super().predict(x, **options)

    def check(self) -> Any:
        self._require_connection("check()")
        return super().check()

    def summary(self) -> None:
        self._require_connection("summary()")
        super().summary()

    def _require_connection(self, what: str) -> None:
        if not self.is_connected:
            raise GraphError(
                explain(
                    f"model {self.name!r}: {what} needs to know the input",
                    fix="begin with mg.Input(shape=…), or call the model on data once",
                )
            )
