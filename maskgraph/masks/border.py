"""What masks and padding ask of data from outside: an array, a size, a word, a shape that fits."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from maskgraph.backend import of
from maskgraph.errors import ArgumentError, MaskError, ShapeError, explain


def host(value: Any, empty: str = "bool") -> np.ndarray:
    """Return an array, a nested list or any framework's tensor as a NumPy array.

    Args:
        empty: the dtype of an empty list, which has none of its own.

    Raises:
        ShapeError: for a ragged nested list.
    """
    backend = of(value)
    if backend is not None:
        return backend.to_numpy(value)
    array = rectangle(value)
    return array if array.size or hasattr(value, "dtype") else array.astype(empty)


def rectangle(value: Any) -> np.ndarray:
    """Return nested lists as an array.

    Raises:
        ShapeError: for a ragged nested list.
    """
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ShapeError(
            explain(
                "a nested list is not a rectangle",
                received=str(error).partition(".")[0],
                fix="a batch of sequences of different lengths is a list of lists, with one level "
                "of differing lengths; Mask.from_ragged gives its mask, pad_sequences its values",
            )
        ) from None


def one_of(where: str, name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not among those that are allowed."""
    if value not in allowed:
        raise ArgumentError(
            explain(
                f"{where}: {name} has an unknown value",
                received=repr(value),
                expected=" or ".join(map(repr, allowed)),
            )
        )


def size(where: str, name: str, value: Any) -> int:
    """Return a size as a Python int; refuse fractions and negative numbers."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise ArgumentError(
            explain(
                f"{where}: {name} is not a size", received=repr(value), expected="an integer >= 0"
            )
        )
    return number


def rank2(where: str, array: np.ndarray) -> np.ndarray:
    """Refuse masks with leading axes where a convention knows none."""
    if array.ndim != 2:
        raise MaskError(
            explain(
                f"{where} is defined for masks of rank 2",
                received=f"shape {array.shape}",
                expected="(batch, time)",
                fix="merge or add leading axes first: array.reshape(-1, array.shape[-1])",
            )
        )
    return array


def fitting(where: str, mask: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse values whose leading axes are not the mask's."""
    if shape[: mask.ndim] != mask.shape:
        raise MaskError(
            explain(
                f"{where}: the values do not fit the mask",
                received=f"values of shape {shape}",
                expected=f"shape {mask.shape}, and any axes after it",
            )
        )
