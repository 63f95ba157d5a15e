"""What becomes of masks at each node, put in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from maskgraph.graph import Node, SymbolicTensor, describe
from maskgraph.passes.findings import Axes, Row
from maskgraph.passes.needs import uses_mask

Masks = tuple[SymbolicTensor, ...]


def rows(nodes: Mapping[str, Node]) -> Iterator[Row]:
    """Yield one row a node."""
    flows = _Flows()
    for name, node in nodes.items():
        yield _row(name, node, flows)


def masks_in(node: Node) -> Masks:
    """Return the different masks that come in."""
    return _distinct([s.node.masks[s.index] for s in node.inputs])


def masks_out(node: Node) -> Masks:
    """Return the different masks that go out."""
    return _distinct(node.masks)


def _distinct(masks: Sequence[SymbolicTensor | None]) -> Masks:
    if len(masks) == 1:  # as at most nodes of a large graph
        return () if masks[0] is None else (masks[0],)
    return tuple({m: None for m in masks if m is not None})


class _Flow(NamedTuple):
    """What is said of masks that come in, and of those that go out."""

    action: str
    masks_in: tuple[str, ...]
    masks_out: tuple[str, ...]
    axes_in: tuple[Axes, ...]
    axes_out: tuple[Axes, ...]


class _Flows(dict[tuple[Masks, Masks], _Flow]):
    """Flows by their masks: a model has few, which many nodes share."""

    def __missing__(self, masks: tuple[Masks, Masks]) -> _Flow:
        before, after = masks
        self[masks] = flow = _Flow(
            _change(before, after),
            tuple(map(describe, before)),
            tuple(map(describe, after)),
            tuple(map(_axes, before)),
            tuple(map(_axes, after)),
        )
        return flow


def _change(before: Masks, after: Masks) -> str:
    if not before:
        return "generate" if after else "-"
    if not after:
        return "reduce"
    return "pass" if all(any(m is i for i in before) for m in after) else "transform"


def _row(name: str, node: Node, flows: _Flows) -> Row:
    before = masks_in(node)
    flow = flows[before, masks_out(node)]
    texts, axes = flow.masks_in, flow.axes_in
    pairs = node.arguments.get("attention_mask")
    if isinstance(pairs, SymbolicTensor):
        texts, axes = (*texts, describe(pairs)), (*axes, _attention_axes(pairs))
    return Row(
        node=name,
        kind=kind_of(node),
        action="destroy" if any(node.losses) else "drop" if is_drop(node) else flow.action,
        consumes=bool(texts) and uses_mask(node),
        masks_in=texts,
        masks_out=flow.masks_out,
        axes_in=axes,
        axes_out=flow.axes_out,
        location=node.location,
    )


_AXES = ("batch", "time", "inner time", "innermost time")
_ATTENTION_AXES = ("batch", "heads", "query", "key")


def _axes(mask: SymbolicTensor) -> Axes:
    """Return the names of the axes that a mask describes."""
    return tuple(_AXES[a] if a < len(_AXES) else f"axis {a}" for a in range(mask.ndim))


def _attention_axes(mask: SymbolicTensor) -> Axes:
    """Return the names of the axes of an `attention_mask`."""
    return {2: _ATTENTION_AXES[2:], 3: ("batch", "query", "key")}.get(mask.ndim, _ATTENTION_AXES)


def kind_of(node: Node) -> str:
    """Return what a node is: a layer's class, "Input", or an op's name."""
    if node.is_source:
        return "Input"
    return type(node.target).__name__ if node.body is not None else f"ops.{node.target.name}"


def is_drop(node: Node) -> bool:
    """Tell whether a node drops masks because the user says so."""
    if node.body is not None:
        return type(node.target).__name__ == "DropMask"
    return node.name == "drop_mask" and not node.is_source
