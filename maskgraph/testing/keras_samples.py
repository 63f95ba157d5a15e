"""Random data for a Keras model, from nothing but what its inputs declare."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph.graph import leaves, unflatten

LENGTHS = (4, 1, 6, 3)
"""None is empty: Keras is known to fail there."""

_SIZE = 3
_IDS = 10


def keras_inputs(model: Any, seed: int = 0) -> tuple[Any, Any] | None:
    """Return inputs for a Keras model and their masks, in the structure it takes; None if it
    does not say what that is.

    Sequences are right-padded with zeros, or with what the model masks; ids are between 1 and
    the smallest vocabulary of the model.
    """
    symbols = list(leaves(getattr(model, "inputs", None) or []))
    if not symbols:
        return None
    layers = list(model._flatten_layers())
    vocabulary = min((x.input_dim for x in layers if hasattr(x, "input_dim")), default=_IDS)
    pads = [float(x.mask_value) for x in layers if type(x).__name__ == "Masking"]
    generator = np.random.default_rng(seed)
    made = [_drawn(s, i, vocabulary, (pads or [0.0])[0], generator) for i, s in enumerate(symbols)]
    structure = getattr(model, "_inputs_struct", None)
    if structure is None or len(symbols) == 1:
        structure = symbols[0] if len(symbols) == 1 else symbols
    return (
        unflatten(structure, iter(value for value, _ in made)),
        unflatten(structure, iter(mask for _, mask in made)),
    )


def _drawn(
    symbol: Any, index: int, vocabulary: int, pad: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    ids = "int" in str(symbol.dtype)
    shape = tuple(symbol.shape[1:])
    steps = bool(shape) and (len(shape) > 1 or shape[0] is None or ids)
    lengths = (*LENGTHS[index:], *LENGTHS[:index])
    size = (shape[0] or max(LENGTHS)) if steps else None
    rest = tuple(n or _SIZE for n in (shape[1:] if steps else shape))
    full = (len(LENGTHS), *(() if size is None else (size,)), *rest)
    if ids:
        values = generator.integers(1, max(2, vocabulary), full).astype(str(symbol.dtype))
    else:
        values = generator.normal(size=full).astype(str(symbol.dtype))
    if size is None:
        return values, None
    mask = np.arange(size) < np.minimum(lengths, size)[:, None]
    values[~mask] = 0 if ids else pad
    return values, mask
