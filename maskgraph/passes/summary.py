"""A model's nodes as a table: shapes, parameters and masks."""

from __future__ import annotations

from collections.abc import Mapping

from maskgraph.graph import Node, describe
from maskgraph.passes.rows import kind_of
from maskgraph.text import columns


def summarize(name: str, nodes: Mapping[str, Node], parameters: int) -> str:
    """Return a table of a model's nodes, in order."""
    cells = [("node", "kind", "shape", "parameters", "mask")]
    counted: set[int] = set()
    for node_name, node in nodes.items():
        count = 0
        if node.body is not None and id(node.target) not in counted:
            counted.add(id(node.target))
            count = node.target.count_params()
        shapes = ", ".join(str(spec.shape) for spec in node.specs)
        masks = "; ".join(describe(m) for m in node.masks if m is not None) or "-"
        cells.append((node_name, kind_of(node), shapes, f"{count:,}" if count else "-", masks))
    return "\n".join([f"model {name}", "", *columns(cells), "", f"{parameters:,} parameters"])
