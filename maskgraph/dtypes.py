"""Dtype names, and one promotion rule for every backend.

Frameworks disagree on what `int32 * 0.5` or `float32 + float64` is; NumPy gives float64 for
the first, PyTorch float32, TensorFlow an error. maskgraph computes the dtype itself, with
Keras's rule, and casts before it calls a backend, so that no backend ever promotes.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from maskgraph.errors import DTypeError, explain

FLOATX = "float32"

_INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
_FLOATS = ("bfloat16", "float16", "float32", "float64")
ALL = ("bool", *_INTEGERS, *_FLOATS)
_ALIASES = {"float": "float32", "int": "int32", "half": "float16", "double": "float64"}


def canonical(dtype: Any) -> str:
    """Return the name of a dtype given as a name, a NumPy, PyTorch, TensorFlow or JAX dtype.

    Raises:
        DTypeError: for a dtype that maskgraph does not compute with (strings, complex, objects).
    """
    if dtype.__hash__ is None:  # a list, say, which the cache could not take
        return _name(dtype)
    return _known(dtype)


def _name(dtype: Any) -> str:
    if dtype is bool or dtype is int or dtype is float:
        dtype = dtype.__name__
    name: Any = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if not isinstance(name, str):  # torch.float32 has no name, but prints as one
        text = str(dtype)
        name = text.rpartition(".")[2] if text.startswith("torch.") else _numpy_name(dtype)
    name = _ALIASES.get(name, name)
    if name in ALL:
        return str(name)
    raise DTypeError(
        explain(
            "dtype not supported",
            received=repr(dtype),
            expected="one of " + ", ".join(ALL),
            fix="convert the data first, e.g. array.astype('float32')",
        )
    )


_known = functools.cache(_name)
"""Dtypes are few, and asked for at every call."""


def _numpy_name(dtype: Any) -> str:
    try:
        return str(np.dtype(dtype).name)
    except TypeError:
        return str(dtype)


def is_float(dtype: str) -> bool:
    return dtype in _FLOATS


def is_integer(dtype: str) -> bool:
    return dtype in _INTEGERS


def of_scalar(value: bool | int | float) -> str:
    """Return the weak kind of a Python number: "bool", "int" or "float"."""
    if isinstance(value, bool | np.bool_):
        return "bool"
    return "int" if isinstance(value, int | np.integer) else "float"


def promote(dtypes: list[str], weak: list[str] | None = None) -> str:
    """Return the dtype in which tensors of `dtypes` and Python numbers of kinds `weak` meet.

    A float beats an integer whatever their widths (int64 with float16 gives float16, as in
    Keras); among floats or integers the wider wins; a Python number never widens a tensor.
    """
    floats = [d for d in dtypes if d in _FLOATS]
    integers = [d for d in dtypes if d in _INTEGERS]
    weak = weak or []
    if floats:
        if {"float16", "bfloat16"} <= set(floats):
            floats.append("float32")
        return max(floats, key=_FLOATS.index)
    if "float" in weak:
        return FLOATX
    if integers:
        if "uint8" in integers and "int8" in integers:
            integers.append("int16")
        return max(integers, key=_INTEGERS.index)
    if "int" in weak:
        return "int32"
    return "bool"


def as_float(dtype: str) -> str:
    """Return `dtype` if it is a float, else the default float."""
    return dtype if dtype in _FLOATS else FLOATX


def number(value: float, dtype: str) -> float | int | bool:
    """Return a number as Python's own of the kind of `dtype`, which then promotes nothing."""
    if dtype == "bool":
        return bool(value)
    return float(value) if is_float(dtype) else int(value)


def lowest(dtype: str) -> float | int | bool:
    """Return the smallest finite value of `dtype` (False for bool)."""
    if dtype == "bool":
        return False
    if dtype == "bfloat16":
        return -3.3895313892515355e38
    return float(np.finfo(dtype).min) if is_float(dtype) else int(np.iinfo(dtype).min)


def highest(dtype: str) -> float | int | bool:
    """Return the largest finite value of `dtype` (True for bool)."""
    if dtype == "bool":
        return True
    return -lowest(dtype) if is_float(dtype) else int(np.iinfo(dtype).max)
