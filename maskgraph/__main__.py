"""`python -m maskgraph` is `maskgraph`."""

import sys

from maskgraph.cli import main

sys.exit(main())
