"""What Keras, PyTorch by hand and maskgraph give where masks go wrong: each claim is a run.

    python -m benchmarks.comparison

runs every case against the Keras that is installed, once for each of its backends, and writes
docs/comparison.md.
"""
