"""The law, as a test: a masked step does not exist.

What comes out at the valid steps of a padded batch is what each sequence gives alone, unpadded,
whatever stands in the padding, and wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.backend import use_backend
from maskgraph.errors import ArgumentError, explain
from maskgraph.graph import leaves
from maskgraph.masks import MaskedTensor
from maskgraph.models import Model
from maskgraph.testing.layer_table import LayerRow, as_list, one_by_one
from maskgraph.testing.samples import smallest_vocabulary
from maskgraph.testing.sequences import FILLERS, Rectangle, Sequences

Run = Callable[[list[MaskedTensor]], list[MaskedTensor]]


@dataclass(frozen=True)
class LawResult:
    """How often the law was found to hold, and the largest difference that was let pass."""

    runs: int
    difference: float


def check_law(
    target: Any,
    inputs: Any = None,
    *,
    backend: str | None = None,
    lengths: Sequence[int] | None = None,
    padding: str | Sequence[str | Sequence[str]] = ("right", "left"),
    meet: str = "apart",
    holes: str = "skipped",
    call: Callable[..., Any] | None = None,
    seed: int = 0,
    tolerance: float = 1e-5,
) -> LawResult:
    """Check that a layer or model treats masked steps as if they did not exist.

    Sequences are padded, by as little as can be and by more, with zeros, noise, NaN and Inf in
    the padding; each row of what comes out is compared with what its sequence gives alone.

    Args:
        target: a layer, a model, or a `LayerRow` (which says all the rest).
        inputs: for each input a `Sequences`, or example data: a list of arrays, one a sequence.
            None for a model, whose inputs tell.
        backend: the backend to run on; None for the one in use.
        lengths: of the sequences; by default four random ones, of which one is 0. Further inputs
            take them in another order.
        padding: where the padding stands: "right", "left", "holes", or some of them, each in turn;
            several of them in a tuple for one sequence after the other.
        meet: how several inputs meet: see `LayerRow`.
        holes: what becomes of masked steps inside of a sequence: see `LayerRow`.
        call: calls the target on a list of inputs; by default with each as an argument, but a
            model of several inputs with the list.
        tolerance: the difference to let pass, absolute and relative.

    Returns:
        How many runs there were, and the largest difference.

    Raises:
        AssertionError: naming the run, the output, the row and the step.
        ArgumentError: if nothing tells what the inputs are, or for an unknown padding.

    Example:
        >>> from maskgraph import layers
        >>> from maskgraph.testing.law import check_law
        >>> from maskgraph.testing.sequences import Sequences
        >>> check_law(layers.GRU(3), Sequences(trailing=(4,))).runs
        16
    """
    padding = [padding] if isinstance(padding, str) else padding
    if isinstance(target, LayerRow):
        row, target = target, target.built(seed)
        inputs, call, meet, holes = row.inputs, row.call, row.meet, row.holes
        padding = [p for p in padding if not isinstance(p, str) or p in row.padding]
    elif call is None:
        several = isinstance(target, Model) and isinstance(target.inputs, list | tuple | dict)
        call = as_list if several else one_by_one
    generator = np.random.default_rng(seed)
    if lengths is None:
        lengths = [int(n) for n in generator.permutation([0, *generator.integers(1, 7, 3)])]
    given = _sequences(target, inputs, lengths, generator)

    def run(tensors: list[MaskedTensor]) -> list[MaskedTensor]:
        with use_backend(backend) if backend else nullcontext():
            return list(leaves(call(target, tensors)))

    worst, runs = 0.0, 0
    for side in padding:
        for extra in (0, 3):
            batch = _placed(given, side, extra, generator)
            alone = list(_alone(run, batch, meet, holes))
            for filler in FILLERS:
                where = f"{target!r}: padding {side} of {filler}, {extra} steps more than needed"
                got = run([r.filled(filler, generator) for r in batch])
                for i, output in enumerate(got):
                    name = f"{where}, output {i}" if len(got) > 1 else where
                    difference = _compare(name, output, [a[i] for a in alone], tolerance)
                    worst = max(worst, difference)
                runs += 1
    return LawResult(runs, worst)


Given = list[tuple[list[np.ndarray], int]]
"""For each input its sequences, and how many of their axes are padded."""


def _sequences(
    target: Any, inputs: Any, lengths: Sequence[int], generator: np.random.Generator
) -> Given:
    if inputs is None:
        inputs = described(target) if isinstance(target, Model) else []
    if isinstance(inputs, Sequences) or any(isinstance(x, np.ndarray) for x in inputs):
        inputs = [inputs]
    if not inputs:
        raise ArgumentError(
            explain(
                "check_law: nothing tells what the inputs are",
                expected="inputs=Sequences(trailing=(features,)), or example data",
            )
        )
    given: Given = []
    for i, each in enumerate(inputs):
        if isinstance(each, Sequences):
            turned = [*lengths[i:], *lengths[:i]]  # so that inputs differ in their lengths
            given.append(([each.draw(n, generator) for n in turned], each.axes))
        else:
            given.append((list(each), 1))
    return given


def described(model: Model) -> list[Sequences]:
    """Return what the inputs of a model declare."""
    vocabulary, found = smallest_vocabulary(model), []
    for symbol in leaves(model.inputs):
        axes = 1 if symbol.mask is None else symbol.mask.ndim - 1
        kind = "floats" if dtypes.is_float(symbol.dtype) else "ids"
        found.append(Sequences(kind, symbol.shape[1 + axes :], vocabulary, axes))
    return found


def _placed(
    given: Given, side: str | Sequence[str], extra: int, generator: np.random.Generator
) -> list[Rectangle]:
    size = max((len(s) for sequences, _ in given for s in sequences), default=0) + extra
    return [Rectangle.place(s, size, side, generator, axes) for s, axes in given]


def _alone(run: Run, batch: list[Rectangle], meet: str, holes: str) -> Iterator[list[MaskedTensor]]:
    """Yield for each row what comes out of its sequences alone."""
    for row in range(len(batch[0].mask)):
        yield run(lone_inputs(batch, row, meet, holes))


def lone_inputs(batch: list[Rectangle], row: int, meet: str, holes: str) -> list[MaskedTensor]:
    """Return the sequences of a row alone, in batches of one."""
    lone = []
    for rectangle, steps in zip(batch, steps_alone(batch, row, meet, holes), strict=True):
        # where a step may be absent from one of several inputs, or is a hole, only a mask says so
        has_holes = bool((steps & ~rectangle.mask[row]).any())
        lone.append(rectangle.row(row, steps, masked=meet == "any" or has_holes))
    return lone


def steps_alone(batch: list[Rectangle], row: int, meet: str, holes: str) -> list[np.ndarray]:
    """Return for each input the steps of a row that its sequence has when it is alone."""
    masks = [r.mask[row] for r in batch]
    if holes == "in place":  # all from the first valid step to the last
        return [
            np.logical_or.accumulate(m) & np.logical_or.accumulate(m[::-1])[::-1] for m in masks
        ]
    if meet == "apart":
        return masks
    joined = np.logical_and if meet == "all" else np.logical_or
    return [joined.reduce(masks)] * len(batch)


def _compare(
    where: str, got: MaskedTensor, alone: Sequence[MaskedTensor], tolerance: float
) -> float:
    """Return the largest difference, having refused one that is too large."""
    values = _host(got, got.value)
    mask = None if got.mask is None else _host(got, got.mask)
    if mask is not None:
        padding = np.abs(values[~mask])
        assert not padding.size or padding.max() == 0, f"{where}: masked steps are not zero"
    worst = 0.0
    for row, lone in enumerate(alone):
        found = values[row] if mask is None else values[row][mask[row]]
        expected = _valid_steps(lone, 0 if mask is None else mask.ndim - 1)
        assert found.shape == expected.shape, (
            f"{where}, row {row}: shape {found.shape}, alone {expected.shape}"
            + (": the mask was lost" if mask is None else "")
        )
        worst = max(worst, _difference(f"{where}, row {row}", found, expected, tolerance))
    return worst


def _host(tensor: MaskedTensor, value: Any) -> np.ndarray:
    return np.asarray(tensor.backend.to_numpy(value))


def _valid_steps(alone: MaskedTensor, axes: int) -> np.ndarray:
    """Return what a sequence gives alone, its `axes` axes of steps made one."""
    value: np.ndarray = _host(alone, alone.value)[0]
    if alone.mask is not None:
        value = value[_host(alone, alone.mask)[0]]
    elif axes:
        value = value.reshape(-1, *value.shape[axes:])
    return value


def _difference(where: str, found: np.ndarray, expected: np.ndarray, tolerance: float) -> float:
    if not found.size:
        return 0.0
    distance = np.abs(found.astype(np.float64) - expected)
    distance = np.where(np.isnan(distance), np.inf, distance)
    wrong = distance > tolerance * (1 + np.abs(expected))
    if wrong.any():
        place = tuple(int(i) for i in np.unravel_index(np.argmax(distance), found.shape))
        raise AssertionError(
            f"{where}: a masked step was seen\n"
            f"  at {place} of the valid steps: {found[place]}, alone {expected[place]}\n"
            f"  {wrong.sum()} of {wrong.size} elements differ by more than {tolerance}"
        )
    return float(distance.max())
