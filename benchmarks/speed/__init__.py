"""How fast maskgraph is beside everybody else, on one machine, in interleaved runs.

    python -m benchmarks.speed

runs every line of the table in a process for each framework, and writes docs/performance.md and
docs/performance.svg. `--full` takes an hour in place of minutes.
"""
