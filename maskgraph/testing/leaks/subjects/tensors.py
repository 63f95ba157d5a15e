"""The tensors of each framework: from and to the host, and gradients.

A framework is looked up among the modules that are loaded, never imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from maskgraph.masks import MaskedTensor

Function = Callable[[list[Any]], list[Any]]


def framework_of(value: Any) -> str:
    """Return "torch", "tensorflow", "jax" or "numpy"."""
    for cls in type(value).__mro__:
        top = cls.__module__.partition(".")[0]
        if top in ("torch", "tensorflow", "jax", "jaxlib"):
            return "jax" if top == "jaxlib" else top
    return "numpy"


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a tensor, of anybody's."""
    return isinstance(value, MaskedTensor) or (
        hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, type)
    )


def host(value: Any) -> np.ndarray:
    """Return a tensor as a NumPy array."""
    if isinstance(value, MaskedTensor):
        return np.asarray(value.backend.to_numpy(value.value))
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
    found = np.asarray(value)
    # types that NumPy does not know, as bfloat16, come as void
    return found.astype(np.float32) if found.dtype.kind == "V" else found


class Tensors:
    """NumPy's tensors, and what others override."""

    differentiates = False

    def native(self, array: np.ndarray) -> Any:
        return array

    def pullback(
        self,
        function: Function,
        inputs: Sequence[np.ndarray],
        weights: Sequence[Any],
        cotangents: Sequence[np.ndarray | None],
    ) -> list[np.ndarray]:
        """Return the gradients of what a function gives for inputs, times cotangents, by the
        inputs of floats and then by the weights that it reads."""
        raise NotImplementedError


class TorchTensors(Tensors):
    """PyTorch's tensors, on one device."""

    differentiates = True

    def __init__(self, device: Any = None) -> None:
        self.torch = sys.modules["torch"]
        self.device = device

    def native(self, array: np.ndarray) -> Any:
        if array.dtype.kind in "iu" and array.dtype != np.uint8:
            array = array.astype(np.int64)
        return self.torch.tensor(array, device=self.device)

    def pullback(
        self,
        function: Function,
        inputs: Sequence[np.ndarray],
        weights: Sequence[Any],
        cotangents: Sequence[np.ndarray | None],
    ) -> list[np.ndarray]:
        natives = [self.native(x) for x in inputs]
        floats = [x.requires_grad_() for x in natives if x.is_floating_point()]
        sources = [*floats, *weights]
        with self.torch.enable_grad():
            outputs = function(natives)
        pairs = [
            (y, self.torch.as_tensor(c, dtype=y.dtype, device=y.device))
            for y, c in zip(outputs, cotangents, strict=True)
            if c is not None and getattr(y, "requires_grad", False)
        ]
        if not pairs or not sources:
            return [np.zeros(tuple(s.shape), np.float32) for s in sources]
        found = self.torch.autograd.grad(
            [y for y, _ in pairs],
            sources,
            [c for _, c in pairs],
            allow_unused=True,
            materialize_grads=True,
        )
        return [host(g.to_dense()) for g in found]


class TensorFlowTensors(Tensors):
    """TensorFlow's tensors."""

    differentiates = True

    def __init__(self) -> None:
        self.tf = sys.modules["tensorflow"]

    def native(self, array: np.ndarray) -> Any:
        return self.tf.convert_to_tensor(array)

    def pullback(
        self,
        function: Function,
        inputs: Sequence[np.ndarray],
        weights: Sequence[Any],
        cotangents: Sequence[np.ndarray | None],
    ) -> list[np.ndarray]:
        natives = [self.native(x) for x in inputs]
        sources = [*(x for x in natives if x.dtype.is_floating), *weights]
        with self.tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = function(natives)
        pairs = [
            (y, self.tf.cast(c, y.dtype))
            for y, c in zip(outputs, cotangents, strict=True)
            if c is not None and y.dtype.is_floating
        ]
        found = tape.gradient(
            [y for y, _ in pairs],
            sources,
            [c for _, c in pairs],
            unconnected_gradients=self.tf.UnconnectedGradients.ZERO,
        )
        return [host(self.tf.convert_to_tensor(g)) for g in found]


class JaxTensors(Tensors):
    """JAX's tensors; gradients by inputs only, as a function's weights cannot be seen."""

    differentiates = True

    def __init__(self) -> None:
        self.jax = sys.modules["jax"]

    def native(self, array: np.ndarray) -> Any:
        return self.jax.numpy.asarray(array)

    def pullback(
        self,
        function: Function,
        inputs: Sequence[np.ndarray],
        weights: Sequence[Any],
        cotangents: Sequence[np.ndarray | None],
    ) -> list[np.ndarray]:
        natives = [self.native(x) for x in inputs]
        places = [i for i, x in enumerate(natives) if self._is_float(x)]
        if not places:
            return []

        def of_floats(floats: list[Any]) -> list[Any]:
            given = list(natives)
            for place, x in zip(places, floats, strict=True):
                given[place] = x
            made = zip(function(given), cotangents, strict=True)
            return [y for y, c in made if c is not None and self._is_float(y)]

        outputs, backwards = self.jax.vjp(of_floats, [natives[i] for i in places])
        kept = [c for c in cotangents if c is not None]
        (found,) = backwards(
            [self.jax.numpy.asarray(c, y.dtype) for y, c in zip(outputs, kept, strict=True)]
        )
        return [host(g) for g in found]

    def _is_float(self, x: Any) -> bool:
        return bool(self.jax.numpy.issubdtype(x.dtype, self.jax.numpy.floating))


def tensors_for(framework: str, device: Any = None) -> Tensors:
    """Return the tensors of a framework that is loaded."""
    if framework == "torch":
        return TorchTensors(device)
    return {"tensorflow": TensorFlowTensors, "jax": JaxTensors}.get(framework, Tensors)()
