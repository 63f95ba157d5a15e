"""The law, driven by hypothesis over the table of layers and over random graphs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgraph.testing import check_law
from maskgraph.testing.gradient_law import check_gradient_law
from maskgraph.testing.layer_table import LAWFUL
from maskgraph.testing.random_models import random_model
from maskgraph.testing.sequences import FILLERS, PADDINGS

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow"])
LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any)
SEEDS = st.integers(0, 10**6)


def fewer(share):
    return settings(max_examples=max(settings().max_examples // share, 1))


@BACKENDS
@given(row=st.sampled_from(LAWFUL), seed=SEEDS, lengths=LENGTHS)
def test_layers(backend, row, seed, lengths):
    check_law(row, backend=backend, lengths=lengths, seed=seed, padding=row.padding)


@BACKENDS
@fewer(5)
@given(seed=SEEDS, size=st.integers(2, 30), lengths=LENGTHS)
def test_graphs(backend, seed, size, lengths):
    model = random_model(seed, size, windows=True)
    check_law(model, backend=backend, lengths=lengths, tolerance=1e-4)


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
@given(
    row=st.sampled_from(LAWFUL),
    seed=SEEDS,
    lengths=LENGTHS,
    filler=st.sampled_from(FILLERS),
    padding=st.lists(st.sampled_from(PADDINGS), min_size=1, max_size=3),
)
def test_gradients(backend, row, seed, lengths, filler, padding):
    sides = [side for side in padding if side in row.padding] or row.padding
    check_gradient_law(
        row, backend=backend, lengths=lengths, padding=sides, filler=filler, seed=seed
    )


@fewer(8)
@given(row=st.sampled_from(LAWFUL), seed=SEEDS, lengths=LENGTHS, filler=st.sampled_from(FILLERS))
def test_on_jax(row, seed, lengths, filler):
    """Which compiles anew for each shape."""
    check_law(row, backend="jax", lengths=lengths, seed=seed, padding=row.padding)
    check_gradient_law(row, backend="jax", lengths=lengths, filler=filler, seed=seed)
