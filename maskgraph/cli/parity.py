"""`maskgraph parity`: one model on every backend, compared."""

from __future__ import annotations

import argparse

from maskgraph.cli.data import read_inputs
from maskgraph.cli.loading import load_model
from maskgraph.testing.parity import check_parity


def run(options: argparse.Namespace) -> int:
    model = load_model(options.model)
    parity = check_parity(
        model,
        read_inputs(options.input) if options.input else None,
        options.backend and [n for names in options.backend for n in names.split(",")],
        gradients=options.gradients,
        device=options.device,
        tolerance=options.tolerance,
        seed=options.seed,
    )
    print(parity)
    return 0 if parity.ok else 1
