"""Convolution on PyTorch, which few steps and many take two ways: NumPy's result, by both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import maskgraph_numpy

torch = pytest.importorskip("torch")

from maskgraph_torch import windows  # noqa: E402
from maskgraph_torch.backend import TorchBackend  # noqa: E402

TORCH, NUMPY = TorchBackend("cpu"), maskgraph_numpy.plugin.load()("cpu")
FEATURES = 6
CASES = [
    # taps, groups, filters, strides, padding, dilation rate
    (3, 1, 5, 1, "same", 1),
    (3, 1, 5, 2, "same", 1),
    (2, 1, 5, 1, "same", 1),
    (3, 1, 5, 1, "same", 3),
    (4, 1, 5, 1, "causal", 2),
    (3, 1, 5, 3, "valid", 1),
    (3, 2, 4, 1, "same", 2),
    (1, 6, 6, 1, "valid", 1),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("batch", "time"), [(1, 20), (1, 600), (40, 20)])
def test_few_steps_and_many(
    monkeypatch: pytest.MonkeyPatch, case: Any, dtype: str, batch: int, time: int
) -> None:
    taps, groups, filters, *how = case
    calls = []
    by_kernel = windows._convolved
    monkeypatch.setattr(windows, "_convolved", lambda *a: calls.append(a) or by_kernel(*a))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, time, FEATURES)).astype(dtype)
    kernel = rng.normal(size=(taps, FEATURES // groups, filters)).astype(dtype)
    found = TORCH.conv(torch.tensor(x), torch.tensor(kernel), *how)
    expected = NUMPY.conv(x.astype("float64"), kernel.astype("float64"), *how)
    close = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(found.numpy(), expected, rtol=close, atol=close)
    assert bool(calls) == (batch * time > windows._FEW or groups > 1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradients_are_the_same_by_both(monkeypatch: pytest.MonkeyPatch, case: Any) -> None:
    taps, groups, filters, *how = case
    rng = np.random.default_rng(1)
    arrays = [
        rng.normal(size=(3, 9, FEATURES)),
        rng.normal(size=(taps, FEATURES // groups, filters)),
    ]

    def gradients() -> list[np.ndarray]:
        def loss(given: list[Any]) -> Any:
            return TORCH.sum(TORCH.square(TORCH.conv(*given, *how)), (0, 1, 2), False)

        return [g.numpy() for g in TORCH.gradients(loss, [torch.tensor(a) for a in arrays])]

    few = gradients()
    monkeypatch.setattr(windows, "_FEW", 0)
    for a, e in zip(few, gradients(), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-12)
