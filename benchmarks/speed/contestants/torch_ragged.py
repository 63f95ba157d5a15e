"""PyTorch's own ways around padding: packed sequences, jagged tensors, the encoder's fast path."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from benchmarks.speed.contestant import Run
from benchmarks.speed.contestants.torch_forms import (
    Tensor,
    after_attention,
    convert,
    linear,
    lstm_weights,
)
from benchmarks.speed.workloads import Problem

Form = Callable[..., Tensor]


def packed(problem: Problem) -> Form:
    """W1 and W5 with `pack_padded_sequence`."""
    return _packed_lstm if problem.workload == "W1" else _packed_gru


def _pack(ids: Tensor, table: Tensor) -> tuple[PackedSequence, Tensor]:
    lengths = (ids != 0).sum(1)
    x = functional.embedding(ids, table)
    return pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False), lengths


def _packed_lstm(widths: Any, weights: list[Tensor], ids: Tensor) -> Tensor:
    left = iter(weights)
    x, lengths = _pack(ids, next(left))
    start = x.data.new_zeros(2, len(ids), widths.rnn)
    both, training = True, torch.is_grad_enabled()
    flat = lstm_weights(left, 2)
    y = torch.lstm(x.data, x.batch_sizes, (start, start), flat, True, 1, 0.0, training, both)[0]
    padded, _ = pad_packed_sequence(x._replace(data=y), batch_first=True)
    return linear(padded.sum(1) / lengths[:, None], left)


def _packed_gru(widths: Any, weights: list[Tensor], ids: Tensor) -> Tensor:
    left = iter(weights)
    x, _ = _pack(ids, next(left))
    y, training = x.data, torch.is_grad_enabled()
    start = y.new_zeros(1, len(ids), widths.rnn)
    for _ in range(2):
        flat = [next(left) for _ in range(4)]
        y = torch.gru(y, x.batch_sizes, start, flat, True, 1, 0.0, training, False)[0]
    tags = x._replace(data=linear(y, left))
    return pad_packed_sequence(tags, batch_first=True, total_length=ids.shape[1])[0]


def jagged(problem: Problem) -> Form:
    """W2 on valid steps alone, with a jagged tensor for attention."""
    return _jagged


def _jagged(widths: Any, weights: list[Tensor], ids: Tensor) -> Tensor:
    left = iter(weights)
    mask = ids != 0
    lengths = mask.sum(1)
    offsets = functional.pad(lengths.cumsum(0), (1, 0))
    longest = int(lengths.max())
    x = functional.embedding(ids[mask], next(left))
    for _ in range(widths.blocks):
        joined = linear(x, left).view(len(x), 3, widths.heads, -1)
        q, k, v = (
            torch.nested.nested_tensor_from_jagged(
                part.contiguous(), offsets, max_seqlen=longest
            ).transpose(1, 2)
            for part in joined.unbind(1)
        )
        y = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).values()
        x = after_attention(x, y.reshape(len(x), -1), left)
    sums = torch.zeros(len(ids), x.shape[-1]).index_add(
        0, torch.repeat_interleave(torch.arange(len(ids)), lengths), x
    )
    return linear(sums / lengths[:, None], left)


def fast_path(problem: Problem) -> Run:
    """W2 as `nn.TransformerEncoder`, which computes valid steps alone if it is not trained."""
    widths = problem.widths
    weights = [torch.from_numpy(w) for w in convert("W2", problem.weights)]
    layer = torch.nn.TransformerEncoderLayer(
        widths.model, widths.heads, widths.hidden, dropout=0.0, batch_first=True
    )
    encoder = torch.nn.TransformerEncoder(layer, widths.blocks).eval()
    table, *inner, kernel, bias = weights
    for i, block in enumerate(encoder.layers):
        _fill(block, inner[12 * i : 12 * (i + 1)])

    def call() -> Any:
        ids = torch.from_numpy(problem.batch.ids)
        mask = ids != 0
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nested tensors are a prototype, it says
            x = encoder(functional.embedding(ids, table), src_key_padding_mask=~mask)
            if x.shape[1] != mask.shape[1]:  # it comes back as long as the longest sequence
                mask = mask[:, : x.shape[1]]
            mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            return functional.linear(mean, kernel, bias).numpy()

    return Run(call, lambda result: [result])


def _fill(block: Any, weights: list[Tensor]) -> None:
    attention = block.self_attn
    homes = [
        attention.in_proj_weight, attention.in_proj_bias,
        attention.out_proj.weight, attention.out_proj.bias,
        block.norm1.weight, block.norm1.bias, block.norm2.weight, block.norm2.bias,
        block.linear1.weight, block.linear1.bias, block.linear2.weight, block.linear2.bias,
    ]  # fmt: skip
    with torch.no_grad():
        for home, weight in zip(homes, weights, strict=True):
            home.copy_(weight)
