"""What a node costs: building, checking and planning deep graphs, beside networkx.

    python -m benchmarks.scale [NODES]

A graph of a thousand nodes, of ten thousand and so on up to NODES (100,000) is built, made a
model, checked and planned, in microseconds of CPU time a node. networkx builds a graph of the
same nodes, edges and attributes, and sorts it: the measure for all of it. Runs take turns;
figures are medians. First the smallest models are held against NumPy by hand.
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

import networkx as nx
import numpy as np

import maskgraph as mg
from maskgraph import layers
from maskgraph.text import columns

SIZE = 4
Ends = tuple[Any, Any]
"""A graph's input and output."""


def chain(count: int) -> Ends:
    """Return a chain of ops on an input with a mask."""
    x = start = mg.Input((None, SIZE), name="x", masked=True)
    for _ in range(count // 2):
        x = x * 0.5
        x = x + 1
    return start, x


def branches(count: int) -> Ends:
    """Return pairs of small layers that part and meet again."""
    x = start = mg.Input((None, SIZE), name="x", masked=True)
    for _ in range(count // 3):
        x = layers.Dense(SIZE)(x) + layers.Activation("tanh")(x)
    return start, x


def chain_by_hand(row: np.ndarray, weights: list[np.ndarray], count: int) -> np.ndarray:
    for _ in range(count // 2):
        row = row * np.float32(0.5) + np.float32(1)
    return row


def branches_by_hand(row: np.ndarray, weights: list[np.ndarray], count: int) -> np.ndarray:
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        row = row @ kernel + bias + np.tanh(row)
    return row


class Graph(NamedTuple):
    """A kind of graph: how it is built, what it computes, and how many nodes are enough."""

    build: Callable[[int], Ends]
    by_hand: Callable[[np.ndarray, list[np.ndarray], int], np.ndarray]
    most: int


GRAPHS = {
    "ops": Graph(chain, chain_by_hand, 100_000),
    "layers": Graph(branches, branches_by_hand, 10_000),
}
STAGES = ("networkx", "sort", "build", "model", "check", "plan")
DATA = mg.MaskedTensor(np.ones((1, 2, SIZE), "float32"), np.array([[True, False]]))


def prove(name: str, count: int) -> None:
    """Compare a model with NumPy by hand, each sequence alone.

    Raises:
        AssertionError: if they differ.
    """
    graph = GRAPHS[name]
    model = mg.Model(*graph.build(count), seed=0)
    # kernels as they are drawn would blow up a chain of hundreds of layers
    weights = [w / 4 for w in model.get_weights()]
    model.set_weights(weights)
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(length, SIZE)).astype("float32") for length in (5, 2)]
    results = model(rows, layout="padded").unpad()
    for row, result in zip(rows, results, strict=True):
        np.testing.assert_allclose(result, graph.by_hand(row, weights, count), rtol=1e-4)


def measure(name: str, count: int, rounds: int) -> dict[str, float]:
    """Return microseconds a node of each stage, and bytes a node."""
    found = timed(name, count, rounds)
    return {**found, "bytes": _memory(GRAPHS[name].build, count) / found["nodes"]}


def timed(name: str, count: int, rounds: int) -> dict[str, float]:
    """Return microseconds a node of each stage, and all of ours as a multiple of building and
    sorting in networkx."""
    build = GRAPHS[name].build
    model = mg.Model(*build(count))
    nodes = [(n, dict(d)) for n, d in model.graph.nodes(data=True)]
    edges = [(a, b, dict(d)) for a, b, d in model.graph.edges(data=True)]
    times: dict[str, list[float]] = {stage: [] for stage in STAGES}
    ratios = []
    for _ in range(rounds):
        # before and after: the machine may slow down between
        before, ours, after = _networkx(nodes, edges), _ours(build, count), _networkx(nodes, edges)
        theirs = {stage: (before[stage] + after[stage]) / 2 for stage in before}
        for stage, seconds in {**theirs, **ours}.items():
            times[stage].append(1e6 * seconds / len(nodes))
        ratios.append(sum(ours.values()) / sum(theirs.values()))
    gc.unfreeze()
    medians = {stage: median(values) for stage, values in times.items()}
    return {**medians, "nodes": len(nodes), "in_networkxs": median(ratios)}


def _forget_others() -> None:
    """Let the garbage collector see only what comes from now on, as in a program that begins."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.collect()  # it remembers how many it has seen, which are none now


def _networkx(nodes: list[Any], edges: list[Any]) -> dict[str, float]:
    _forget_others()
    began = time.process_time()
    graph = nx.MultiDiGraph()
    for name, attributes in nodes:
        graph.add_node(name, **attributes)
    for before, after, attributes in edges:
        graph.add_edge(before, after, **attributes)
    built = time.process_time()
    assert len(list(nx.topological_sort(graph))) == len(nodes)
    return {"networkx": built - began, "sort": time.process_time() - built}


def _ours(build: Callable[[int], Ends], count: int) -> dict[str, float]:
    _forget_others()
    times = [time.process_time()]
    start, end = build(count)
    times.append(time.process_time())
    model = mg.Model(start, end)
    times.append(time.process_time())
    assert model.check().ok
    times.append(time.process_time())
    _plan(model)
    times.append(time.process_time())
    took = [after - before for before, after in pairwise(times)]
    return dict(zip(STAGES[2:], took, strict=True))


def _plan(model: mg.Model) -> Any:
    """Return all that a run needs, which a plan else makes when it first runs."""
    return model.plan(DATA, backend="numpy", device="cpu", layout="padded").padded


def _memory(build: Callable[[int], Ends], count: int) -> float:
    """Return the bytes that a model and its plan hold."""
    gc.collect()
    tracemalloc.start()
    try:
        model = mg.Model(*build(count))
        plan = _plan(model)
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        del plan
        return held
    finally:
        tracemalloc.stop()


def table(results: list[tuple[str, dict[str, float]]]) -> list[str]:
    """Return the figures as lines: microseconds a node, and all of ours in networkx's."""
    head = ("nodes of", "number", *STAGES, "ours in all", "in networkx's", "bytes a node")
    rows = [head]
    for name, found in results:
        ours = sum(found[stage] for stage in STAGES[2:])
        figures = [f"{found[stage]:.1f}" for stage in STAGES]
        rows.append(
            (
                name,
                f"{found['nodes']:,.0f}",
                *figures,
                f"{ours:.1f}",
                f"{found['in_networkxs']:.1f}",
                f"{found['bytes']:,.0f}",
            )
        )
    return columns(rows)


def main() -> int:
    """Return 0: falling short is a result."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("nodes", nargs="?", type=int, default=100_000)
    most = parser.parse_args().nodes
    results = []
    for name, graph in GRAPHS.items():
        prove(name, 1000)
        count = 1000
        while count <= min(most, graph.most):
            rounds = 7 if count <= 1000 else 3
            results.append((name, measure(name, count, rounds)))
            count *= 10
    print("\n".join(table(results)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
