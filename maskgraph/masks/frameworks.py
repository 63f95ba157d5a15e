"""Masks from and to the frameworks' own ragged tensors, without importing any framework."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from maskgraph.backend import load, of, owner
from maskgraph.errors import DTypeError, explain
from maskgraph.masks.border import fitting, rank2

# kind: (its backend, its name in the framework, an attribute that gives its type away)
_KINDS = {
    "packed_sequence": ("torch", "torch.nn.utils.rnn.PackedSequence", "batch_sizes"),
    "nested": ("torch", "torch.nested.nested_tensor", "is_nested"),
    "ragged_tensor": ("tensorflow", "tf.RaggedTensor", "row_splits"),
}


class FrameworkMasks(ABC):
    """The conversions of `Mask` from and to types that only one framework has."""

    if TYPE_CHECKING:

        def __init__(self, array: Any) -> None: ...

    @property
    @abstractmethod
    def array(self) -> np.ndarray: ...

    @classmethod
    def from_packed_sequence(cls, packed: Any) -> Self:
        """Return the right-padded mask of PyTorch's packed sequences, rows in their own order.

        Values in, their mask out. Shapes: a `PackedSequence` to bool (batch, time).

        Raises:
            DTypeError: for any other type.

        Source: `torch.nn.utils.rnn.PackedSequence` of PyTorch 2.13.

        Example:
            >>> import torch
            >>> from maskgraph import Mask
            >>> rows = [torch.ones(1), torch.ones(2)]
            >>> packed = torch.nn.utils.rnn.pack_sequence(rows, enforce_sorted=False)
            >>> Mask.from_packed_sequence(packed).to_lengths()
            array([1, 2])
        """
        return cls(_from(packed, "packed_sequence"))

    @classmethod
    def from_nested(cls, nested: Any) -> Self:
        """Return the right-padded mask of PyTorch's nested tensor.

        Values in, their mask out. Shapes: (batch, ragged, ...) to bool (batch, time).

        Raises:
            DTypeError: for any other type.

        Source: `torch.nested.nested_tensor` of PyTorch 2.13.

        Example:
            >>> import torch
            >>> from maskgraph import Mask
            >>> rows = [torch.ones(1, 4), torch.ones(2, 4)]
            >>> nested = torch.nested.nested_tensor(rows, layout=torch.jagged)
            >>> Mask.from_nested(nested).to_lengths()
            array([1, 2])
        """
        return cls(_from(nested, "nested"))

    @classmethod
    def from_ragged_tensor(cls, ragged: Any) -> Self:
        """Return the right-padded mask of TensorFlow's ragged tensor.

        Values in, their mask out. Shapes: (batch, None, ...) to bool (batch, time).

        Raises:
            DTypeError: for any other type.

        Source: `tf.RaggedTensor` of TensorFlow 2.21.

        Example:
            >>> import tensorflow as tf
            >>> from maskgraph import Mask
            >>> Mask.from_ragged_tensor(tf.ragged.constant([[7], [8, 9]])).to_lengths()
            array([1, 2])
        """
        return cls(_from(ragged, "ragged_tensor"))

    def to_packed_sequence(self, values: Any) -> Any:
        """Return the valid steps as PyTorch's `PackedSequence`, rows kept in their order.

        Any mask of rank 2 goes in: left padding and holes are left out as well. Shapes: a
        PyTorch tensor (on its own device, with its gradient) or NumPy array (batch, time, ...).

        Raises:
            MaskError: if the values do not fit the mask, the mask has leading axes, or a row is
                empty, which a `PackedSequence` cannot be.
            BackendError: if the values are another framework's, or PyTorch is missing.

        Source: `torch.nn.utils.rnn.pack_padded_sequence` of PyTorch 2.13.

        Example:
            >>> import numpy as np
            >>> from maskgraph import Mask
            >>> mask = Mask.from_lengths([1, 2], padding="pre")
            >>> mask.to_packed_sequence(np.array([[0, 7], [8, 9]])).data
            tensor([8, 7, 9])
        """
        return _to(values, self.array, "packed_sequence")

    def to_nested(self, values: Any) -> Any:
        """Return the valid steps as PyTorch's jagged nested tensor.

        Any mask of rank 2 goes in: left padding and holes are left out as well. Shapes: a
        PyTorch tensor (on its own device, with its gradient) or NumPy array (batch, time, ...).

        Raises:
            MaskError: if the values do not fit the mask, or the mask has leading axes.
            BackendError: if the values are another framework's, or PyTorch is missing.

        Source: `torch.nested.nested_tensor` of PyTorch 2.13.

        Example:
            >>> import numpy as np
            >>> from maskgraph import Mask
            >>> Mask.from_lengths([1, 2]).to_nested(np.array([[7, 0], [8, 9]])).values()
            tensor([7, 8, 9])
        """
        return _to(values, self.array, "nested")

    def to_ragged_tensor(self, values: Any) -> Any:
        """Return the valid steps as TensorFlow's ragged tensor.

        Any mask of rank 2 goes in: left padding and holes are left out as well. Shapes: a
        TensorFlow tensor (with its gradient) or NumPy array (batch, time, ...).

        Raises:
            MaskError: if the values do not fit the mask, or the mask has leading axes.
            BackendError: if the values are another framework's, or TensorFlow is missing.

        Source: `tf.RaggedTensor` of TensorFlow 2.21.

        Example:
            >>> import numpy as np
            >>> from maskgraph import Mask
            >>> Mask.from_lengths([1, 2]).to_ragged_tensor(np.array([[7, 0], [8, 9]])).to_list()
            [[7], [8, 9]]
        """
        return _to(values, self.array, "ragged_tensor")


def _from(value: Any, kind: str) -> np.ndarray:
    _, name, attribute = _KINDS[kind]
    found = owner(value)
    # The attribute is asked first: from_ragged takes every ragged type that its framework has.
    # The mask goes to the host, wherever the values are.
    backend = load(found, "cpu") if found is not None and hasattr(value, attribute) else None
    parts = None if backend is None else backend.from_ragged(value)
    if backend is None or parts is None:
        raise DTypeError(
            explain(
                f"Mask.from_{kind}: the value is of another type",
                received=type(value).__name__,
                expected=name,
                fix="nested lists: Mask.from_ragged; padded tensors: Mask.from_lengths",
            )
        )
    return backend.to_numpy(parts[1])


def _to(values: Any, mask: np.ndarray, kind: str) -> Any:
    where = f"Mask.to_{kind}"
    rank2(where, mask)
    backend = of(values)
    if backend is None or backend.name == "numpy":  # data on the host: the framework is ours to say
        backend = load(_KINDS[kind][0])
    native = backend.asarray(values)
    fitting(where, mask, backend.shape(native))
    return backend.to_ragged(native, backend.asarray(mask), kind)
