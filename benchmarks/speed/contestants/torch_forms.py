"""PyTorch by hand: each workload on a rectangle, with a mask or, for data without padding, none.

The weights are those of PyTorch's own kernels, as a user of PyTorch would have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

Tensor = torch.Tensor
Weights = Iterator[Tensor]

# -- weights ---------------------------------------------------------------------------------


def convert(workload: str, weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the weights of a workload in PyTorch's layout. It is linear: gradients likewise."""
    left = iter(weights)
    made = [next(left)]
    if workload == "W1":
        made += [*_rnn(left), *_rnn(left)]
    elif workload == "W5":
        made += [*_gru_weights(left), *_gru_weights(left)]
    elif workload == "W2":
        for _ in range(len(weights) // 16):
            made += _encoder(left)
    elif workload == "W4":
        for _ in range(4):
            made += [next(left).transpose(2, 1, 0), next(left)]
    made += [x.T if x.ndim == 2 else x for x in left]
    return [np.ascontiguousarray(x) for x in made]


def _rnn(left: Iterator[np.ndarray]) -> list[np.ndarray]:
    return [next(left).T, next(left).T, next(left)]


def _gru_weights(left: Iterator[np.ndarray]) -> list[np.ndarray]:
    kernel, recurrent, biases = next(left), next(left), next(left)
    return [_reset_first(x) for x in (kernel.T, recurrent.T, biases[0], biases[1])]


def _reset_first(x: np.ndarray) -> np.ndarray:
    z, r, n = np.split(x, 3)
    return np.concatenate([r, z, n])


def _encoder(left: Iterator[np.ndarray]) -> list[np.ndarray]:
    """Return (in, bias, out, bias) of attention, its norm, the second norm, (in, bias, out, bias)
    of the feed-forward network."""
    kernels, biases = zip(*((next(left), next(left)) for _ in range(3)), strict=True)
    features = kernels[0].shape[0]
    joined = np.concatenate([k.reshape(features, -1).T for k in kernels])
    out, bias = next(left), next(left)
    norms = [next(left) for _ in range(4)]
    network = [x.T if x.ndim == 2 else x for x in (next(left) for _ in range(4))]
    into = np.concatenate([b.reshape(-1) for b in biases])
    return [joined, into, out.reshape(-1, features).T, bias, *norms, *network]


# -- parts -----------------------------------------------------------------------------------


def linear(x: Tensor, weights: Weights) -> Tensor:
    return functional.linear(x, next(weights), next(weights))


def norm(x: Tensor, weights: Weights, epsilon: float) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], next(weights), next(weights), epsilon)


def mean(x: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return x.mean(1)
    return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def zeros(x: Tensor, directions: int, size: int) -> Tensor:
    return x.new_zeros(directions, x.shape[0], size)


def lstm_weights(weights: Weights, directions: int) -> list[Tensor]:
    """Return what the kernel takes; it has a second bias, which is 0 here."""
    made = []
    for _ in range(directions):
        w_ih, w_hh, bias = next(weights), next(weights), next(weights)
        made += [w_ih, w_hh, bias, torch.zeros_like(bias).detach()]
    return made


def lstm(x: Tensor, weights: list[Tensor]) -> Tensor:
    directions = len(weights) // 4
    start = zeros(x, directions, weights[1].shape[1])
    training, both = torch.is_grad_enabled(), directions == 2
    return torch.lstm(x, (start, start), weights, True, 1, 0.0, training, both, True)[0]


def gru(x: Tensor, weights: list[Tensor]) -> Tensor:
    start = zeros(x, 1, weights[1].shape[1])
    training = torch.is_grad_enabled()
    return torch.gru(x, start, weights, True, 1, 0.0, training, False, True)[0]


def moved(x: Tensor, index: Tensor) -> Tensor:
    """Return steps in another order, (batch, time) of where each comes from."""
    return x.gather(1, index[..., None].expand(*index.shape, x.shape[-1]))


def to_the_left(mask: Tensor) -> Tensor | None:
    """Return the order that puts steps that exist first; None if they are."""
    if not bool((mask[:, 1:] & ~mask[:, :-1]).any()):
        return None
    return torch.argsort(~mask, dim=1, stable=True)


# -- workloads -------------------------------------------------------------------------------


def bidirectional(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = functional.embedding(ids, next(weights))
    if mask is None:
        x = lstm(x, lstm_weights(weights, 2))
        return linear(x.mean(1), weights)
    order = to_the_left(mask)
    if order is not None:
        x = moved(x, order)
    lengths = mask.sum(1, keepdim=True)
    times = torch.arange(x.shape[1])
    mask = times < lengths
    back = torch.where(mask, lengths - 1 - times, times)  # the kernel knows no lengths
    ahead = lstm(x, lstm_weights(weights, 1))
    behind = lstm(moved(x, back), lstm_weights(weights, 1))
    return linear(torch.cat([mean(ahead, mask), mean(behind, mask)], -1), weights)


def transformer(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = functional.embedding(ids, next(weights))
    seen = None if mask is None else mask[:, None, None, :]
    for _ in range(widths.blocks):
        batch, time, features = x.shape
        joined = linear(x, weights).view(batch, time, 3, widths.heads, -1).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(*joined.unbind(), attn_mask=seen)
        x = after_attention(x, y.transpose(1, 2).reshape(batch, time, features), weights)
    return linear(mean(x, mask), weights)


def after_attention(x: Tensor, attended: Tensor, weights: Weights) -> Tensor:
    """Return the rest of an encoder, which is the same at every step."""
    x = x + linear(attended, weights)
    x = norm(x, weights, 1e-5)
    second = next(weights), next(weights)
    inner = linear(functional.relu(linear(x, weights)), weights)
    return norm(x + inner, iter(second), 1e-5)


def tokenwise(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = functional.embedding(ids, next(weights))
    for _ in range(3):
        x = norm(functional.relu(linear(x, weights)), weights, 1e-3)
    return linear(mean(x, mask), weights)


def convolution(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = functional.embedding(ids, next(weights)).transpose(1, 2)
    seen = None if mask is None else mask[:, None]
    for _ in range(4):
        if seen is not None:
            x = x * seen
        x = functional.relu(functional.conv1d(x, next(weights), next(weights), padding=1))
    if seen is not None:
        x = x.masked_fill(~seen, float("-inf"))
    return linear(x.amax(2), weights)


def tagger(widths: Any, weights: Weights, ids: Tensor, mask: Tensor | None) -> Tensor:
    x = functional.embedding(ids, next(weights))
    order = None if mask is None else to_the_left(mask)
    if order is not None:
        x = moved(x, order)
    for _ in range(2):
        x = gru(x, [next(weights) for _ in range(4)])
    if order is not None:
        x = moved(x, torch.argsort(order, dim=1))
    tags = linear(x, weights)
    return tags if mask is None else tags * mask[..., None]


FORMS: dict[str, Any] = {
    "W1": bidirectional,
    "W2": transformer,
    "W3": tokenwise,
    "W4": convolution,
    "W5": tagger,
}
