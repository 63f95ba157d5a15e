"""Where the steps of a batch stand when they are packed in lanes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from maskgraph.backend.lanes import Lanes, spans

in_place_or_not = pytest.mark.parametrize("in_place", [False, True])


def masks(count: int = 200) -> Iterator[np.ndarray]:
    """Random masks with padding, holes and empty rows among them, most of a few steps."""
    generator = np.random.default_rng(0)
    while count:
        shape = generator.integers(1, 7 if count % 10 else 90, 2)
        mask = generator.random(shape) < generator.random()
        if mask.any() and not mask.all():
            count -= 1
            yield mask


def extent(row: np.ndarray) -> np.ndarray:
    """From the first step that exists to the last."""
    found = np.flatnonzero(row)
    return np.arange(found[0], found[-1] + 1) if len(found) else found


@in_place_or_not
def test_each_step_has_one_slot_and_every_slot_a_step(in_place: bool) -> None:
    for mask in masks():
        lanes = Lanes.of(mask, in_place)
        assert len(lanes.index) == len(lanes.row) == len(lanes.valid) == lanes.slots
        assert sorted(lanes.index[lanes.valid]) == np.flatnonzero(mask).tolist()
        # what holds no step of its own repeats one: it is as finite as the data
        assert mask.reshape(-1)[lanes.index].all()


@in_place_or_not
def test_a_sequence_stands_in_order_in_one_lane(in_place: bool) -> None:
    for mask in masks():
        lanes = Lanes.of(mask, in_place)
        for row, exists in enumerate(mask):
            slots = np.flatnonzero(lanes.row == row)
            steps = extent(exists) if in_place else np.flatnonzero(exists)
            assert len(slots) == len(steps)
            if len(slots):
                assert slots.tolist() == list(range(lanes.first[row], lanes.last[row] + 1))
                assert len(set(slots // lanes.width)) == 1
                assert lanes.valid[slots].tolist() == exists[steps].tolist()
                there = exists[steps]
                assert (lanes.index[slots][there] == row * mask.shape[1] + steps[there]).all()
        assert not lanes.valid[lanes.row == len(mask)].any()


def test_the_rectangle_finds_its_slots() -> None:
    for mask in masks():
        lanes = Lanes.of(mask, True)
        assert lanes.slot.shape == mask.shape
        np.testing.assert_array_equal(lanes.slot >= 0, mask)
        np.testing.assert_array_equal(lanes.index[lanes.slot[mask]], np.flatnonzero(mask))


def test_without_padding_nothing_moves() -> None:
    lanes = Lanes.of(np.ones((3, 4), bool), False)
    assert lanes.full
    assert (lanes.lanes, lanes.width) == (3, 4)
    assert lanes.row.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert lanes.first.tolist() == [0, 4, 8]
    assert lanes.last.tolist() == [3, 7, 11]


def lengths(batch: int, time: int, count: int) -> Iterator[np.ndarray]:
    """Masks of sequences whose lengths are log-normal, of mean 0.4 of the time axis."""
    generator = np.random.default_rng(1)
    for _ in range(count):
        drawn = generator.lognormal(np.log(0.33 * time), 0.6, batch)
        yield np.arange(time) < np.clip(drawn, 1, time).astype(int)[:, None]


def test_many_batches_have_few_shapes_and_waste_little() -> None:
    for batch, time, few, most in ((64, 512, 30, 1.06), (64, 128, 20, 1.06), (16, 32, 8, 1.6)):
        shapes, wastes = set(), []
        for mask in lengths(batch, time, 1000):
            lanes = Lanes.of(mask, False)
            shapes.add((lanes.lanes, lanes.width))
            wastes.append(lanes.slots / mask.sum())
        assert len(shapes) <= few, sorted(shapes)
        assert np.mean(wastes) < most


def test_no_batch_takes_more_slots_than_the_rectangle() -> None:
    for mask in masks():
        lanes = Lanes.of(mask, True)
        assert lanes.slots <= mask.size


@pytest.mark.parametrize("gap", [1, 3])
def test_a_gap_follows_each_sequence(gap: int) -> None:
    for mask in masks():
        lanes = Lanes.of(mask, True, gap)
        assert sorted(lanes.index[lanes.valid]) == np.flatnonzero(mask).tolist()
        for first, last, count in zip(lanes.first, lanes.last, lanes.count, strict=True):
            if count:  # the next lane begins behind it, too
                assert (lanes.row[last + 1 : last + 1 + gap] == len(mask)).all()
                assert last + gap < lanes.slots
                assert (lanes.row[first - min(gap, first) : first] == len(mask)).all()


def test_each_row_is_in_the_shortest_span_that_it_fits() -> None:
    for mask in masks():
        lanes = Lanes.of(mask, False)
        widths = spans(lanes.time, lanes.slots)
        assert widths == sorted(widths)
        assert max(widths) <= lanes.slots
        assert sorted(lanes.order) == list(range(len(mask)))
        assert (lanes.begins[0], lanes.begins[-1]) == (0, len(mask))
        np.testing.assert_array_equal(lanes.count, mask.sum(1))
        for k, width in enumerate(widths):
            counts = lanes.count[lanes.order[lanes.begins[k] : lanes.begins[k + 1]]]
            assert (counts <= width).all()
            assert k == 0 or (counts > widths[k - 1]).all()


def test_there_are_few_spans() -> None:
    assert spans(512, 10_000) == [128, 256, 384, 512]
    assert spans(100, 10_000) == [25, 50, 75, 100]
    assert spans(20, 10_000) == [16, 32]
    assert spans(100, 60) == [25, 50, 60]
