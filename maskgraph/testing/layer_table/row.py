"""One row of the table: a layer in one configuration, and what is to be known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maskgraph.graph import Weight
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
        holes: "skipped" if a sequence alone is its valid steps; "in place" if it is what stands
            from its first to its last, masked steps included: windows know where these are.
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
    holes: str = "skipped"
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
        layer.set_weights([_drawn(w, generator) for w in layer.weights])
        return layer

    def __str__(self) -> str:
        return self.name


def _drawn(weight: Weight, generator: np.random.Generator) -> np.ndarray:
    values = generator.normal(scale=0.5, size=weight.shape)
    return np.abs(values) if weight.name.endswith("variance") else values


FLOATS = Sequences(trailing=(4,))
GRID = Sequences(trailing=(2, 3))
IDS = Sequences("ids", vocabulary=9)
DOCUMENTS = Sequences("ids", vocabulary=9, axes=2)
WORDS = Sequences(trailing=(4,), axes=2)
SUMMARY = ("summary",)
DROPS = "it gives up the mask"
