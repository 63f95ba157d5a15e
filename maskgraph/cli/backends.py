"""`maskgraph backends`: what is ready, missing or broken on this machine."""

from __future__ import annotations

import argparse

from maskgraph.backend import plugins, status_of
from maskgraph.text import columns


def run(options: argparse.Namespace) -> int:
    rows = [("backend", "version", "state", "devices", "")]
    for name in options.names or plugins():
        found = status_of(name)
        rows.append(
            (name, found.version or "-", found.state, ", ".join(found.devices) or "-", found.note)
        )
    print("\n".join(columns(rows)))
    return 0
