"""The law for gradients: those of a padded batch are the sum of those of each sequence alone.

Computed in float64, so that what differs is no rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from maskgraph import dtypes
from maskgraph.backend import Array, load
from maskgraph.graph import SymbolicTensor, Weight
from maskgraph.masks import MaskedTensor
from maskgraph.models import Input, Model
from maskgraph.models.running import ModelRunner
from maskgraph.testing.law import described, lone_inputs, steps_alone
from maskgraph.testing.layer_table import LayerRow
from maskgraph.testing.sequences import PADDINGS, Rectangle, Sequences

TOLERANCE = 1e-8


class Gradients(NamedTuple):
    """The gradients of one run: by each weight, and by each input (None for ids)."""

    weights: dict[Weight, np.ndarray]
    inputs: list[np.ndarray | None]


def check_gradient_law(
    target: LayerRow | Model,
    *,
    backend: str,
    lengths: Sequence[int] = (3, 0, 5, 1, 4),
    padding: str | Sequence[str] | None = None,
    filler: str = "nan",
    seed: int = 0,
) -> None:
    """Check that gradients of a layer or model treat masked steps as if they did not exist.

    What is differentiated is the sum of y + y² over all outputs y, by weights and inputs.

    Args:
        target: a model, or a row of the table of layers.
        backend: one that differentiates.
        lengths: of the sequences; further inputs take them in another order.
        padding: where it stands; None for all that the target is defined for, in turn.
        filler: what stands in it.

    Raises:
        AssertionError: naming the weight, or the input and the sequence.
    """
    generator = np.random.default_rng(seed)
    size = max(lengths, default=0) + 2
    if isinstance(target, Model):
        model, inputs, sides = target, tuple(described(target)), list(PADDINGS)
        how = ("apart", "skipped")
    else:
        model, inputs, sides = _model(target, seed), target.inputs, list(target.padding)
        how = (target.meet, target.holes)
    batch = [
        s.batch([*lengths[i:], *lengths[:i]], padding or sides, generator, size)
        for i, s in enumerate(inputs)
    ]
    together = _gradients(model, backend, [r.filled(filler, generator) for r in batch])
    alone = [_gradients(model, backend, lone_inputs(batch, i, *how)) for i in range(len(lengths))]
    for weight, found in together.weights.items():
        parts = [a.weights[weight] for a in alone if weight in a.weights]
        _assert_close(f"{target!r}: weight {weight.name!r}", found, sum(parts, 0 * found))
    for i, by_input in enumerate(together.inputs):
        if by_input is not None:
            where = f"{target!r}: input {i}"
            _check_input(where, batch, how, i, by_input, [a.inputs[i] for a in alone])


def _check_input(
    where: str,
    batch: list[Rectangle],
    how: tuple[str, str],
    index: int,
    together: np.ndarray,
    alone: list[Any],
) -> None:
    """Compare the gradient by one input with those of its sequences alone."""
    mask = batch[index].mask
    _assert_close(f"{where}, its padding", together[~mask], 0)
    for row, lone in enumerate(alone):
        steps = steps_alone(batch, row, *how)[index] & mask[row]
        valid = lone_inputs(batch, row, *how)[index].mask
        expected = lone.reshape(-1, *lone.shape[mask.ndim :]) if valid is None else lone[valid]
        _assert_close(f"{where}, sequence {row}", together[row][steps], expected)
        _assert_close(f"{where}, sequence {row}, elsewhere", together[row][mask[row] & ~steps], 0)


def _model(row: LayerRow, seed: int) -> Model:
    inputs = [_input(s) for s in row.inputs]
    return Model(inputs, row.call(row.built(seed), inputs), on_mask_loss="ignore")


def _input(sequences: Sequences) -> SymbolicTensor:
    dtype = "float32" if sequences.kind == "floats" else "int32"
    return Input((None,) * sequences.axes + sequences.trailing, dtype)


def _gradients(model: Model, backend_name: str, tensors: list[MaskedTensor]) -> Gradients:
    backend = load(backend_name, "cpu")
    runner = ModelRunner(model)
    plan = runner.plan(tensors, backend, precision="float64")
    weights = plan.weights
    floats = [dtypes.is_float(t.dtype) for t in tensors]

    def loss(arrays: list[Array]) -> Array:
        rest = iter(arrays)
        values = [next(rest) for _ in weights]
        inputs = [
            (next(rest) if is_float else t.value, t.mask)
            for t, is_float in zip(tensors, floats, strict=True)
        ]
        total = backend.full((), 0, "float64")
        for y, _ in plan.run(inputs, values):
            every = tuple(range(len(backend.shape(y))))
            y = backend.cast(y, "float64")
            total = backend.add(total, backend.sum(backend.add(y, backend.square(y)), every, False))
        return total

    arrays = [w.numpy() for w in weights]
    arrays += [t.value for t, is_float in zip(tensors, floats, strict=True) if is_float]
    with backend.quiet():
        natives = [backend.asarray(a, "float64") for a in arrays]
        found = iter([backend.to_numpy(g) for g in backend.gradients(loss, natives)])
    by_weight = {weight: next(found) for weight in weights}
    return Gradients(by_weight, [next(found) if is_float else None for is_float in floats])


def _assert_close(where: str, found: np.ndarray, expected: np.ndarray | float) -> None:
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE, err_msg=where)
