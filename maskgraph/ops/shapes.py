"""Shape rules: what is known of a result's shape and dtype before there is data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from maskgraph.errors import ShapeError, explain
from maskgraph.graph import Dim, Shape, Spec


def same(x: Spec, **_: Any) -> Spec:
    return x


def same_bool(x: Spec, **_: Any) -> Spec:
    return Spec(x.shape, "bool")


def binary(x1: Spec, x2: Spec) -> Spec:
    shape = broadcast(x1.shape, x2.shape)
    return x1 if shape == x1.shape else Spec(shape, x1.dtype)


def comparison(x1: Spec, x2: Spec) -> Spec:
    return Spec(broadcast(x1.shape, x2.shape), "bool")


@lru_cache(4096)
def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that shapes broadcast to; None meets 1 as None, and n as n.

    Raises:
        ShapeError: if they do not broadcast.
    """
    rank = max(map(len, shapes))
    result: list[int | None] = []
    for sizes in zip(*((1,) * (rank - len(s)) + tuple(s) for s in shapes), strict=True):
        known = {n for n in sizes if n not in (1, None)}
        if len(known) > 1:
            raise ShapeError(
                explain(
                    "shapes do not broadcast",
                    received=" and ".join(map(str, shapes)),
                    expected="sizes that are equal, or 1, counted from the last axis",
                    fix="reshape or expand one of them: ops.expand_dims, ops.reshape",
                )
            )
        result.append(known.pop() if known else (None if None in sizes else 1))
    return tuple(result)


def agree(a: Shape, b: Shape) -> bool:
    """Tell whether two shapes may be the same; a size that is not known may be any."""
    return len(a) == len(b) and all(
        m is None or n is None or m == n for m, n in zip(a, b, strict=True)
    )


def canonical_axis(axis: Any, rank: int) -> int:
    """Return the axis counted from the front.

    Raises:
        ShapeError: if there is no such axis.
    """
    if not isinstance(axis, int) or not -rank <= axis < rank:
        raise ShapeError(
            explain(
                "no such axis",
                received=f"axis={axis!r} for a tensor of rank {rank}",
                expected=f"an integer from {-rank} to {rank - 1}" if rank else "a tensor with axes",
            )
        )
    return int(axis) % rank


def axis_of(
    parameter: str = "x", added: int = 0
) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """Return a `prepare` that makes `axis` canonical for the tensor `parameter`."""

    def prepare(arguments: dict[str, Any], specs: dict[str, Any]) -> None:
        spec = specs[parameter]
        rank = (spec[0] if isinstance(spec, list) else spec).rank
        arguments["axis"] = canonical_axis(arguments["axis"], rank + added)

    return prepare


def axes_of(arguments: dict[str, Any], specs: dict[str, Any]) -> None:
    """Make `axis` a tuple of canonical axes; None is all of them."""
    axis, rank = arguments["axis"], specs["x"].rank
    if axis is None:
        axis = range(rank)
    elif isinstance(axis, int):
        axis = (axis,)
    arguments["axis"] = tuple(sorted({canonical_axis(a, rank) for a in axis}))


def reduced(x: Spec, axis: tuple[int, ...], keepdims: bool) -> Spec:
    if keepdims:
        return Spec(tuple(1 if a in axis else n for a, n in enumerate(x.shape)), x.dtype)
    return Spec(tuple(n for a, n in enumerate(x.shape) if a not in axis), x.dtype)


def sizes(shape: Sequence[Any]) -> Shape:
    """Return a shape given by the user, sizes known only at run time (`Dim`) as None."""
    return tuple(None if isinstance(n, Dim) or n is None else int(n) for n in shape)


def matmul(x1: Spec, x2: Spec) -> Spec:
    inner1 = x1.shape[-1] if x1.rank else None
    inner2 = x2.shape[-2 if x2.rank > 1 else -1] if x2.rank else None
    if not x1.rank or not x2.rank or (None not in (inner1, inner2) and inner1 != inner2):
        raise ShapeError(
            explain(
                "matmul: the inner sizes differ",
                received=f"{x1.shape} @ {x2.shape}",
                expected="the last axis of the first as long as the last but one of the second",
            )
        )
    batch = broadcast(x1.shape[:-2], x2.shape[:-2])
    rows = x1.shape[-2:-1] if x1.rank > 1 else ()
    columns = x2.shape[-1:] if x2.rank > 1 else ()
    return Spec((*batch, *rows, *columns), x1.dtype)


def reshaped(x: Spec, newshape: Sequence[Any]) -> Spec:
    target = list(sizes(newshape))
    if not _comparable(x, newshape):
        return Spec(tuple(None if n == -1 else n for n in target), x.dtype)
    total = _known_product(x.shape)
    part = _known_product(n for n in target if n != -1)
    if -1 in target:
        fits = total % part == 0 if part else total == 0
        target[target.index(-1)] = total // part if part else 0
    else:
        fits = total == part
    if not fits:
        raise _unreshapable(x, newshape)
    return Spec(tuple(target), x.dtype)


def _comparable(x: Spec, newshape: Sequence[Any]) -> bool:
    """Tell whether the unknown sizes cancel: those of `x` are those taken from a tensor."""
    unknown = [n for n in newshape if isinstance(n, Dim) or n is None]
    taken = all(isinstance(n, Dim) and n.node.name == "dimension" for n in unknown)
    return taken and len(unknown) == x.shape.count(None)


def _known_product(shape: Iterable[int | None]) -> int:
    return math.prod(n for n in shape if n is not None)


def _unreshapable(x: Spec, newshape: Sequence[Any]) -> ShapeError:
    return ShapeError(
        explain(
            "reshape: the number of elements differs",
            received=f"shape {x.shape}, new shape {sizes(newshape)}",
            expected="sizes with the same product; one may be -1",
        )
    )
