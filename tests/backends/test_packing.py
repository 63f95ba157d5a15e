"""Where the steps of a batch stand when they are packed."""

import numpy as np
import pytest

from maskgraph.backend import load
from maskgraph.backend.distinct import Distinct
from maskgraph.backend.packing import Packing


def masks(count=200):
    """Random masks of few rows and columns, holes and empty rows among them."""
    generator = np.random.default_rng(0)
    while count:
        shape = generator.integers(1, 7, 2)
        mask = generator.random(shape) < generator.random()
        if mask.any():
            count -= 1
            yield mask


def packed(mask, **options):
    """Return a packing, and the number of each step of the rectangle in its slots."""
    packing = Packing(mask, **options)
    numbers = np.arange(mask.size)
    return packing, numbers if packing.index is None else packing.index


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("block_cost", [0, 3, 1000])
def test_each_step_has_one_slot_and_every_slot_a_step(block_cost, in_place):
    for mask in masks():
        packing, held = packed(mask, block_cost=block_cost, in_place=in_place)
        valid = np.ones(packing.slots, bool) if packing.valid is None else packing.valid
        assert sorted(held[valid]) == np.flatnonzero(mask).tolist()
        assert len(held) == packing.slots
        # what holds no step of its own repeats one: it is as finite as the data
        assert mask.reshape(-1)[held].all()


@pytest.mark.parametrize("in_place", [False, True])
def test_steps_of_a_sequence_stand_in_order_in_a_row_of_a_block(in_place):
    for mask in masks():
        packing, held = packed(mask, block_cost=2, in_place=in_place)
        row = 0
        for block in packing.blocks:
            steps = held[block.start : block.stop].reshape(block.rows, block.length)
            for sequence in steps:
                own = row if packing.order is None else packing.order[row]
                length = packing.lengths[row]
                expected = np.flatnonzero(mask[own])
                if in_place and len(expected):
                    extent = np.arange(expected[0], expected[-1] + 1)
                    expected = expected[np.searchsorted(expected, extent, side="right") - 1]
                assert sequence[:length].tolist() == (own * mask.shape[1] + expected).tolist()
                row += 1
        assert row == len(mask)
        assert (np.diff(packing.lengths) <= 0).all()


def test_a_block_is_full_if_all_its_slots_are_valid():
    for mask in masks():
        packing, _ = packed(mask, block_cost=5)
        for block in packing.blocks:
            slots = slice(block.start, block.stop)
            assert block.full == (packing.valid is None or packing.valid[slots].all())


def test_blocks_cost_no_more_than_other_cuts():
    """The cut into blocks is the best there is: tried against all others."""
    lengths = np.array([9, 9, 7, 6, 3, 3, 1])
    mask = np.arange(9) < lengths[:, None]
    for cost in (0, 1, 4, 20):
        blocks = Packing(mask, cost).blocks
        found = sum(b.rows * b.length + cost for b in blocks)
        assert found == min(_costs(lengths, cost))


def _costs(lengths, cost):
    """Yield what every way to cut lengths into blocks costs."""
    if not len(lengths):
        yield 0
    for stop in range(1, len(lengths) + 1):
        for rest in _costs(lengths[stop:], cost):
            yield stop * lengths[0] + cost + rest


def test_without_padding_nothing_moves():
    packing = Packing(np.ones((3, 4), bool))
    assert packing.full
    assert packing.index is None
    assert packing.order is None
    [block] = packing.blocks
    assert (block.rows, block.length, block.full) == (3, 4, True)


def test_back_to_the_rectangle():
    for mask in masks():
        packing, held = packed(mask, block_cost=3)
        places = packing.rectangle()
        back = np.where(places.filled, held[places.slot], -1)
        expected = np.where(mask, np.arange(mask.size).reshape(mask.shape), -1)
        np.testing.assert_array_equal(back.reshape(mask.shape), expected)
        assert places.empty.tolist() == np.flatnonzero(~mask).tolist()


