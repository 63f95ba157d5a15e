"""Layers that call a framework directly: one opaque step, for the backends they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgraph import dtypes
from maskgraph.backend import Backend, use_backend
from maskgraph.errors import BackendError, GraphError, explain
from maskgraph.graph import Spec, SymbolicTensor, leaves, map_tree
from maskgraph.ops.definition import define
from maskgraph.ops.masking import unmasked
from maskgraph.ops.operands import Tensors
from maskgraph.ops.rule import MaskRule

if TYPE_CHECKING:
    from maskgraph.layers.base.layer import Layer


def _specs(xs: list[Spec], function: NativeCall) -> tuple[Spec, ...]:
    return function.specs


@define(shape=_specs, mask=MaskRule(), pure=False)
def native_call(xs: Tensors, function: Any) -> tuple[Any, ...]:
    """Call a function of a backend and native tensors."""


class NativeCall:
    """A layer's `call` on native tensors, with the arguments around them."""

    def __init__(self, layer: Layer, arguments: dict[str, Any], specs: tuple[Spec, ...]) -> None:
        self.layer = layer
        self.arguments = arguments
        self.specs = specs

    def __call__(self, backend: Backend, xs: list[Any]) -> tuple[Any, ...]:
        refuse_unless_supported(self.layer, backend)
        values = iter(xs)
        arguments = map_tree(
            lambda x: next(values) if isinstance(x, SymbolicTensor) else x, self.arguments
        )
        with use_backend(backend.name, backend.device):  # where weights find their values
            result = self.layer.signature.apply(self.layer.call, arguments)
        return tuple(result) if isinstance(result, list | tuple) else (result,)


def native_body(layer: Layer, arguments: dict[str, Any]) -> Any:
    """Return symbols for what a layer's `call` will return on native tensors.

    Raises:
        GraphError: if the layer does not say what shape that is.
    """
    if not hasattr(layer, "compute_output_shape"):
        raise GraphError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}) calls a framework directly, so "
                "its output shape cannot be found by tracing",
                expected="compute_output_shape(self, input_shape) beside backends = {...}",
            )
        )
    first = arguments[layer.signature.first]
    shape = layer.compute_output_shape(map_tree(lambda x: x.shape, first))
    dtype = next(iter(leaves(first))).dtype
    dtype = dtype if dtypes.is_float(dtype) else layer.dtype
    single = not shape or not isinstance(shape[0], list | tuple)
    specs = tuple(Spec(tuple(s), dtype) for s in ([shape] if single else shape))
    symbols = [x for x in leaves(arguments) if isinstance(x, SymbolicTensor)]
    results = native_call([unmasked(x) for x in symbols], NativeCall(layer, arguments, specs))
    return results[0] if single else results


def refuse_unless_supported(layer: Layer, backend: Backend) -> None:
    """Refuse a backend that a layer does not work on.

    Raises:
        BackendError: naming the layer and the backends it does work on.
    """
    if layer.backends is not None and backend.name not in layer.backends:
        raise BackendError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}) does not run on backend "
                f"{backend.name!r}",
                expected="one of " + ", ".join(sorted(layer.backends)),
                fix=f"backend={min(layer.backends)!r}, or write the layer with maskgraph.ops",
            )
        )
