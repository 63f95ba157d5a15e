"""What every backend promises about itself, its devices, its tensors and its gradients."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from maskgraph import layers
from maskgraph.backend import Array, Backend, find, load
from maskgraph.errors import BackendError, DeviceError, VocabularyError
from maskgraph.masks import MaskedTensor

METHODS = [n for n, m in inspect.getmembers(Backend, inspect.isroutine) if n[0] != "_"]
DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float16", "float32", "float64")


def _parameters(method: Any) -> list[tuple[str, Any, Any]]:
    signature = inspect.signature(method)
    return [(p.name, p.kind, p.default) for p in signature.parameters.values()]


@pytest.mark.parametrize("name", METHODS)
def test_signatures_are_those_of_the_protocol(backend: Backend, name: str) -> None:
    assert _parameters(getattr(type(backend), name)) == _parameters(getattr(Backend, name))


def test_the_plugin_has_the_name_of_the_backend(backend: Backend) -> None:
    plugin = find(backend.name)
    assert plugin.name == type(backend).name == backend.name
    assert not plugin.missing()
    assert plugin.install


def test_devices(backend: Backend) -> None:
    devices = backend.devices()
    assert backend.device == devices[0]
    for device in devices:
        on = load(backend.name, device)
        x = on.asarray(np.ones(3, "float32"))
        assert on.device_of(x) == on.device_of(on.full((2,), 0, "int32")) == device
    with pytest.raises(DeviceError, match=devices[0]):
        load(backend.name, "toaster:7")


@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 3)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_go_in_and_come_out(backend: Backend, dtype: str, shape: tuple[int, ...]) -> None:
    array = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(dtype)
    x = backend.asarray(array)
    assert backend.dtype(x) == dtype
    assert backend.shape(x) == shape
    assert isinstance(backend.shape(x), tuple)
    out = backend.to_numpy(x)
    assert isinstance(out, np.ndarray)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, array)


def test_arrays_of_any_layout(backend: Backend) -> None:
    array = np.arange(12, dtype="float32").reshape(3, 4)
    for x in (array[::-1, ::2], array.T, np.broadcast_to(array[:1], (3, 4)), np.float32(2)):
        np.testing.assert_array_equal(backend.to_numpy(backend.asarray(x)), x)


@pytest.mark.parametrize("to", DTYPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_casts(backend: Backend, dtype: str, to: str) -> None:
    array = np.array([0, 1, 1, 0]).astype(dtype)
    for x in (backend.asarray(array, to), backend.cast(backend.asarray(array), to)):
        assert backend.dtype(x) == to
        np.testing.assert_array_equal(backend.to_numpy(x), array.astype(to))


def test_casts_to_narrow_integers_wrap_round(backend: Backend) -> None:
    x = backend.asarray(np.array([-1.5, 3.7], "float32"))
    assert backend.to_numpy(backend.cast(x, "uint8")).tolist() == [255, 3]
    wide = backend.asarray(np.array([-1, 300], "int32"))
    assert backend.to_numpy(backend.cast(wide, "uint8")).tolist() == [255, 44]


def test_native_tensors_are_known_as_such(backend: Backend) -> None:
    x = backend.asarray(np.ones((1, 2, 3), "float32"))
    assert backend.asarray(x) is x
    assert MaskedTensor(x).backend.name == backend.name
    result = layers.Dense(2)(x)
    assert type(result.value) is type(x)
    assert result.backend.device == backend.device_of(x)


def test_contexts_nest(backend: Backend) -> None:
    with backend.running(), backend.quiet(), backend.running():
        x = backend.divide(backend.full((), 1, "float32"), backend.full((), 0, "float32"))
    assert np.isinf(backend.to_numpy(x))


@pytest.mark.parametrize("id_", [-1, 3])
def test_ids_outside_the_vocabulary_are_errors(backend: Backend, id_: int) -> None:
    table, ids = backend.asarray(np.ones((3, 2), "float32")), np.array([0, id_], "int32")
    with pytest.raises(VocabularyError, match=rf"received: {id_}\n  expected: ids from 0 to 2"):
        backend.embedding(table, backend.asarray(ids))


def test_what_is_not_selected_has_no_gradient(backend: Backend) -> None:
    _require_gradients(backend)
    mask = np.array([True, False])
    x = backend.asarray(np.array([2.0, np.nan]))

    def loss(arrays: list[Array]) -> Array:
        kept = backend.where(backend.asarray(mask), arrays[0], backend.zeros_like(arrays[0]))
        return backend.sum(backend.square(kept), (0,), False)

    assert backend.to_numpy(backend.gradients(loss, [x])[0]).tolist() == [4, 0]


@pytest.mark.parametrize(
    ("name", "rest", "at", "slope"),
    [
        ("abs", (), 0.0, 0),
        ("relu", (), 0.0, 0),
        ("relu6", (), 6.0, 0),
        ("leaky_relu", (0.2,), 0.0, 0.2),
        ("elu", (0.5,), 0.0, 0.5),
        ("clip", (0, 6), 0.0, 1),
        ("clip", (0, 6), 6.0, 1),
    ],
)
def test_slopes_at_kinks(backend: Backend, name: str, rest: Any, at: float, slope: float) -> None:
    """Where there is no one derivative, all backends take the same."""
    _require_gradients(backend)
    function, x = getattr(backend, name), backend.asarray(np.array([at]))
    [found] = backend.gradients(lambda xs: backend.sum(function(xs[0], *rest), (0,), False), [x])
    np.testing.assert_allclose(backend.to_numpy(found), [slope], rtol=1e-7)


def test_what_is_not_used_has_gradient_zero(backend: Backend) -> None:
    _require_gradients(backend)
    x, y = backend.asarray(np.ones(2)), backend.asarray(np.ones((3, 1)))
    found = backend.gradients(lambda arrays: backend.sum(arrays[0], (0,), False), [x, y])
    assert [backend.to_numpy(g).tolist() for g in found] == [[1, 1], [[0], [0], [0]]]


def test_a_backend_that_does_not_differentiate_says_so(backend: Backend) -> None:
    if backend.differentiates:
        pytest.skip("the backend differentiates")
    with pytest.raises(BackendError, match=f"{backend.name!r} does not differentiate"):
        backend.gradients(lambda arrays: arrays[0], [backend.full((), 1, "float32")])


def _require_gradients(backend: Backend) -> None:
    if not backend.differentiates:
        pytest.skip("the backend does not differentiate")
