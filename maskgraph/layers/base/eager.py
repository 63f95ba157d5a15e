"""A layer called on data: traced once for each kind of input, then run as a plan."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from maskgraph.backend import Backend, current, load
from maskgraph.backend import owner as owner_of
from maskgraph.graph import (
    Spec,
    SymbolicTensor,
    current_scope,
    entered,
    leaves,
    map_tree,
    masked_source,
    source,
    unflatten,
)
from maskgraph.masks import MaskedTensor
from maskgraph.masks.masked_tensor import is_ragged_list
from maskgraph.plan import Plan, Program

if TYPE_CHECKING:
    from maskgraph.layers.base.layer import Layer

_KEPT = 32
"""How many plans a layer keeps, one for each kind of input that it was called on."""


class EagerRunner:
    """Runs a layer on data, and keeps the plans it made."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._plans: OrderedDict[Any, tuple[Any, Plan]] = OrderedDict()

    def __call__(self, arguments: dict[str, Any], mask: Any, training: bool) -> Any:
        first = self._layer.signature.first
        if first in arguments:
            arguments[first] = as_data(arguments[first], mask, f"layer {self._layer.name!r}")
        arguments = {
            k: map_tree(lambda x: MaskedTensor(x) if owner_of(x) is not None else x, v)
            for k, v in arguments.items()
        }
        # a tensor passed twice, as in attention to itself, is one input with one mask
        given = {id(x): x for x in leaves(arguments) if isinstance(x, MaskedTensor)}
        tensors = list(given.values())
        backend = choose_backend(tensors)
        tree, plan = self._plan(arguments, tensors, backend, training)
        with backend.quiet():
            results = plan.compute([x.on(backend) for x in tensors])
            results.apply()
        self._layer._losses = results.losses
        return unflatten(tree, iter([MaskedTensor(v, m) for v, m in results.outputs]))

    def _plan(
        self,
        arguments: dict[str, Any],
        tensors: list[MaskedTensor],
        backend: Backend,
        training: bool,
    ) -> tuple[Any, Plan]:
        places = {id(x): i for i, x in enumerate(tensors)}
        fixed_batch = self._layer.fixed_batch

        def described(x: Any) -> Any:
            if not isinstance(x, MaskedTensor):
                return x
            batch = x.shape[:1] if fixed_batch else ()
            return (places[id(x)], batch, x.shape[1:], x.ndim, x.dtype, mask_rank(x))

        static = map_tree(described, arguments)
        mode = training and self._layer.trainable_flags()
        key = (backend.name, backend.device, mode, repr(static))
        if key in self._plans:
            self._plans.move_to_end(key)
            return self._plans[key]
        symbols = [data_source(f"input_{i}", x, fixed_batch) for i, x in enumerate(tensors)]
        symbolic = map_tree(
            lambda x: symbols[places[id(x)]] if isinstance(x, MaskedTensor) else x, arguments
        )
        with entered(current_scope()._replace(training=training)):
            outputs = self._layer.signature.apply(self._layer, symbolic)
        program = Program(symbols, list(leaves(outputs)))
        entry = (outputs, Plan(program, backend))
        self._plans[key] = entry
        if len(self._plans) > _KEPT:
            self._plans.popitem(last=False)
        return entry


def as_data(value: Any, mask: Any = None, owner: str = "MaskedTensor") -> Any:
    """Return the first argument of a call as `MaskedTensor`s: arrays, native tensors, nested
    lists, and lists of sequences of different lengths; a tuple or list of arrays is several."""
    if isinstance(value, MaskedTensor):
        return value if mask is None else MaskedTensor(value.value, mask, owner=owner)
    if isinstance(value, list | tuple) and value and _is_several(value):
        masks = mask if isinstance(mask, list | tuple) else [mask] * len(value)
        return type(value)(as_data(v, m, owner) for v, m in zip(value, masks, strict=True))
    if is_foreign_ragged(value) or (is_ragged_list(value) and is_uneven(value)):
        return MaskedTensor.from_ragged(value)
    return MaskedTensor(value, mask, owner=owner)


def _is_several(value: list[Any] | tuple[Any, ...]) -> bool:
    return all(isinstance(v, MaskedTensor) or getattr(v, "ndim", 0) > 1 for v in value)


def is_uneven(value: list[Any]) -> bool:
    """Tell whether the sequences of a list have different lengths."""
    return len({len(row) for row in value}) > 1


def is_foreign_ragged(value: Any) -> bool:
    """Tell whether a value is a framework's own ragged tensor."""
    name = owner_of(value)
    return name is not None and load(name, "cpu").from_ragged(value) is not None


def choose_backend(tensors: list[MaskedTensor]) -> Backend:
    """Return the backend that a call on data runs on: the one chosen by `use_backend` or the
    environment, else that of the tensors, NumPy arrays giving way to others."""
    if current()[0] is not None:
        return load()
    for x in tensors:
        if x.backend.name != "numpy":
            return x.backend
    return load()


def mask_rank(x: MaskedTensor) -> int | None:
    """Return how many axes of a tensor its mask describes; None if it has none."""
    return None if x.mask is None else len(x.backend.shape(x.mask))


def data_source(name: str, x: MaskedTensor, fixed_batch: bool = False) -> SymbolicTensor:
    """Return a symbol for a tensor with data: of its shape, but of any batch size, unless that is
    fixed."""
    shape = (x.shape[0] if fixed_batch else None, *x.shape[1:]) if x.ndim else ()
    rank = mask_rank(x)
    spec = Spec(shape, x.dtype)
    return source("input", name, spec) if rank is None else masked_source(name, spec, rank)
