"""Which subject a model is."""

from __future__ import annotations

import sys
from typing import Any

from maskgraph.backend import load
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import leaves
from maskgraph.layers.base.layer import Layer
from maskgraph.testing.leaks.batches import Batch
from maskgraph.testing.leaks.subjects.function import FunctionSubject
from maskgraph.testing.leaks.subjects.keras_model import KerasSubject
from maskgraph.testing.leaks.subjects.maskgraph_model import MaskgraphSubject
from maskgraph.testing.leaks.subjects.subject import Feed, Subject
from maskgraph.testing.leaks.subjects.tensors import framework_of, tensors_for
from maskgraph.testing.leaks.subjects.torch_module import TorchSubject


def subject_for(
    fn: Any, inputs: Any, batch: Batch, feed: Feed, backend: str | None = None
) -> Subject:
    """Return what stands for a model, layer, module or function.

    Raises:
        ArgumentError: if it is none of these.
    """
    if isinstance(fn, Layer):
        return MaskgraphSubject(fn, feed, batch, load(backend))
    if is_keras(fn):
        return KerasSubject(fn, feed)
    if is_torch(fn):
        return TorchSubject(fn, feed)
    if not callable(fn) or isinstance(fn, type):
        raise ArgumentError(
            explain(
                "check_leaks: this cannot be called on data",
                received=f"{type(fn).__name__}: {fn!r}"[:120],
                expected="a maskgraph or Keras model or layer, a torch.nn.Module, or a function "
                "of values and a mask",
            )
        )
    first = next(iter(leaves(inputs)))
    device = getattr(first, "device", None)
    return FunctionSubject(fn, feed, tensors_for(framework_of(first), device))


def is_keras(fn: Any) -> bool:
    """Tell whether something is a layer or model of Keras."""
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(fn, keras.Layer)


def is_torch(fn: Any) -> bool:
    """Tell whether something is a module of PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(fn, torch.nn.Module)
