"""A model's structure as a networkx graph: one node a layer call or op, one edge a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import networkx as nx

from maskgraph.errors import GraphError, explain
from maskgraph.graph.symbol import Node, Source, SymbolicTensor


def nodes_between(
    inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]
) -> list[Node]:
    """Return the nodes that lead from inputs to outputs, each after those it reads.

    Raises:
        GraphError: if an output depends on an input that is not given, or an input leads nowhere.
    """
    ends = {s.node for s in inputs} | {s.mask.node for s in inputs if s.mask is not None}
    found: set[Node] = set()
    stack = [s.node for s in outputs]
    while stack:
        node = stack.pop()
        if node in found:
            continue
        found.add(node)
        if node in ends:
            continue
        if node.is_source and node.target.kind != "weight":
            raise GraphError(
                explain(
                    "an output depends on an input that the model was not given",
                    received=f"input {node.name!r}, made at {node.location}",
                    expected="it among Model(inputs=…): " + ", ".join(repr(s.name) for s in inputs),
                    fix="add it to the model's inputs, or build the output from those given",
                )
            )
        stack.extend(s.node for s in node.inputs)
    for symbol in inputs:
        if symbol.node not in found and (symbol.mask is None or symbol.mask.node not in found):
            raise GraphError(
                explain(
                    "an input is disconnected: no output depends on it",
                    received=f"input {symbol.name!r}, made at {symbol.node.location}",
                    fix="leave it out of Model(inputs=…), or use it",
                )
            )
    return sorted(found, key=lambda node: node.serial)


def build_graph(nodes: Sequence[Node]) -> nx.MultiDiGraph:
    """Return the networkx graph of nodes.

    Graph nodes are named as layers, ops and inputs are; a second call of a layer adds "@2".
    They have the attributes `kind` ("input", "layer" or "op"), `target`, `node` and `location`.
    Edges have `output` (which of the source's), `position` (which of the input's), `shape`,
    `dtype` and `mask` (symbolic, or None).

    Raises:
        GraphError: if two layers or inputs have one name.
    """
    graph = nx.MultiDiGraph()
    names = _names(nodes)
    for node in nodes:
        if node not in names:
            continue
        graph.add_node(
            names[node],
            kind=_kind(node),
            target=node.target,
            node=node,
            location=node.location,
        )
        for position, symbol in enumerate(node.inputs):
            if symbol.node in names:
                graph.add_edge(
                    names[symbol.node],
                    names[node],
                    output=symbol.index,
                    position=position,
                    shape=symbol.shape,
                    dtype=symbol.dtype,
                    mask=symbol.mask,
                )
    return graph


def _kind(node: Node) -> str:
    if isinstance(node.target, Source):
        return "input"
    return "layer" if node.body is not None else "op"


def _names(nodes: Sequence[Node]) -> dict[Node, str]:
    owners: dict[str, Any] = {}
    calls: dict[str, int] = {}
    names: dict[Node, str] = {}
    given = {node.name for node in nodes if _kind(node) != "op"}
    for node in nodes:
        if node.is_source and node.target.kind == "weight":
            continue
        owner = node if node.is_source else node.target
        # users name layers and inputs; an op gives way: `x + y` beside a layer "add"
        own = f"ops.{node.name}" if _kind(node) == "op" and node.name in given else node.name
        if own in owners and owners[own] is not owner:
            raise GraphError(
                explain(
                    "two layers or inputs have the same name",
                    received=f"{node.name!r}, the second made at {node.location}",
                    expected="names that are unique in a model",
                    fix="pass name=… to one of them, or leave names out",
                )
            )
        owners[own] = owner
        calls[own] = count = calls.get(own, 0) + 1
        names[node] = own if count == 1 else f"{own}@{count}"
    return names


def check_acyclic(graph: nx.MultiDiGraph) -> None:
    """Refuse a graph that has been given a cycle.

    Raises:
        GraphError: naming the nodes of the cycle.
    """
    if nx.is_directed_acyclic_graph(graph):
        return
    cycle = [edge[0] for edge in nx.find_cycle(graph)]
    raise GraphError(
        explain(
            "the graph has a cycle",
            received=" → ".join([*cycle, cycle[0]]),
            expected="a directed acyclic graph",
            fix="a loop over time is a recurrent layer; remove the edge that leads back",
        )
    )
