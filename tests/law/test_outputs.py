"""The law, driven by hypothesis over the table of layers and over random graphs."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskgraph.testing import check_law
from maskgraph.testing.layer_table import LAWFUL
from maskgraph.testing.random_models import random_model

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any)
SEEDS = st.integers(0, 10**6)


def some(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


@BACKENDS
@some(40)
@given(row=st.sampled_from(LAWFUL), seed=SEEDS, lengths=LENGTHS)
def test_layers(backend, row, seed, lengths):
    check_law(row, backend=backend, lengths=lengths, seed=seed, padding=row.padding)


@BACKENDS
@some(8)
@given(seed=SEEDS, size=st.integers(2, 12), lengths=LENGTHS)
def test_graphs(backend, seed, size, lengths):
    model = random_model(seed, size)
    check_law(model, backend=backend, lengths=lengths, tolerance=1e-4)
