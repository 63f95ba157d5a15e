"""A value and its mask, side by side: what models and layers return, and may be given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.backend import Array, Backend, load, of
from maskgraph.backend import owner as owner_of
from maskgraph.masks.border import rectangle
from maskgraph.masks.check import check_mask
from maskgraph.masks.mask import Mask
from maskgraph.masks.padding import pad_sequences
from maskgraph.operators import TensorOperators


class MaskedTensor(TensorOperators):
    """A native tensor with the mask of its leading axes (None: every step exists).

    Ops, operators and slicing carry the mask: `x * 2`, `x[:, 1:]`, `ops.mean(x, axis=1)`
    (which counts valid steps only).

    Args:
        value: a native tensor of any backend, a NumPy array, or nested lists.
        mask: bool, shape `value.shape[:mask.ndim]`, True where the step exists: a native
            tensor, a NumPy array or a `Mask`.
        owner: what an error calls it.

    Raises:
        MaskError: if the mask's dtype or shape does not fit.

    Example:
        >>> import numpy as np
        >>> from maskgraph import MaskedTensor
        >>> x = MaskedTensor(np.ones((1, 3, 2)), np.array([[True, True, False]]))
        >>> [row.shape for row in x.unpad()]
        [(2, 2)]
    """

    __slots__ = ("__weakref__", "backend", "mask", "value")

    def __init__(self, value: Any, mask: Any = None, *, owner: str = "MaskedTensor") -> None:
        backend = of(value)
        if backend is None:
            value = from_host(value)
            backend = load("numpy", "cpu")
        self.value: Array = value
        self.backend: Backend = backend
        self.mask: Array | None = None
        if mask is not None:
            if isinstance(mask, Mask):
                mask = mask.array
            elif isinstance(mask, MaskedTensor):
                mask = mask.value
            mask = backend.asarray(mask)
            check_mask(owner, self.shape, backend.shape(mask), backend.dtype(mask))
            self.mask = mask

    @classmethod
    def from_ragged(cls, value: Any, dtype: str | None = None) -> MaskedTensor:
        """Return the right-padded rectangle of sequences of different lengths, with its mask.

        Args:
            value: a list of lists or arrays, one a sequence; or a framework's own ragged
                tensor (`PackedSequence`, jagged nested tensor, `tf.RaggedTensor`).
        """
        name = owner_of(value)
        ragged = None if name is None else load(name, "cpu").from_ragged(value)
        if ragged is not None:
            return cls(*ragged)
        rows = [from_host(row) for row in value]
        if dtype is None:
            dtype = dtypes.promote([dtypes.canonical(r.dtype) for r in rows if r.size] or ["int32"])
        padded = pad_sequences(rows, dtype=dtype, padding="post")
        return cls(padded, Mask.from_lengths([len(r) for r in rows], padded.shape[1]))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.backend.shape(self.value)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> str:
        return self.backend.dtype(self.value)

    @property
    def _keras_mask(self) -> Array | None:
        return self.mask

    def numpy(self) -> np.ndarray:
        """Return the values as a NumPy array, zeros at masked steps."""
        value = self.backend.to_numpy(self.value)
        if self.mask is None:
            return value
        mask = self.backend.to_numpy(self.mask)
        return np.where(
            mask.reshape(mask.shape + (1,) * (value.ndim - mask.ndim)),
            value,
            np.zeros((), value.dtype),
        )

    def unpad(self) -> list[np.ndarray]:
        """Return the valid steps of each sequence as one NumPy array a sequence."""
        value = self.backend.to_numpy(self.value)
        if self.mask is None:
            return list(value)
        mask = self.backend.to_numpy(self.mask)
        return [row[exists] for row, exists in zip(value, mask, strict=True)]

    def on(self, backend: Backend) -> tuple[Array, Array | None]:
        """Return value and mask as something `backend` can take: its own tensors or NumPy's."""
        if self.backend.name in (backend.name, "numpy"):
            return self.value, self.mask
        host = self.backend.to_numpy
        return host(self.value), None if self.mask is None else host(self.mask)

    def to_ragged(self, kind: str) -> Any:
        """Return the valid steps as the framework's ragged tensor of a kind:
        "packed_sequence" or "nested" (PyTorch), "ragged_tensor" (TensorFlow)."""
        mask = self.mask
        if mask is None:
            mask = self.backend.all_valid(self.value, 2)
        return self.backend.to_ragged(self.value, mask, kind)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __float__(self) -> float:
        return float(self.numpy())

    def __repr__(self) -> str:
        return (
            f"<MaskedTensor shape={self.shape} dtype={self.dtype} backend={self.backend.name} "
            f"mask={None if self.mask is None else self.backend.shape(self.mask)}>\n"
            f"{self.numpy()}"
        )


def from_host(value: Any) -> np.ndarray:
    """Return nested lists, numbers or a NumPy array as an array: Python's numbers become
    int32 and float32, as in Keras; arrays keep their dtype.

    Raises:
        ShapeError: for a ragged nested list.
    """
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value)
    array = rectangle(value)
    dtypes.canonical(array.dtype)  # refuses text and objects
    if array.dtype == np.int64:
        return array.astype(np.int32) if not array.size or fits_int32(array) else array
    return array.astype(np.float32) if array.dtype == np.float64 else array


def fits_int32(array: np.ndarray) -> bool:
    info = np.iinfo(np.int32)
    return bool(array.min() >= info.min and array.max() <= info.max)


def is_ragged_list(value: Any) -> bool:
    """Tell whether a value is a batch of sequences in a list (of lists or arrays)."""
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str | bytes)
        and all(isinstance(row, Sequence) or getattr(row, "ndim", 0) > 0 for row in value)
    )
