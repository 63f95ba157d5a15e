"""The static check: where each mask begins, what becomes of it, and who misses it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import networkx as nx

from maskgraph.errors import ArgumentError, MaskLossError, MaskLossWarning, explain
from maskgraph.graph import Node, SymbolicTensor, check_acyclic, describe
from maskgraph.passes.findings import Axes, Finding, Report, Row
from maskgraph.passes.needs import needs_mask, uses_mask

_SEVERITIES = ("error", "warning", "note")


def check(name: str, graph: nx.MultiDiGraph) -> Report:
    """Return the report on a model's graph.

    Raises:
        GraphError: if the graph has been given a cycle.
    """
    check_acyclic(graph)
    nodes = _nodes(graph)
    findings = sorted(
        _findings(graph, nodes), key=lambda f: (_SEVERITIES.index(f.severity), f.code)
    )
    return Report(name, tuple(_row(n, node) for n, node in nodes.items()), tuple(findings))


def report_losses(name: str, graph: nx.MultiDiGraph, on_mask_loss: str) -> None:
    """Warn of masks that are lost, or refuse the model, as the user chose.

    Raises:
        MaskLossError: for "error", if a mask is lost.
        ArgumentError: if the choice is none of "warn", "error" and "ignore".
    """
    if on_mask_loss not in ("warn", "error", "ignore"):
        raise ArgumentError(
            explain(
                f"model {name!r}: on_mask_loss",
                received=repr(on_mask_loss),
                expected="'warn', 'error' or 'ignore'",
            )
        )
    if on_mask_loss == "ignore":
        return
    losses = [f for f in _losses(graph, _nodes(graph)) if f.severity != "note"]
    if losses and on_mask_loss == "error":
        raise MaskLossError("\n".join([f"model {name!r} loses a mask", *map(str, losses)]))
    for finding in losses:
        file, line = finding.location or ("<unknown>", 1)
        warnings.warn_explicit(str(finding), MaskLossWarning, file, line)


def _nodes(graph: nx.MultiDiGraph) -> dict[str, Node]:
    """Return the graph's nodes by name, in topological order."""
    found = [(name, data["node"]) for name, data in graph.nodes(data=True)]
    return dict(sorted(found, key=lambda item: item[1].serial))


# -- what becomes of masks at a node -------------------------------------------------------


def _masks_in(node: Node) -> list[SymbolicTensor]:
    return _distinct(s.mask for s in node.inputs)


def _distinct(masks: Any) -> list[SymbolicTensor]:
    return list({id(m): m for m in masks if m is not None}.values())


_AXES = ("batch", "time", "inner time", "innermost time")
_ATTENTION_AXES = ("batch", "heads", "query", "key")


def _axes(mask: SymbolicTensor) -> Axes:
    """Return the names of the axes that a mask describes."""
    return tuple(_AXES[a] if a < len(_AXES) else f"axis {a}" for a in range(mask.ndim))


def _attention_axes(mask: SymbolicTensor) -> Axes:
    """Return the names of the axes of an `attention_mask`."""
    return {2: _ATTENTION_AXES[2:], 3: ("batch", "query", "key")}.get(mask.ndim, _ATTENTION_AXES)


def _row(name: str, node: Node) -> Row:
    masks_in, masks_out = _masks_in(node), _distinct(node.masks)
    action, axes_in = _action(node, masks_in, masks_out), [_axes(m) for m in masks_in]
    pairs = node.arguments.get("attention_mask")
    if isinstance(pairs, SymbolicTensor):
        masks_in, axes_in = [*masks_in, pairs], [*axes_in, _attention_axes(pairs)]
    return Row(
        node=name,
        kind=kind_of(node),
        action=action,
        consumes=bool(masks_in) and uses_mask(node),
        masks_in=tuple(map(describe, masks_in)),
        masks_out=tuple(map(describe, masks_out)),
        axes_in=tuple(axes_in),
        axes_out=tuple(map(_axes, masks_out)),
        location=node.location,
    )


def kind_of(node: Node) -> str:
    """Return what a node is: a layer's class, "Input", or an op's name."""
    if node.is_source:
        return "Input"
    return type(node.target).__name__ if node.body is not None else f"ops.{node.target.name}"


