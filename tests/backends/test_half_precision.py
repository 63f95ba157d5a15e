"""float16 and bfloat16: the dtype stays, the values are float32's within its precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from maskgraph.backend import Backend

_X = np.linspace(-4, 4, 12, dtype="float32").reshape(3, 4)
_KEEP = np.arange(12).reshape(3, 4) % 3 > 0

CASES: list[tuple[str, tuple[Any, ...]]] = [
    ("add", (_X,)), ("matmul", (_X.T,)), ("sum", ((1,), False)), ("mean", ((0,), True)),
    ("max", ((1,), False)), ("argmax", (1, False)), ("cumsum", (1,)), ("softmax", (1,)),
    ("logsumexp", ((1,), False)), ("masked_softmax", (_KEEP, 1)), ("sigmoid", ()),
    ("hard_sigmoid", ()), ("softplus", ()), ("gelu", (False,)), ("elu", (0.5,)),
    ("clip", (-0.5, 0.5)), ("select_valid", (_KEEP[:, 1], 0)), ("dropout", (_KEEP, 0.5)),
    ("pad", (((1, 1), (0, 0)), 0)), ("take", (np.array([2, 0]), 0)), ("einsum", ()),
    ("linear", (_X[:2].T, _X[0, :2])), ("layer_norm", (_X[0], _X[1], (1,), 1e-3)),
    ("layer_norm", (None, None, (0,), 1e-3)), ("rms_norm", (_X[0], (1,), 1e-3)),
    ("silu", ()), ("mish", ()), ("gelu", (True,)), ("log_sigmoid", ()), ("leaky_relu", (0.2,)),
    ("selu", ()), ("softsign", ()), ("log_softmax", (1,)), ("erf", ()),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("name", "rest"), CASES, ids=[name for name, _ in CASES])
def test_half_precision(
    backend: Backend, reference: Backend, name: str, rest: tuple[Any, ...], dtype: str
) -> None:
    def run(b: Backend, dtype: str) -> Any:
        def native(x: Any) -> Any:
            if not isinstance(x, np.ndarray):
                return x
            return b.asarray(x, dtype if x.dtype == "float32" else None)

        arguments = [native(x) for x in (_X, *rest)]
        with b.running():
            if name == "einsum":
                return b.einsum("ij,kj->ik", arguments * 2)
            return getattr(b, name)(*arguments)

    right, result = run(reference, "float32"), run(backend, dtype)
    assert backend.shape(result) == right.shape
    assert backend.dtype(result) == ("int32" if name == "argmax" else dtype)
    tolerance = 5e-3 if dtype == "float16" else 5e-2
    np.testing.assert_allclose(backend.to_numpy(result), right, rtol=tolerance, atol=tolerance)
