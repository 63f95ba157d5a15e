"""Masks of several levels, of several arguments, of layers of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.cases.lost import LENGTHS_BESIDE
from benchmarks.comparison.oracle import (
    FEATURES,
    VOCABULARY,
    embedded,
    judge,
    model_law,
    padded,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side, set_weights
from benchmarks.comparison.verdict import Verdict, right, wrong

DOCUMENT = ([[3, 7], [4]], [[5, 1, 2]], [[6], [2, 8], [1]])
"""Three documents of sentences of words."""


@case("10a", "the mask of `TimeDistributed(Embedding(mask_zero=True))`", "a mask for each level")
def embedding_in_time_distributed(side: Side) -> Verdict:
    layer = side.k.layers.TimeDistributed(_word_embedding(side.k))
    ids = _documents(DOCUMENT)
    mask = side.mask(layer(side.tensor(ids)))
    if mask is None:
        return wrong("no mask")
    if mask.shape != ids.shape:
        return wrong(f"a mask of shape {mask.shape} for ids of shape {ids.shape}")
    return right("exactly") if (mask == (ids != 0)).all() else wrong("mask wrong")


@case("10b", "a document of sentences of words, an LSTM on each level", "two rounds of packing")
def hierarchy(side: Side) -> Verdict:
    k = side.k
    words = k.Input(shape=(None, None), dtype="int32")
    x = k.layers.TimeDistributed(_word_embedding(k))(words)
    sentences = k.layers.TimeDistributed(k.layers.LSTM(3))(x)
    model = k.Model(words, k.layers.LSTM(2)(sentences))
    set_weights(model)
    found = side.array(model(side.tensor(_documents(DOCUMENT))))
    alone = [_document_alone(side, model, document) for document in DOCUMENT]
    return judge(found, None, alone, steps=False)


def _word_embedding(k: Any) -> Any:
    return k.layers.Embedding(VOCABULARY, FEATURES, mask_zero=True)


def _documents(documents: Any) -> np.ndarray:
    sentences = max(len(d) for d in documents)
    words = max(len(s) for d in documents for s in d)
    ids = np.zeros((len(documents), sentences, words), "int32")
    for i, document in enumerate(documents):
        for j, sentence in enumerate(document):
            ids[i, j, : len(sentence)] = sentence
    return ids


def _document_alone(side: Side, model: Any, document: Any) -> np.ndarray:
    """Run the model's layers by hand, on each sentence alone, without any padding."""
    words, encoder, last = model.layers[-3:]
    embedding, lstm = words.layer, encoder.layer
    states = [
        side.array(lstm(side.tensor(side.array(embedding(side.tensor(np.array([s], "int32")))))))
        for s in document
    ]
    return side.array(last(side.tensor(np.stack(states, axis=1))))[0]


@case("11a", "`call(a, b)` of a custom layer, only `b` masked, then an LSTM", LENGTHS_BESIDE)
def later_argument(side: Side) -> Verdict:
    def build(k: Any, tokens: Any) -> Any:
        class Sum(k.layers.Layer):
            def __init__(self, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.supports_masking = True

            def call(self, a: Any, b: Any) -> Any:
                return a + b

        unmasked = k.layers.Embedding(VOCABULARY, FEATURES)(tokens)
        return k.layers.LSTM(3)(Sum()(unmasked, embedded(k, tokens)))

    return model_law(side, build, from_ids=True)


@case("11b", "`call(a, b, mask=None)` of a custom layer: the mask of `a`", "an argument more")
def mask_argument(side: Side) -> Verdict:
    received: list[Any] = []

    class Sum(side.k.layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.supports_masking = True

        def call(self, a: Any, b: Any, mask: Any = None) -> Any:
            received.append(mask)
            return a + b

    values, mask = padded(sequences_of_vectors())
    Sum()(side.tensor(values, mask), side.tensor(values, mask))
    return right("it gets it") if received[-1] is not None else wrong("it gets None")


@case("12", "`compute_mask` of a custom layer that returns its input", "no such protocol")
def returns_its_input(side: Side) -> Verdict:
    class FirstTwo(side.k.layers.Layer):
        """Says that only the first two steps exist."""

        def call(self, x: Any) -> Any:
            return x

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return side.k.ops.logical_and(mask, _first_two(side, mask))

    values, mask = padded(sequences_of_vectors())
    found = side.mask(FirstTwo()(side.tensor(values, mask)))
    expected = mask & (np.arange(mask.shape[1]) < 2)
    if found is None:
        return wrong("mask lost")
    return right("exactly") if (found == expected).all() else wrong("compute_mask is not called")


def _first_two(side: Side, mask: Any) -> Any:
    ones = side.k.ops.cumsum(side.k.ops.cast(side.k.ops.ones_like(mask), "int32"), axis=1)
    return side.k.ops.less_equal(ones, 2)
