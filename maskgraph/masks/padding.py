"""Sequences of different lengths into one rectangle: `pad_sequences`, without Keras's losses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from maskgraph.errors import DTypeError, ShapeError, explain
from maskgraph.masks.border import host, one_of, size
from maskgraph.masks.casting import exact_cast, numpy_dtype, own_dtype, short

_SIDES = ("pre", "post")


def pad_sequences(
    sequences: Iterable[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Return sequences of different lengths as one array, padded or truncated to one length.

    No mask goes in or out: `Mask.from_ragged` gives the mask of the same sequences.

    Args:
        sequences: an iterable of lists, tuples, arrays, tensors or generators, each of shape
            (length, ...), all with the same axes after the first; a sequence may be empty.
        maxlen: the length of the result; None for that of the longest sequence.
        dtype: of the result; `object` for strings.
        padding: whether padding stands before ("pre") or after ("post") a sequence.
        truncating: whether the first ("pre") or the last ("post") steps of a sequence that is
            longer than `maxlen` are dropped.
        value: what the padding is filled with.

    Returns:
        Shape (number of sequences, maxlen, ...).

    Raises:
        DTypeError: if `dtype` cannot hold a value: 0.5 in int32, 300 in uint8, 2**24 + 1 in
            float32. Rounding one float to another is no loss.
        ShapeError: if the sequences differ in the axes after the first.
        ArgumentError: for a `maxlen`, `padding` or `truncating` that means nothing.

    Source: `keras.utils.pad_sequences` of Keras 3.15, which casts silently, and refuses
    generators, an empty list and `maxlen=0`.

    Example:
        >>> from maskgraph.utils import pad_sequences
        >>> pad_sequences([[7], [8, 9], [4, 5, 6]], padding="post")
        array([[7, 0, 0],
               [8, 9, 0],
               [4, 5, 6]], dtype=int32)
    """
    target = numpy_dtype(dtype)
    one_of("pad_sequences", "padding", padding, _SIDES)
    one_of("pad_sequences", "truncating", truncating, _SIDES)
    arrays = [_array(s, i, target) for i, s in enumerate(_iterate(sequences))]
    longest = max(map(len, arrays), default=0)
    length = longest if maxlen is None else size("pad_sequences", "maxlen", maxlen)
    filler = np.asarray(value)
    if filler.ndim:
        raise ShapeError(explain("pad_sequences: value is not a scalar", received=repr(value)))
    shape = (len(arrays), length, *_trailing(arrays))
    result = np.full(shape, exact_cast(filler, target, "value"), target)
    for index, array in enumerate(arrays):
        dropped = max(0, len(array) - length)
        steps = array[dropped:] if truncating == "pre" else array[:length]
        if len(steps):  # an empty list knows nothing of the axes after the first
            start = length - len(steps) if padding == "pre" else 0
            result[index, start : start + len(steps)] = exact_cast(
                steps, target, f"sequence {index}"
            )
    return result


def _iterate(sequences: Any) -> Iterable[Any]:
    if isinstance(sequences, str | bytes) or not isinstance(sequences, Iterable):
        raise _not_sequence("sequences", sequences)
    return sequences


def _array(sequence: Any, index: int, target: np.dtype[Any]) -> np.ndarray:
    """Return one sequence as an array of rank >= 1, in a dtype of its own."""
    if isinstance(sequence, str | bytes):
        raise _not_sequence(f"sequence {index}", sequence)
    try:
        items = sequence if hasattr(sequence, "__len__") else list(sequence)
        array = np.asarray(items, object) if target.kind == "O" else own_dtype(items, host(items))
    except TypeError:
        raise _not_sequence(f"sequence {index}", sequence) from None
    except ValueError:
        raise ShapeError(
            explain(
                f"pad_sequences: the steps of sequence {index} differ in shape",
                received=short(sequence),
                expected="one shape for all steps",
                fix="pad the inner sequences first",
            )
        ) from None
    if array.ndim == 0:
        raise _not_sequence(f"sequence {index}", sequence)
    return array


def _trailing(arrays: list[np.ndarray]) -> tuple[int, ...]:
    """Return the axes after the first, on which all sequences that are not empty must agree."""
    shapes = [(index, array.shape[1:]) for index, array in enumerate(arrays) if len(array)]
    first, expected = shapes[0] if shapes else (0, ())
    for index, shape in shapes:
        if shape != expected:
            raise ShapeError(
                explain(
                    f"pad_sequences: sequence {index} differs from sequence {first} in the axes "
                    "after the first",
                    received=f"steps of shape {shape}",
                    expected=f"steps of shape {expected}",
                )
            )
    return expected


def _not_sequence(what: str, received: object) -> DTypeError:
    return DTypeError(
        explain(
            f"pad_sequences: {what} is not a sequence",
            received=f"{type(received).__name__} {short(received)}",
            expected="a list of sequences, such as [[1, 2], [3]]",
            fix="wrap a single sequence in a list; split a string into tokens",
        )
    )
