"""What losses over labels need of a backend: labels checked, and the sum over all alignments."""

from __future__ import annotations

import math
from abc import ABC
from typing import TYPE_CHECKING, Any

from maskgraph import dtypes
from maskgraph.errors import VocabularyError, explain

if TYPE_CHECKING:
    import numpy as np

Array = Any

_IMPOSSIBLE = -1e30
"""A logarithm of 0 that is finite, so that its gradients are."""


class AlignmentOps(ABC):
    """Ops on labels, composed of primitives. A backend may override them."""

    if TYPE_CHECKING:

        def __getattr__(self, primitive: str) -> Any: ...

    def check_labels(self, labels: Array, num_classes: int) -> Array:
        """The labels as they are; one that is no class is an error, alike on every backend."""
        if self.has_values(labels) and math.prod(self.shape(labels)):
            host: np.ndarray = self.to_numpy(labels)
            low, high = int(host.min()), int(host.max())
            if low < 0 or high >= num_classes:
                raise VocabularyError(
                    explain(
                        "a label is outside the classes, at a step that exists",
                        received=low if low < 0 else high,
                        expected=f"labels from 0 to {num_classes - 1}",
                        fix="mask the step, or name the label that means nothing: ignore_class=…",
                    )
                )
        return labels

    def ctc_loss(
        self,
        target: Array,
        output: Array,
        target_length: Array | None,
        output_length: Array | None,
        mask_index: int,
    ) -> Array:
        """Minus the logarithm of the probability of all alignments that read as the labels.

        The forward recursion over the labels with blanks between and around them, in logarithms.
        A masked step leaves its state untouched; a masked label takes no place.

        Args:
            target: labels (batch, labels).
            output: logits (batch, time, classes), finite.
            target_length: of each row (batch,), or a mask (batch, labels); None for all.
            output_length: of each row (batch,), or a mask (batch, time); None for all.
            mask_index: the blank.

        Returns:
            (batch,), infinite where no alignment is possible.
        """
        output = self.cast(output, dtypes.promote([self.dtype(output), "float32"]))
        labels, number = self._packed_labels(target, target_length, output, mask_index)
        places = self._with_blanks(labels, mask_index)
        index = self.expand_dims(self.arange(0, self.shape(places)[1], 1, "int32"), (0,))
        scores = self._scores(output, places)
        may_skip = self._may_skip(places, mask_index)
        steps = self.unstack(self.expand_dims(self._existing(output, output_length), (2,)), 1)
        nothing, low = self._number(0, scores), self._number(_IMPOSSIBLE, scores)
        # before the first step, as if the blank in front had been read
        state = self.where(self.equal(index, self._number(0, index)), nothing, low)
        state = self.broadcast_to(state, self.shape(places))
        for score, exists in zip(self.unstack(scores, 1), steps, strict=True):
            state = self.where(exists, self._advanced(state, score, may_skip), state)
        # at the end the last label has been read, or the blank after it
        last = self.add(number, number)
        before = self.subtract(last, self._number(1, last))
        ends = self.logical_or(self.equal(index, last), self.equal(index, before))
        total = self.logsumexp(self.where(ends, state, low), (1,), False)
        impossible = self.less(total, self._number(_IMPOSSIBLE / 2, total))
        return self.where(impossible, self._number(math.inf, total), self.negative(total))

    def _existing(self, x: Array, length: Array | None) -> Array:
        """The mask of the first two axes that lengths, or a mask, stand for."""
        if length is None:
            return self.all_valid(x, 2)
        if len(self.shape(length)) == 2:
            return length
        places = self.arange(0, self.shape(x)[1], 1, "int32")
        return self.less(
            self.expand_dims(places, (0,)), self.expand_dims(self.cast(length, "int32"), (1,))
        )

    def _packed_labels(
        self, target: Array, length: Array | None, output: Array, blank: int
    ) -> tuple[Array, Array]:
        """The labels that exist, moved to the front of their rows, and (batch, 1) their number."""
        mask = self._existing(target, length)
        labels = self.cast(self.select_valid(target, mask, blank), "int32")
        self.check_labels(labels, self.shape(output)[2])
        mask = self.logical_and(mask, self.not_equal(labels, self._number(blank, labels)))
        counts = self.cumsum(self.cast(mask, "int32"), 1)
        size = self.shape(labels)[1]
        # (batch, place, label): whether that label goes to that place
        goes = self.logical_and(
            self.expand_dims(mask, (1,)),
            self.equal(
                self.expand_dims(counts, (1,)),
                self.expand_dims(self.arange(1, size + 1, 1, "int32"), (0, 2)),
            ),
        )
        nothing = self._number(0, labels)
        packed = self.sum(self.where(goes, self.expand_dims(labels, (1,)), nothing), (2,), False)
        return packed, self.sum(self.cast(mask, "int32"), (1,), True)

    def _with_blanks(self, labels: Array, blank: int) -> Array:
        """(batch, 2 * labels + 1): a blank before each label, and one at the end."""
        batch, size = self.shape(labels)
        pairs = self.stack([self.full_like(labels, blank), labels], 2)
        end = self.full((batch, 1), blank, "int32")
        return self.concatenate([self.reshape(pairs, (batch, 2 * size)), end], 1)

    def _scores(self, output: Array, places: Array) -> Array:
        """(batch, time, places): the logarithm of the probability of each place at each step."""
        batch, time, _ = self.shape(output)
        scores = self.log_softmax(output, 2)
        scores = self.maximum(scores, self._number(_IMPOSSIBLE, scores))
        index = self.broadcast_to(
            self.expand_dims(places, (1,)), (batch, time, self.shape(places)[1])
        )
        return self.take_along_axis(scores, index, 2)

    def _may_skip(self, places: Array, blank: int) -> Array:
        """Where a label may follow another at once: not after itself."""
        before = self._shifted(places, 2, blank)
        blanks = self._number(blank, places)
        return self.logical_and(self.not_equal(places, blanks), self.not_equal(places, before))

    def _advanced(self, state: Array, score: Array, may_skip: Array) -> Array:
        low = self._number(_IMPOSSIBLE, state)
        ways = [
            state,
            self._shifted(state, 1, _IMPOSSIBLE),
            self.where(may_skip, self._shifted(state, 2, _IMPOSSIBLE), low),
        ]
        new = self.add(self.logsumexp(self.stack(ways, 2), (2,), False), score)
        return self.maximum(new, low)  # the sum of many would overflow

    def _shifted(self, x: Array, by: int, fill: float) -> Array:
        """(batch, places) moved to the right."""
        batch, size = self.shape(x)
        front = self.full((batch, by), fill, self.dtype(x))
        return self.getitem(self.concatenate([front, x], 1), (slice(None), slice(0, size)))
