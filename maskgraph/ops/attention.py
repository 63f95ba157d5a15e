"""Attention as one op, and where a query may look: at values that exist, not later ones, not far
ones, not forbidden ones.

Positions count the steps that exist, in queries and values each, so that padding moves nothing.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from maskgraph.errors import ArgumentError, MaskError, ShapeError, explain
from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops.definition import define
from maskgraph.ops.masking import intersect
from maskgraph.ops.operands import Arguments, Mask, Tensor, spec_of
from maskgraph.ops.rule import Call, MaskRule, Reach, zeroed

_TENSORS = ("query", "key", "value")


def visible(
    query: Tensor,
    key: Tensor,
    query_mask: Mask | None,
    exists: Mask | None,
    allowed: Tensor | None,
    causal: bool,
    window: int | None,
) -> Any:
    """Return where a query may look, bool, or None: everywhere. It broadcasts to (batch, heads,
    T, S).

    Args:
        query, key: of (batch, T, …) and (batch, S, …), without masks.
        exists: the mask of keys and values.
        allowed: where the user lets it look.
        window: how many steps a query sees: itself and `window - 1` before it, and, unless
            `causal`, as many after it.
    """
    parts = [] if exists is None else [REGISTRY["expand_dims"](exists, (1, 2))]
    if causal or window is not None:
        parts.extend(_near(query, key, query_mask, exists, causal, window))
    if allowed is not None:
        parts.append(allowed)
    return reduce(REGISTRY["logical_and"], parts) if parts else None


def _near(
    query: Tensor,
    key: Tensor,
    query_mask: Mask | None,
    exists: Mask | None,
    causal: bool,
    window: int | None,
) -> list[Any]:
    """Return the conditions on how far before a query a value stands, (batch, 1, T, S)."""
    # within one mask the order of steps that exist is that of the rectangle, their distance is not
    same_order = window is None and exists is query_mask
    rows, columns = (
        REGISTRY["cumsum"](_rectangle(x, mask) if mask is None or same_order else mask, 1)
        for x, mask in ((query, query_mask), (key, exists))
    )
    distance = REGISTRY["subtract"](
        REGISTRY["expand_dims"](rows, (1, 3)), REGISTRY["expand_dims"](columns, (1, 2))
    )
    near = [REGISTRY["greater_equal"](distance, 0)] if causal else []
    if window is not None:
        near.append(REGISTRY["less"](REGISTRY["abs"](distance), window))
    return near


def _rectangle(x: Tensor, mask: Mask | None) -> Any:
    """Return True for each column of a rectangle, (1, time); that of a mask is made but once."""
    columns = REGISTRY["all_valid"](x if mask is None else mask, 2)
    return REGISTRY["getitem"](columns, (slice(0, 1),))


class Attention(MaskRule):
    """A value that does not exist, or whose key does not, gets no weight; the mask of the query
    comes out. What stands at masked steps is finite, and so harmless where it has no weight."""

    def mixes_time(self, call: Call) -> bool:
        return True

    def out(self, call: Call) -> Mask | None:
        for name in _TENSORS:
            mask = call.masks[name]
            if mask is not None and spec_of(mask).rank != 2:
                raise MaskError(
                    explain(
                        f"attention: the mask of {name} does not tell its steps",
                        received=f"a mask of shape {spec_of(mask).shape}",
                        expected="a mask of (batch, time)",
                        fix="make one axis of the axes of steps: ops.merge_axes(x, 1, 2)",
                    )
                )
        return call.masks["query"]

    def value(self, call: Call) -> Any:
        allowed = visible(
            call["query"],
            call["key"],
            call.masks["query"],
            intersect([call.masks["value"], call.masks["key"]]),
            zeroed(call["allowed"], call.masks["allowed"]),
            call["causal"],
            call["window"],
        )
        return call.run(allowed=allowed, causal=False, window=None)

    def reach(self, call: Call) -> Reach:
        with_steps = all(call.masks[name] is not None for name in _TENSORS)
        return Reach.SEQUENCE if with_steps and call["allowed"] is None else Reach.RECTANGLE


def _check(arguments: Arguments, specs: dict[str, Any]) -> None:
    shapes = [specs[name].shape for name in _TENSORS]
    if not _go_together(*shapes):
        raise ShapeError(
            explain(
                "attention: query, key and value do not go together",
                received=", ".join(f"{n} {s}" for n, s in zip(_TENSORS, shapes, strict=True)),
                expected="(batch, T, heads, D), (batch, S, K, D) and (batch, S, K, V), where heads "
                "is a multiple of K",
            )
        )
    if specs["allowed"] is not None:
        query, key, _ = shapes
        _check_allowed(specs["allowed"], (query[0], query[2], query[1], key[1]))
    window = arguments["window"]
    if window is not None and (type(window) is not int or window < 1):
        raise ArgumentError(
            explain(
                "attention: the window is wrong",
                received=repr(window),
                expected="a positive integer, or None",
            )
        )


def _go_together(query: Any, key: Any, value: Any) -> bool:
    if not len(query) == len(key) == len(value) == 4:
        return False
    same = [(query[0], key[0]), (query[0], value[0]), (key[0], value[0])]
    same += [(query[3], key[3]), (key[1], value[1]), (key[2], value[2])]
    heads, shared = query[2], key[2]
    return all(None in pair or pair[0] == pair[1] for pair in same) and (
        None in (heads, shared) or (shared > 0 and heads % shared == 0)
    )


def _check_allowed(allowed: Spec, whole: tuple[int | None, ...]) -> None:
    aligned = zip(reversed(allowed.shape), reversed(whole), strict=False)
    fits = allowed.rank <= 4 and all(n in (1, None) or m in (n, None) for n, m in aligned)
    if allowed.dtype != "bool" or not fits:
        raise MaskError(
            explain(
                "attention: `allowed` is wrong",
                received=f"{allowed.dtype} of shape {allowed.shape}",
                expected=f"bool, of a shape that broadcasts to (batch, heads, T, S): {whole}",
                fix="compare: allowed != 0",
            )
        )


@define(
    shape=lambda query, value, **_: Spec((*query.shape[:3], value.shape[3]), query.dtype),
    mask=Attention(),
    together=_TENSORS,
    floating=True,
    prepare=_check,
)
def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    allowed: Tensor = None,
    causal: bool = False,
    window: int | None = None,
    scale: float = 1.0,
) -> Tensor:
    """Return for each query a mean of the values, weighted by the softmax of the products of it
    with their keys: query (batch, T, heads, D), key (batch, S, K, D), value (batch, S, K, V) to
    (batch, T, heads, V). Each of the K heads of keys and values serves heads / K of queries.

    Mask in: a value whose step does not exist, or its key's, gets no weight; a query that may look
    nowhere gets zeros. Mask out: that of the query.

    Args:
        allowed: bool, of a shape that broadcasts to (batch, heads, T, S), True where a query may
            look; None: everywhere.
        causal: whether it sees no later values. Positions count valid steps, those of queries and
            of values each.
        window: how far it sees: at values less than so many positions before or after its own.
        scale: a factor for the products, as 1 / sqrt(D).

    Raises:
        ShapeError: for tensors that do not go together.
        MaskError: if `allowed` is not bool or does not fit, for masks that are not (batch, time).
        ArgumentError: for a window that is not a positive integer.

    Source: Vaswani et al., 2017, https://arxiv.org/abs/1706.03762; shared heads: Ainslie et al.,
    2023, https://arxiv.org/abs/2305.13245; the window: Beltagy et al., 2020,
    https://arxiv.org/abs/2004.05150

    Example:
        >>> import numpy as np
        >>> import maskgraph as mg
        >>> from maskgraph import ops
        >>> x = mg.MaskedTensor(np.ones((1, 3, 2, 4)), np.array([[True, True, False]]))
        >>> y = ops.attention(x, x, x, causal=True, scale=0.5)
        >>> y.shape, y.mask.tolist()
        ((1, 3, 2, 4), [[True, True, False]])
    """
