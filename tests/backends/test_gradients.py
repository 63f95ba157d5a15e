"""Gradients equal finite differences on NumPy in float64; what is not selected leaks none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from maskgraph.backend import Backend

_rng = np.random.default_rng(1)
_X = _rng.normal(size=(2, 3, 4)) + 0.01
_Y = _rng.normal(size=(3, 4))
_MASK = np.array([[True, False, True], [False, False, False]])
_WIDE = np.array([-60.0, -21.0, -3.5, -1.2, -0.4, 0.3, 1.7, 3.4, 7.0, 22.0, 45.0])
_KEEP = _rng.random((2, 3, 4)) < 0.5

Case = tuple[str, list[np.ndarray], tuple[Any, ...]]  # method, what to differentiate by, the rest

CASES: list[Case] = [
    *[
        (name, [_WIDE], ())
        for name in (
            "relu", "relu6", "selu", "sigmoid", "hard_sigmoid", "silu", "hard_silu", "softplus",
            "softsign", "log_sigmoid", "mish", "tanh", "square", "abs", "sin", "erf", "negative",
        )
    ],
    ("elu", [_WIDE], (1.0,)), ("elu", [_WIDE], (0.5,)), ("leaky_relu", [_WIDE], (0.2,)),
    ("gelu", [_WIDE], (True,)), ("gelu", [_WIDE], (False,)), ("clip", [_WIDE], (-2, 2)),
    ("divide", [_X, _Y], ()), ("mod", [_X, _Y], ()), ("maximum", [_X, _Y], ()),
    ("power", [_X**2 + 1, _Y], ()), ("matmul", [_X, _Y.T], ()),
    ("linear", [_X, _Y.T, _Y[:, 0]], ()), ("linear", [_X[0], _Y.T, _Y[:, 0]], ()),
    ("project", [_X, _X.reshape(3, 4, 2), _Y[0, :2]], (2,)),
    ("project", [_X, _Y.T[:, :, None], _Y.T[:3, :1]], (1,)),
    ("linear", [_X, _Y.T], (None,)), ("layer_norm", [_X, _Y[0], _Y[1]], ((2,), 1e-3)),
    ("layer_norm", [_X, _Y, _Y + 1], ((1, 2), 0.1)), ("layer_norm", [_X], (None, None, (1,), 0.1)),
    ("rms_norm", [_X, _Y[0]], ((2,), 1e-3)), ("rms_norm", [_X, _Y[:, 0]], ((1,), 0.1)),
    ("sum", [_X], ((0, 2), False)), ("prod", [_X], ((1, 2), True)), ("max", [_X], ((1,), False)),
    ("mean", [_X], ((1,), False)), ("var", [_X], ((1, 2), True)), ("std", [_X], ((2,), False)),
    ("logsumexp", [_X], ((0, 1), True)), ("cumsum", [_X], (1,)), ("min", [_X], ((2,), False)),
    *[(name, [_X], (axis,)) for name in ("softmax", "log_softmax") for axis in (0, 2)],
    ("masked_softmax", [_X], (_MASK[:, :, None], 1)), ("masked_softmax", [_X], (_KEEP, 2)),
    ("select_valid", [_X], (_MASK, 0)), ("dropout", [_X], (_KEEP, 0.5)),
    ("dropout", [_X], (np.zeros_like(_KEEP), 1.0)),
    ("take", [_X], (np.array([[0, 0], [2, 1]]), 1)), ("embedding", [_Y], (np.array([[0, 0, 2]]),)),
    ("take_along_axis", [_X], (np.array([[[0, 2, 1, 0]]] * 2), 1)),
    ("getitem", [_X], ((slice(None, None, -1), ..., slice(3, 0, -2)),)),
    ("pad", [_X], (((0, 0), (1, 2), (0, 1)), 0)), ("repeat", [_X], (2, 1)), ("flip", [_X], (1,)),
    ("tile", [_Y], ((2, 1),)), ("transpose", [_X], ((2, 0, 1),)), ("cast", [_X], ("float64",)),
    ("broadcast_to", [_Y], ((2, 3, 4),)), ("split", [_X], ((1, 3), 2)), ("unstack", [_X], (1,)),
]  # fmt: skip


def _loss(backend: Backend, name: str, rest: tuple[Any, ...]) -> Callable[[list[Any]], Any]:
    """A number that depends on every element of the result, on each differently."""
    rest = tuple(backend.asarray(a) if isinstance(a, np.ndarray) else a for a in rest)

    def loss(arrays: list[Any]) -> Any:
        result = getattr(backend, name)(*arrays, *rest)
        total = backend.full((), 0, "float64")
        for part in result if isinstance(result, tuple) else (result,):
            shape = backend.shape(part)
            weights = np.cos(np.arange(np.prod(shape, dtype=int))).reshape(shape)
            weighted = backend.multiply(part, backend.asarray(weights))
            total = backend.add(total, backend.sum(weighted, tuple(range(len(shape))), False))
        return total

    return loss


def _differences(loss: Callable[[list[Any]], Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Central differences of a loss, element by element."""
    step, found = 1e-6, []
    for i, array in enumerate(arrays):
        gradient = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            ends = []
            for sign in (1, -1):
                moved = array.copy()
                moved[place] += sign * step
                ends.append(float(loss([*arrays[:i], moved, *arrays[i + 1 :]])))
            gradient[place] = (ends[0] - ends[1]) / (2 * step)
        found.append(gradient)
    return found


