"""The mask itself: which steps of a batch of sequences exist."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph.errors import DTypeError, MaskError, explain
from maskgraph.masks.border import host
from maskgraph.masks.frameworks import FrameworkMasks
from maskgraph.masks.sources import MaskSources
from maskgraph.masks.targets import MaskTargets

_FIXES = {
    "f": "of 1.0 and 0.0: Mask(a == 1); of 0 and -inf, to add to scores: Mask(a == 0)",
    "i": "1 means keep: Mask.from_attention_mask; 1 means ignore: Mask.from_key_padding_mask(a "
    "!= 0); lengths: Mask.from_lengths; token ids: Mask(ids != pad_id)",
}


class Mask(MaskSources, MaskTargets, FrameworkMasks):
    """Which steps exist: an immutable bool array (batch, time), True where the step exists.

    Bool in this sense goes in, as in Keras and Hugging Face; other conventions come in through
    the `from_...` method that is named for them and leave through a `to_...` method. Shapes:
    rank 2 or more; axes before the last two are leading axes, such as documents of sentences.
    There is no inverse on purpose: an inverted mask looks like any other.

    Args:
        array: a NumPy array, any framework's tensor, nested lists, or a `Mask`.

    Raises:
        DTypeError: if it is not bool.
        MaskError: if it has no batch or no time axis.

    Source: the `mask` of Keras 3 layers.

    Example:
        >>> from maskgraph import Mask
        >>> mask = Mask([[True, True, True], [True, False, False]])
        >>> mask
        Mask(shape=(2, 3), padding='right', valid=4/6)
        >>> mask.to_key_padding_mask()
        array([[False, False, False],
               [False,  True,  True]])
    """

    # NumPy's operators refuse a Mask, so that nobody multiplies by one: NaN * 0 is NaN.
    __array_ufunc__ = None

    def __init__(self, array: Any) -> None:
        found = host(array)
        if found.ndim < 2:
            raise MaskError(
                explain(
                    "Mask: a mask has a batch and a time axis",
                    received=f"shape {found.shape}",
                    expected="(batch, time)",
                    fix="add the batch axis: array[None, :]; lengths: Mask.from_lengths",
                )
            )
        if found.dtype != bool:
            raise DTypeError(
                explain(
                    "Mask: the array is not bool",
                    received=f"dtype {found.dtype}",
                    expected="bool, True where the step exists",
                    fix=_FIXES["f" if found.dtype.kind == "f" else "i"],
                )
            )
        self._array = found.copy()
        self._array.setflags(write=False)

    @property
    def array(self) -> np.ndarray:
        """The mask as a NumPy array that cannot be written to."""
        return self._array

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def padding(self) -> str:
        """Where masked steps stand: "none", only at the end of rows ("right"), only at their
        beginning ("left"), or "any". Rows that are empty or full fit either side."""
        if self._array.all():
            return "none"
        before, after = self._array[..., :-1], self._array[..., 1:]
        if not (after & ~before).any():
            return "right"
        return "any" if (before & ~after).any() else "left"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._array, dtype, copy=copy)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return np.array_equal(self._array, other._array)

    def __hash__(self) -> int:
        return hash((self.shape, self._array.tobytes()))

    def __and__(self, other: Mask) -> Mask:
        if not isinstance(other, Mask):
            return NotImplemented
        return Mask(self._array & self._like(other))

    def __or__(self, other: Mask) -> Mask:
        if not isinstance(other, Mask):
            return NotImplemented
        return Mask(self._array | self._like(other))

    def __repr__(self) -> str:
        valid = f"{np.count_nonzero(self._array)}/{self._array.size}"
        return f"Mask(shape={self.shape}, padding={self.padding!r}, valid={valid})"

    def _like(self, other: Mask) -> np.ndarray:
        """Return the other mask's array if it has this one's shape: masks never broadcast."""
        if other.shape != self.shape:
            raise MaskError(
                explain(
                    "Mask: two masks of different shapes meet",
                    received=f"shape {other.shape}",
                    expected=f"shape {self.shape}",
                )
            )
        return other._array
