"""The base of the layers that ship with maskgraph, and the checks they share."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from maskgraph import dtypes, ops
from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.layers.base.layer import Layer


class BuiltinLayer(Layer):
    """A layer whose masks follow from the ops it is made of."""

    supports_masking: bool | str = "infer"


def positive(layer: Layer, name: str, value: Any) -> int:
    """Return a size given to a constructor.

    Raises:
        ArgumentError: if it is not a positive integer, Python's or NumPy's.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ArgumentError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): {name} out of range",
                received=repr(value),
                expected="a positive integer",
            )
        )
    return int(value)


def share(layer: Layer, name: str, value: Any, *, below_one: bool = False) -> Any:
    """Return a share given to a constructor, such as one to drop.

    Args:
        below_one: whether it must leave something.

    Raises:
        ArgumentError: if it is not a number from 0 to 1.
    """
    number = isinstance(value, Real)
    if not number or not 0 <= value <= 1 or (below_one and value == 1):
        raise ArgumentError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): {name} out of range",
                received=repr(value),
                expected="a number from 0 to 1" + ", less than 1" * below_one,
            )
        )
    return value


def require_rank(
    layer: Layer, shape: Any, *, exactly: int | None = None, at_least: int | None = None
) -> None:
    """Refuse an input of the wrong rank.

    Raises:
        ShapeError: naming the layer, what came and what was expected.
    """
    rank = len(shape)
    wanted = exactly if exactly is not None else max(rank, at_least or 0)
    if rank != wanted:
        expected = {
            2: "rank 2: (batch, features)",
            3: "rank 3: (batch, time, features)",
        }.get(exactly or 0, f"rank {exactly}" if exactly else f"rank {at_least} or more")
        add = "reshape the input, or add an axis: ops.expand_dims(x, -1)"
        wrap = f"layers.TimeDistributed({type(layer).__name__}(…)) applies it to each step"
        raise ShapeError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): wrong rank",
                received=f"shape {tuple(shape)}, rank {rank}",
                expected=expected,
                fix=add if rank < wanted else f"reshape the input; {wrap}",
            )
        )


def known_features(layer: Layer, shape: Any) -> int:
    """Return the size of the last axis, which weights are made for.

    Raises:
        ShapeError: if it is not known.
    """
    if shape[-1] is None:
        raise ShapeError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): the size of the last axis must "
                "be known",
                received=tuple(shape),
                expected="(batch, …, features) with a number for features",
                fix="give it in Input(shape=(None, features))",
            )
        )
    return int(shape[-1])


def require_features(layer: Layer, shape: Any, features: int) -> None:
    """Refuse an input whose last axis does not fit the weights.

    Raises:
        ShapeError: naming the layer, what came and what was expected.
    """
    if shape[-1] not in (features, None):
        raise ShapeError(
            explain(
                f"layer {layer.name!r} ({type(layer).__name__}): the last axis does not fit its "
                "kernel",
                received=tuple(shape),
                expected=f"{features} features",
                fix="a layer that is built keeps its feature size: use another layer",
            )
        )


def widened(x: Any) -> Any:
    """Return a tensor as float32 at least: half the precision is too little for statistics."""
    return ops.cast(x, dtypes.promote([x.dtype, "float32"]))
