"""How an experiment touches Keras and maskgraph: the same words for both."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Side:
    """A library on one backend.

    Attributes:
        k: its module: `keras` or `maskgraph`, which have the same names.
        backend: the name of the backend.
    """

    name: str
    k: Any
    backend: str

    def tensor(self, values: Any, mask: Any = None) -> Any:
        """Return data as a tensor that carries a mask."""
        raise NotImplementedError

    def array(self, tensor: Any) -> np.ndarray:
        raise NotImplementedError

    def mask(self, tensor: Any) -> np.ndarray | None:
        """Return the mask that a tensor with data carries."""
        raise NotImplementedError

    def symbolic_mask(self, tensor: Any) -> Any:
        """Return the mask that a symbolic tensor carries."""
        raise NotImplementedError

    def gradients(self, run: Any, layer: Any, x: Any, ends: Any = None) -> list[np.ndarray]:
        """Return the gradients of the sum of `run(x)`, where `ends` is True, by the weights of a
        layer."""
        raise NotImplementedError

    def number(self, x: Any) -> float:
        return float(self.array(x))


class KerasSide(Side):
    """Keras, on the backend that KERAS_BACKEND names."""

    name = "Keras"

    def __init__(self) -> None:
        import keras

        self.k, self.backend = keras, keras.backend.backend()

    def tensor(self, values: Any, mask: Any = None) -> Any:
        from keras.src.backend import set_keras_mask

        tensor = self.k.ops.convert_to_tensor(values)
        if mask is not None:
            set_keras_mask(tensor, self.k.ops.convert_to_tensor(mask, dtype="bool"))
        return tensor

    def array(self, tensor: Any) -> np.ndarray:
        return np.asarray(self.k.ops.convert_to_numpy(tensor))

    def mask(self, tensor: Any) -> np.ndarray | None:
        found = self.symbolic_mask(tensor)
        return None if found is None else np.asarray(self.k.ops.convert_to_numpy(found))

    def symbolic_mask(self, tensor: Any) -> Any:
        from keras.src.backend import get_keras_mask

        return get_keras_mask(tensor)

    def gradients(self, run: Any, layer: Any, x: Any, ends: Any = None) -> list[np.ndarray]:
        from benchmarks.comparison.gradients import keras_gradients

        return keras_gradients(self, run, layer, x, ends)


class MaskgraphSide(Side):
    """maskgraph, on the backend in use."""

    name = "maskgraph"

    def __init__(self, backend: str) -> None:
        import maskgraph

        self.k, self.backend = maskgraph, backend

    def tensor(self, values: Any, mask: Any = None) -> Any:
        return self.k.MaskedTensor(np.asarray(values), mask)

    def array(self, tensor: Any) -> np.ndarray:
        return np.asarray(tensor.numpy() if hasattr(tensor, "numpy") else tensor)

    def mask(self, tensor: Any) -> np.ndarray | None:
        if tensor.mask is None:
            return None
        return np.asarray(tensor.backend.to_numpy(tensor.mask))

    def symbolic_mask(self, tensor: Any) -> Any:
        return tensor.mask

    def gradients(self, run: Any, layer: Any, x: Any, ends: Any = None) -> list[np.ndarray]:
        from benchmarks.comparison.gradients import maskgraph_gradients

        return maskgraph_gradients(self, run, layer, x, ends)


def compiled(backend: str, function: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return a function of native tensors as a framework compiles it; None without a compiler."""
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if backend == "jax":
        import jax

        return jax.jit(function)
    if backend == "torch":
        import torch

        return torch.compile(function, backend="eager")
    return None


def has_gpu(backend: str) -> bool:
    """Tell whether a framework sees a GPU."""
    if backend == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if backend == "torch":
        import torch

        return bool(torch.cuda.is_available())
    return False


def set_weights(layer: Any, seed: int = 0) -> None:
    """Give a layer or model weights that are the same in every library."""
    generator = np.random.default_rng(seed)
    shapes: Sequence[tuple[int, ...]] = [tuple(w.shape) for w in layer.weights]
    layer.set_weights([generator.normal(scale=0.5, size=s).astype("float32") for s in shapes])


def quiet() -> None:
    """Keep frameworks from talking while they are imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
