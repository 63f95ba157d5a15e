"""The oracle that all experiments share: what each sequence gives alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.comparison.sides import Side, set_weights
from benchmarks.comparison.verdict import (
    TOLERANCE,
    Verdict,
    bound,
    close,
    distance,
    figure,
    right,
    wrong,
)

LENGTHS = (3, 5, 1)
VOCABULARY, FEATURES = 9, 4


def sequences_of_ids(lengths: Sequence[int] = LENGTHS, seed: int = 0) -> list[np.ndarray]:
    """Return sequences of ids from 1: 0 is padding."""
    generator = np.random.default_rng(seed)
    return [generator.integers(1, VOCABULARY, n).astype("int32") for n in lengths]


def sequences_of_vectors(
    lengths: Sequence[int] = LENGTHS, features: int = FEATURES, seed: int = 0
) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(n, features)).astype("float32") for n in lengths]


def padded(
    sequences: Sequence[np.ndarray], side: str = "right", extra: int = 1, junk: float = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences as a rectangle, with `junk` in the padding, and its mask."""
    size = max(map(len, sequences)) + extra
    first = sequences[0]
    values = np.full((len(sequences), size, *first.shape[1:]), junk, first.dtype)
    mask = np.zeros((len(sequences), size), bool)
    for row, sequence in enumerate(sequences):
        start = 0 if side == "right" else size - len(sequence)
        values[row, start : start + len(sequence)] = sequence
        mask[row, start : start + len(sequence)] = True
    return values, mask


def judge(
    found: np.ndarray,
    mask: np.ndarray | None,
    alone: Sequence[np.ndarray],
    *,
    steps: bool,
    needs_mask: bool = True,
    side: str = "right",
) -> Verdict:
    """Compare what a batch gives with what each sequence gives alone.

    Args:
        steps: whether the second axis is time, so that a mask has to come out.
        needs_mask: whether a mask that is missing is a fault in itself.
        side: where the padding stands, for results without a mask.
    """
    rows = [_existing(found[i], mask, i, a, steps, side) for i, a in enumerate(alone)]
    if len(rows) != len(found):
        return wrong(f"{len(found)} rows, not {len(rows)}")
    faults = []
    if steps and needs_mask:
        faults += _mask_faults(mask, found, alone)
    if any(np.isnan(r.astype(float)).any() for r in rows):
        faults.append("NaN")
    elif any(r.shape != a.shape for r, a in zip(rows, alone, strict=True)):
        faults.append("other steps than each sequence has alone")
    else:
        gap = max((distance(r, a) for r, a in zip(rows, alone, strict=True)), default=0.0)
        if gap > TOLERANCE:
            faults.append(f"leaks: {figure(gap)}")
    if faults:
        return wrong("; ".join(faults)).with_arrays(alone, rows)
    return right(bound(gap)).with_arrays(alone, rows)


def _existing(
    row: np.ndarray,
    mask: np.ndarray | None,
    index: int,
    alone: np.ndarray,
    steps: bool,
    side: str,
) -> np.ndarray:
    """Return the steps of one row that exist: those the mask names if it names as many as there
    should be, else those that stand where the sequence was put."""
    if not steps:
        return row
    if mask is not None and mask.shape[1:2] == (len(row),) and mask[index].sum() == len(alone):
        return row[mask[index]]
    return row[: len(alone)] if side == "right" else row[len(row) - len(alone) :]


def _mask_faults(
    mask: np.ndarray | None, found: np.ndarray, alone: Sequence[np.ndarray]
) -> list[str]:
    if mask is None:
        return ["mask lost"]
    if mask.shape != found.shape[:2]:
        return [f"mask of shape {mask.shape} on a tensor of shape {found.shape}"]
    counts = [len(a) for a in alone]
    if mask.sum(axis=1).tolist() != counts:
        return ["mask all True" if mask.all() else "mask wrong"]
    return []


