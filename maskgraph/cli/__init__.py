"""The command line: `maskgraph run | check | parity | leaks | backends`."""

from maskgraph.cli.entry import main as main
