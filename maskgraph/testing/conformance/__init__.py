"""The conformance suite: `pytest --pyargs maskgraph.testing --backend NAME` says whether a
backend is done."""