def model_law(
    side: Side,
    build: Callable[[Any, Any], Any],
    *,
    padding: str = "right",
    lengths: Sequence[int] = LENGTHS,
    needs_mask: bool = True,
    steps: bool | None = None,
    from_ids: bool = False,
) -> Verdict:
    """Try a functional model that begins with `Embedding(mask_zero=True)`.

    Args:
        build: returns the output, for the library's module and the embedded tokens.
        from_ids: whether it takes the tokens as they are.
    """
    k = side.k
    tokens = k.Input(shape=(None,), dtype="int32")
    model = k.Model(tokens, build(k, tokens if from_ids else embedded(k, tokens)))
    set_weights(model)
    return run_law(
        side, model, sequences_of_ids(lengths), padding=padding, needs_mask=needs_mask, steps=steps
    )


def embedded(k: Any, tokens: Any) -> Any:
    """Return tokens as vectors, with the mask `tokens != 0`."""
    return k.layers.Embedding(VOCABULARY, FEATURES, mask_zero=True)(tokens)


def run_law(
    side: Side,
    model: Callable[[Any], Any],
    sequences: Sequence[np.ndarray],
    *,
    padding: str = "right",
    needs_mask: bool = True,
    steps: bool | None = None,
) -> Verdict:
    """Try something that takes ids and makes its own mask of them."""
    batch = model(side.tensor(padded(sequences, padding)[0]))
    alone = [side.array(model(side.tensor(s[None])))[0] for s in sequences]
    found = side.array(batch)
    if steps is None:
        steps = found.ndim == 3
    return judge(found, side.mask(batch), alone, steps=steps, needs_mask=needs_mask, side=padding)


def layer_law(
    side: Side,
    make: Callable[[Any], Any],
    call: Callable[[Any, Any], Any] = lambda layer, x: layer(x),
    *,
    junk: float = 100.0,
    padding: str = "right",
    lengths: Sequence[int] = LENGTHS,
    features: int = FEATURES,
    needs_mask: bool = True,
    steps: bool | None = None,
    empty: np.ndarray | float | None = None,
) -> Verdict:
    """Try a layer on vectors that carry a mask.

    Args:
        make: returns the layer, for the library's module.
        call: calls it.
        junk: what stands in the padding.
        empty: what a sequence without steps gives, where the lengths have a 0.
    """
    sequences = sequences_of_vectors(lengths, features)
    layer = make(side.k)
    longest = max(sequences, key=len)
    call(layer, side.tensor(longest[None]))
    if getattr(layer, "weights", None):
        set_weights(layer)
    batch = call(layer, side.tensor(*padded(sequences, padding, junk=junk)))
    found = side.array(batch)
    if steps is None:
        steps = found.ndim == 3
    alone = []
    for sequence in sequences:
        if len(sequence) or empty is None:
            alone.append(side.array(call(layer, side.tensor(sequence[None])))[0])
        else:
            alone.append(np.full(found.shape[1:], empty, found.dtype))
    return judge(found, side.mask(batch), alone, steps=steps, needs_mask=needs_mask, side=padding)


def gradient_law(
    side: Side,
    layer: Any,
    run: Callable[[Any], Any],
    *,
    junk: float = 100.0,
    lengths: Sequence[int] = LENGTHS,
) -> Verdict:
    """Try the gradients of a layer's weights: those of a batch are the sums of those of each
    sequence alone, and a sequence without steps adds nothing.

    Where steps come out, those that exist count; else all that comes out.
    """
    sequences = sequences_of_vectors(lengths)
    run(side.tensor(max(sequences, key=len)[None]))
    set_weights(layer)
    values, mask = padded(sequences, junk=junk)
    steps = side.array(run(side.tensor(values))).ndim == 3
    ends = mask[..., None] if steps else None
    found = side.gradients(run, layer, side.tensor(values, mask), ends)
    each = [side.gradients(run, layer, side.tensor(s[None])) for s in sequences if len(s)]
    return all_close(found, [np.sum(parts, axis=0) for parts in zip(*each, strict=True)])


def all_close(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> Verdict:
    """Return whether all of several arrays are what they should be."""
    if any(np.isnan(f).any() for f in found):
        return wrong("NaN")
    gap = max(map(distance, found, expected))
    return close(gap, 0.0, "leaks:").with_arrays(expected, found)


def same_symbolic_mask(side: Side, before: Any, after: Any) -> Verdict | None:
    """Return a verdict if a symbolic tensor has lost the mask that another had."""
    if side.symbolic_mask(before) is not None and side.symbolic_mask(after) is None:
        return wrong("mask lost where the model is defined")
    return None
