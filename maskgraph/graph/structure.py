"""A model's structure as a networkx graph: one node a layer call or op, one edge a tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
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
    found: dict[Node, None] = {}
    stack = [s.node for s in outputs]
    while stack:
        node = stack.pop()
        if node in found:
            continue
        found[node] = None
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
        stack += [s.node for s in node.inputs]
    for symbol in inputs:
        if symbol.node not in found and (symbol.mask is None or symbol.mask.node not in found):
            raise GraphError(
                explain(
                    "an input is disconnected: no output depends on it",
                    received=f"input {symbol.name!r}, made at {symbol.node.location}",
                    fix="leave it out of Model(inputs=…), or use it",
                )
            )
    return sorted(found, key=attrgetter("serial"))


def named(nodes: Sequence[Node]) -> dict[str, Node]:
    """Return nodes by the names that they have in a model, in order; weights are left out.

    They are named as layers, ops and inputs are; a second call of a layer adds "@2".

    Raises:
        GraphError: if two layers or inputs have one name.
    """
    given = {node.name for node in nodes if node.body is not None or node.is_source}
    owners: dict[str, Any] = {}
    calls: dict[str, int] = {}
    found: dict[str, Node] = {}
    for node in nodes:
        own = node.name
        owner: Any = node.target
        if node.is_source:
            if owner.kind == "weight":
                continue
            owner = node
        elif node.body is None and own in given:
            # users name layers and inputs; an op gives way: `x + y` beside a layer "add"
            own = f"ops.{own}"
        calls[own] = count = calls.get(own, 0) + 1
        name = own if count == 1 else f"{own}@{count}"
        if name in found or owners.setdefault(own, owner) is not owner:
            raise GraphError(
                explain(
                    "two layers or inputs have the same name",
                    received=f"{node.name!r}, the second made at {node.location}",
                    expected="names that are unique in a model",
                    fix="pass name=… to one of them, or leave names out",
                )
            )
        found[name] = node
    return found


def build_graph(nodes: Mapping[str, Node]) -> nx.MultiDiGraph:
    """Return the networkx graph of nodes that have names (see `named`).

    Graph nodes have the attributes `kind` ("input", "layer" or "op"), `target`, `node` and
    `location`. Edges have `output` (which of the source's), `position` (which of the input's),
    `shape`, `dtype` and `mask` (symbolic, or None).
    """
    graph = nx.MultiDiGraph()
    names = {node: name for name, node in nodes.items()}
    for name, node in nodes.items():
        graph.add_node(
            name, kind=_kind(node), target=node.target, node=node, location=node.location
        )
        for position, symbol in enumerate(node.inputs):
            if symbol.node in names:
                graph.add_edge(
                    names[symbol.node],
                    name,
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


def nodes_in(graph: nx.MultiDiGraph) -> dict[str, Node]:
    """Return the nodes of a graph by name, each after those it reads."""
    found = [(data["node"].serial, name, data["node"]) for name, data in graph.nodes(data=True)]
    return {name: node for _, name, node in sorted(found)}


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
