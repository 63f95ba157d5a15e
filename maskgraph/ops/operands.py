"""What ops take as tensors, whatever their kind: symbols, masked and native tensors, numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.backend import Array, Backend, of
from maskgraph.errors import MaskgraphError
from maskgraph.graph import Dim, Spec, SymbolicTensor, Weight, leaves, map_tree
from maskgraph.masks.masked_tensor import MaskedTensor, from_host

Tensor = Any
"""In an op's signature: a symbolic, masked or native tensor, a weight, an array or a number."""
Tensors = Any
"""In an op's signature: a list of tensors."""
Mask = Any
"""In a mask rule: a symbolic or native bool tensor."""
Arguments = dict[str, Any]
"""An op's arguments by name."""


_FLOAT, _INT = Spec((), "float32"), Spec((), "int32")
_INT32 = np.iinfo(np.int32)


def spec_of(x: Any) -> Spec:
    """Return shape and dtype of anything that an op takes as a tensor."""
    if isinstance(x, SymbolicTensor):
        return x.node.specs[x.index]
    if type(x) is float:
        return _FLOAT
    if type(x) is int and _INT32.min <= x <= _INT32.max:
        return _INT
    if isinstance(x, (Weight, MaskedTensor)):
        return Spec(x.shape, x.dtype)
    backend = of(x)
    if backend is not None:
        return Spec(tuple(backend.shape(x)), backend.dtype(x))
    array = from_host(x)
    return Spec(array.shape, dtypes.canonical(array.dtype))


def written_out(value: Any) -> Any:
    """Return a list of numbers, which is a tensor written out, as an array; all else as it is."""
    if not isinstance(value, list | tuple) or not value:
        return value
    numbers = all(isinstance(x, bool | int | float) for x in value)
    return from_host(value) if numbers else value


def dtype_of(x: Any) -> Any:
    """Return the dtype of an operand; for Python's own numbers, which take the dtype that they
    meet, their type: bool, int or float."""
    if isinstance(x, SymbolicTensor):
        return x.node.specs[x.index].dtype
    if not isinstance(x, (int, float)) or isinstance(x, np.generic):
        return spec_of(x).dtype
    return bool if isinstance(x, bool) else int if isinstance(x, int) else float


HELD = frozenset({bool, int, float, str, type(None), SymbolicTensor, Dim})
"""The types of arguments that a symbolic graph holds as they are."""


def held(value: Any) -> Any:
    """Return an argument as a symbolic graph holds it."""
    return value if type(value) in HELD else map_tree(_as_symbol, value)


def _as_symbol(x: Any) -> Any:
    """Return a constant or a weight as a symbolic graph holds it."""
    if isinstance(x, Weight):
        return x.symbol
    if isinstance(x, MaskedTensor):
        if x.mask is not None:
            raise MaskgraphError(
                "a masked tensor with data cannot be a constant of a symbolic graph: pass it as "
                "an input of the model"
            )
        return x.backend.to_numpy(x.value)
    backend = of(x)  # a constant belongs to no backend: the plan may run on another
    return x if backend is None else backend.to_numpy(x)


def masks_of(value: Any) -> Any:
    """Return the mask of a tensor, or those of a list of tensors."""
    if isinstance(value, SymbolicTensor):
        return value.node.masks[value.index]
    if isinstance(value, (list, tuple)):
        return [masks_of(x) for x in value]
    return value.mask if isinstance(value, MaskedTensor) else None


def any_mask(masks: dict[str, Any]) -> bool:
    """Tell whether there is a mask among what `masks_of` returned for some arguments."""
    for mask in masks.values():
        if mask is not None and (
            type(mask) is not list or any(m is not None for m in leaves(mask))
        ):
            return True
    return False


def stripped(x: Any) -> Any:
    """Return a tensor without its mask."""
    return x.value if isinstance(x, MaskedTensor) else x


def as_native(x: Any, backend: Backend, dtype: str | None) -> Array:
    """Return data as a tensor of a backend, in `dtype` if one is given."""
    if x is None:
        return None
    if isinstance(x, Weight):
        return x.native(backend, dtype or x.dtype)
    if of(x) is None:
        x = from_host(x)
    value = backend.asarray(x)
    return backend.cast(value, dtype) if dtype and backend.dtype(value) != dtype else value


def wrapped(result: Any) -> Any:
    """Return native results as masked tensors without a mask."""
    return tuple(map(MaskedTensor, result)) if isinstance(result, tuple) else MaskedTensor(result)


def frozen(value: Any) -> Any:
    """Return a hashable key: symbols by the number of their node, large things by identity (the
    node keeps them alive). It is of such things as the garbage collector need not look at."""
    if isinstance(value, SymbolicTensor):
        serial = value.node.serial
        return serial if value.index == 0 else ("symbol", serial, value.index)
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, *map(frozen, value))
    if isinstance(value, slice):
        return ("slice", frozen(value.start), frozen(value.stop), frozen(value.step))
    if value is None or isinstance(value, (int, float, str)):
        return (type(value).__name__, value or repr(value))  # 0.0 is not -0.0
    if isinstance(value, np.generic):
        return ("number", value.dtype.name, value.item())
    return ("object", id(value))
