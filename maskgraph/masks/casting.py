"""Casts that change no value: what is not the same in the other dtype is refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph.errors import DTypeError, explain

# The kinds of dtype that each kind of dtype may be cast into: numbers never become text, nor
# text numbers. V is bfloat16 and its like.
_INTO = dict.fromkeys("biufV", "biufVc") | {"c": "c", "U": "U", "S": "S"}
_WIDER = {"f": ("float32", "float64"), "c": ("complex128",), "U": ("object",), "S": ("object",)}


def numpy_dtype(dtype: Any) -> np.dtype[Any]:
    """Return NumPy's dtype of that name; refuse those that it has not, such as bfloat16."""
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise DTypeError(
            explain("pad_sequences: NumPy has no such dtype", received=repr(dtype))
        ) from None
    return found


def own_dtype(items: Any, array: np.ndarray) -> np.ndarray:
    """Return the array in the dtype of its numbers, where NumPy has not found it."""
    if array.dtype.kind == "O":  # a caller's array of objects
        return np.asarray(array.tolist())
    if array.dtype.kind == "f" and not hasattr(items, "dtype") and (array >= 2.0**63).any():
        boxed = np.asarray(items, object)  # integers on both sides of 2**63 are read as floats
        if all(isinstance(v, int) and 0 <= v < 2**64 for v in boxed.flat):
            return boxed.astype(np.uint64)
    return array


def exact_cast(source: np.ndarray, target: np.dtype[Any], where: str) -> np.ndarray:
    """Return `source` in the target dtype; refuse if that would change a value."""
    if target.kind == "O":
        return source.astype(object)
    if target.kind not in _INTO.get(source.dtype.kind, ""):
        raise DTypeError(
            explain(
                f"pad_sequences: {where} cannot be cast to {target}",
                received=short(source.tolist()),
                expected=f"values of dtype {target}",
                fix="convert the values first, or pass dtype=object",
            )
        )
    with np.errstate(all="ignore"):  # what overflows or is NaN is told below
        cast = source.astype(target)
        lost = _lost(source, cast)
        if not lost.any():
            return cast
        value = source[lost][0]
        wider = _WIDER.get(source.dtype.kind, ("int32", "int64", "uint64"))
        fix = next((d for d in wider if d == "object" or not _lost(value, value.astype(d))), "")
    raise DTypeError(
        explain(
            f"pad_sequences: {where} does not fit dtype {target}",
            received=repr(value.item()),
            expected=f"values that {target} holds as they are",
            fix=f"dtype={fix!r}",
        )
    )


def _lost(source: np.ndarray, cast: np.ndarray) -> np.ndarray:
    """Tell which values are no longer themselves after a cast."""
    if source.dtype.kind != "c" and cast.dtype.kind == "c":
        cast = cast.real
    if source.dtype.kind in "fc" and cast.dtype.kind not in "biu":
        return np.asarray(np.isinf(cast) & ~np.isinf(source))  # rounding is no loss
    # Only the way back tells 2**53 + 1 from its neighbour in float64; only the way there tells
    # -1 from 2**64 - 1 in uint64.
    return np.asarray((cast != source) | (cast.astype(source.dtype) != source))


def short(value: object) -> str:
    """Return a value as an error shows it."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
