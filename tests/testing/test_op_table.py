"""The table of ops has a row for every op, and an op for every row."""

import numpy as np
import pytest

from maskgraph import ops
from maskgraph.operators import REGISTRY
from maskgraph.ops import packed
from maskgraph.testing.difference import INFINITE, NONE, Difference, difference
from maskgraph.testing.op_sample import Masked, Sample
from maskgraph.testing.op_table import OPS

PUBLIC = {name for name, value in vars(ops).items() if callable(value) and name[0] != "_"}


def test_every_op_has_a_row():
    assert {row.op for row in OPS} == PUBLIC


def test_every_defined_op_is_public():
    of_programs = {name for name, op in REGISTRY.items() if op.__module__ == packed.__name__}
    assert "pack" in of_programs
    others = {"native_call"} | of_programs  # a layer's own function, and what lowering writes
    assert set(REGISTRY) - others == PUBLIC - {"shape"}


def test_rows_have_names_of_their_own():
    assert len({str(row) for row in OPS}) == len(OPS)


def test_samples_are_the_same_but_for_the_padding():
    clean, dirty = Sample(), Sample(padding=np.nan)
    for name in ("x", "y", "positive", "whole", "ids", "flags"):
        a, b = getattr(clean, name), getattr(dirty, name)
        assert isinstance(a, Masked)
        np.testing.assert_array_equal(a.values[a.mask], b.values[b.mask])
        assert (a.values[~a.mask] != b.values[~b.mask]).any() or name == "flags"


@pytest.mark.parametrize(
    ("found", "expected", "apart"),
    [
        ([1.0, 2.0], [1.0, 2.0], NONE),
        ([1.5, 11.0], [1.0, 10.0], Difference(1.0, 0.5)),
        ([np.nan, np.inf], [np.nan, np.inf], NONE),
        ([1.0], [np.nan], INFINITE),
        ([-np.inf], [np.inf], INFINITE),
        ([1.0, 1.0], [1.0], INFINITE),
        ([101], [100], Difference(1.0, 1.0)),
        ([True], [False], Difference(1.0, 1.0)),
        ([], [], NONE),
    ],
)
def test_differences(found, expected, apart):
    assert difference(np.array(found), np.array(expected)) == apart
