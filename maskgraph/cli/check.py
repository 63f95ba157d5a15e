"""`maskgraph check`: the report on a model's masks."""

from __future__ import annotations

import argparse
import json
import warnings
from dataclasses import asdict
from typing import Any

from maskgraph.cli.loading import load_model
from maskgraph.errors import MaskLossWarning
from maskgraph.graph import Location
from maskgraph.passes import Report


def run(options: argparse.Namespace) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MaskLossWarning)  # the report tells them all
        report: Report = load_model(options.model).check()
    print(json.dumps(_as_dict(report), indent=2) if options.json else report)
    return 1 if options.strict and not report.ok else 0


def _as_dict(report: Report) -> dict[str, Any]:
    return {
        "model": report.model,
        "ok": report.ok,
        "findings": [_located(asdict(f)) for f in report.findings],
        "rows": [_located(r._asdict()) for r in report.rows],
    }


def _located(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "location": item["location"] and str(Location(*item["location"]))}
