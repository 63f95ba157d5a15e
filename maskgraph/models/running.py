"""A model on data: inputs admitted, a plan for each kind of input, batches, NumPy results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgraph.backend import Backend, load
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.graph import (
    SymbolicTensor,
    current_scope,
    entered,
    leaves,
    masked_source,
    source,
    unflatten,
)
from maskgraph.layers.base.eager import choose_backend, mask_rank
from maskgraph.masks import MaskedTensor
from maskgraph.models.inputs import admit, stand_ins
from maskgraph.plan import LayoutPlan, Plan, Plans, Programs, check_layout

if TYPE_CHECKING:
    from maskgraph.models.model import Model


class ModelRunner:
    """Runs a model on data, and keeps its programs and plans."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._programs: dict[Any, Programs] = {}
        self._plans: dict[Any, Plans] = {}

    def __call__(
        self, inputs: Any, mask: Any = None, training: bool = False, layout: str = "auto"
    ) -> Any:
        check_layout(layout)
        tensors = self.admit(inputs, mask)
        backend = choose_backend(tensors)
        plan = self.plan(tensors, backend, training=bool(training), layout=layout)
        with backend.quiet():
            results = plan.compute([x.on(backend) for x in tensors])
            results.apply()
        self._model._losses = results.losses
        return self._structured([MaskedTensor(v, m) for v, m in results.outputs])

    def predict(
        self,
        x: Any,
        mask: Any,
        backend: str | None,
        device: str | None,
        batch_size: int,
        layout: str,
    ) -> Any:
        check_layout(layout)
        if batch_size < 1:
            raise ArgumentError(
                explain("predict: batch_size out of range", received=batch_size, expected=">= 1")
            )
        tensors = self.admit(x, mask)
        on = load(backend, device) if backend or device else choose_backend(tensors)
        plan = self.plan(tensors, on, layout=layout)
        parts: list[list[np.ndarray]] = []
        with on.running(), plan.all_or_nothing():
            for batch in self.batches(tensors, batch_size):
                results = plan.compute([t.on(on) for t in batch])
                results.apply()
                parts.append([on.to_numpy(value) for value, _ in results.outputs])
        return self._structured(
            [p[0] if len(p) == 1 else np.concatenate(p) for p in zip(*parts, strict=True)]
        )

    def batches(self, tensors: list[MaskedTensor], size: int) -> Iterable[list[MaskedTensor]]:
        """Return the data in batches of at most so many sequences."""
        rows = tensors[0].shape[0]
        if rows <= size or self._model.fixed_batch:  # a part of the batch would be another one
            return [tensors]
        return ([_rows(t, i, i + size) for t in tensors] for i in range(0, rows, size))

    def run_nodes(
        self,
        x: Any,
        *,
        backend: str | None = None,
        device: str | None = None,
        precision: str | None = None,
    ) -> dict[str, MaskedTensor]:
        """Return what every node gives for data, by name ("name:1" for a second output)."""
        tensors = self.admit(x)
        on = load(backend, device)
        plan = Plan(self.programs(tensors, every_node=True).padded, on, precision)
        with on.running():
            results = plan.run([t.on(on) for t in tensors])
        return {
            name: MaskedTensor(v, m)
            for name, (v, m) in zip(self._node_outputs(), results, strict=True)
        }

    def _node_outputs(self) -> dict[str, SymbolicTensor]:
        return {
            f"{name}:{i}" if i else name: symbol
            for name, data in self._model.graph.nodes(data=True)
            for i, symbol in enumerate(data["node"].outputs)
        }

    # -- what a run needs ------------------------------------------------------------------

    def admit(self, inputs: Any, mask: Any = None) -> list[MaskedTensor]:
        """Return the data for each input, checked.

        Raises:
            ShapeError: if the number of inputs or of sequences does not agree.
        """
        own = self._model.inputs
        if isinstance(own, SymbolicTensor) and not isinstance(inputs, dict):
            return [admit(own, inputs, mask)]
        symbols = list(leaves(own))
        values = self._values(inputs, own, symbols)
        masks = mask if isinstance(mask, list | tuple) and len(symbols) > 1 else [mask]
        masks = [*masks, *[None] * (len(symbols) - len(masks))]
        tensors = [admit(s, v, m) for s, v, m in zip(symbols, values, masks, strict=True)]
        sizes = {t.shape[0] for t in tensors if t.ndim}
        if len(sizes) > 1:
            raise ShapeError(
                explain(
                    f"model {self._model.name!r}: inputs differ in their number of sequences",
                    received=", ".join(
                        f"{s.name}: {t.shape}" for s, t in zip(symbols, tensors, strict=True)
                    ),
                )
            )
        return tensors

    def _values(self, inputs: Any, own: Any, symbols: list[SymbolicTensor]) -> list[Any]:
        names = [s.name for s in symbols]
        if isinstance(inputs, dict):
            keys = list(own) if isinstance(own, dict) else names
            if set(inputs) == set(keys):
                return [inputs[k] for k in keys]
            received: Any = ", ".join(map(str, inputs))
        elif isinstance(inputs, list | tuple) and len(inputs) == len(symbols):
            return list(inputs)
        else:
            received = f"{type(inputs).__name__}" + (
                f" of {len(inputs)}" if isinstance(inputs, list | tuple) else ""
            )
        raise ShapeError(
            explain(
                f"model {self._model.name!r}: the inputs do not match",
                received=received,
                expected=f"{len(symbols)} inputs: {', '.join(names)}",
                fix="give a list in this order, or a dict by name",
            )
        )

    def plan(
        self,
        tensors: list[MaskedTensor],
        backend: Backend,
        *,
        training: bool = False,
        precision: str | None = None,
        layout: str = "auto",
        printable: bool = False,
    ) -> LayoutPlan:
        """Return the plan for inputs that come with these masks; what it runs is made once.

        Args:
            printable: whether it prints what it does for just these inputs.
        """
        key = (_mask_ranks(tensors), self._mode(training), backend.name, backend.device, precision)
        if key not in self._plans:
            programs = self.programs(tensors, training=training)
            self._plans[key] = Plans(programs, backend, precision)
        example = [x.on(backend) for x in tensors] if printable else None
        return LayoutPlan(self._plans[key], layout, example)

    def programs(
        self, tensors: list[MaskedTensor], *, training: bool = False, every_node: bool = False
    ) -> Programs:
        """Return the programs for inputs that come with these masks, made once."""
        key = (_mask_ranks(tensors), self._mode(training), every_node)
        if key not in self._programs:
            self._programs[key] = self._new_programs(tensors, training, every_node)
        return self._programs[key]

    def _new_programs(
        self, tensors: list[MaskedTensor], training: bool, every_node: bool
    ) -> Programs:
        model = self._model
        own = list(leaves(model.inputs))
        declared = tuple(None if s.mask is None else s.mask.ndim for s in own)
        wanted = list(self._node_outputs().values()) if every_node else list(leaves(model.outputs))
        if declared == _mask_ranks(tensors) and not training:
            return Programs(own, wanted)
        symbols = [
            source("input", s.name, s.spec) if rank is None else masked_source(s.name, s.spec, rank)
            for s, rank in zip(own, _mask_ranks(tensors), strict=True)
        ]
        known = stand_ins(own, symbols)
        with entered(current_scope()._replace(training=training)):
            model.replay(known)
        return Programs(symbols, [known[s] for s in wanted])

    def _mode(self, training: bool) -> Any:
        """Return what distinguishes runs in training: which layers may be trained."""
        return training and self._model.trainable_flags()

    def _structured(self, results: list[Any]) -> Any:
        return unflatten(self._model.outputs, iter(results))


def _mask_ranks(tensors: list[MaskedTensor]) -> tuple[int | None, ...]:
    return tuple(map(mask_rank, tensors))


def _rows(tensor: MaskedTensor, start: int, stop: int) -> MaskedTensor:
    key = (slice(start, stop),)
    backend = tensor.backend
    mask = None if tensor.mask is None else backend.getitem(tensor.mask, key)
    return MaskedTensor(backend.getitem(tensor.value, key), mask)
