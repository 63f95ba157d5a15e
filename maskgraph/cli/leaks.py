"""`maskgraph leaks`: does padding change what anybody's model gives?"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from maskgraph.cli.loading import load_object
from maskgraph.errors import ArgumentError, BackendError, LoadError, explain
from maskgraph.layers.base.layer import Layer
from maskgraph.models import Model
from maskgraph.testing.keras_samples import keras_inputs
from maskgraph.testing.leaks.check import check_leaks
from maskgraph.testing.samples import random_inputs


def run(options: argparse.Namespace) -> int:
    with _keras_backend(options.backend):
        model = load_object(options.model)
    _refuse_other_backend(model, options.backend)
    if options.data:
        inputs, mask = _pair(options.data)
    else:
        inputs, mask = _random(model, options)
    report = check_leaks(
        model,
        inputs,
        mask,
        mask_name=options.mask_name,
        mask_means=options.mask_means,
        lengths_name=options.lengths_name,
        alterations=options.only.split(",") if options.only else None,
        backend=options.backend if isinstance(model, Layer) else None,
        seed=options.seed,
        tolerance=options.tolerance,
    )
    print(report)
    return 0 if report.ok else 1


@contextmanager
def _keras_backend(name: str | None) -> Iterator[None]:
    """Let a Keras that the user's file imports have a backend, unless the file or the environment
    says which."""
    set_here = name is not None and "KERAS_BACKEND" not in os.environ
    if set_here:
        os.environ["KERAS_BACKEND"] = str(name)
    try:
        yield
    finally:
        if set_here:
            os.environ.pop("KERAS_BACKEND", None)


def _pair(spec: str) -> tuple[Any, Any]:
    value = load_object(spec)
    if not isinstance(value, tuple) or len(value) != 2:
        raise LoadError(
            explain(
                f"{spec} is not data",
                received=type(value).__name__,
                expected="(values, mask), or a function that returns them; None for a mask that "
                "the model makes of the values",
            )
        )
    return value


def _random(model: Any, options: argparse.Namespace) -> tuple[Any, Any]:
    if isinstance(model, Model):
        return random_inputs(model, options.seed), None
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(model, keras.Model) and model.built:
        made = keras_inputs(model, options.seed)
        if made is not None:
            return made
    if not callable(model):
        raise LoadError(
            explain(
                f"{options.model} is not a model",
                received=f"{type(model).__name__}: {model!r}"[:120],
                expected="a model, layer, module or function",
            )
        )
    raise ArgumentError(
        explain(
            f"{options.model} does not say what its inputs are, so none can be made up",
            fix="--data file.py:name, of (values, mask)",
        )
    )


def _refuse_other_backend(model: Any, backend: str | None) -> None:
    keras = sys.modules.get("keras")
    if backend is None or keras is None or not isinstance(model, keras.Layer):
        return
    if keras.config.backend() != backend:
        raise BackendError(
            explain(
                "Keras has another backend than --backend asks for",
                received=f"KERAS_BACKEND is {keras.config.backend()}, --backend {backend}",
                fix="leave --backend out, or set KERAS_BACKEND",
            )
        )
