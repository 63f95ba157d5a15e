"""The table of all layers, which every test of layers draws from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from maskgraph import layers, ops
from maskgraph.layers import Layer
from maskgraph.testing.sequences import PADDINGS, Rectangle, Sequences


def one_by_one(layer: Any, tensors: list[Any], **kwargs: Any) -> Any:
    """Call a layer with each input as an argument of its own."""
    return layer(*tensors, **kwargs)


def as_list(layer: Any, tensors: list[Any]) -> Any:
    """Call a layer with a list of its inputs."""
    return layer(tensors)


@dataclass(frozen=True)
class LayerRow:
    """A layer in one configuration, and what is to be known about it.

    Attributes:
        name: unique in the table.
        make: returns a fresh layer.
        inputs: what each input is made of.
        outputs: of each output, "steps" (it has the axis of time, and a mask) or "summary".
        call: calls the layer, or its twin in Keras, on a list of inputs.
        meet: "apart" if each input has steps of its own; "all" or "any" if inputs meet step by
            step, and a step of the result exists where it does in all of them or in any.
        lawful: True, or why the law cannot hold.
        padding: the paddings for which the layer is defined.
        keras: the name in keras.layers; None if there is none.
        notes: where Keras differs on masked input.
    """

    name: str
    make: Callable[[], Layer]
    inputs: tuple[Sequences, ...]
    outputs: tuple[str, ...] = ("steps",)
    call: Callable[..., Any] = one_by_one
    meet: str = "apart"
    lawful: bool | str = True
    padding: tuple[str, ...] = PADDINGS
    keras: str | None = field(default="")
    notes: str = ""

    def __post_init__(self) -> None:
        if self.keras == "":
            object.__setattr__(self, "keras", type(self.make()).__name__)

    def built(self, seed: int = 0) -> Layer:
        """Return a fresh layer with random weights, biases too."""
        generator = np.random.default_rng(seed)
        layer = self.make()
        tensors = [
            Rectangle.place([s.draw(3, generator)], 3, "right", generator, s.axes).row(0)
            for s in self.inputs
        ]
        self.call(layer, tensors)
        layer.set_weights([generator.normal(scale=0.5, size=w.shape) for w in layer.weights])
        return layer

    def __str__(self) -> str:
        return self.name


FLOATS = Sequences(trailing=(4,))
GRID = Sequences(trailing=(2, 3))
IDS = Sequences("ids", vocabulary=9)
DOCUMENTS = Sequences("ids", vocabulary=9, axes=2)
WORDS = Sequences(trailing=(4,), axes=2)
SUMMARY = ("summary",)
DROPS = "it gives up the mask"


def _each_step() -> Iterator[LayerRow]:
    for name, make in {
        "Dense": lambda: layers.Dense(3),
        "Dense-relu": lambda: layers.Dense(3, activation="relu", use_bias=False),
        "Activation": lambda: layers.Activation("gelu"),
        "ReLU": lambda: layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2),
        "LeakyReLU": lambda: layers.LeakyReLU(0.2),
        "ELU": lambda: layers.ELU(0.5),
        "Dropout": lambda: layers.Dropout(0.5),
        "LayerNormalization": lambda: layers.LayerNormalization(),
        "Masking": lambda: layers.Masking(),
        "TimeDistributed-Dense": lambda: layers.TimeDistributed(layers.Dense(3)),
    }.items():
        yield LayerRow(name, make, (FLOATS,))
    yield LayerRow("Dense-grid", lambda: layers.Dense(5), (GRID,))
    yield LayerRow("LayerNormalization-grid", lambda: layers.LayerNormalization([2, 3]), (GRID,))
    yield LayerRow(
        "Softmax",
        lambda: layers.Softmax(),
        (FLOATS,),
        notes="Keras takes a mask for one of the whole shape",
    )
    yield LayerRow(
        "Embedding", lambda: layers.Embedding(9, 4), (IDS,), notes="Keras drops the ids' mask"
    )
    yield LayerRow("Embedding-mask_zero", lambda: layers.Embedding(9, 4, mask_zero=True), (IDS,))


def _over_time() -> Iterator[LayerRow]:
    yield LayerRow(
        "LayerNormalization-time",
        lambda: layers.LayerNormalization(axis=1, center=False, scale=False),
        (FLOATS,),
        notes="Keras counts padding in the statistics",
    )
    yield LayerRow(
        "LayerNormalization-time-weights",
        lambda: layers.LayerNormalization(axis=1),
        (FLOATS,),
        lawful="it has one weight for each step of the rectangle",
    )
    yield LayerRow(
        "Softmax-time",
        lambda: layers.Softmax(axis=1),
        (FLOATS,),
        notes="Keras takes a mask for one of the whole shape",
    )
    for keepdims in (False, True):
        for cls in (layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D):
            yield LayerRow(
                f"{cls.__name__}{'-keepdims' * keepdims}",
                partial(cls, keepdims=keepdims),
                (FLOATS,),
                SUMMARY,
                notes="Keras ignores the mask" if cls is layers.GlobalMaxPooling1D else "",
            )


def _recurrent() -> Iterator[LayerRow]:
    kinds: dict[str, Callable[..., Layer]] = {
        "SimpleRNN": layers.SimpleRNN,
        "LSTM": layers.LSTM,
        "GRU": layers.GRU,
        "GRU-reset_before": partial(layers.GRU, reset_after=False),
    }
    for name, make in kinds.items():
        for sequences in (False, True):
            for backwards in (False, True):
                reversed_mask = "Keras reverses the outputs, not their mask"
                yield LayerRow(
                    f"{name}{'-sequences' * sequences}{'-backwards' * backwards}",
                    partial(make, 3, return_sequences=sequences, go_backwards=backwards),
                    (FLOATS,),
                    ("steps" if sequences else "summary",),
                    notes=reversed_mask if sequences and backwards else "",
                )
    yield LayerRow(
        "LSTM-state",
        lambda: layers.LSTM(3, return_sequences=True, return_state=True),
        (FLOATS,),
        ("steps", "summary", "summary"),
    )
    yield LayerRow(
        "GRU-no_bias", lambda: layers.GRU(3, use_bias=False, activation="relu"), (FLOATS,), SUMMARY
    )


def _both_ways(merge_mode: str | None, **options: Any) -> Layer:
    return layers.Bidirectional(layers.LSTM(3, **options), merge_mode=merge_mode)


def _each(make: Callable[[], Layer]) -> Layer:
    return layers.TimeDistributed(make())


def _wrappers() -> Iterator[LayerRow]:
    for mode in ("concat", "sum", "mul", "ave", None):
        for sequences in (False, True):
            yield LayerRow(
                f"Bidirectional-{mode}{'-sequences' * sequences}",
                partial(_both_ways, mode, return_sequences=sequences),
                (FLOATS,),
                ("steps" if sequences else "summary",) * (1 if mode else 2),
            )
    yield LayerRow(
        "Bidirectional-state",
        lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True, return_state=True)),
        (FLOATS,),
        ("steps", "summary", "summary"),
    )
    hierarchical = "Keras makes no mask inside a TimeDistributed"
    for name, make, inputs in (
        ("Embedding", lambda: layers.Embedding(9, 4, mask_zero=True), DOCUMENTS),
        ("LSTM", lambda: layers.LSTM(3), WORDS),
        ("LSTM-sequences", lambda: layers.LSTM(3, return_sequences=True), WORDS),
        ("Pooling", lambda: layers.GlobalAveragePooling1D(), WORDS),
    ):
        yield LayerRow(
            f"TimeDistributed-{name}",
            partial(_each, make),
            (inputs,),
            notes=hierarchical,
        )


def _attention() -> Iterator[LayerRow]:
    def make() -> Layer:
        return layers.MultiHeadAttention(num_heads=2, key_dim=3)

    def itself(layer: Any, tensors: list[Any], **kwargs: Any) -> Any:
        return layer(tensors[0], tensors[0], **kwargs)

    def causal(layer: Any, tensors: list[Any]) -> Any:
        return itself(layer, tensors, use_causal_mask=True)

    def cross_causal(layer: Any, tensors: list[Any]) -> Any:
        return layer(*tensors, use_causal_mask=True)

    other = Sequences(trailing=(5,))
    yield LayerRow("MultiHeadAttention-self", make, (FLOATS,), call=itself)
    yield LayerRow("MultiHeadAttention-causal", make, (FLOATS,), call=causal)
    yield LayerRow("MultiHeadAttention-cross", make, (FLOATS, other))
    yield LayerRow(
        "MultiHeadAttention-cross-causal",
        make,
        (FLOATS, other),
        call=cross_causal,
        notes="Keras counts positions in the rectangle",
    )
    yield LayerRow(
        "MultiHeadAttention-shapes",
        lambda: layers.MultiHeadAttention(2, 3, value_dim=5, use_bias=False, output_shape=(2, 3)),
        (FLOATS,),
        call=itself,
    )


def _merging() -> Iterator[LayerRow]:
    for cls in (
        layers.Add,
        layers.Subtract,
        layers.Multiply,
        layers.Average,
        layers.Maximum,
        layers.Minimum,
        layers.Concatenate,
    ):
        for mode in ("all", "any"):
            yield LayerRow(
                f"{cls.__name__}-{mode}",
                partial(cls, mask_merge=mode),
                (FLOATS, FLOATS),
                call=as_list,
                meet=mode,
                notes="Keras mixes padding into steps that exist",
            )
    yield LayerRow(
        "Concatenate-time", lambda: layers.Concatenate(axis=1), (FLOATS, FLOATS), call=as_list
    )


def _shapes() -> Iterator[LayerRow]:
    lost = "Keras drops the mask"
    yield LayerRow("Reshape", lambda: layers.Reshape((-1, 2, 2)), (FLOATS,), notes=lost)
    yield LayerRow("Permute", lambda: layers.Permute((1, 3, 2)), (GRID,), notes=lost)
    yield LayerRow("Flatten-words", lambda: layers.Flatten(), (DOCUMENTS,), notes=lost)
    yield LayerRow(
        "Flatten", lambda: layers.Flatten(), (FLOATS,), SUMMARY, lawful="it needs a fixed length"
    )
    yield LayerRow("Permute-time", lambda: layers.Permute((2, 1)), (FLOATS,), lawful=DROPS)
    yield LayerRow("DropMask", lambda: layers.DropMask(), (FLOATS,), lawful=DROPS, keras=None)
    yield LayerRow("Lambda", lambda: layers.Lambda(lambda x: x * 2), (FLOATS,), lawful=DROPS)
    yield LayerRow(
        "Lambda-mask",
        lambda: layers.Lambda(lambda x: ops.exp(x), mask=lambda x, mask: mask),
        (FLOATS,),
        keras=None,
    )


LAYERS: tuple[LayerRow, ...] = (
    *_each_step(),
    *_over_time(),
    *_recurrent(),
    *_wrappers(),
    *_attention(),
    *_merging(),
    *_shapes(),
)
"""Every layer in each configuration that matters."""

LAWFUL: tuple[LayerRow, ...] = tuple(row for row in LAYERS if row.lawful is True)
"""The rows for which the law can hold."""
