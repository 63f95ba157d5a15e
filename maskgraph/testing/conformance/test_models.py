"""Whole models on the backend: ragged data, nothing at all, and what is wrong with the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from maskgraph import layers
from maskgraph.backend import Backend
from maskgraph.errors import VocabularyError
from maskgraph.models import Input, Model
from maskgraph.testing.parity import check_parity

RAGGED = [[7, 3, 9], [], [4, 4], [1, 0, 2, 8]]


@pytest.fixture(scope="module")
def model() -> Model:
    """Tokens and vectors in, probabilities and a sequence out."""
    tokens = Input((None,), "int32", "tokens")
    vectors = Input((None, 4), name="vectors")
    x = layers.Embedding(10, 4, mask_zero=True)(tokens)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(layers.Add()([x, vectors]))
    x = layers.LayerNormalization()(layers.MultiHeadAttention(2, 3)(x, x) + x)
    pooled = layers.GlobalMaxPooling1D()(x)
    probabilities = layers.Dense(2, activation="softmax")(pooled)
    return Model([tokens, vectors], {"probabilities": probabilities, "steps": x}, seed=0)


@pytest.fixture(scope="module")
def classifier() -> Model:
    tokens = Input((None,), "int32", "tokens")
    x = layers.LSTM(3)(layers.Embedding(10, 4, mask_zero=True)(tokens))
    return Model(tokens, layers.Dense(2)(x), seed=0)


def test_parity(backend: Backend, model: Model) -> None:
    parity = check_parity(model, backends=[backend.name], gradients=True)
    assert parity.ok, parity


@pytest.mark.parametrize(
    "data", [RAGGED, [], [[], []], np.zeros((0, 3), "int32"), np.zeros((3, 4), "int32")], ids=str
)
def test_predictions(backend: Backend, classifier: Model, data: Any) -> None:
    expected = classifier.predict(data, backend="numpy", device="cpu")
    for size in (1, 2, 32):
        found = classifier.predict(data, backend=backend.name, batch_size=size)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.isfinite(expected).all()


def test_a_call_gives_native_tensors(backend: Backend, classifier: Model) -> None:
    result = classifier(backend.asarray(np.array([[7, 3, 0]], "int32")))
    assert result.backend.name == backend.name
    np.testing.assert_allclose(
        result.numpy(), classifier.predict([[7, 3]], backend="numpy", device="cpu"), atol=1e-5
    )


def test_unknown_ids_are_errors_that_name_the_layer(backend: Backend, classifier: Model) -> None:
    with pytest.raises(VocabularyError, match=r"layer 'embedding.*\n  received: 10\n"):
        classifier.predict([[7, 10]], backend=backend.name)
