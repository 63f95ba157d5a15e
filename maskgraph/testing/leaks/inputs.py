"""What `check_leaks` is given, as arrays and masks on the host, checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, MaskError, ShapeError, explain
from maskgraph.graph import leaves, map_tree
from maskgraph.layers.base.layer import Layer
from maskgraph.masks import Mask, MaskedTensor
from maskgraph.masks.check import check_mask
from maskgraph.testing.leaks.batches import Batch
from maskgraph.testing.leaks.subjects.choose import is_keras
from maskgraph.testing.leaks.subjects.keras_model import makes_masks
from maskgraph.testing.leaks.subjects.tensors import host


@dataclass(frozen=True)
class Given:
    """A batch, the structure it came in, and whether masks are passed to the model."""

    batch: Batch
    structure: Any
    masked: bool


def admit(
    fn: Any,
    inputs: Any,
    mask: Any,
    mask_from: str | None,
    mask_means: str,
    padding_value: float | None,
) -> Given:
    """Return what was given, checked.

    Raises:
        MaskError, ShapeError, ArgumentError: if something does not fit.
    """
    _one_of("mask_means", mask_means, ("keep", "ignore"))
    _one_of("mask_from", mask_from, ("argument", "data", None))
    tensors = list(leaves(inputs))
    values = tuple(host(x) for x in tensors)
    if len({len(v) if v.ndim else 0 for v in values}) != 1 or not values[0].ndim:
        raise ShapeError(
            explain(
                "check_leaks: inputs must be of the same number of sequences",
                received=", ".join(str(v.shape) for v in values),
                expected="the axis of sequences first",
            )
        )
    masks = _masks(inputs, tensors, mask)
    found = mask_from or _guessed(fn, masks)
    pads = tuple(_pad(fn, v, found, padding_value) for v in values)
    if found == "data":
        masks = [
            _made(v, p) if m is None and _padded(v) else m
            for v, p, m in zip(values, pads, masks, strict=True)
        ]
    if all(m is None for m in masks):
        raise MaskError(
            explain(
                "check_leaks: nothing tells which steps exist",
                expected="mask=, bool of shape (batch, time), True where a step exists",
            )
        )
    for i, (value, array) in enumerate(zip(values, masks, strict=True)):
        if array is not None:
            check_mask(f"check_leaks: input {i}", value.shape, array.shape, str(array.dtype))
            if array.ndim < 2:
                check_mask(f"check_leaks: input {i}", value.shape[:1], (0, 0), "bool")
    batch = Batch(values, tuple(masks), pads)
    if found == "data":
        _refuse_padding_at_valid_steps(batch)
    return Given(batch.cleared(), map_tree(lambda _: None, inputs), found == "argument")


def _masks(inputs: Any, tensors: list[Any], mask: Any) -> list[np.ndarray | None]:
    if mask is None:
        given: list[Any] = [getattr(x, "mask", None) for x in tensors]
        given = [
            m if isinstance(x, MaskedTensor) else None for x, m in zip(tensors, given, strict=True)
        ]
    elif isinstance(inputs, list | tuple | dict):
        several = isinstance(mask, list | tuple | dict)
        given = list(leaves(mask)) if several else [mask, *[None] * (len(tensors) - 1)]
    else:
        given = [mask]
    if len(given) != len(tensors):
        raise MaskError(
            explain(
                "check_leaks: masks do not match the inputs",
                received=f"{len(given)} masks",
                expected=f"{len(tensors)}, None where there is no padding",
            )
        )
    return [None if m is None else host(m.array if isinstance(m, Mask) else m) for m in given]


def _guessed(fn: Any, masks: list[np.ndarray | None]) -> str:
    if is_keras(fn):
        return "data" if any(map(makes_masks, fn._flatten_layers())) else "argument"
    without = all(m is None for m in masks)
    return "data" if isinstance(fn, Layer) and without else "argument"


def _padded(value: np.ndarray) -> bool:
    return value.ndim >= 2


def _pad(fn: Any, value: np.ndarray, mask_from: str, padding_value: float | None) -> Any:
    if padding_value is not None:
        return padding_value
    if mask_from == "data" and value.dtype.kind == "f" and is_keras(fn):
        return next(iter(_mask_values(fn)), 0)
    return 0


def _mask_values(fn: Any) -> Iterator[float]:
    for layer in fn._flatten_layers():
        if type(layer).__name__ == "Masking":
            yield float(layer.mask_value)


def _made(value: np.ndarray, pad: Any) -> np.ndarray:
    """Return the mask that a model makes of values."""
    differs = value != pad
    return np.asarray(differs if value.ndim == 2 else differs.any(axis=tuple(range(2, value.ndim))))


def _refuse_padding_at_valid_steps(batch: Batch) -> None:
    for i, (value, mask, pad) in enumerate(zip(batch.values, batch.masks, batch.pads, strict=True)):
        if mask is None or mask.ndim > 2:
            continue
        wrong = mask & ~_made(value, pad)
        if wrong.any():
            row, step = map(int, np.argwhere(wrong)[0])
            raise MaskError(
                explain(
                    f"check_leaks: input {i} has padding at a step that exists",
                    received=f"{pad:g} at row {row}, step {step}, which the mask says exists",
                    expected="other values there: the model makes its mask of the values",
                    fix="other data; or padding_value=, or mask_from='argument'",
                )
            )


def _one_of(name: str, value: Any, allowed: tuple[Any, ...]) -> None:
    if value not in allowed:
        raise ArgumentError(
            explain(
                f"check_leaks: {name} out of range",
                received=repr(value),
                expected=" or ".join(repr(a) for a in allowed if a is not None),
            )
        )