def test_apart_leaves_places_between_sequences():
    mask = np.array([[True, True, False], [False, True, True], [True, False, False]])
    places, place = Packing(mask, block_cost=0).apart(2)
    assert places.filled.astype(int).tolist() == [1, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0]
    assert place.tolist() == [0, 1, 4, 5, 8]
    assert places.slot[places.filled].tolist() == [0, 1, 2, 3, 4]


def test_distinct_ids():
    ids = np.array([[5, 3, 5, 5, 9, 3]])
    found = Distinct.of(ids, 10)
    assert found.ids.tolist() == [[3, 5, 9]]
    assert found.ids[0, found.which].tolist() == ids[0].tolist()


@pytest.mark.parametrize(
    "ids",
    [[[1, 2, 3, 4, 1]], [[1, 1, -1, 1, 1]], [[1, 1, 10, 1, 1]], np.zeros((1, 0), int)],
    ids=["few repeat", "negative", "outside", "none"],
)
def test_ids_that_are_left_as_they_are(ids):
    assert Distinct.of(np.array(ids), 10) is None


def test_edges_are_the_slots_whose_windows_are_not_all_their_own():
    mask = np.array([[True, True, True], [True, True, False]])
    edges = Packing(mask, block_cost=0).edges((-1, 0, 1))
    assert edges.slots.tolist() == [0, 2, 3, 4]
    windows = np.where(edges.steps.filled, edges.steps.slot, -1).reshape(-1, 3)
    assert windows.tolist() == [[-1, 0, 1], [1, 2, -1], [-1, 3, 4], [3, 4, -1]]
    assert edges.index.tolist() == [5, 1, 6, 7, 8]


def test_neither_holes_nor_slots_without_a_step_are_edges():
    mask = np.array([[True, True, False, True, True], [True, True, True, True, False]])
    packing = Packing(mask, block_cost=100, in_place=True)
    assert packing.blocks == ((0, 2, 5, False),)
    assert packing.holes.tolist() == [2]
    edges = packing.edges((-1, 0, 1))
    assert edges.slots.tolist() == [0, 4, 5, 8]
    windows = np.where(edges.steps.filled, edges.steps.slot, -1).reshape(-1, 3)
    assert windows.tolist() == [[-1, 0, 1], [3, 4, -1], [-1, 5, 6], [7, 8, -1]]


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("padding", ["same", "causal"])
@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("block_cost", [0, 100])
@pytest.mark.parametrize("holes", [False, True], ids=["whole", "holes"])
def test_convolution_of_each_sequence_alone(name, padding, dilation, dtype, block_cost, holes):
    """Sequences shorter than the reach of a window, too; what is not finite stays where it is."""
    backend, generator = load(name), np.random.default_rng(0)
    mask = np.arange(9) < np.array([6, 1, 2, 9])[:, None]
    values = generator.normal(size=(4, 9, 3))
    values[3, 4] = np.nan
    if holes:
        mask[0, 2:4] = mask[3, 5] = False  # one repeats what is not a number
    kernel = generator.normal(size=(4, 3, 5))
    packing = Packing(mask, block_cost, in_place=True)
    x = backend.pack(backend.asarray(values, dtype), packing)
    y = backend.packed_conv(x, packing, backend.asarray(kernel, dtype), padding, dilation)
    found = backend.to_numpy(backend.unpack(y, packing, (None, None)))
    left = 3 * dilation if padding == "causal" else 3 * dilation // 2
    close = 1e-10 if dtype == "float64" else 1e-5
    for row, step in np.argwhere(mask):
        taps = [(tap, step + tap * dilation - left) for tap in range(4)]
        expected = sum(values[row, at] @ kernel[tap] for tap, at in taps if _exists(mask[row], at))
        np.testing.assert_allclose(found[row, step], expected, rtol=close, atol=close)
    assert np.isfinite(found[:3]).all()


def _exists(mask, step):
    return 0 <= step < len(mask) and mask[step]
