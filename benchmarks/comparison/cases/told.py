"""Masks that are told wrongly: inverted, of another shape, of another type; and false alarms."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case, case_without_keras
from benchmarks.comparison.cases.lost import no_false_warning
from benchmarks.comparison.oracle import (
    FEATURES,
    LENGTHS,
    judge,
    layer_law,
    model_law,
    padded,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side, set_weights
from benchmarks.comparison.verdict import Verdict, close, refused, right, wrong

ABOUT_PYTORCH = "about PyTorch"


@case(
    "29a",
    "`attention_mask`: True means keep, by changing what stands at False",
    "`~mask`: there, True means ignore",
)
def polarity(side: Side) -> Verdict:
    layer = side.k.layers.MultiHeadAttention(2, 3)
    values, mask = padded(sequences_of_vectors())
    other, _ = padded(sequences_of_vectors(), junk=100)
    allowed = np.repeat(mask[:, None], mask.shape[1], axis=1)
    results = [
        side.array(layer(side.tensor(v), side.tensor(v), attention_mask=allowed))[mask]
        for v in (values, other)
    ]
    return close(results[1], results[0], "leaks:")


@polarity.with_pytorch
def _() -> Verdict:
    """The mask as Keras has it, given to PyTorch as it is."""
    import torch

    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(FEATURES, 2, batch_first=True)
    sequences = sequences_of_vectors()
    values, mask = padded(sequences, junk=100)

    def run(values: Any, mask: Any = None) -> Any:
        x = torch.tensor(values)
        with torch.no_grad():
            return layer(x, x, x, key_padding_mask=mask, need_weights=False)[0].numpy()

    alone = [run(s[None])[0] for s in sequences]
    verdict = judge(run(values, torch.tensor(mask)), mask, alone, steps=True)
    return verdict.noting("given as it is")


@case_without_keras(
    "29b", "a mask to PyTorch's attention and back", ABOUT_PYTORCH, "`~mask`, not forgotten"
)
def converters(side: Side) -> Verdict:
    mask = side.k.Mask.from_lengths(list(LENGTHS))
    ignored = mask.to_key_padding_mask()
    back = side.k.Mask.from_key_padding_mask(ignored)
    kept = (ignored == ~mask.array).all() and back == mask
    return right("named for what it is, and inverted") if kept else wrong("not inverted")


@converters.with_pytorch
def _() -> Verdict:
    import torch

    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(FEATURES, 2, batch_first=True)
    sequences = sequences_of_vectors()
    values, mask = padded(sequences, junk=100)

    def run(values: Any, ignored: Any = None) -> Any:
        x = torch.tensor(values)
        with torch.no_grad():
            return layer(x, x, x, key_padding_mask=ignored, need_weights=False)[0].numpy()

    alone = [run(s[None])[0] for s in sequences]
    return judge(run(values, torch.tensor(~mask)), mask, alone, steps=True)


@case_without_keras(
    "29c",
    "two functions of PyTorch, one mask, two meanings of True",
    ABOUT_PYTORCH,
    "the manual, for each function",
)
def one_meaning(side: Side) -> Verdict:
    """True means keep in the mask of steps, and in `attention_mask`."""
    return polarity.keras(side)


@one_meaning.with_pytorch
def _() -> Verdict:
    import torch

    x = torch.tensor(sequences_of_vectors((4,))[0][None])
    allowed = torch.tril(torch.ones(4, 4, dtype=torch.bool))
    one = torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=allowed)
    layer = torch.nn.MultiheadAttention(FEATURES, 1, bias=False, batch_first=True)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.eye(FEATURES).repeat(3, 1))
        layer.out_proj.weight.copy_(torch.eye(FEATURES))
        other = layer(x, x, x, attn_mask=allowed)[0]
    return close(other.numpy(), one.numpy(), "attn_mask to both, they differ by")


def _wrong_mask(side: Side, shaped: Any) -> Verdict:
    values, mask = padded(sequences_of_vectors())
    layer = side.k.layers.LSTM(3)
    layer(side.tensor(values))
    given = shaped(mask)
    if side.name == "Keras":
        given = side.k.ops.convert_to_tensor(given)
    return refused(lambda: layer(side.tensor(values), mask=given))


@case("30a", "a mask one step too long, to an LSTM", "a check by hand")
def too_long(side: Side) -> Verdict:
    return _wrong_mask(side, lambda m: np.concatenate([m, m[:, :1]], axis=1))


@case("30b", "a mask one step too short", "a check by hand")
def too_short(side: Side) -> Verdict:
    return _wrong_mask(side, lambda m: m[:, :-1])


@case("30c", "a mask of floats", "a check by hand")
def of_floats(side: Side) -> Verdict:
    return _wrong_mask(side, lambda m: m.astype("float32"))


@case("30d", "a mask of (1, time) for a batch of three", "a check by hand")
def broadcast(side: Side) -> Verdict:
    return _wrong_mask(side, lambda m: m[:1])


@case("30e", "a mask as a Python list", "`torch.tensor(mask)`")
def as_list(side: Side) -> Verdict:
    values, mask = padded(sequences_of_vectors())
    layer = side.k.layers.LSTM(3)
    layer(side.tensor(values))
    set_weights(layer)
    expected = side.array(layer(side.tensor(values, mask)))
    return close(side.array(layer(side.tensor(values), mask=mask.tolist())), expected)


@case("30f", "no false warning: TimeDistributed", "no mechanism, no warning")
def warning_of_time_distributed(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        return k.layers.LSTM(3)(k.layers.TimeDistributed(k.layers.Dense(3))(x))

    return no_false_warning(lambda: model_law(side, build))


@case("30g", "no false warning: Bidirectional", "no mechanism, no warning")
def warning_of_bidirectional(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        return k.layers.Bidirectional(k.layers.LSTM(3))(x)

    return no_false_warning(lambda: model_law(side, build))


@case("30h", "no false warning: inside attention", "no mechanism, no warning")
def warning_of_attention(side: Side) -> Verdict:
    def call(layer: Any, x: Any) -> Any:
        return layer(x, x)

    return no_false_warning(
        lambda: layer_law(side, lambda k: k.layers.MultiHeadAttention(2, 3), call)
    )


@case("30i", "no false warning: inside grouped-query attention", "no mechanism, no warning")
def warning_of_grouped_attention(side: Side) -> Verdict:
    def make(k: Any) -> Any:
        return k.layers.GroupQueryAttention(3, 2, 1)

    return no_false_warning(lambda: layer_law(side, make, lambda layer, x: layer(x, x)))


@case("30j", "no false warning: SpectralNormalization of a Dense", "no mechanism, no warning")
def warning_of_spectral_normalization(side: Side) -> Verdict:
    def make(k: Any) -> Any:
        return k.layers.SpectralNormalization(k.layers.Dense(3))

    return no_false_warning(lambda: layer_law(side, make))
