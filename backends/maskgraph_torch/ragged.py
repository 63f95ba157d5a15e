"""PyTorch's own ragged tensors, packed sequences and jagged nested tensors, to and from masks.

Both hold the valid steps alone, so what comes in is right-padded, and what goes out may have had
its padding anywhere. Gradients pass both ways.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

from maskgraph.backend import Array
from maskgraph.errors import DTypeError, MaskError, explain


def to_padded(value: Any) -> tuple[Array, Array] | None:
    """Return (padded values, mask) of a ragged tensor, None for any other value.

    Raises:
        DTypeError: for a nested tensor of another layout, or whose second axis is not the
            ragged one.
    """
    if isinstance(value, PackedSequence):
        padded, lengths = pad_packed_sequence(value, batch_first=True)
        return padded, _steps(padded.shape[1], lengths.to(padded.device))
    if isinstance(value, torch.Tensor) and value.is_nested:
        return _from_nested(value)
    return None


def _from_nested(value: Array) -> tuple[Array, Array]:
    # a jagged tensor's ragged axis has a symbolic size; a strided one has no shape to ask for
    if value.layout is not torch.jagged or not isinstance(value.shape[1], torch.SymInt):
        raise DTypeError(
            explain(
                "this kind of nested tensor is not supported",
                received=f"layout {value.layout}, {value.ndim} axes",
                expected="a jagged one of shape (batch, ragged, ...)",
                fix="torch.nested.nested_tensor(rows, layout=torch.jagged)",
            )
        )
    offsets, flat = value.offsets(), value.values()
    lengths = value.lengths()
    lengths = offsets.diff() if lengths is None else lengths
    longest = int(lengths.max()) if len(lengths) else 0
    mask = _steps(longest, lengths)
    # a masked step reads some other row's value: it exists, and where() drops it
    index = (offsets[: len(lengths), None] + torch.arange(longest, device=flat.device)) * mask
    exists = mask.reshape(mask.shape + (1,) * (flat.ndim - 1))
    return torch.where(exists, flat[index], flat.new_zeros(())), mask


def _steps(longest: int, lengths: Array) -> Array:
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def _packed_sequence(values: Array, mask: Array) -> PackedSequence:
    lengths = mask.sum(1).tolist()
    if not all(lengths) or not lengths:
        raise MaskError(
            explain(
                "a PackedSequence cannot hold a sequence without any step",
                received=f"{lengths.count(0)} such of {len(lengths)} sequences",
                fix='drop those rows first, or use a nested tensor, kind="nested"',
            )
        )
    return pack_sequence(values[mask].split(lengths), enforce_sorted=False)


def _nested(values: Array, mask: Array) -> Array:
    offsets = torch.nn.functional.pad(mask.sum(1).cumsum(0), (1, 0))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The PyTorch API of nested tensors")
        return torch.nested.nested_tensor_from_jagged(values[mask], offsets)


KINDS = {"packed_sequence": _packed_sequence, "nested": _nested}
