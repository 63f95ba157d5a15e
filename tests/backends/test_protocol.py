"""The protocol as a whole: same signatures everywhere, tensors in and out."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from maskgraph import layers
from maskgraph.backend import Backend
from maskgraph.backend.recurrent import Cell
from maskgraph.errors import VocabularyError
from maskgraph.models import Input, Model

METHODS = [n for n, m in inspect.getmembers(Backend, inspect.isroutine) if not n.startswith("_")]


def _parameters(method: Any) -> list[tuple[str, Any, Any]]:
    signature = inspect.signature(method).parameters.values()
    return [(p.name, p.kind, p.default) for p in signature]


@pytest.mark.parametrize("name", METHODS)
def test_signature_is_the_protocols(backend: Backend, reference: Backend, name: str) -> None:
    expected = _parameters(getattr(Backend, name))
    assert _parameters(getattr(type(backend), name)) == expected
    assert _parameters(getattr(type(reference), name)) == expected


def test_a_backend_adds_nothing_public(backend: Backend) -> None:
    assert {n for n in dir(type(backend)) if not n.startswith("_")} == set(dir(Backend)) - {
        n for n in dir(Backend) if n.startswith("_")
    } | {"name"}


@pytest.mark.parametrize("name", ["maskgraph_torch", "maskgraph_tensorflow", "maskgraph_jax"])
def test_a_plugin_imports_no_framework(name: str) -> None:
    code = f"import sys, {name}; print({name}.plugin.framework in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_the_cpu_is_a_device(backend: Backend) -> None:
    assert "cpu" in backend.devices()
    x = backend.asarray(np.ones(3))
    assert backend.device_of(x) == "cpu"
    assert backend.device_of(backend.full((2,), 0, "int32")) == "cpu"


def test_native_tensors_stay_what_they_are(backend: Backend) -> None:
    x = backend.asarray(np.ones(3))
    assert backend.asarray(x) is x
    assert backend.dtype(backend.asarray(x, "int32")) == "int32"


def test_half_precision_comes_back_as_float32(backend: Backend) -> None:
    x = backend.asarray(np.array([1.5, 2]), "bfloat16")
    assert backend.dtype(x) == "bfloat16"
    array = backend.to_numpy(x)
    assert array.dtype == np.float32
    assert array.tolist() == [1.5, 2]
    assert backend.to_numpy(backend.asarray(np.float16(3))).dtype == np.float16


def test_bfloat16_of_ml_dtypes(backend: Backend) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = backend.asarray(np.array([1.5, 2], ml_dtypes.bfloat16))
    assert backend.dtype(x) == "bfloat16"
    assert backend.to_numpy(x).tolist() == [1.5, 2]


def test_unknown_ids_are_errors(backend: Backend, reference: Backend) -> None:
    for b in (backend, reference):
        table = b.asarray(np.ones((3, 2)))
        with pytest.raises(VocabularyError, match="outside the vocabulary"):
            b.embedding(table, b.asarray(np.array([0, 3])))


def test_torch_results_of_a_run_can_be_trained_on() -> None:
    torch = pytest.importorskip("torch")
    from maskgraph_torch.backend import TorchBackend

    b = TorchBackend("cpu")
    w = torch.ones(3, requires_grad=True)
    with b.running():
        x = b.multiply(w, w)
    assert not x.requires_grad
    (x * w).sum().backward()
    assert w.grad.tolist() == [1, 1, 1]
    assert b.asarray(w, "float64").requires_grad
    assert b.to_numpy(w).tolist() == [1, 1, 1]


def test_tensorflow_traces() -> None:
    tf = pytest.importorskip("tensorflow")
    from maskgraph_tensorflow.backend import TensorflowBackend

    b = TensorflowBackend("cpu")

    def forward(x: Any, mask: Any, kernel: Any) -> Any:
        out, *_ = b.rnn(x, mask, [None, None], kernel, kernel, None, Cell("lstm"), True)
        weights = b.masked_softmax(b.sum(out, (2,), False), mask, 1)
        pooled = b.sum(b.multiply(out, b.expand_dims(weights, (2,))), (1,), False)
        hidden = b.concatenate([pooled, b.mean(b.select_valid(out, mask, 0), (1,), False)], 1)
        rows = b.merge_axes(b.repeat(out, 2, 1), 0, 1)
        table = b.embedding(kernel, b.cast(mask, "int32"))
        picked = b.reshape(table, (b.shape(out)[0], -1))[:, ::-1]
        return hidden, rows, picked, b.max(out, (0,), False), b.full((b.shape(x)[0],), 1, "int32")

    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(2, 4, 3)))
    mask = tf.constant([[True, False, True, False], [False] * 4])
    kernel = tf.constant(rng.normal(size=(3, 12)))
    shapes = (tf.TensorSpec([None, 4, 3], "double"), tf.TensorSpec([None, 4], "bool"))
    traced = tf.function(forward, input_signature=[*shapes, tf.TensorSpec([3, 12], "double")])
    for expected, result in zip(forward(x, mask, kernel), traced(x, mask, kernel), strict=True):
        np.testing.assert_allclose(result, expected)
    empty = traced(x[:0], mask[:0], kernel)
    assert (empty[3].numpy() == 0).all()


def test_tensorflow_keeps_weights_that_were_first_used_in_a_trace() -> None:
    tf = pytest.importorskip("tensorflow")
    x = Input((None, 3))
    model = Model(x, layers.Dense(2)(x))
    data = np.ones((1, 2, 3), "float32")
    plan = model.plan(data, backend="tensorflow")
    ((traced, _),) = tf.function(lambda x: plan.run([(x, None)]))(tf.constant(data))
    np.testing.assert_allclose(model.predict(data, backend="tensorflow"), traced, atol=1e-6)
