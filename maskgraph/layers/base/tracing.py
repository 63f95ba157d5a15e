"""A layer called on symbolic tensors: its `call` runs once, and the ops it records stay.

The node that results stands for the layer in the user's graph; its body holds the ops. Masks
that the layer gets and gives are settled here, for built-in and custom layers alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from maskgraph import ops
from maskgraph.errors import GraphError, MaskError, MaskgraphError, explain
from maskgraph.graph import (
    Node,
    Scope,
    SymbolicTensor,
    collected,
    current_scope,
    entered,
    leaves,
    map_tree,
    symbols_in,
    unflatten,
)
from maskgraph.graph.location import caller
from maskgraph.layers.base.inference import refuse_unsafe
from maskgraph.layers.base.native import native_body
from maskgraph.masks.check import check_mask
from maskgraph.ops.masking import intersect, symbolic
from maskgraph.ops.operands import spec_of

if TYPE_CHECKING:
    from maskgraph.layers.base.layer import Layer

Masks = list[SymbolicTensor | None]


def trace(
    layer: Layer, arguments: dict[str, Any], mask: Any = None, training: bool | None = None
) -> Any:
    """Call a layer on symbols: returns symbols, in the structure that its `call` returns."""
    outer = current_scope()
    scope = Scope(
        path=f"{outer.path}/{layer.name}" if outer.path else layer.name,
        location=outer.location or caller(),
        training=outer.training if training is None else training,
    )
    try:
        first = layer.signature.first
        if mask is not None:
            arguments[first] = _with_masks(layer, arguments[first], mask)
        layer.ensure_built(_shapes(arguments))
        with entered(scope):
            entering = _entering(layer, arguments)
            with collected() as effects:
                body = _body(layer, entering, scope.training)
            masks, losses = _masks_out(layer, arguments, entering, body)
    except Exception as error:
        _note(error, layer, str(scope.location))
        raise
    node = Node(
        layer,
        arguments,
        [s.spec for s in leaves(body)],
        masks,
        name=layer.name,
        losses=losses,
        body=body,
    )
    node.effects = effects
    return unflatten(body, iter(node.outputs))


def _note(error: Exception, layer: Layer, where: str) -> None:
    note = f"in layer {layer.name!r} ({type(layer).__name__}), called at {where}"
    if note in getattr(error, "__notes__", ()):
        return
    error.add_note(note)
    if not layer.is_ours and not isinstance(error, MaskgraphError):
        error.add_note(
            "call() runs on symbolic tensors: use maskgraph.ops in place of NumPy's or a "
            "framework's functions, and ops.shape(x) for sizes that are None; or declare "
            "backends = {...} and compute_output_shape()"
        )


def _with_masks(layer: Layer, value: Any, mask: Any) -> Any:
    """Attach the masks given by hand to the first argument, one each."""
    if isinstance(value, list | tuple) and isinstance(mask, list | tuple):
        return type(value)(_with_masks(layer, v, m) for v, m in zip(value, mask, strict=True))
    if mask is None:
        return value
    if not isinstance(mask, SymbolicTensor):
        mask = np.asarray(mask)
    spec = spec_of(mask)
    check_mask(f"layer {layer.name!r}", value.shape, spec.shape, spec.dtype)
    return ops.with_mask(value, mask)


def _shapes(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        name: map_tree(lambda x: getattr(x, "shape", None), value)
        for name, value in arguments.items()
        if any(True for _ in symbols_in(value))
    }


def _entering(layer: Layer, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments as `call` gets them. A custom layer is not known to respect masks:
    it sees zeros at masked steps, and no mask at all unless it opted in."""
    if layer.is_ours:
        entering = dict(arguments)
    else:
        enter = ops.drop_mask if _destroys(layer) else _zeroed
        entering = {
            k: map_tree(
                lambda x: enter(x) if isinstance(x, SymbolicTensor) and x.mask is not None else x,
                v,
            )
            for k, v in arguments.items()
        }
    for name, of in layer.signature.masks.items():
        if name not in entering and of in arguments:
            masks = map_tree(lambda x: getattr(x, "mask", None), arguments[of])
            if any(m is not None for m in leaves(masks)):
                entering[name] = masks
    return entering


