"""Where masks go: one method for each convention of other libraries, named for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from maskgraph import dtypes
from maskgraph.errors import DTypeError, MaskError, explain
from maskgraph.masks.border import fitting, host, rank2


class MaskTargets(ABC):
    """The conversions of `Mask` to other libraries' conventions, as NumPy arrays."""

    @property
    @abstractmethod
    def array(self) -> np.ndarray: ...

    def counts(self) -> np.ndarray:
        """Return how many steps of each sequence exist.

        Any mask goes in, with padding on either side and with holes. Shapes: (..., time) to
        int64 (...).

        Source: the sum of the mask over time.

        Example:
            >>> from maskgraph import Mask
            >>> Mask([[True, False, True], [False, False, False]]).counts()
            array([2, 0])
        """
        return np.asarray(self.array.sum(axis=-1, dtype=np.int64))

    def to_lengths(self) -> np.ndarray:
        """Return the length of each sequence.

        A mask without holes goes in; on which side the padding stands is not in the lengths
        (`mask.padding` tells it). Shapes: (..., time) to int64 (...).

        Raises:
            MaskError: if a row has a masked step between steps that exist.

        Source: `lengths` of `torch.nn.utils.rnn.pack_padded_sequence`, which stand for a
        right-padded batch.

        Example:
            >>> from maskgraph import Mask
            >>> Mask([[True, True, False], [True, False, False]]).to_lengths()
            array([2, 1])
        """
        starts = self.array.copy()
        starts[..., 1:] &= ~self.array[..., :-1]
        holed = starts.sum(axis=-1) > 1
        if holed.any():
            row = tuple(np.argwhere(holed)[0].tolist())
            raise MaskError(
                explain(
                    f"Mask.to_lengths: row {row[0] if len(row) == 1 else row} has a hole",
                    received=self.array[row].astype(int).tolist(),
                    expected="valid steps without a masked one between them",
                    fix="mask.counts() counts valid steps; mask.to_list(values) removes the others",
                )
            )
        return self.counts()

    def to_attention_mask(self, dtype: Any = "int64") -> np.ndarray:
        """Return the mask as Hugging Face models take it, where 1 means keep.

        The same polarity goes in and out. Shapes: (batch, time) to (batch, time), bool or of
        an integer dtype.

        Raises:
            DTypeError: for a float dtype: models add float masks to attention scores.
            MaskError: if the mask has leading axes.

        Source: the `attention_mask` of Hugging Face transformers.

        Example:
            >>> from maskgraph import Mask
            >>> Mask([[True, True, False]]).to_attention_mask()
            array([[1, 1, 0]])
        """
        name = dtypes.canonical(dtype)
        if dtypes.is_float(name):
            raise DTypeError(
                explain(
                    "Mask.to_attention_mask: a float mask means another thing",
                    received=f"dtype={name!r}",
                    expected="bool or an integer dtype",
                    fix="to add to scores: numpy.where(mask.array, 0.0, -numpy.inf)",
                )
            )
        return rank2("Mask.to_attention_mask", self.array).astype(name)

    def to_key_padding_mask(self) -> np.ndarray:
        """Return the inverted mask that PyTorch's attention takes, where True means ignore.

        True at the steps that exist goes in; True at the padding comes out. Shapes: bool
        (batch, time), both ways.

        Raises:
            MaskError: if the mask has leading axes.

        Source: `key_padding_mask` of `torch.nn.MultiheadAttention`, `src_key_padding_mask` of
        `torch.nn.Transformer`, PyTorch 2.13. A row that is all True gives NaN there.

        Example:
            >>> from maskgraph import Mask
            >>> Mask([[True, True, False]]).to_key_padding_mask()
            array([[False, False,  True]])
        """
        return ~rank2("Mask.to_key_padding_mask", self.array)

    def to_cu_seqlens(self, dtype: Any = "int32") -> np.ndarray:
        """Return where each sequence starts once the valid steps are laid end to end.

        Any mask of rank 2 goes in. Shapes: (batch, time) to (batch + 1,), int32 or int64.

        Raises:
            DTypeError: for another dtype.
            MaskError: if the mask has leading axes.

        Source: flash-attn's `cu_seqlens`; the `row_splits` of `tf.RaggedTensor`.

        Example:
            >>> from maskgraph import Mask
            >>> Mask([[True, True], [False, False], [True, False]]).to_cu_seqlens()
            array([0, 2, 2, 3], dtype=int32)
        """
        name = dtypes.canonical(dtype)
        if name not in ("int32", "int64"):
            raise DTypeError(
                explain(
                    "Mask.to_cu_seqlens: offsets have another dtype",
                    received=f"dtype={name!r}",
                    expected="'int32' or 'int64'",
                )
            )
        rank2("Mask.to_cu_seqlens", self.array)
        return np.concatenate([[0], np.cumsum(self.counts())]).astype(name)

    def to_segment_ids(self) -> np.ndarray:
        """Return the number of its sequence, from 1, at each valid step, and 0 in the padding.

        Any mask of rank 2 goes in. Shapes: (batch, time) to int32 (batch, time).

        Raises:
            MaskError: if the mask has leading axes.

        Source: the `segment_ids` of T5X and MaxText, where steps attend within their segment.

        Example:
            >>> from maskgraph import Mask
            >>> Mask([[True, True], [True, False]]).to_segment_ids()
            array([[1, 1],
                   [2, 0]], dtype=int32)
        """
        mask = rank2("Mask.to_segment_ids", self.array)
        return np.where(mask, np.arange(1, len(mask) + 1, dtype=np.int32)[:, None], np.int32(0))

    def to_position_ids(self) -> np.ndarray:
        """Return how many valid steps come before each valid step, and 0 in the padding.

        Any mask goes in; padding before a sequence does not move it. Shapes: (..., time) to
        int64 (..., time).

        Source: the `position_ids` of Hugging Face transformers, where padding, however, may
        have any position.

        Example:
            >>> from maskgraph import Mask
            >>> Mask([[False, True, True]]).to_position_ids()
            array([[0, 0, 1]])
        """
        return np.where(self.array, np.cumsum(self.array, axis=-1, dtype=np.int64) - 1, 0)

    def to_list(self, values: Any) -> list[np.ndarray]:
        """Return the valid steps of each sequence: the inverse of padding.

        Any mask of rank 2 goes in. Shapes: an array or any framework's tensor (batch, time,
        ...) to a NumPy array (valid steps, ...) for each row, of the same dtype.

        Raises:
            MaskError: if the values do not fit the mask, or the mask has leading axes.

        Source: `torch.nn.utils.rnn.unpad_sequence`, for padding on either side.

        Example:
            >>> from maskgraph import Mask
            >>> Mask([[False, True], [True, True]]).to_list([[0, 7], [8, 9]])
            [array([7]), array([8, 9])]
        """
        mask = rank2("Mask.to_list", self.array)
        rows = host(values)
        fitting("Mask.to_list", mask, rows.shape)
        return [row[exists] for row, exists in zip(rows, mask, strict=True)]
