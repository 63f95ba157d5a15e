"""A custom layer's mask, inferred from its ops: what makes that unsafe is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from maskgraph.errors import MaskError, explain
from maskgraph.graph import Dim, Node, SymbolicTensor, leaves, symbols_in

if TYPE_CHECKING:
    from maskgraph.layers.base.layer import Layer

_TAKES_SIZES = frozenset(
    {"broadcast_to", "dimension_arithmetic", "full", "ones", "reshape", "zeros"}
)
"""Ops that use a size to shape a tensor, and not as a number to compute with."""


def refuse_unsafe(layer: Layer, body: Any, arguments: dict[str, Any]) -> None:
    """Refuse a layer with `supports_masking = "infer"` whose ops cannot all be trusted.

    Raises:
        MaskError: naming the layer, the op and the reason.
    """
    if layer.backends is not None:
        _refuse(layer, "call()", "it calls a framework directly, which knows no masks")
    for node in _nodes(body, arguments):
        reason = _size_as_number(node)
        if reason is None and node.body is not None:
            reason = next((loss for loss in node.losses if loss), None)
        elif reason is None and not node.is_source:
            reason = node.target.unsafe(node)
        if reason is not None:
            name = f"layer {node.name!r}" if node.body is not None else f"ops.{node.target.name}"
            _refuse(layer, f"{name}, at {node.location}", reason)


def _refuse(layer: Layer, culprit: str, reason: str) -> None:
    raise MaskError(
        explain(
            f"layer {layer.name!r} ({type(layer).__name__}): its mask cannot be inferred",
            received=f"{culprit}: {reason}",
            expected='ops that treat a masked step as absent, for supports_masking = "infer"',
            fix="use others, or take responsibility: supports_masking = True, compute_mask(), or "
            "call(..., mask=None)",
        )
    )


def _nodes(body: Any, arguments: dict[str, Any]) -> Iterator[Node]:
    """Yield what a layer's `call` made, in the order in which it did."""
    seen = {s.node for s in symbols_in(arguments)}
    stack = [s.node for s in leaves(body) if s.node not in seen]
    found: set[Node] = set()
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(s.node for s in node.inputs if s.node not in seen)
    yield from sorted(found, key=lambda node: node.serial)


def _size_as_number(node: Node) -> str | None:
    """Tell why a node must not use the sizes that it uses."""
    if node.body is None and not node.is_source and node.target.name in _TAKES_SIZES:
        return None
    if any(isinstance(s, Dim) and _counts_padding(s) for s in node.inputs):
        return "it computes with the size of a masked axis, which counts padding"
    return None


def _counts_padding(size: SymbolicTensor) -> bool:
    made = size.node.arguments
    if size.node.name != "dimension":
        return any(_counts_padding(s) for s in size.node.inputs if isinstance(s, Dim))
    mask = made["x"].mask
    return mask is not None and 0 < made["axis"] < mask.ndim
