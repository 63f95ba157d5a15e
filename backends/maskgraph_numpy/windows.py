"""Convolutions in NumPy: a few hundred windows at a time, times all taps at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskgraph.backend import Array, Backend
from maskgraph.backend.packed_windows import window_offsets
from maskgraph.backend.packing import Packing, Places

_AT_ONCE = 256
"""How many windows are multiplied at once. They stay in the cache: 13,000 of three steps of 128
features take 0.65 of the time of a product of all steps for each tap, 128 take 0.9 of it."""


class Windows(Backend):
    """Convolution by products of windows."""

    def conv(
        self, inputs: Array, kernel: Array, strides: int, padding: str, dilation_rate: int
    ) -> Array:
        (batch, time, features), (taps, rows, filters) = inputs.shape, kernel.shape
        if rows < features:
            return super().conv(inputs, kernel, strides, padding, dilation_rate)
        reach = (taps - 1) * dilation_rate + 1
        left, right = self._border(inputs, reach, strides, padding)
        size = max((left + time + right - reach) // strides + 1, 0)
        dtype = np.result_type(inputs, kernel)
        matrix = kernel.reshape(taps * features, filters).astype(dtype, copy=False)
        y = np.empty((batch, size, filters), dtype)
        steps = max(min(size, _AT_ONCE), 1)
        many = _AT_ONCE // steps  # sequences; of more than one, all steps
        for row in range(0, batch, many):
            for start in range(0, size, steps):
                part = y[row : row + many, start : start + steps]
                windows = np.empty((*part.shape[:2], taps, features), dtype)
                for tap in range(taps):
                    first = start * strides + tap * dilation_rate - left
                    _take_steps(inputs[row : row + many], first, strides, windows[:, :, tap])
                number = part.shape[0] * part.shape[1]
                flat = windows.reshape(number, taps * features)
                np.dot(flat, matrix, part.reshape(number, filters))
        return y

    def packed_conv(
        self, inputs: Array, packing: Packing, kernel: Array, padding: str, dilation_rate: int
    ) -> Array:
        taps, features, filters = kernel.shape
        if taps == 1 or features < inputs.shape[2]:
            return super().packed_conv(inputs, packing, kernel, padding, dilation_rate)
        offsets = window_offsets(taps, padding, dilation_rate)
        held, windows = packing.native(("windows", offsets), lambda: _windows(packing, offsets))
        matrix = kernel.reshape(taps * features, filters)
        y = np.zeros((1, packing.slots, filters), inputs.dtype)
        for start in range(0, len(held), _AT_ONCE):
            here = held[start : start + _AT_ONCE]
            part = slice(start * taps, (start + _AT_ONCE) * taps)
            rows = np.take(inputs[0], windows.slot[part], axis=0)
            rows[~windows.filled[part]] = 0
            y[0, here] = rows.reshape(len(here), taps * features) @ matrix
        return y


def _windows(packing: Packing, offsets: Sequence[int]) -> tuple[np.ndarray, Places]:
    """Return the slots that hold a step, and their windows: at others nothing is computed."""
    held = np.arange(packing.slots) if packing.valid is None else np.flatnonzero(packing.valid)
    return held, packing.windows(held, offsets)


def _take_steps(x: Array, first: int, strides: int, out: Array) -> None:
    """Fill `out` with every so many steps of `x` from the first on; zeros where it has none."""
    time, steps = x.shape[1], out.shape[1]
    start = min(max(-(first // strides), 0), steps)
    stop = max(min(-((first - time) // strides), steps), start)
    out[:, :start] = 0
    out[:, start:stop] = x[:, first + start * strides :: strides][:, : stop - start]
    out[:, stop:] = 0
