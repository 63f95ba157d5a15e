"""Layers that look through windows over time, or work on the ends of sequences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from maskgraph import layers
from maskgraph.testing.layer_table.row import FLOATS, SUMMARY, LayerRow


def _row(name: str, cls: Any, *args: Any, **options: Any) -> LayerRow:
    return LayerRow(
        f"{cls.__name__}-{name}" if name else cls.__name__,
        partial(cls, *args, **options),
        (FLOATS,),
        holes="in place",
        notes="Keras drops the mask",
    )


def rows() -> Iterator[LayerRow]:
    yield from _convolutions()
    yield from _transposes()
    yield from _pooling()
    yield from _resizing()


def _convolutions() -> Iterator[LayerRow]:
    conv, depthwise, separable = layers.Conv1D, layers.DepthwiseConv1D, layers.SeparableConv1D
    yield _row("", conv, 3, 3)
    yield _row("one-step", conv, 3, 1)
    for padding in ("same", "causal"):
        yield _row(padding, conv, 3, 2, padding=padding, activation="relu")
        yield _row(f"{padding}-dilated", conv, 3, 3, padding=padding, dilation_rate=2)
    for padding in ("valid", "same", "causal"):
        yield _row(f"{padding}-strides", conv, 3, 3, strides=2, padding=padding)
    yield _row("wide-strides", conv, 3, 2, strides=3, padding="same")
    yield _row("groups", conv, 6, [3], groups=2, use_bias=False)
    yield _row("", depthwise, 3, padding="same")
    yield _row("multiplier", depthwise, 2, strides=2, depth_multiplier=3, activation="tanh")
    yield _row("", separable, 3, 2, dilation_rate=2)
    yield _row("strides", separable, 3, 3, strides=2, padding="same", depth_multiplier=2)


def _transposes() -> Iterator[LayerRow]:
    transpose = layers.Conv1DTranspose
    yield _row("", transpose, 3, 3)
    for padding in ("valid", "same"):
        for size in (2, 5):
            yield _row(f"{padding}-{size}", transpose, 3, size, strides=3, padding=padding)
        options = {"strides": 3, "padding": padding, "output_padding": 1}
        yield _row(f"{padding}-output_padding", transpose, 3, 3, **options)
        dilated = _row(f"{padding}-dilated", transpose, 3, 3, padding=padding, dilation_rate=2)
        yield replace(dilated, keras=None)  # Keras cannot on TensorFlow's CPU


def _pooling() -> Iterator[LayerRow]:
    for cls in (layers.MaxPooling1D, layers.AveragePooling1D):
        yield _row("", cls, 2)
        yield _row("same", cls, 3, padding="same")
        yield _row("every-step", cls, 3, strides=1)
        yield _row("every-step-same", cls, 2, strides=1, padding="same")
        yield _row("apart", cls, 2, strides=3, padding="same")
    ignored = "Keras ignores the mask"
    for adaptive in (layers.AdaptiveAveragePooling1D, layers.AdaptiveMaxPooling1D):
        make = partial(adaptive, 3)
        yield LayerRow(adaptive.__name__, make, (FLOATS,), SUMMARY, notes=ignored)


def _resizing() -> Iterator[LayerRow]:
    yield _row("", layers.UpSampling1D, 3)
    yield _row("", layers.ZeroPadding1D, 2)
    yield _row("left", layers.ZeroPadding1D, (1, 0))
    yield _row("", layers.Cropping1D)
    yield _row("right", layers.Cropping1D, (0, 2))
