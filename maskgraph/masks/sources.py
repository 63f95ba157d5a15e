"""Where masks come from: one constructor for each convention, named for it, so that nobody has
to guess a polarity."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from maskgraph.backend import owner
from maskgraph.errors import ArgumentError, DTypeError, MaskError, explain
from maskgraph.masks.border import host, one_of, rank2, size


class MaskSources(ABC):
    """The constructors of `Mask` from other libraries' conventions."""

    if TYPE_CHECKING:

        def __init__(self, array: Any) -> None: ...

    @classmethod
    def from_lengths(cls, lengths: Any, maxlen: int | None = None, padding: str = "post") -> Self:
        """Return the mask of sequences that have these numbers of steps.

        Lengths in; out, True at the first steps of each row (at the last ones if `padding` is
        "pre"). Shapes: integers (batch,) to bool (batch, maxlen); `maxlen` defaults to the
        greatest length. More axes are kept as leading axes.

        Raises:
            DTypeError: if the lengths are not integers.
            ArgumentError: if a length is negative or greater than `maxlen`.

        Source: `tf.sequence_mask`, which, however, cuts lengths greater than `maxlen` silently.

        Example:
            >>> from maskgraph import Mask
            >>> Mask.from_lengths([3, 1]).array
            array([[ True,  True,  True],
                   [ True, False, False]])
        """
        found = _integers("Mask.from_lengths", lengths, "lengths")
        one_of("Mask.from_lengths", "padding", padding, ("pre", "post"))
        limit = max(0, int(found.max(initial=0)))
        if maxlen is not None:
            limit = size("Mask.from_lengths", "maxlen", maxlen)
        bad = (found < 0) | (found > limit)
        if bad.any():
            raise ArgumentError(
                explain(
                    f"Mask.from_lengths: the length of row {_first(bad)} is out of range",
                    received=found[bad][0],
                    expected=f"0 to {limit}",
                    fix="raise maxlen, or cut lengths and values together: "
                    "numpy.minimum(lengths, maxlen)",
                )
            )
        steps = np.arange(limit)
        if padding == "pre":
            return cls(steps >= limit - found[..., None])
        return cls(steps < found[..., None])

    @classmethod
    def from_attention_mask(cls, attention_mask: Any) -> Self:
        """Return the mask that a Hugging Face tokenizer gives, where 1 means keep.

        The same polarity goes in and out. Shapes: integers 1 and 0, or bool, (batch, time) to
        bool (batch, time).

        Raises:
            DTypeError: for a float mask, which may be one to add to attention scores.
            MaskError: for values other than 0 and 1, or another rank.

        Source: the `attention_mask` of Hugging Face transformers.

        Example:
            >>> from maskgraph import Mask
            >>> Mask.from_attention_mask([[1, 1, 0]]).array
            array([[ True,  True, False]])
        """
        where = "Mask.from_attention_mask"
        found = rank2(where, host(attention_mask))
        if found.dtype.kind not in "biu":
            raise DTypeError(
                explain(
                    f"{where}: the mask is not integer or bool",
                    received=f"dtype {found.dtype}",
                    expected="1 where the step exists, 0 in the padding",
                    fix="of 1.0 and 0.0: pass a == 1; of 0 and -inf, to add to scores: pass a == 0",
                )
            )
        bad = (found != 0) & (found != 1)
        if bad.any():
            raise MaskError(
                explain(
                    f"{where}: row {_first(bad.any(axis=-1))} holds a value other than 0 and 1",
                    received=found[bad][0],
                    expected="1 where the step exists, 0 in the padding",
                    fix="of token ids: pass ids != pad_id; of segment ids: pass segments != 0",
                )
            )
        return cls(found == 1)

    @classmethod
    def from_key_padding_mask(cls, key_padding_mask: Any) -> Self:
        """Return the inverse of PyTorch's `key_padding_mask`, in which True means ignore.

        True at the padding goes in; True at the steps that exist comes out. Shapes: bool
        (batch, time), both ways.

        Raises:
            DTypeError: for integer masks, and for float masks, which are added to scores.
            MaskError: for another rank than 2.

        Source: `torch.nn.MultiheadAttention` of PyTorch 2.13.

        Example:
            >>> from maskgraph import Mask
            >>> Mask.from_key_padding_mask([[False, False, True]]).array
            array([[ True,  True, False]])
        """
        found = rank2("Mask.from_key_padding_mask", host(key_padding_mask))
        if found.dtype != bool:
            raise DTypeError(
                explain(
                    "Mask.from_key_padding_mask: the mask is not bool",
                    received=f"dtype {found.dtype}",
                    expected="bool, True where the step is padding",
                    fix="of 0 and -inf: pass m != 0; where 1 means keep: Mask.from_attention_mask",
                )
            )
        return cls(~found)

    @classmethod
    def from_cu_seqlens(cls, cu_seqlens: Any, maxlen: int | None = None) -> Self:
        """Return the right-padded mask of sequences that were laid end to end.

        Cumulative lengths in; out, True at the first steps of each row. Shapes: integers
        (batch + 1,), from 0 to the number of all steps, to bool (batch, maxlen).

        Raises:
            DTypeError: if they are not integers.
            MaskError: if they do not start at 0, or ever fall.
            ArgumentError: if a sequence is longer than `maxlen`.

        Source: flash-attn's `cu_seqlens`; the `row_splits` of `tf.RaggedTensor`.

        Example:
            >>> from maskgraph import Mask
            >>> Mask.from_cu_seqlens([0, 2, 3]).array
            array([[ True,  True],
                   [ True, False]])
        """
        found = _integers("Mask.from_cu_seqlens", cu_seqlens, "cumulative lengths")
        if found.ndim != 1 or found[:1].tolist() != [0] or (np.diff(found) < 0).any():
            raise MaskError(
                explain(
                    "Mask.from_cu_seqlens: these are no cumulative lengths",
                    received=f"shape {found.shape}, values {found.ravel()[:8].tolist()}",
                    expected="shape (batch + 1,), the first value 0, none less than the one before",
                    fix="for lengths: Mask.from_lengths",
                )
            )
        return cls.from_lengths(np.diff(found), maxlen)

    @classmethod
    def from_ragged(
        cls, sequences: Iterable[Any], maxlen: int | None = None, padding: str = "post"
    ) -> Self:
        """Return the mask that fits sequences once they are padded.

        Values in; out, True at as many steps of each row as its sequence has, at the first
        ones (at the last ones if `padding` is "pre"). Shapes: lists, arrays or tensors
        (length, ...) of any type to bool (number of sequences, maxlen). Only the outer lists
        are counted: sentences of lists of words give a mask over the words' positions.

        Raises:
            DTypeError: for strings, scalars, and frameworks' own tensors.
            ArgumentError: if a sequence is longer than `maxlen`: truncate it first.

        Source: the mask that goes with `pad_sequences`, whose default padding is "pre".

        Example:
            >>> from maskgraph import Mask
            >>> Mask.from_ragged([[7, 3, 9], [4, 4]]).array
            array([[ True,  True,  True],
                   [ True,  True, False]])
        """
        # A PackedSequence is a tuple of tensors: its fields must not be taken for sequences.
        if owner(sequences) not in (None, "numpy") or not isinstance(sequences, Iterable):
            raise _not_ragged("the value", sequences)
        lengths = [_length(s, index) for index, s in enumerate(sequences)]
        return cls.from_lengths(lengths, maxlen, padding)

    @classmethod
    def from_labels(cls, labels: Any, ignore_index: int = -100) -> Self:
        """Return the mask of the steps whose labels count in a loss.

        Labels in; out, False where they are `ignore_index`. Shapes: integers (batch, time),
        leading axes allowed, to bool of the same shape.

        Raises:
            DTypeError: if the labels are not integers.
            MaskError: if they have no time axis.

        Source: `ignore_index` of `torch.nn.CrossEntropyLoss`, -100 in Hugging Face too.

        Example:
            >>> from maskgraph import Mask
            >>> Mask.from_labels([[5, 2, -100]]).array
            array([[ True,  True, False]])
        """
        return cls(_integers("Mask.from_labels", labels, "labels") != ignore_index)


def _integers(where: str, value: Any, what: str) -> np.ndarray:
    found = host(value, empty="int64")
    if found.dtype.kind not in "iu":
        raise DTypeError(
            explain(
                f"{where}: the {what} are not integers",
                received=f"dtype {found.dtype}",
                expected="an integer dtype",
            )
        )
    return found.astype(np.int64)


def _first(bad: np.ndarray) -> str:
    """Return the index of the first True."""
    index = np.argwhere(bad)[0].tolist()
    return str(index[0] if len(index) == 1 else tuple(index))


def _length(sequence: Any, index: int) -> int:
    try:
        if not isinstance(sequence, str | bytes):
            return len(sequence)
    except TypeError:  # a number, or an array of rank 0, which has a __len__ that raises
        pass
    raise _not_ragged(f"sequence {index}", sequence)


def _not_ragged(what: str, received: object) -> DTypeError:
    return DTypeError(
        explain(
            f"Mask.from_ragged: {what} is not a sequence of steps",
            received=type(received).__name__,
            expected="a list of sequences, such as [[7, 3, 9], [4, 4]]",
            fix="frameworks' ragged tensors: Mask.from_packed_sequence, from_nested or "
            "from_ragged_tensor",
        )
    )
