"""Layers that destroy masks, though each step of what comes out is known to exist or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.oracle import layer_law, model_law
from benchmarks.comparison.sides import Side
from benchmarks.comparison.verdict import Verdict, close, wrong

ZEROS_AND_MASK = "zeros in the padding before it, and the new mask worked out by hand"
UNTOUCHED = "nothing: the mask beside the tensor stays as it is"


@case("8a", 'Conv1D(3, padding="same")', ZEROS_AND_MASK)
def convolution(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.Conv1D(3, 3, padding="same"))


@case("8b", 'Conv1D(3, padding="valid")', ZEROS_AND_MASK)
def convolution_valid(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.Conv1D(3, 3), lengths=(3, 5, 4))


@case("8c", 'Conv1D(3, padding="same", strides=2)', ZEROS_AND_MASK)
def convolution_strided(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.Conv1D(3, 3, padding="same", strides=2))


@case("8d", 'MaxPooling1D(2, padding="same")', "-inf in the padding, and the new mask")
def max_pooling(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.MaxPooling1D(2, padding="same"))


@case("8e", 'AveragePooling1D(2, padding="same")', "sums and counts, and the new mask")
def average_pooling(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.AveragePooling1D(2, padding="same"))


@case("8f", "Cropping1D((1, 0))", "the mask cropped by hand")
def cropping(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.Cropping1D((1, 0)), lengths=(3, 5, 2))


@case("8g", "ZeroPadding1D(1)", ZEROS_AND_MASK)
def zero_padding(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.ZeroPadding1D(1))


@case("8h", "UpSampling1D(2)", "the mask repeated by hand")
def up_sampling(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.UpSampling1D(2))


@case("8i", "Reshape((-1, 2, 2)), which leaves time alone", UNTOUCHED)
def reshape(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.Reshape((-1, 2, 2)), steps=True)


@case("8j", "Permute((1, 3, 2)), which leaves time alone", UNTOUCHED)
def permute(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        frames = k.layers.TimeDistributed(k.layers.Reshape((2, 2)))(x)
        return k.layers.Permute((1, 3, 2))(frames)

    return model_law(side, build, steps=True)


@case("8k", "RMSNormalization over features", UNTOUCHED)
def rms_normalization(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.RMSNormalization())


@case("8l", 'EinsumDense("abc,cd->abd")', UNTOUCHED)
def einsum_dense(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.EinsumDense("abc,cd->abd", (None, 3)))


@case("8m", "RepeatVector(3) of a vector that may not exist", "the mask repeated by hand")
def repeat_vector(side: Side) -> Verdict:
    values = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    mask = np.array([True, False, True])
    found = side.mask(side.k.layers.RepeatVector(3)(side.tensor(values, mask)))
    if found is None:
        return wrong("mask lost")
    of_steps = found if found.ndim == 2 else np.repeat(found[:, None], 3, axis=1)
    return close(of_steps, np.repeat(mask[:, None], 3, axis=1))


@case("8n", "Conv1D between Embedding and LSTM", ZEROS_AND_MASK)
def convolution_in_a_model(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        return k.layers.LSTM(3)(k.layers.Conv1D(3, 3, padding="same")(x))

    return model_law(side, build)
