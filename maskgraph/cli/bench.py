"""`maskgraph bench`: a model's time in each layout, on sequences as long as the user's own."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from maskgraph.backend import load
from maskgraph.cli.bench_data import check, described, inputs_for
from maskgraph.cli.loading import load_model
from maskgraph.graph import leaves
from maskgraph.models import Model
from maskgraph.models.running import ModelRunner
from maskgraph.plan.layout import LAYOUTS, Choice
from maskgraph.testing.difference import NONE, Difference, difference
from maskgraph.testing.timing import Timing, take_turns
from maskgraph.text import columns


def run(options: argparse.Namespace) -> int:
    check(options)
    model = load_model(options.model)
    backend = load(options.backend, options.device)
    inputs = inputs_for(model, options)
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
    runner = ModelRunner(model)
    tensors = runner.admit(inputs)
    batches = [[x.on(backend) for x in b] for b in runner.batches(tensors, options.batch_size)]
    print(f"{model.name} on {backend.name}, {backend.device}: {described(tensors)}")
    print("\n".join(columns(_table(times, apart))))
    packed, auto = (runner.plan(tensors, backend, layout=name) for name in ("packed", "auto"))
    print("\n".join(_saving(list(map(packed.choice, batches)), list(map(auto.choice, batches)))))
    worst = max(d.relative for d in apart.values())
    if worst > options.tolerance:
        print(f"the layouts differ by {worst:.2g}, more than {options.tolerance:g}")
        return 1
    return 0


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


def _saving(packed: Sequence[Choice], auto: Sequence[Choice]) -> Iterator[str]:
    """Tell how many steps the packed layout does not compute, and what "auto" makes of that, given
    what each batch runs by."""
    packings = [packing for choice in packed for packing in choice.packings]
    if not packings:
        unmasked = any(choice.name == "unmasked" for choice in packed)
        yield (
            "nothing is padding: packed and auto run without masks"
            if unmasked
            else "nothing can be packed: all layouts run padded"
        )
        return
    whole = sum(p.batch * p.time for p in packings)
    kept = sum(p.slots for p in packings)
    exist = sum(p.slots if p.valid is None else np.count_nonzero(p.valid) for p in packings)
    share = f"{1 - kept / whole:.0%} are saved"
    yield f"packed computes {kept} of {whole} steps, {exist} of which exist: {share}"
    counts = Counter(choice.name for choice in auto)
    if len(counts) > 1:
        yield "auto runs batches " + ", ".join(f"{name} ({n})" for name, n in counts.most_common())
    elif "padded" in counts:
        yield "auto runs padded: packing would cost more than it saves"
    else:
        yield f"auto runs {auto[0].name}"
