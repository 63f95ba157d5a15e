"""Keras's models and layers, on whichever backend Keras has.

What the layers inside get and give is seen by putting a recording function in the place of their
`call` for the time of a run. The layers of a model that are Keras's own are not opened further.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from maskgraph.graph import unflatten
from maskgraph.testing.leaks.alignment import Seen
from maskgraph.testing.leaks.batches import Batch
from maskgraph.testing.leaks.subjects.function import FunctionSubject
from maskgraph.testing.leaks.subjects.subject import Feed, Filler, NodeRun, as_seen, tensors_in
from maskgraph.testing.leaks.subjects.tensors import host, tensors_for

Call = tuple[str, Any, list[Any], list[Any], list[Any]]


class KerasSubject(FunctionSubject):
    """A Keras model or layer, called with training=False.

    With `feed.masked`, the mask is put on the inputs as Keras's layers put it on what they
    return (or passed to the keyword that takes it); without, the model makes it of the values.
    """

    opens = True

    def __init__(self, model: Any, feed: Feed) -> None:
        self.keras = sys.modules["keras"]
        device = next((getattr(v.value, "device", None) for v in model.variables), None)
        super().__init__(self._called, feed, tensors_for(self.keras.config.backend(), device))
        self.model = model
        self.title = f'Keras {type(model).__name__} "{model.name}"'
        self.injects = not feed.masked and any(map(_embeds, self._all_layers()))
        takes = inspect.signature(model.call).parameters
        self._options = {"training": False} if "training" in takes else {}

    @contextmanager
    def untouched(self) -> Iterator[None]:
        before = [(v, np.array(host(v.value))) for v in self.model.variables]
        try:
            with super().untouched():
                yield
        finally:
            for variable, value in before:
                if not np.array_equal(host(variable.value), value):
                    variable.assign(value)

    def call(self, natives: list[Any], batch: Batch) -> Any:
        if not self.feed.masked or self.feed.mask_name or self.feed.lengths_name:
            return super().call(natives, batch)
        masks = [None if m is None else self._mask(m) for m in batch.masks]
        options = {}
        try:
            for value, mask in zip(natives, masks, strict=True):
                if mask is not None:
                    value._keras_mask = mask
        except AttributeError:  # tracers of JAX take no attributes
            options["mask"] = unflatten(self.feed.structure, iter(masks))
        given = unflatten(self.feed.structure, iter(natives))
        args = given if isinstance(given, tuple) else (given,)
        return self._called(*args, **options)

    def _called(self, *args: Any, **kwargs: Any) -> Any:
        return self.model(*args, **kwargs, **self._options)

    def outputs(self, batch: Batch, inject: Filler | None = None) -> list[Seen]:
        with self._injected(inject):
            return super().outputs(batch)

    @contextmanager
    def _injected(self, inject: Filler | None) -> Iterator[None]:
        """Alter what embeddings give at masked steps."""
        with ExitStack() as stack:
            for layer in self._all_layers():
                if inject is not None and _embeds(layer):
                    stack.enter_context(_replaced(layer, self._injecting(layer, inject)))
            yield

    def weights(self) -> Sequence[tuple[str, Any]]:
        if self.keras.config.backend() == "jax":  # a function of JAX does not see its weights
            return []
        return [(v.path, v.value) for v in self.model.trainable_variables]

    def nodes(self, batch: Batch, inject: Filler | None = None) -> dict[str, NodeRun]:
        calls: list[Call] = []
        with self._injected(inject), ExitStack() as stack:
            for name, operation in self._operations(self.model, ""):
                stack.enter_context(_replaced(operation, self._recording(name, operation, calls)))
            super().outputs(batch)
        found: dict[str, NodeRun] = {}
        for name, operation, inputs, masks, outputs in calls:
            times = sum(key.partition("@")[0] == name for key in found)
            kind = "layer" if isinstance(operation, self.keras.Layer) else "op"
            found[f"{name}@{times + 1}" if times else name] = NodeRun(
                kind,
                type(operation).__name__,
                [as_seen(x, m) for x, m in zip(inputs, masks, strict=True)],
                [as_seen(x) for x in outputs],
            )
        return found

    # -- what is inside --------------------------------------------------------------------

    def _all_layers(self) -> list[Any]:
        return list(self.model._flatten_layers(include_self=True, recursive=True))

    def _operations(self, layer: Any, path: str) -> Iterator[tuple[str, Any]]:
        """Yield the layers and ops to look at, by path, those inside before those around."""
        if _is_open(layer):
            inside = getattr(layer, "_functional", None) or layer
            for operation in getattr(inside, "operations", None) or _sublayers(layer):
                if type(operation).__name__ != "InputLayer":
                    name = f"{path}/{operation.name}" if path else operation.name
                    yield from self._operations(operation, name)
        yield path or layer.name, layer

    def _recording(self, name: str, operation: Any, calls: list[Call]) -> Any:
        original = operation.call

        def call(*args: Any, **kwargs: Any) -> Any:
            given = tensors_in([args, {k: v for k, v in kwargs.items() if "mask" not in k}])
            masks = [getattr(x, "_keras_mask", None) for x in given]
            result = original(*args, **kwargs)
            calls.append((name, operation, given, masks, tensors_in(result)))
            return result

        return call

    def _injecting(self, layer: Any, inject: Filler) -> Any:
        original = layer.call

        def call(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(inputs, *args, **kwargs)
            mask = layer.compute_mask(inputs)
            return self.tensors.native(inject(host(result), host(mask)))

        return call


def _embeds(layer: Any) -> bool:
    """Tell whether a layer makes a mask, and puts values in the padding that may be anything."""
    return bool(getattr(layer, "mask_zero", False))


def makes_masks(layer: Any) -> bool:
    """Tell whether a layer makes a mask of its values."""
    return _embeds(layer) or type(layer).__name__ == "Masking"


def _is_open(layer: Any) -> bool:
    ours = type(layer).__module__.partition(".")[0] == "keras"
    return not ours or hasattr(layer, "_functional") or hasattr(layer, "operations")


def _sublayers(layer: Any) -> list[Any]:
    return list(layer._flatten_layers(include_self=False, recursive=False))


@contextmanager
def _replaced(operation: Any, call: Any) -> Iterator[None]:
    """Put a function in the place of an operation's `call`."""
    before = vars(operation).get("call")
    object.__setattr__(operation, "call", call)
    try:
        yield
    finally:
        if before is None:
            object.__delattr__(operation, "call")
        else:
            object.__setattr__(operation, "call", before)
