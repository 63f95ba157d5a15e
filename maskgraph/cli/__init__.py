"""The command line: `maskgraph run | check | parity | backends`."""

from maskgraph.cli.entry import main as main
