"""maskgraph's own models and layers."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.backend import Array, Backend
from maskgraph.graph import SymbolicTensor, leaves, unflatten
from maskgraph.layers.base.layer import Layer
from maskgraph.masks import MaskedTensor
from maskgraph.models import Input, Model
from maskgraph.models.running import ModelRunner
from maskgraph.testing.leaks.alignment import Seen
from maskgraph.testing.leaks.batches import Batch
from maskgraph.testing.leaks.subjects.subject import (
    Feed,
    Filler,
    Gradient,
    NodeRun,
    Subject,
    as_seen,
)


class MaskgraphSubject(Subject):
    """A model; a layer is put into one."""

    opens = True
    any_ids = True

    def __init__(self, target: Layer, feed: Feed, batch: Batch, backend: Backend) -> None:
        self.title = f'{type(target).__name__} "{target.name}"'
        self.feed = feed
        self.contents = feed.masked
        self.backend = backend
        model = target if isinstance(target, Model) else _model_of(target, feed, batch)
        self.model = model
        if not hasattr(model, "graph"):  # a Sequential learns from data what its input is
            model(self._given(batch))
        self.runner = ModelRunner(model)

    def outputs(self, batch: Batch, inject: Filler | None = None) -> list[Seen]:
        tensors = self._admit(batch)
        plan = self.runner.plan(tensors, self.backend)
        with self.backend.running():
            results = plan.run([t.on(self.backend) for t in tensors])
        return [as_seen(MaskedTensor(v, m)) for v, m in results]

    def nodes(self, batch: Batch, inject: Filler | None = None) -> dict[str, NodeRun]:
        options = {"backend": self.backend.name, "device": self.backend.device}
        made = self.runner.run_nodes(self._given(batch), **options)
        seen: dict[SymbolicTensor, Seen] = {}
        found = {}
        for name, data in self.model.graph.nodes(data=True):
            node = data["node"]
            keys = [f"{name}:{i}" if i else name for i in range(len(node.outputs))]
            outputs = [as_seen(made[key]) for key in keys]
            seen.update(zip(node.outputs, outputs, strict=True))
            if data["kind"] == "input":
                continue
            inputs = [seen[s] for s in node.inputs if s in seen]
            kind = type(node.target).__name__ if data["kind"] == "layer" else ""
            found[name] = NodeRun(data["kind"], kind, inputs, outputs)
        return found

    def gradients(self, batch: Batch, cotangents: list[np.ndarray | None]) -> list[Gradient] | None:
        backend = self.backend
        if not backend.differentiates:
            return None
        tensors = self._admit(batch)
        plan = self.runner.plan(tensors, backend)
        weights = plan.weights
        learned = [w for w in weights if w.trainable and dtypes.is_float(w.dtype)]
        floats = [i for i, t in enumerate(tensors) if dtypes.is_float(t.dtype)]

        def loss(arrays: list[Array]) -> Array:
            values: list[Any] = [t.value for t in tensors]
            for i, array in zip(floats, arrays, strict=False):
                values[i] = array
            own = dict(zip(map(id, learned), arrays[len(floats) :], strict=True))
            natives = [own.get(id(w), w.native(backend, w.dtype)) for w in weights]
            given = [(v, t.mask) for v, t in zip(values, tensors, strict=True)]
            results = plan.run(given, natives)
            return reduce(backend.add, _weighed(backend, results, cotangents))

        arrays = [tensors[i].value for i in floats] + [w.numpy() for w in learned]
        found = backend.gradients(loss, [backend.asarray(a) for a in arrays])
        by: list[int | str] = [*floats, *(w.name for w in learned)]
        return [
            Gradient(b, np.asarray(backend.to_numpy(g))) for b, g in zip(by, found, strict=True)
        ]

    def _admit(self, batch: Batch) -> list[MaskedTensor]:
        return self.runner.admit(self._given(batch))

    def _given(self, batch: Batch) -> Any:
        masks = batch.masks if self.feed.masked else [None] * len(batch.values)
        tensors = [MaskedTensor(v, m) for v, m in zip(batch.values, masks, strict=True)]
        if isinstance(self.model.inputs, SymbolicTensor):
            return tensors[0]
        return unflatten(self.feed.structure, iter(tensors))


def _weighed(
    backend: Backend, results: list[Any], cotangents: list[np.ndarray | None]
) -> list[Array]:
    found = [backend.asarray(np.zeros((), np.float32))]
    for (value, _), cotangent in zip(results, cotangents, strict=True):
        if cotangent is not None:
            weights = backend.asarray(cotangent, backend.dtype(value))
            axes = tuple(range(cotangent.ndim))
            found.append(backend.sum(backend.multiply(value, weights), axes, False))
    return found


def _model_of(layer: Layer, feed: Feed, batch: Batch) -> Model:
    """Return a model of one layer, for inputs of these shapes."""
    symbols = []
    for value, mask in zip(batch.values, batch.masks, strict=True):
        padded = 0 if mask is None else mask.ndim - 1
        shape = (*(None,) * padded, *value.shape[1 + padded :])
        symbols.append(Input(shape, dtypes.canonical(value.dtype), masked=padded == 1))
    given = unflatten(feed.structure, iter(symbols))
    result = layer(*given) if isinstance(given, tuple) else layer(given)
    inputs = given if isinstance(given, SymbolicTensor) else list(leaves(given))
    return Model(inputs, result, on_mask_loss="ignore", name=layer.name)
