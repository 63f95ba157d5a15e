"""What losses and metrics take, brought to one form."""

from __future__ import annotations

from typing import Any

from maskgraph.backend import load
from maskgraph.backend import owner as owner_of
from maskgraph.graph import SymbolicTensor, Weight
from maskgraph.masks import Mask, MaskedTensor
from maskgraph.masks.masked_tensor import from_host, is_ragged_list


def as_tensor(value: Any) -> Any:
    """Return ragged data, a list of sequences or a framework's own, as a `MaskedTensor`; lists
    and numbers as arrays; all else as it is."""
    if value is None or isinstance(value, SymbolicTensor | Weight | MaskedTensor):
        return value
    if isinstance(value, Mask):
        return value.array
    name = owner_of(value)
    if name is not None:
        ragged = load(name, "cpu").from_ragged(value)
        return value if ragged is None else MaskedTensor(*ragged)
    if is_ragged_list(value) and len({len(row) for row in value}) > 1:
        return MaskedTensor.from_ragged(value)
    return from_host(value)


def as_mask(value: Any) -> Any:
    """Return a mask, in whatever form it was given, as a tensor."""
    value = as_tensor(value)
    return value.value if isinstance(value, MaskedTensor) else value
