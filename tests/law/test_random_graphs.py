"""The law over random graphs, on every backend."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskgraph.testing import check_law
from maskgraph.testing.random_models import random_model


@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(2, 12),
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any),
)
def test_each_row_gives_what_it_gives_alone(backend, seed, size, lengths):
    model = random_model(seed, size)
    check_law(model, backend=backend, lengths=lengths, tolerance=1e-4)