def _zeroed(x: SymbolicTensor) -> Any:
    return ops.with_mask(x, x.mask)


def _destroys(layer: Layer) -> bool:
    """Whether masks end at this layer because it says nothing about them."""
    return (
        not layer.supports_masking
        and not _defines_compute_mask(layer)
        and not layer.signature.takes_mask
    )


def _defines_compute_mask(layer: Layer) -> bool:
    from maskgraph.layers.base.layer import Layer as Base

    return getattr(layer.compute_mask, "__func__", None) is not Base.compute_mask


def _body(layer: Layer, arguments: dict[str, Any], training: bool) -> Any:
    if layer.backends is not None:
        return native_body(layer, arguments)
    if "training" in layer.signature.names and "training" not in arguments:
        arguments = {**arguments, "training": training}
    body = layer.signature.apply(layer.call, arguments)
    for leaf in leaves(body):
        if not isinstance(leaf, SymbolicTensor):
            raise GraphError(
                explain(
                    f"layer {layer.name!r} ({type(layer).__name__}): call() must return tensors",
                    received=type(leaf).__name__,
                    expected="symbolic tensors made with maskgraph.ops",
                    fix="use ops instead of a framework's functions, or declare "
                    "backends = {...} and compute_output_shape()",
                )
            )
    return body


def _masks_out(
    layer: Layer, arguments: dict[str, Any], entering: dict[str, Any], body: Any
) -> tuple[Masks, list[str | None]]:
    """Return the mask of each output, and why one was lost, if it was."""
    outputs = list(leaves(body))
    incoming = [s.mask for s in symbols_in(arguments) if s.mask is not None]
    if not layer.is_ours and _defines_compute_mask(layer):
        first = layer.signature.first
        masks = _computed(layer, entering[first], arguments[first], outputs)
    elif layer.supports_masking == "infer":
        if incoming and not layer.is_ours:
            refuse_unsafe(layer, body, arguments)
        masks = [s.mask for s in outputs]
    elif layer.supports_masking:
        masks = [intersect(incoming)] * len(outputs)
    else:
        masks = [None] * len(outputs)
    for symbol, mask in zip(outputs, masks, strict=True):
        if mask is not None:
            check_mask(f"output of layer {layer.name!r}", symbol.shape, mask.shape, mask.dtype)
    loss = _loss(layer, body, arguments) if incoming else None
    return masks, [loss if m is None else None for m in masks]


def _computed(layer: Layer, inputs: Any, given: Any, outputs: list[SymbolicTensor]) -> Masks:
    previous = map_tree(lambda x: getattr(x, "mask", None), given)
    result = layer.compute_mask(inputs, previous)
    if not isinstance(result, list | tuple) or (len(outputs) == 1 and len(result) != 1):
        result = [result] * len(outputs)
    if len(result) != len(outputs):
        raise MaskError(
            explain(
                f"layer {layer.name!r}: compute_mask() returns a wrong number of masks",
                received=len(result),
                expected=f"{len(outputs)}, one for each output (None where there is none)",
            )
        )
    return [_as_mask(m, s) for m, s in zip(result, outputs, strict=True)]


def _as_mask(mask: Any, output: SymbolicTensor) -> SymbolicTensor | None:
    """A mask made of a masked tensor is True only where that tensor exists."""
    if mask is None:
        return None
    found: SymbolicTensor = symbolic(output, mask)
    if found.mask is None or found.mask.ndim != found.ndim:
        return found
    return intersect([ops.drop_mask(found), found.mask])


def _loss(layer: Layer, body: Any, arguments: dict[str, Any]) -> str | None:
    if layer.is_ours or layer.supports_masking:
        return next((r for r in _losses_in(body, symbols_in(arguments)) if r), None)
    if _destroys(layer):
        return (
            "it does not support masking: supports_masking is False, and it defines neither "
            "compute_mask() nor call(..., mask=None)"
        )
    return None


def _losses_in(body: Any, inputs: Iterator[SymbolicTensor]) -> Iterator[str | None]:
    """Yield why ops of a body lost a mask on the way from `inputs`."""
    seen = {s.node for s in inputs}
    stack = [s.node for s in leaves(body)]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            yield from node.losses
            stack += [s.node for s in node.inputs]