def _action(node: Node, masks_in: list[SymbolicTensor], masks_out: list[SymbolicTensor]) -> str:
    if any(node.losses):
        return "destroy"
    if is_drop(node):
        return "drop"
    if masks_out and not masks_in:
        return "generate"
    if masks_in and not masks_out:
        return "reduce"
    if masks_in:
        return "pass" if all(any(m is i for i in masks_in) for m in masks_out) else "transform"
    return "-"


def is_drop(node: Node) -> bool:
    """Tell whether a node drops masks because the user says so."""
    if node.is_source:
        return False
    name = type(node.target).__name__ if node.body is not None else node.target.name
    return name in ("DropMask", "drop_mask")


# -- findings ------------------------------------------------------------------------------


def _findings(graph: nx.MultiDiGraph, nodes: dict[str, Node]) -> Iterator[Finding]:
    yield from _losses(graph, nodes)
    after_masks = _after_masks(nodes)
    for name, node in nodes.items():
        masks_in = _masks_in(node)
        if is_drop(node) and masks_in:
            yield Finding(
                "MG005",
                "note",
                name,
                f"{name!r} drops the mask {describe(masks_in[0])!r}",
                "nothing: DropMask says that this is meant",
                node.location,
            )
        if len(masks_in) > 1 and _joins(node, masks_in):
            texts = " and ".join(repr(describe(m)) for m in masks_in)
            yield Finding(
                "MG003",
                "note",
                name,
                f"{name!r} joins tensors whose masks differ: {texts}; what comes out exists where "
                f"{describe(_distinct(node.masks)[0])!r}",
                "nothing if that is meant; mask_merge='any' keeps steps that exist in any input",
                node.location,
            )
        if node not in after_masks and _varies(node) and needs_mask(node):
            yield Finding(
                "MG004",
                "note",
                name,
                f"{kind_of(node)} {name!r} looks at other steps, and gets no mask: every step "
                "counts",
                "Embedding(mask_zero=True), Masking() or Input(masked=True), if the data will be "
                "padded; nothing if it will not",
                node.location,
            )


def _losses(graph: nx.MultiDiGraph, nodes: dict[str, Node]) -> Iterator[Finding]:
    for name, node in nodes.items():
        reason = next((r for r in node.losses if r), None)
        if reason is None:
            continue
        lost = describe(_masks_in(node)[0])
        missing = _missing(graph, name, nodes)
        message = f"{kind_of(node)} {name!r} loses the mask {lost!r}: {reason}"
        if missing:
            message += f"; {kind_of(nodes[missing])} {missing!r} after it needs one"
        yield Finding(
            "MG001" if missing else "MG002",
            "error" if missing else "warning",
            name,
            message,
            _mend(node),
            node.location,
        )


def _mend(node: Node) -> str:
    if node.body is not None and not node.target.is_ours:
        return (
            "set self.supports_masking = True if its steps do not mix, or define "
            "compute_mask(self, inputs, mask); put layers.DropMask() before it if the loss is meant"
        )
    return (
        "reduce or pool over time first, or keep the masked axes in front; put layers.DropMask() "
        "before it if the loss is meant"
    )


def _missing(graph: nx.MultiDiGraph, name: str, nodes: dict[str, Node]) -> str | None:
    """Return the first node after a loss that needs a mask and gets none."""
    after = nx.descendants(graph, name)
    return next(
        (n for n, node in nodes.items() if n in after and not _masks_in(node) and needs_mask(node)),
        None,
    )


def _after_masks(nodes: dict[str, Node]) -> set[Node]:
    """Return the nodes after one that had a mask: that they get none is not news."""
    after: set[Node] = set()
    for node in nodes.values():
        if any(s.mask is not None or s.node in after for s in node.inputs):
            after.add(node)
    return after


def _varies(node: Node) -> bool:
    """Whether a node's input has an axis of time whose size is not fixed."""
    return any(s.ndim >= 2 and s.shape[1] is None for s in node.inputs)


def _joins(node: Node, masks_in: list[SymbolicTensor]) -> bool:
    """Whether what comes out is a joint mask, new with this node."""
    return any(
        getattr(m.node.target, "name", "") in ("logical_and", "logical_or")
        and all(m is not i for i in masks_in)
        for m in _distinct(node.masks)
    )
