"""Equal calls on symbols are one node, for as long as anybody holds it."""

import gc

import pytest

import maskgraph as mg
from maskgraph import ops
from maskgraph.operators import REGISTRY


def test_equal_calls_are_one_node():
    x = mg.Input((None, 4), masked=True)
    assert x * 2 is x * 2
    assert x[:, 1:] is x[:, 1:]
    assert ops.concatenate([x, x], axis=1) is ops.concatenate([x, x], axis=1)


@pytest.mark.parametrize(("a", "b"), [(1, 1.0), (1, True), (0, False), (0.0, -0.0), (1, 2)])
def test_numbers_of_other_kinds_are_other_calls(a, b):
    x = mg.Input((4,))
    assert x * a is not x * b
    assert x * a is x * a


def test_outputs_of_one_node_are_not_taken_for_each_other():
    first, second = ops.split(mg.Input((4,)), 2, axis=1)
    assert (first + 1) is not (second + 1)
    assert (second + 1) is (second + 1)


def test_nodes_that_nobody_holds_leave_nothing_behind():
    x = mg.Input((4,))
    kept = x * 0.5
    for i in range(20_000):
        x * (i + 0.25)
        if i % 1000 == 0:
            gc.collect()
    assert len(REGISTRY["multiply"].interned) < 5_000
    assert x * 0.5 is kept
