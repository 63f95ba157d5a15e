"""The first node of a graph that lets padding in."""

from __future__ import annotations

from maskgraph.testing.leaks.alignment import Change, Seen, change, layout_of, pieces
from maskgraph.testing.leaks.report import Fault
from maskgraph.testing.leaks.runs import Nodes, Runs, Variant
from maskgraph.testing.leaks.subjects import NodeRun


def first_fault(runs: Runs, variant: Variant, tolerance: float) -> Fault | None:
    """Return the first node whose output changes at steps that exist although none of its inputs
    does; None if the model cannot be opened, or there is no such node."""
    base, altered = runs.nodes(runs.base), runs.nodes(variant)
    if base is None or altered is None:
        return None
    compare = _Compared(runs, base, altered, variant)
    for name, node in base[0][1].items():
        if any(name not in nodes for _, nodes in altered):
            continue  # it is called another number of times
        found = [compare(name, "outputs", i) for i in range(len(node.outputs))]
        worst = max(found, key=lambda c: c.difference / c.scale, default=Change())
        if worst.exceeds(tolerance) and not any(
            compare(name, "inputs", i).exceeds(tolerance) for i in range(len(node.inputs))
        ):
            name = "" if name.partition("@")[0] == "" else name
            return Fault(name, node.kind, node.type, worst.difference, worst.row, worst.step)
    return None


class _Compared:
    """Compares what nodes get and give."""

    def __init__(self, runs: Runs, base: Nodes, altered: Nodes, variant: Variant) -> None:
        self.runs, self.base, self.altered, self.variant = runs, base, altered, variant
        self.wide = runs.nodes(runs.sizes["right"]) if "right" in runs.sizes else None
        self.alone = (runs.nodes(runs.sizes["alone"]) if "alone" in runs.sizes else None) or []

    def __call__(self, name: str, side: str, index: int) -> Change:
        """Return how far a tensor is from what it was; tensors that are not there are equal."""

        def seen(nodes: Nodes) -> list[Seen | None]:
            return [_get(found, name, side, index) for _, found in nodes]

        (before,) = seen(self.base)
        after = seen(self.altered)
        if before is None or any(s is None for s in after):
            return Change()
        wide = seen(self.wide)[0] if self.wide else None
        layout = layout_of(
            before,
            self.runs.batch,
            (wide, self.wide[0][0].batch) if self.wide and wide is not None else None,
            [
                (p, s)
                for (p, _), s in zip(self.alone, seen(self.alone), strict=True)
                if s is not None
            ],
        )
        whole = pieces(layout, [(self.base[0][0], before)])
        parts = [(p, s) for (p, _), s in zip(self.altered, after, strict=True) if s is not None]
        return change(layout, whole, pieces(layout, parts, self.variant.left))


def _get(found: dict[str, NodeRun], name: str, side: str, index: int) -> Seen | None:
    if name not in found:
        return None
    tensors: list[Seen] = getattr(found[name], side)
    return tensors[index] if index < len(tensors) else None
