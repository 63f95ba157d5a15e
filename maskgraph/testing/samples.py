"""Random data for a model, from nothing but what its inputs declare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.errors import GraphError, explain
from maskgraph.graph import SymbolicTensor, leaves, unflatten
from maskgraph.masks import MaskedTensor
from maskgraph.models import Model
from maskgraph.plan import Program
from maskgraph.testing.sequences import Rectangle

LENGTHS = (4, 1, 0, 6)
"""One of the sequences is empty."""

_SIZE = 3
_IDS = 10


def random_inputs(
    model: Model, seed: int = 0, lengths: Sequence[int] = LENGTHS, lowest_id: int = 0
) -> Any:
    """Return inputs for a model, in the structure it takes: a sequence of each length.

    Where time varies, sequences differ in length, and what stands in the padding is nothing that
    a model may look at: NaN, or ids outside every vocabulary. Ids at steps that exist are in the
    smallest vocabulary of the model, from `lowest_id` on.

    Raises:
        GraphError: for a `Sequential` that does not know its input yet.

    Example:
        >>> import maskgraph as mg
        >>> x = mg.Input(shape=(None, 2))
        >>> data = random_inputs(mg.Model(x, mg.layers.LSTM(3)(x)))
        >>> data.shape, data.mask.sum(axis=1).tolist()
        ((4, 6, 2), [4, 1, 0, 6])
    """
    if not hasattr(model, "graph"):
        raise GraphError(
            explain(
                f"model {model.name!r} does not know its input yet, so none can be made up",
                fix="begin it with mg.Input(shape=…), or give data",
            )
        )
    generator = np.random.default_rng(seed)
    symbols = list(leaves(model.inputs))
    highest = smallest_vocabulary(model)
    ids = range(min(lowest_id, highest - 1), highest)
    drawn = [_drawn(s, (*lengths[i:], *lengths[:i]), ids, generator) for i, s in enumerate(symbols)]
    return unflatten(model.inputs, iter(drawn))


def smallest_vocabulary(model: Model) -> int:
    """Return how many ids every embedding of a model knows."""
    program = Program(list(leaves(model.inputs)), list(leaves(model.outputs)))
    sizes = [
        node.arguments["table"].shape[0]
        for node in program.nodes
        if not node.is_source and node.target.name == "embedding"
    ]
    return min(sizes, default=_IDS)


def _drawn(
    symbol: SymbolicTensor, lengths: Sequence[int], ids: range, generator: np.random.Generator
) -> MaskedTensor:
    varies = symbol.ndim > 1 and symbol.shape[1] is None
    if symbol.mask is None and not varies:
        shape = (len(lengths), *(n if n is not None else _SIZE for n in symbol.shape[1:]))
        return MaskedTensor(_values(shape, symbol.dtype, ids, generator))
    axes = 1 if symbol.mask is None else symbol.mask.ndim - 1
    size = symbol.shape[1] or max(lengths)
    trailing = tuple(n if n is not None else _SIZE for n in symbol.shape[1 + axes :])
    sequences = [
        _values((min(n, size),) * axes + trailing, symbol.dtype, ids, generator) for n in lengths
    ]
    return Rectangle.place(sequences, size, "right", generator, axes).filled("nan", generator)


def _values(
    shape: tuple[int, ...], dtype: str, ids: range, generator: np.random.Generator
) -> np.ndarray:
    if dtypes.is_float(dtype):
        return generator.normal(size=shape).astype(dtype if dtype != "bfloat16" else "float32")
    if dtype == "bool":
        return generator.integers(0, 2, shape).astype(dtype)
    return generator.integers(ids.start, ids.stop, shape).astype(dtype)
