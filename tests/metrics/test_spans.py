"""Spans against the rules of the CoNLL evaluation, written out, and scores counted by hand."""

import numpy as np
import pytest

from maskgraph import metrics
from maskgraph.errors import ArgumentError, ShapeError, VocabularyError
from maskgraph.masks import MaskedTensor
from maskgraph.metrics.spans import SCHEMES, spans

TAGS = {
    "IOB2": ["O", "B-X", "I-X", "B-Y", "I-Y"],
    "BILOU": ["O", *(f"{p}-{t}" for t in "XY" for p in "BILU")],
}


def is_span(tags, start, stop):
    """Tell by the definition whether steps start … stop are one span: its first step begins one,
    none after it does, and the next does not continue it."""

    def begins(step):
        prefix, kind = tags[step][0], tags[step][2:]
        before, own = (tags[step - 1][0], tags[step - 1][2:]) if step else ("O", "")
        if prefix == "O":
            return False
        return prefix in "BU" or before in "OLU" or own != kind

    def ends(step):
        return (
            tags[step][0] in "LU"
            or step + 1 == len(tags)
            or tags[step + 1][0] == "O"
            or begins(step + 1)
        )

    inside = range(start, stop)
    return begins(start) and ends(stop) and not any(ends(s) for s in inside)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_spans_are_those_of_the_definition(scheme):
    generator = np.random.default_rng(0)
    for _ in range(300):
        tags = list(generator.choice(TAGS[scheme], generator.integers(0, 9)))
        expected = [
            (tags[start][2:], start, stop)
            for start in range(len(tags))
            for stop in range(start, len(tags))
            if is_span(tags, start, stop)
        ]
        assert spans(tags, scheme) == expected


TRUE = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"], []]
SAID = [["B-PER", "O", "O", "B-LOC"], ["B-LOC", "B-PER"], []]
# PER: 1 true, 2 said, 0 right; LOC: 2 true, 2 said, 2 right


@pytest.mark.parametrize(
    ("average", "expected"),
    [("micro", 4 / 7), ("macro", 0.5), ("weighted", 2 / 3), (None, [1, 0])],
)
def test_averages(average, expected):
    metric = metrics.SpanF1(average=average)
    np.testing.assert_allclose(metric(TRUE, SAID), expected)
    assert metric.types == ["LOC", "PER"]
    metric.reset_state()
    assert np.size(metric.result()) == (0 if average is None else 1)
    for truth, said in zip(TRUE, SAID, strict=True):
        metric.update_state([truth], [said])
    np.testing.assert_allclose(metric.result(), expected)


@pytest.mark.parametrize("padding", ["right", "left", "holes"])
def test_padded_ids_and_scores(padding):
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    places = {"right": [0, 1, 2, 3], "left": [2, 3, 4, 5], "holes": [0, 2, 3, 5]}[padding]
    ids, scores = np.full((3, 6), -1), np.full((3, 6, 5), np.nan)
    mask = np.zeros((3, 6), bool)
    for row, (truth, said) in enumerate(zip(TRUE, SAID, strict=True)):
        steps = places[: len(truth)]
        ids[row, steps] = [labels.index(t) for t in truth]
        scores[row, steps] = np.eye(5)[[labels.index(t) for t in said]].reshape(-1, 5)
        mask[row, steps] = True
    metric = metrics.SpanF1(labels)
    assert metric(ids, MaskedTensor(scores, mask)) == pytest.approx(4 / 7)
    metric.reset_state()
    said = np.where(mask, np.nan_to_num(scores).argmax(axis=-1), 99)
    assert metric(MaskedTensor(ids, mask), said) == pytest.approx(4 / 7)


def test_weights_are_of_sequences():
    # right: 1 + 2; said: 2 + 4; true: 2 + 2
    assert metrics.SpanF1()(TRUE, SAID, sample_weight=[1, 2, 5]) == pytest.approx(6 / 10)
    with pytest.raises(ShapeError, match="sample_weight"):
        metrics.SpanF1()(TRUE, SAID, sample_weight=np.ones((3, 4)))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: metrics.SpanF1(scheme="IOBES"), ArgumentError, "unknown scheme"),
        (lambda: metrics.SpanF1(average="mean"), ArgumentError, "unknown average"),
        (lambda: metrics.SpanF1(["O", "U-X"]), ArgumentError, "'U-X'"),
        (lambda: metrics.SpanF1()([["X"]], [["O"]]), ArgumentError, "not of the scheme"),
        (lambda: metrics.SpanF1()([["O"]], [["O", "O"]]), ShapeError, "differ in their steps"),
        (lambda: metrics.SpanF1(["O"])([[1]], [[0]]), VocabularyError, "a tag is outside"),
        (lambda: metrics.SpanF1(["O"])([[0]], [[0, 0]]), ShapeError, "do not fit"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()
