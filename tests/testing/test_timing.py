"""Runs are timed in turn: in which order, how often, and what comes of it."""

import gc

import pytest

from maskgraph.testing.timing import Timing, take_turns


def test_every_other_round_goes_backwards():
    calls = []
    times = take_turns({n: lambda n=n: calls.append(n) for n in "abc"}, 0.0, least=4)
    assert "".join(calls) == "abccbaabccba"
    assert {name: len(timing.wall) for name, timing in times.items()} == dict.fromkeys("abc", 4)
    assert all(len(t.cpu) == 4 for t in times.values())


def test_there_is_an_end():
    assert len(take_turns({"a": lambda: None}, 60.0, most=7)["a"].wall) == 7


def test_collection_pauses_and_goes_on():
    seen = []
    take_turns({"a": lambda: seen.append(gc.isenabled())}, 0.0)
    assert seen == [False] * 3
    assert gc.isenabled()


def test_collection_goes_on_after_an_error():
    with pytest.raises(ZeroDivisionError):
        take_turns({"a": lambda: 1 / 0})
    assert gc.isenabled()


def test_medians_and_quartiles():
    timing = Timing([3.0, 1.0, 2.0, 5.0, 4.0], [1.0, 9.0, 2.0])
    assert timing.median == 3.0
    assert timing.quartiles == (2.0, 4.0)
    assert timing.cpu_median == 2.0
