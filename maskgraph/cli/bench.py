"""`maskgraph bench`: a model's time in each layout, on sequences as long as the user's own."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from maskgraph.backend import Backend, load
from maskgraph.cli.data import read_inputs
from maskgraph.cli.loading import load_model
from maskgraph.errors import LoadError, explain
from maskgraph.graph import leaves
from maskgraph.models import Model
from maskgraph.models.running import ModelRunner
from maskgraph.plan.layout import LAYOUTS
from maskgraph.testing.difference import NONE, Difference, difference
from maskgraph.testing.samples import random_inputs
from maskgraph.testing.timing import Timing, take_turns
from maskgraph.text import columns

_SIGMA = 0.6
"""Of the logarithm of lengths, about what sentences have."""


def run(options: argparse.Namespace) -> int:
    model = load_model(options.model)
    backend = load(options.backend, options.device)
    if options.data:
        inputs, told = read_inputs(options.data), f"the data of {options.data}"
    else:
        lengths = _read_lengths(options.lengths) if options.lengths else _lengths(options)
        inputs = random_inputs(model, options.seed, lengths)
        told = f"{len(lengths)} sequences of {min(lengths)} to {max(lengths)} steps"
    runs = {
        layout: partial(
            model.predict,
            inputs,
            backend=backend.name,
            device=backend.device,
            batch_size=options.batch_size,
            layout=layout,
        )
        for layout in LAYOUTS
    }
    apart = _compared(model, runs)
    before = model.get_weights()
    times = take_turns(runs, options.seconds)
    model.set_weights(before)
    print(f"{model.name} on {backend.name}, {backend.device}: {told}")
    print("\n".join(columns(_table(times, apart))))
    print(_saving(model, backend, inputs))
    worst = max(d.relative for d in apart.values())
    if worst > options.tolerance:
        print(f"the layouts differ by {worst:.2g}, more than {options.tolerance:g}")
        return 1
    return 0


def _read_lengths(file: str) -> list[int]:
    text = Path(file).read_text(encoding="utf-8").split()
    try:
        lengths = list(map(int, text))
    except ValueError as error:
        raise LoadError(
            explain(f"{file} cannot be read as lengths", received=str(error), expected="numbers")
        ) from None
    if not lengths or min(lengths) < 0 or not max(lengths):
        raise LoadError(
            explain(
                f"{file} holds no lengths of sequences",
                received=f"{len(lengths)} numbers" + (f" from {min(lengths)}" if lengths else ""),
                expected="whole numbers from 0, with spaces or line ends between them, not all 0",
            )
        )
    return lengths


def _lengths(options: argparse.Namespace) -> list[int]:
    """Return log-normal lengths: one batch of them, on average 0.4 of the longest."""
    normal = np.random.default_rng(options.seed).normal(size=options.batch_size)
    middle = np.log(0.4 * options.time) - _SIGMA**2 / 2
    lengths = np.clip(np.rint(np.exp(middle + _SIGMA * normal)), 1, options.time)
    return [int(n) for n in lengths]


def _compared(model: Model, runs: dict[str, Any]) -> dict[str, Difference]:
    """Return how far each layout's outputs are from those of the padded one. Every layout is
    warm afterwards, and no run has seen what another left in the model."""
    before = model.get_weights()
    outputs = {}
    for layout, run in runs.items():
        outputs[layout] = list(leaves(run()))
        model.set_weights(before)
    apart = {}
    for layout, found in outputs.items():
        apart[layout] = NONE
        for pair in zip(found, outputs["padded"], strict=True):
            apart[layout] = apart[layout].with_(difference(*pair))
    return apart


def _table(times: dict[str, Timing], apart: dict[str, Difference]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("layout", "median", "quartiles", "CPU", "against padded", "outputs differ by")
    ]
    for layout in ("padded", "packed", "auto"):
        timing = times[layout]
        low, high = timing.quartiles
        rows.append(
            (
                layout,
                f"{1e3 * timing.median:.3g} ms",
                f"{1e3 * low:.3g}–{1e3 * high:.3g}",
                f"{1e3 * timing.cpu_median:.3g} ms",
                f"{times['padded'].median / timing.median:.2f} times as fast",
                f"{apart[layout].relative:.1g}",
            )
        )
    return rows


def _saving(model: Model, backend: Backend, inputs: Any) -> str:
    """Return in words how many steps the packed layout does not compute."""
    tensors = [x.on(backend) for x in ModelRunner(model).admit(inputs)]
    plan = model.plan(inputs, backend=backend.name, device=backend.device, layout="packed")
    packings = plan.packings(tensors)
    if not packings:
        return "nothing can be packed: all layouts run padded"
    whole = sum(p.batch * p.time for p in packings)
    kept = sum(p.slots for p in packings)
    return f"packed computes {kept} of {whole} steps: {1 - kept / whole:.0%} are saved"
