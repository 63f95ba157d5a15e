"""Attention with PyTorch's kernel, which never writes down all the scores.

On a CPU it takes two thirds of the time of a composition, of long sequences a quarter, forward and
backward. A query that may look nowhere gets zeros from it, with gradients of zero. It has no
second derivatives there: who needs them runs within `torch.nn.attention.sdpa_kernel`, and chooses
the kernel "math".
"""

from __future__ import annotations

from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from maskgraph.backend import Array, Backend


class Attention(Backend):
    """Attention as torch has it: with heads before time, and a mask or an order, not both."""

    def attention(
        self,
        query: Array,
        key: Array,
        value: Array,
        allowed: Array | None,
        causal: bool,
        window: int | None,
        scale: float,
    ) -> Array:
        if allowed is not None:
            allowed = allowed.reshape((1,) * (4 - allowed.ndim) + allowed.shape)
        if window is not None or (causal and allowed is not None):
            near = self._near(query.shape[1], key.shape[1], causal, window)
            allowed = near if allowed is None else allowed & near
            causal = False
        q, k, v = (x.transpose(1, 2) for x in (query, key, value))
        shared = query.shape[2] != key.shape[2]
        means = F.scaled_dot_product_attention(
            q, k, v, attn_mask=allowed, is_causal=causal, scale=scale, enable_gqa=shared
        )
        return means.transpose(1, 2)
