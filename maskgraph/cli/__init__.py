"""The command line: `maskgraph run | check | parity | leaks | bench | backends`."""

from maskgraph.cli.entry import main as main
