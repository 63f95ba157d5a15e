"""Plans within `torch.compile`, which takes what it can of them, and breaks where steps are packed
by what the data says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers

torch = pytest.importorskip("torch")
# it tells of caches that it looks through, and of parts of its own that are out of date
pytestmark = pytest.mark.filterwarnings("ignore")


def everything() -> mg.Model:
    ids = mg.Input((None,), "int32")
    x = layers.Embedding(50, 8, mask_zero=True)(ids)
    x = layers.TransformerEncoder(16, num_heads=2)(x)
    x = layers.GRU(8, return_sequences=True)(layers.Conv1D(8, 3, padding="same")(x))
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    return mg.Model(ids, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)), seed=0)


def batch(seed: int) -> Any:
    generator = np.random.default_rng(seed)
    mask = np.arange(9) < generator.integers(1, 9, 6)[:, None]
    ids = np.where(mask, generator.integers(1, 50, mask.shape), 0)
    return torch.from_numpy(ids.astype("int32"))


@pytest.mark.parametrize("layout", ["padded", "packed"])
def test_outputs_and_gradients_are_those_of_eager_runs(layout: str) -> None:
    torch._dynamo.reset()
    model = everything()
    plan = model.plan(batch(0), backend="torch", device="cpu", layout=layout)
    weights = [torch.from_numpy(w.numpy().copy()).requires_grad_() for w in plan.weights]

    def run(ids: Any) -> Any:
        return plan.run([(ids, None)], weights)[0][0]

    compiled = torch.compile(run, backend="eager")
    for seed in range(2):  # of other lengths
        ids = batch(seed)
        expected, found = run(ids), compiled(ids)
        torch.testing.assert_close(found, expected)
        slopes = [torch.autograd.grad(y.square().sum(), weights) for y in (found, expected)]
        for a, b in zip(*slopes, strict=True):
            torch.testing.assert_close(a, b)
