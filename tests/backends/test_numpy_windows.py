"""Convolution on NumPy, some windows at a time: window by window gives the same."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import maskgraph_numpy
from maskgraph.backend.packing import Packing
from maskgraph_numpy import windows

NUMPY = maskgraph_numpy.plugin.load()("cpu")
_rng = np.random.default_rng(0)
HOW = [*itertools.product((1, 2, 3), ("same", "valid", "causal"), (1,)), *[
    (1, padding, 2) for padding in ("same", "valid", "causal")
]]  # fmt: skip
RIGHT = np.arange(9) < np.array([9, 1, 4, 8])[:, None]
MASKS = {
    "right": RIGHT,
    "left": RIGHT[:, ::-1],
    "holes": RIGHT & (np.arange(9) % 3 != 1),
    "none": RIGHT | True,
}


def by_hand(x: Any, kernel: Any, strides: int, padding: str, dilation_rate: int) -> Any:
    """Convolve one sequence, step after step."""
    reach = (len(kernel) - 1) * dilation_rate + 1
    rest = -len(x) % strides if strides > 1 else 0
    added = max(reach - (strides - rest if strides > 1 else 1), 0)
    before = {"valid": 0, "causal": reach - 1, "same": added // 2}[padding]
    after = {"valid": 0, "causal": 0, "same": added - added // 2}[padding]
    x = np.concatenate([np.zeros((before, x.shape[1])), x, np.zeros((after, x.shape[1]))])
    rows = [
        sum(x[start + tap * dilation_rate] @ matrix for tap, matrix in enumerate(kernel))
        for start in range(0, len(x) - reach + 1, strides)
    ]
    return np.array(rows).reshape(-1, kernel.shape[2])


@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize("taps", [1, 2, 3, 4])
@pytest.mark.parametrize("at_once", [4, 256])
@pytest.mark.parametrize("shape", [(1, 11), (3, 11), (5, 2), (5, 1), (2, 0), (0, 3)])
def test_window_by_window(
    monkeypatch: pytest.MonkeyPatch, shape: Any, at_once: int, taps: int, how: Any
) -> None:
    monkeypatch.setattr(windows, "_AT_ONCE", at_once)
    x, kernel = _rng.normal(size=(*shape, 2)), _rng.normal(size=(taps, 2, 5))
    found = NUMPY.conv(x, kernel, *how)
    expected = [by_hand(sequence, kernel, *how) for sequence in x]
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("features", "filters"), [(0, 5), (2, 0)])
def test_of_nothing(features: int, filters: int) -> None:
    x, kernel = np.ones((4, 9, features)), np.ones((3, features, filters))
    assert NUMPY.conv(x, kernel, 1, "same", 1).tolist() == np.zeros((4, 9, filters)).tolist()
    packing = Packing(RIGHT)
    found = NUMPY.packed_conv(NUMPY.pack(x, packing), packing, kernel, "same", 1)
    assert found.tolist() == np.zeros((1, packing.slots, filters)).tolist()


@pytest.mark.parametrize("how", [h for h in HOW if h[0] == 1 and h[1] != "valid"], ids=str)
@pytest.mark.parametrize("taps", [1, 2, 3, 4])
@pytest.mark.parametrize("at_once", [4, 256])
@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("masked", MASKS)
def test_packed_each_sequence_alone(
    monkeypatch: pytest.MonkeyPatch, masked: str, in_place: bool, at_once: int, taps: int, how: Any
) -> None:
    monkeypatch.setattr(windows, "_AT_ONCE", at_once)
    packing = Packing(mask := MASKS[masked], in_place=in_place)
    x = np.where(mask[..., None], _rng.normal(size=(4, 9, 2)), np.nan)
    kernel = _rng.normal(size=(taps, 2, 5))
    found = NUMPY.packed_conv(NUMPY.pack(x, packing), packing, kernel, *how[1:])
    found = NUMPY.unpack(found, packing, (4, 9, 5))
    for row, valid, sequence in zip(found, mask, x, strict=True):
        steps = np.flatnonzero(valid)
        span = np.arange(steps[0], steps[-1] + 1) if in_place else steps
        alone = by_hand(np.nan_to_num(sequence[span]), kernel, *how)
        kept = valid[span]
        np.testing.assert_allclose(row[span][kept], alone[kept], rtol=1e-12, atol=1e-12)
