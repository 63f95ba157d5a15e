"""The static check: where each mask begins, what becomes of it, and who misses it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

from maskgraph.errors import ArgumentError, MaskLossError, MaskLossWarning, explain
from maskgraph.graph import Node, describe
from maskgraph.passes.findings import Finding, Report
from maskgraph.passes.needs import needs_mask
from maskgraph.passes.rows import Masks, is_drop, kind_of, masks_in, masks_out, rows

_SEVERITIES = ("error", "warning", "note")

Nodes = Mapping[str, Node]
"""A model's nodes by name, each after those it reads."""


def check(name: str, nodes: Nodes) -> Report:
    """Return the report on a model's nodes."""
    findings = sorted(_findings(nodes), key=lambda f: (_SEVERITIES.index(f.severity), f.code))
    return Report(name, tuple(rows(nodes)), tuple(findings))


def report_losses(name: str, nodes: Nodes, on_mask_loss: str) -> None:
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
    losses = [f for f in _losses(nodes) if f.severity != "note"]
    if losses and on_mask_loss == "error":
        raise MaskLossError("\n".join([f"model {name!r} loses a mask", *map(str, losses)]))
    for finding in losses:
        file, line = finding.location or ("<unknown>", 1)
        warnings.warn_explicit(str(finding), MaskLossWarning, file, line)


def _findings(nodes: Nodes) -> Iterator[Finding]:
    yield from _losses(nodes)
    after_masks: set[Node] = set()
    for name, node in nodes.items():
        masks = masks_in(node)
        if masks:
            yield from _with_masks(name, node, masks)
        # after one that had a mask, that a node gets none is not news
        if masks or any(s.node in after_masks for s in node.inputs):
            after_masks.add(node)
        elif _varies(node) and needs_mask(node):
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


def _with_masks(name: str, node: Node, masks: Masks) -> Iterator[Finding]:
    if is_drop(node):
        yield Finding(
            "MG005",
            "note",
            name,
            f"{name!r} drops the mask {describe(masks[0])!r}",
            "nothing: DropMask says that this is meant",
            node.location,
        )
    if len(masks) > 1 and _joins(node, masks):
        texts = " and ".join(repr(describe(m)) for m in masks)
        yield Finding(
            "MG003",
            "note",
            name,
            f"{name!r} joins tensors whose masks differ: {texts}; what comes out exists where "
            f"{describe(masks_out(node)[0])!r}",
            "nothing if that is meant; mask_merge='any' keeps steps that exist in any input",
            node.location,
        )


def _losses(nodes: Nodes) -> Iterator[Finding]:
    for name, node in nodes.items():
        if not any(node.losses):
            continue
        reason = next(r for r in node.losses if r)
        lost = describe(masks_in(node)[0])
        missing = _missing(node, nodes)
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


def _missing(lost: Node, nodes: Nodes) -> str | None:
    """Return the first node after a loss that needs a mask and gets none."""
    after = {lost}
    for name, node in nodes.items():
        if any(s.node in after for s in node.inputs):
            after.add(node)
            if not masks_in(node) and needs_mask(node):
                return name
    return None


def _varies(node: Node) -> bool:
    """Whether a node's input has an axis of time whose size is not fixed."""
    return any(s.ndim >= 2 and s.shape[1] is None for s in node.inputs)


def _joins(node: Node, masks: Masks) -> bool:
    """Whether what comes out is a joint mask, new with this node."""
    return any(
        getattr(m.node.target, "name", "") in ("logical_and", "logical_or")
        and all(m is not i for i in masks)
        for m in masks_out(node)
    )
