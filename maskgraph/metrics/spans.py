"""Spans of tagged sequences, such as names: right where both their ends and their type are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.metrics.base import Metric, one_of
from maskgraph.metrics.f_score import AVERAGES, averaged
from maskgraph.metrics.gathering import best, check_labels, on_host, valid, weights_of

Span = tuple[str, int, int]
"""A type, and the first and the last step."""

SCHEMES = {"IOB2": "BIO", "BILOU": "BILUO"}


class SpanF1(Metric):
    """The F1 score of spans: one that is predicted is right if there is a true one of the same
    type that begins and ends at the same steps.

    Mask in: masked steps do not exist: a span continues across a hole. Shapes: `y_true`, tags
    (batch, time), as strings or as indices into `labels`; `y_pred`, the same, or scores (batch,
    time, tags). Lists of sequences may differ in length.

    A tag is "O", outside of any span, or a prefix and a type: "B-PER" begins a span, "I-PER"
    continues it; in BILOU, "L-PER" ends one and "U-PER" is one of a single step. A tag that
    continues or ends what has not begun begins a span itself, as in the CoNLL evaluation.

    Args:
        labels: the tags by index; None if tags are strings.
        scheme: "IOB2" or "BILOU".
        average: "micro" for all spans together, "macro" for the mean over types, "weighted" for
            that weighed by their number of true spans, None for one score for each of `types`.
        name, dtype: see `Metric`. A `sample_weight` is (batch,) or (batch, 1).

    Raises:
        ArgumentError: for a tag that the scheme does not know.
        VocabularyError: for an index outside `labels`, at a step that exists.

    Source: Tjong Kim Sang and De Meulder, 2003, https://aclanthology.org/W03-0419

    Example:
        >>> from maskgraph import metrics
        >>> f1 = metrics.SpanF1()
        >>> f1([["B-PER", "I-PER", "O"], ["B-LOC"]], [["B-PER", "I-PER", "O"], ["O"]])
        0.6666666666666666
        >>> f1.types
        ['LOC', 'PER']
    """

    def __init__(
        self,
        labels: Sequence[str] | None = None,
        scheme: str = "IOB2",
        average: str | None = "micro",
        name: str = "span_f1",
        dtype: str | None = None,
    ) -> None:
        super().__init__(dtype, name)
        self.scheme = one_of("SpanF1", "scheme", scheme, tuple(SCHEMES))
        self.average = one_of("SpanF1", "average", average, AVERAGES)
        self.labels = labels
        for tag in labels or ():
            _parts(tag, scheme)

    @property
    def types(self) -> list[str]:
        """The types of spans met so far, in order."""
        return sorted({kind for _, kind in self.sums})

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Count the spans of a batch."""
        truths, preds = self._tags(y_true, y_pred, mask)
        shape = (len(truths),)
        weights = weights_of(self.name, sample_weight, shape)
        for truth, pred, weight in zip(truths, preds, weights, strict=True):
            true, predicted = (set(spans(tags, self.scheme)) for tags in (truth, pred))
            counted = {"true": true, "predicted": predicted, "right": true & predicted}
            for what, found in counted.items():
                for kind, _, _ in found:
                    self.count((what, kind), float(weight))

    def value(self, sums: dict[Any, Any]) -> Any:
        right, predicted, true = (
            np.array([sums.get((what, kind), 0.0) for kind in self.types])
            for what in ("right", "predicted", "true")
        )
        return averaged(right, predicted, true, self.average)

    def _tags(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[list[Any], list[Any]]:
        """Return the tags of each sequence's steps that exist, as strings."""
        if self.labels is None:
            truths, preds = _strings(y_true, mask), _strings(y_pred, mask)
        else:
            truths, preds = self._looked_up(y_true, y_pred, mask)
        lengths = [[len(tags) for tags in side] for side in (truths, preds)]
        if lengths[0] != lengths[1]:
            raise ShapeError(
                explain(
                    f"{self.name}: y_true and y_pred differ in their steps",
                    received=f"lengths {lengths[0]} and {lengths[1]}",
                )
            )
        return truths, preds

    def _looked_up(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[list[Any], list[Any]]:
        first, second = on_host(self.name, y_true), on_host(self.name, y_pred)
        ids = second.values
        if ids.ndim == 3:
            ids = best(ids)
        if first.values.shape != ids.shape or ids.ndim != 2:
            raise ShapeError(
                explain(
                    f"{self.name}: the tags do not fit",
                    received=f"y_true of shape {first.values.shape}, "
                    f"y_pred of shape {second.values.shape}",
                    expected="y_true (batch, time), y_pred alike or (batch, time, tags)",
                )
            )
        given = None if mask is None else on_host(self.name, mask).values
        masks = [(m, ids.shape) for m in (first.mask, second.mask, given)]
        exists = valid(self.name, ids.shape, masks)
        names = np.array(self.labels, object)

        def tags(values: np.ndarray) -> list[Any]:
            rows = [row[e] for row, e in zip(values, exists, strict=True)]
            return [names[check_labels(self.name, row, len(names), "tag")] for row in rows]

        return tags(first.values), tags(ids)


def spans(tags: Sequence[str], scheme: str = "IOB2") -> list[Span]:
    """Return the spans of one sequence of tags.

    Example:
        >>> spans(["I-PER", "I-PER", "B-PER", "O", "I-LOC"])
        [('PER', 0, 1), ('PER', 2, 2), ('LOC', 4, 4)]
    """
    found: list[Span] = []
    kind, start = "", None
    for step, tag in enumerate(tags):
        prefix, own = _parts(tag, scheme)
        continues = prefix in "IL" and start is not None and own == kind
        if start is not None and not continues:
            found.append((kind, start, step - 1))
            start = None
        if prefix != "O" and start is None:
            kind, start = own, step
        if prefix in "LU" and start is not None:
            found.append((kind, start, step))
            start = None
    if start is not None:
        found.append((kind, start, len(tags) - 1))
    return found


def _parts(tag: str, scheme: str) -> tuple[str, str]:
    prefix, _, kind = str(tag).partition("-")
    if len(prefix) != 1 or prefix not in SCHEMES[scheme]:
        raise ArgumentError(
            explain(
                "SpanF1: a tag is not of the scheme",
                received=repr(tag),
                expected=f"'O', or one of {', '.join(SCHEMES[scheme].replace('O', ''))}, "
                "a hyphen and a type",
                fix="tags as indices need labels=[…]" if scheme == "IOB2" else None,
            )
        )
    return prefix, kind


def _strings(value: Any, mask: Any) -> list[Any]:
    rows = [[str(tag) for tag in row] for row in value]
    if mask is None:
        return rows
    exists = np.asarray(getattr(mask, "array", mask))
    return [
        [tag for tag, e in zip(row, e_row, strict=True) if e]
        for row, e_row in zip(rows, exists, strict=True)
    ]
