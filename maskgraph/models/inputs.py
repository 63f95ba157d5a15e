"""Where data enters: symbolic inputs, and the border at which a model takes what it is given."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph import dtypes, ops
from maskgraph.errors import DTypeError, ShapeError, explain
from maskgraph.graph import Spec, SymbolicTensor, masked_source, source
from maskgraph.layers.base.eager import is_foreign_ragged, is_uneven
from maskgraph.masks import MaskedTensor
from maskgraph.masks.masked_tensor import fits_int32, is_ragged_list

_counter = itertools.count(1)


def Input(  # noqa: N802 - Keras's name
    shape: Sequence[int | None] | None = None,
    dtype: str = "float32",
    name: str | None = None,
    *,
    masked: bool = False,
    batch_size: int | None = None,
    batch_shape: Sequence[int | None] | None = None,
) -> SymbolicTensor:
    """Return a symbolic tensor that stands for data to come.

    Mask out: none; with `masked`, the mask that will come with the data (as it does with ragged
    lists and `MaskedTensor`s), so that checks know of it.

    Args:
        shape: without the batch axis; None for a size that varies, as time does.
        dtype: "float32", "int32", …
        name: unique in a model; made up if None.
        masked: whether the data will come with a mask of (batch, time).
        batch_size: the size of the batch axis, where a stateful layer must know it.
        batch_shape: the shape with the batch axis, in place of the two.

    Raises:
        ShapeError: if `shape` is not a sequence of sizes, or both or none of the two are given.

    Agrees with: keras.Input, 3.15.

    Example:
        >>> import maskgraph as mg
        >>> mg.Input(shape=(None, 12), name="series").shape
        (None, None, 12)
        >>> mg.Input(batch_shape=(8, None, 12)).shape
        (8, None, 12)
    """
    if (shape is None) == (batch_shape is None) or (batch_shape is not None and batch_size):
        raise ShapeError(
            explain(
                "Input: it takes one of shape and batch_shape",
                received=f"shape={shape}, batch_size={batch_size}, batch_shape={batch_shape}",
                expected="shape=(None, 8), with batch_size=32 or without, or "
                "batch_shape=(32, None, 8)",
            )
        )
    whole = _sizes(batch_shape) if shape is None else (batch_size, *_sizes(shape))
    name = name or f"input_{next(_counter)}"
    spec = Spec(_sizes(whole), dtypes.canonical(dtype))
    return masked_source(name, spec) if masked else source("input", name, spec)


def _sizes(shape: Any) -> tuple[int | None, ...]:
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
    return tuple(shape)


def admit(symbol: SymbolicTensor, value: Any, mask: Any = None) -> MaskedTensor:
    """Return data for an input as a `MaskedTensor`, checked against what the input declares.

    Raises:
        ShapeError: if rank or a known size differs.
        DTypeError: if the data cannot become the input's dtype without loss.
        MaskError: if the mask does not fit.
    """
    owner = f"input {symbol.name!r}"
    if isinstance(value, np.ndarray):
        data = MaskedTensor(value, mask, owner=owner)
    elif isinstance(value, MaskedTensor):
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
    known = data.backend.has_values(data.value)
    if symbol.dtype == "int32" and data.dtype == "int64" and known:
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


def stand_ins(
    inputs: Sequence[SymbolicTensor], given: Sequence[SymbolicTensor]
) -> dict[SymbolicTensor, SymbolicTensor]:
    """Return what stands for each of a model's inputs, and for its mask if it declares one."""
    known = dict(zip(inputs, given, strict=True))
    for own, new in zip(inputs, given, strict=True):
        if own.mask is not None:
            rank = own.mask.ndim
            known[own.mask] = ops.all_valid(new, rank) if new.mask is None else new.mask
    return known