@pytest.mark.parametrize(("name", "arrays", "rest"), CASES, ids=[case[0] for case in CASES])
def test_gradient(
    backend: Backend,
    reference: Backend,
    name: str,
    arrays: list[np.ndarray],
    rest: tuple[Any, ...],
) -> None:
    expected = _differences(_loss(reference, name, rest), arrays)
    found = backend.gradients(_loss(backend, name, rest), [backend.asarray(a) for a in arrays])
    for gradient, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(backend.to_numpy(gradient), right, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["relu", "relu6", "abs", "elu", "leaky_relu", "clip", "softplus"])
def test_kinks_are_alike(name: str) -> None:
    """Where there is no one derivative, all frameworks take the same."""
    torch = pytest.importorskip("maskgraph_torch.backend").TorchBackend("cpu")
    tensorflow = pytest.importorskip("maskgraph_tensorflow.backend").TensorflowBackend("cpu")
    jax = pytest.importorskip("maskgraph_jax.backend").JaxBackend("cpu")
    rest = {"elu": (0.5,), "leaky_relu": (0.2,), "clip": (0, 6)}.get(name, ())
    x = np.array([0.0, 6.0])
    first, *others = (
        np.asarray(b.gradients(_loss(b, name, rest), [b.asarray(x)])[0])
        for b in (torch, tensorflow, jax)
    )
    for other in others:
        np.testing.assert_allclose(other, first)


@pytest.mark.parametrize("name", ["select_valid", "masked_softmax", "where"])
def test_nan_in_the_padding_has_no_gradient(backend: Backend, name: str) -> None:
    x = backend.asarray(np.where(_MASK, 1.0, np.nan))
    mask = backend.asarray(_MASK)

    def loss(arrays: list[Any]) -> Any:
        x = arrays[0]
        if name == "where":
            result = backend.where(mask, x, backend.zeros_like(x))
        elif name == "select_valid":
            result = backend.select_valid(x, mask, 0)
        else:
            result = backend.multiply(
                backend.masked_softmax(x, mask, 1), backend.asarray(_Y[:2, :3])
            )
        return backend.sum(result, (0, 1), False)

    [gradient] = backend.gradients(loss, [x])
    assert np.isfinite(backend.to_numpy(gradient)).all()
    assert (backend.to_numpy(gradient)[~_MASK] == 0).all()


def test_an_empty_row_makes_no_nan_at_all() -> None:
    torch = pytest.importorskip("torch")
    b = pytest.importorskip("maskgraph_torch.backend").TorchBackend("cpu")
    x, mask = b.asarray(_X[0, :2, :3]).requires_grad_(), b.asarray(_MASK)
    with torch.autograd.set_detect_anomaly(True):
        b.square(b.masked_softmax(x, mask, 1)).sum().backward()
    assert (x.grad[1] == 0).all()


def test_what_is_not_used_has_gradient_zero(backend: Backend) -> None:
    x, y = backend.asarray(np.ones(2)), backend.asarray(np.ones((3, 1)))
    found = backend.gradients(lambda arrays: backend.sum(arrays[0], (0,), False), [x, y])
    assert [backend.to_numpy(g).tolist() for g in found] == [[1, 1], [[0], [0], [0]]]
    found = backend.gradients(lambda arrays: backend.full((), 1, "float64"), [x, y])
    assert [backend.to_numpy(g).tolist() for g in found] == [[0, 0], [[0], [0], [0]]]
