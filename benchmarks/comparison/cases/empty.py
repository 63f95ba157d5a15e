"""Sequences without steps, batches without sequences, rectangles without time."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.oracle import (
    FEATURES,
    all_close,
    embedded,
    gradient_law,
    judge,
    layer_law,
    padded,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side, has_gpu, set_weights
from benchmarks.comparison.verdict import Verdict, absent, close, right, wrong

WITH_EMPTY = (3, 0, 5)
COUNT = "`count.clamp(min=1)`"


@case("27a", "a row without steps, GlobalAveragePooling1D", COUNT)
def pooling(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.GlobalAveragePooling1D(), lengths=WITH_EMPTY, empty=0)


@pooling.with_pytorch
def _() -> Verdict:
    import torch

    sequences = sequences_of_vectors(WITH_EMPTY)
    values, mask = (torch.tensor(a) for a in padded(sequences))
    found = (values * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    alone = [s.mean(0) if len(s) else np.zeros(FEATURES) for s in sequences]
    return judge(found.numpy(), None, alone, steps=False)


@case("27b", "a row without steps, GlobalMaxPooling1D", "`where(mask, x, -inf)`, then 0 for -inf")
def max_pooling(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.GlobalMaxPooling1D(), lengths=WITH_EMPTY, empty=0)


@case("27c", "a row without steps, an LSTM", "length 0 is refused: run the others, put zeros back")
def recurrent(side: Side) -> Verdict:
    return layer_law(side, lambda k: k.layers.LSTM(3), lengths=WITH_EMPTY, empty=0)


@recurrent.with_pytorch
def _() -> Verdict:
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence

    values, mask = padded(sequences_of_vectors(WITH_EMPTY))
    packed = pack_padded_sequence(
        torch.tensor(values), torch.tensor(mask.sum(1)), batch_first=True, enforce_sorted=False
    )
    torch.nn.LSTM(FEATURES, 3, batch_first=True)(packed)
    return right("accepted")


@case("27d", "a row without steps, cuDNN's LSTM", "length 0 is refused")
def cudnn(side: Side) -> Verdict:
    return recurrent.keras(side) if has_gpu(side.backend) else absent("needs a GPU")


@cudnn.with_maskgraph
def _(side: Side) -> Verdict:
    if not has_gpu(side.backend):
        return absent("needs a GPU")
    with side.k.use_backend(side.backend, "gpu"):
        return recurrent.maskgraph(side)


@case("27e", "a query without any valid key, attention", "a query that is all masked, by hand")
def attention(side: Side) -> Verdict:
    return _attention(side, "float32", 1e-5)


@attention.with_pytorch
def _() -> Verdict:
    return _of_torch("float32", 1e-5)


def _of_torch(dtype: str, tolerance: float) -> Verdict:
    import torch

    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(FEATURES, 2, batch_first=True, dtype=getattr(torch, dtype))
    x = torch.tensor(sequences_of_vectors((3,))[0][None].astype(dtype))
    found, _ = layer(x, x, x, key_padding_mask=torch.ones(1, 3, dtype=torch.bool))
    bias = layer.out_proj.bias.detach().numpy()
    return _context_is_zero(found.detach().numpy()[0], bias, tolerance)


@case("27f", "the same in float16", "a query that is all masked, by hand")
def half_attention(side: Side) -> Verdict:
    return _attention(side, "float16", 2e-3)


@half_attention.with_pytorch
def _() -> Verdict:
    return _of_torch("float16", 2e-3)


@case("27g", "the same, the function of attention alone", "nothing")
def attention_alone(side: Side) -> Verdict:
    values = sequences_of_vectors((3,))[0][None]
    none = side.tensor(values, np.zeros((1, 3), bool))
    found = side.array(side.k.layers.Attention()([side.tensor(values), none]))
    return _context_is_zero(found[0], np.zeros(FEATURES))


@attention_alone.with_pytorch
def _() -> Verdict:
    import torch

    x = torch.tensor(sequences_of_vectors((3,))[0][None])
    found = torch.nn.functional.scaled_dot_product_attention(
        x, x, x, attn_mask=torch.zeros(1, 3, 3, dtype=torch.bool)
    )
    return _context_is_zero(found.numpy()[0], np.zeros(FEATURES))


def _attention(side: Side, dtype: str, tolerance: float) -> Verdict:
    layer = side.k.layers.MultiHeadAttention(2, 3, dtype=dtype)
    values = sequences_of_vectors((3,))[0][None].astype(dtype)
    x = side.tensor(values)
    layer(x, x)
    set_weights(layer)
    found = side.array(layer(side.tensor(values), side.tensor(values, np.zeros((1, 3), bool))))
    bias = np.asarray(layer.get_weights()[-1])
    return _context_is_zero(found[0], bias, tolerance)


def _context_is_zero(found: np.ndarray, bias: np.ndarray, tolerance: float = 1e-5) -> Verdict:
    """Nothing to attend to gives nothing: what comes out is the bias of the last projection."""
    found = found.astype("float64")
    if np.isnan(found).any():
        return wrong("NaN")
    gap = np.abs(found - bias).max()
    verdict = close(gap, 0.0, "the padding, averaged: off by")
    return right(f"within {tolerance:g}") if tolerance > 1e-5 and gap <= tolerance else verdict


@case("27h", "a row without steps: gradients through pooling", COUNT)
def gradients_of_pooling(side: Side) -> Verdict:
    k = side.k
    model = k.Sequential([k.layers.Dense(3), k.layers.GlobalAveragePooling1D()])
    return gradient_law(side, model, model, lengths=WITH_EMPTY)


@gradients_of_pooling.with_maskgraph
def _(side: Side) -> Verdict:
    k = side.k
    dense, pool = k.layers.Dense(3), k.layers.GlobalAveragePooling1D()
    return gradient_law(side, dense, lambda x: pool(dense(x)), lengths=WITH_EMPTY)


@case("27i", "a row without steps: gradients through attention", "`nan_to_num` is not enough")
def gradients_of_attention(side: Side) -> Verdict:
    layer = side.k.layers.MultiHeadAttention(2, 3)
    return gradient_law(side, layer, lambda x: layer(x, x), lengths=WITH_EMPTY)


@gradients_of_attention.with_pytorch
def _() -> Verdict:
    import torch

    torch.manual_seed(0)
    layer = torch.nn.MultiheadAttention(FEATURES, 2, batch_first=True)
    sequences = sequences_of_vectors(WITH_EMPTY)

    def gradients(values: Any, mask: Any) -> Any:
        layer.zero_grad()
        x, m = torch.tensor(values), torch.tensor(mask)
        y, _ = layer(x, x, x, key_padding_mask=~m)
        torch.where(m[..., None], y, 0.0).sum().backward()
        return [p.grad.numpy().copy() for p in layer.parameters()]

    each = [gradients(s[None], np.ones((1, len(s)), bool)) for s in sequences if len(s)]
    expected = [np.sum(parts, axis=0) for parts in zip(*each, strict=True)]
    return all_close(gradients(*padded(sequences)), expected)


@case("27j", "a row without steps: gradients through an LSTM", "length 0 is refused")
def gradients_of_lstm(side: Side) -> Verdict:
    layer = side.k.layers.LSTM(3)
    return gradient_law(side, layer, layer, lengths=WITH_EMPTY)


@case("28a", "an empty batch: (0, 5) ids", "a check before packing")
def empty_batch(side: Side) -> Verdict:
    return _of_shape(side, np.zeros((0, 5), "int32"))


@empty_batch.with_pytorch
def _() -> Verdict:
    return _packed(np.zeros((0, 5, FEATURES), "float32"), np.zeros(0, int))


@case("28b", "no time: (2, 0) ids", "a check before packing")
def no_time(side: Side) -> Verdict:
    return _of_shape(side, np.zeros((2, 0), "int32"))


@no_time.with_pytorch
def _() -> Verdict:
    return _packed(np.zeros((2, 0, FEATURES), "float32"), np.zeros(2, int))


def _packed(values: np.ndarray, lengths: np.ndarray) -> Verdict:
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence

    packed = pack_padded_sequence(torch.tensor(values), torch.tensor(lengths), batch_first=True)
    _, (h, _) = torch.nn.LSTM(FEATURES, 3, batch_first=True)(packed)
    return close(h.detach().numpy()[0], np.zeros((len(values), 3)))


@case("28c", "time of one step", "nothing")
def one_step(side: Side) -> Verdict:
    model = _model(side)
    ids = np.array([[3], [5]], "int32")
    wide = np.array([[3, 0, 0], [5, 0, 0]], "int32")
    found = side.array(model(side.tensor(ids)))
    return close(side.array(model(side.tensor(wide))), found, "leaks:").with_arrays(found, found)


@case("28d", "a batch in which every row is empty", "a check before packing")
def all_empty(side: Side) -> Verdict:
    return _of_shape(side, np.zeros((2, 3), "int32"))


def _model(side: Side) -> Any:
    """An LSTM beside attention and a mean: without biases, nothing gives zeros."""
    k = side.k
    tokens = k.Input(shape=(None,), dtype="int32")
    x = embedded(k, tokens)
    attended = k.layers.MultiHeadAttention(2, 3, use_bias=False)(x, x)
    pooled = k.layers.GlobalAveragePooling1D()(attended)
    model = k.Model(tokens, k.layers.Concatenate()([k.layers.LSTM(3)(x), pooled]))
    set_weights(model)
    return model


def _of_shape(side: Side, ids: np.ndarray) -> Verdict:
    """Try ids without any valid step: everything is zero."""
    found = side.array(_model(side)(side.tensor(ids)))
    return close(found, np.zeros((len(ids), 3 + FEATURES)))
