"""Where data enters: symbolic inputs, and the border at which a model takes what it is given."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.errors import DTypeError, ShapeError, explain
from maskgraph.graph import Spec, SymbolicTensor, masked_source, source
from maskgraph.layers.base.eager import is_foreign_ragged, is_uneven
from maskgraph.masks import MaskedTensor
from maskgraph.masks.masked_tensor import fits_int32, is_ragged_list

_counter = itertools.count(1)


def Input(  # noqa: N802 - Keras's name
    shape: Sequence[int | None],
    dtype: str = "float32",
    name: str | None = None,
    *,
    masked: bool = False,
) -> SymbolicTensor:
    """Return a symbolic tensor that stands for data to come.

    Mask out: none; with `masked`, the mask that will come with the data (as it does with ragged
    lists and `MaskedTensor`s), so that checks know of it.

    Args:
        shape: without the batch axis; None for a size that varies, as time does.
        dtype: "float32", "int32", …
        name: unique in a model; made up if None.
        masked: whether the data will come with a mask of (batch, time).

    Raises:
        ShapeError: if `shape` is not a sequence of sizes.

    Agrees with: keras.Input, 3.15.

    Example:
        >>> import maskgraph as mg
        >>> mg.Input(shape=(None, 12), name="series").shape
        (None, None, 12)
    """
    if not isinstance(shape, tuple | list) or not all(
        n is None or (isinstance(n, int) and n >= 0) for n in shape
    ):
        raise ShapeError(
            explain(
                "Input: shape must be a tuple of sizes",
                received=repr(shape),
                expected="as (None,) for ids or (None, features) for vectors; the batch axis is "
                "left out",
            )
        )
    name = name or f"input_{next(_counter)}"
    spec = Spec((None, *shape), dtypes.canonical(dtype))
    return masked_source(name, spec) if masked else source("input", name, spec)


def admit(symbol: SymbolicTensor, value: Any, mask: Any = None) -> MaskedTensor:
    """Return data for an input as a `MaskedTensor`, checked against what the input declares.

    Raises:
        ShapeError: if rank or a known size differs.
        DTypeError: if the data cannot become the input's dtype without loss.
        MaskError: if the mask does not fit.
    """
    owner = f"input {symbol.name!r}"
    if isinstance(value, MaskedTensor):
        data = value if mask is None else MaskedTensor(value.value, mask, owner=owner)
    elif isinstance(value, list) and not any(map(_has_steps, value)):
        shape = (
            (len(value), 0, *(n or 0 for n in symbol.shape[2:]))
            if value
            else (0, *(n or 0 for n in symbol.shape[1:]))
        )
        data = MaskedTensor(np.zeros(shape, symbol.dtype), mask, owner=owner)
    elif is_foreign_ragged(value) or (is_ragged_list(value) and is_uneven(value)):
        data = MaskedTensor.from_ragged(value)
    else:
        data = MaskedTensor(value, mask, owner=owner)
    _check_shape(symbol, data.shape)
    return _as_dtype(symbol, data)


def _has_steps(row: Any) -> bool:
    return not hasattr(row, "__len__") or len(row) > 0


def _check_shape(symbol: SymbolicTensor, shape: tuple[int, ...]) -> None:
    fits = len(shape) == symbol.ndim and all(
        n is None or n == m for n, m in zip(symbol.shape, shape, strict=True)
    )
    if fits:
        return
    what = "rank" if len(shape) != symbol.ndim else "shape"
    raise ShapeError(
        explain(
            f"input {symbol.name!r}: wrong {what}",
            received=f"data of shape {shape}",
            expected=f"shape {symbol.shape} (None: any size)",
            fix="a single sequence needs a batch axis: x[None]; sequences of different lengths "
            "come as a list",
        )
    )


def _as_dtype(symbol: SymbolicTensor, data: MaskedTensor) -> MaskedTensor:
    if data.dtype == symbol.dtype:
        return data
    lossy = dtypes.is_float(data.dtype) and not dtypes.is_float(symbol.dtype)
    if symbol.dtype == "int32" and data.dtype == "int64":
        host = data.backend.to_numpy(data.value)
        lossy = bool(host.size) and not fits_int32(host)
    if lossy:
        raise DTypeError(
            explain(
                f"input {symbol.name!r}: wrong dtype",
                received=f"{data.dtype} data",
                expected=symbol.dtype,
                fix=f"convert it yourself if that is meant: x.astype({symbol.dtype!r})",
            )
        )
    return MaskedTensor(data.backend.cast(data.value, symbol.dtype), data.mask)
