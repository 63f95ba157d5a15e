"""The models, each defined once, in maskgraph; its weights go to everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import maskgraph as mg
from benchmarks.speed.batches import Batch
from maskgraph import layers


@dataclass(frozen=True)
class Widths:
    """The sizes of all models."""

    vocabulary: int = 20_000
    rnn: int = 128
    model: int = 256
    heads: int = 4
    hidden: int = 1024
    blocks: int = 4
    dense: int = 512
    conv: int = 128
    tags: int = 50


TINY = Widths(vocabulary=30, rnn=4, model=16, heads=2, hidden=12, blocks=2, dense=6, conv=5, tags=3)


def bidirectional(x: Any, widths: Widths) -> Any:
    x = layers.Embedding(widths.vocabulary, widths.rnn, mask_zero=True)(x)
    x = layers.Bidirectional(layers.LSTM(widths.rnn, return_sequences=True))(x)
    return layers.Dense(1)(layers.GlobalAveragePooling1D()(x))


def transformer(x: Any, widths: Widths) -> Any:
    x = layers.Embedding(widths.vocabulary, widths.model, mask_zero=True)(x)
    for _ in range(widths.blocks):
        x = layers.TransformerEncoder(widths.hidden, num_heads=widths.heads)(x)
    return layers.Dense(1)(layers.GlobalAveragePooling1D()(x))


def tokenwise(x: Any, widths: Widths) -> Any:
    x = layers.Embedding(widths.vocabulary, widths.dense, mask_zero=True)(x)
    for _ in range(3):
        x = layers.LayerNormalization()(layers.Dense(widths.dense, activation="relu")(x))
    return layers.Dense(1)(layers.GlobalAveragePooling1D()(x))


def convolution(x: Any, widths: Widths) -> Any:
    x = layers.Embedding(widths.vocabulary, widths.conv, mask_zero=True)(x)
    for _ in range(4):
        x = layers.Conv1D(widths.conv, 3, padding="same", activation="relu")(x)
    return layers.Dense(1)(layers.GlobalMaxPooling1D()(x))


def tagger(x: Any, widths: Widths) -> Any:
    x = layers.Embedding(widths.vocabulary, widths.rnn, mask_zero=True)(x)
    for _ in range(2):
        x = layers.GRU(widths.rnn, return_sequences=True)(x)
    return layers.Dense(widths.tags)(x)


@dataclass(frozen=True)
class Workload:
    """A model to be timed.

    Attributes:
        title: what it is.
        build: from ids and widths to outputs.
        steps: whether an output stands at every step.
    """

    title: str
    build: Callable[[Any, Widths], Any]
    steps: bool = False


WORKLOADS = {
    "W1": Workload("Embedding, BiLSTM(128), mean, Dense(1)", bidirectional),
    "W2": Workload("Embedding, 4 Transformer encoders (256, 4 heads, 1024), mean", transformer),
    "W3": Workload("Embedding, 3 × (Dense(512), LayerNormalization), mean, Dense(1)", tokenwise),
    "W4": Workload("Embedding, 4 × Conv1D(128, 3), maximum, Dense(1)", convolution),
    "W5": Workload("Embedding, 2 × GRU(128), Dense(50) at every step", tagger, steps=True),
}


@dataclass(frozen=True)
class Problem:
    """A workload and its data: what every contestant is given.

    Attributes:
        workload: a key of WORKLOADS.
        batch: the data.
        widths: the model's sizes.
        backward: whether gradients of the sum of the outputs are wanted, by every weight, in
            place of outputs.
    """

    workload: str
    batch: Batch
    widths: Widths
    backward: bool = False

    @cached_property
    def model(self) -> mg.Model:
        ids = mg.Input((None,), "int32", name="ids")
        model = mg.Model(ids, WORKLOADS[self.workload].build(ids, self.widths), seed=0)
        generator = np.random.default_rng(0)  # no weight stays 0 or 1, lest it could be left out
        noise = [generator.normal(size=w.shape).astype("float32") for w in model.weights]
        pairs = zip(model.get_weights(), noise, strict=True)
        model.set_weights([weight + 0.05 * random for weight, random in pairs])
        return model

    @cached_property
    def weights(self) -> list[np.ndarray]:
        """In the order of Keras, with its names and shapes."""
        return self.model.get_weights()

    @property
    def steps(self) -> bool:
        return WORKLOADS[self.workload].steps
