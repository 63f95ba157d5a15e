"""`maskgraph run`: a model on data, its outputs summarised and written."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from maskgraph.backend import load
from maskgraph.cli.data import read_inputs, write_outputs, writer_for
from maskgraph.cli.loading import load_model
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import leaves
from maskgraph.models import Model
from maskgraph.text import columns


def run(options: argparse.Namespace) -> int:
    if bool(options.input) == options.random:
        raise ArgumentError(
            explain(
                "run: one source of data is needed",
                received="both a file and --random" if options.random else "none",
                expected="maskgraph run MODEL INPUT, or maskgraph run MODEL --random",
            )
        )
    output = Path(options.output) if options.output else None
    if output is not None:
        writer_for(output)  # refused before the work is done, not after
    model = load_model(options.model)
    inputs = _random(model, options.seed) if options.random else read_inputs(options.input)
    backend = load(options.backend, options.device)
    results = model.predict(
        inputs, backend=backend.name, device=backend.device, batch_size=options.batch_size
    )
    outputs = dict(_named(model, results))
    print(f"{model.name} on {backend.name}, {backend.device}")
    print("\n".join(columns([(name, *_summary(value)) for name, value in outputs.items()])))
    if output is not None:
        write_outputs(output, outputs)
        print(f"written to {output}")
    return 0


def _random(model: Model, seed: int) -> Any:
    from maskgraph.testing.samples import random_inputs

    return random_inputs(model, seed)


def _named(model: Model, results: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yield outputs with their names: the keys of a dict, or the tensors' own."""
    if isinstance(results, dict):
        yield from results.items()
        return
    for symbol, value in zip(leaves(model.outputs), leaves(results), strict=True):
        yield symbol.name, value


def _summary(value: np.ndarray) -> tuple[str, ...]:
    cells = f"shape {value.shape}", str(value.dtype)
    if not value.size:
        return (*cells, "no values")
    numbers = value.astype("float64")
    text = f"min {numbers.min():.6g}  mean {numbers.mean():.6g}  max {numbers.max():.6g}"
    bad = int((~np.isfinite(numbers)).sum())
    return (*cells, text + (f"  {bad} not finite" if bad else ""))
