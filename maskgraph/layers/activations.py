"""Activation functions by the names that Keras gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from maskgraph import ops
from maskgraph.errors import ArgumentError, explain
from maskgraph.operators import REGISTRY

Activation = Callable[[Any], Any]


def linear(x: Any) -> Any:
    """Return x."""
    return x


_BY_NAME: dict[str, Activation] = {
    "linear": linear,
    "relu": ops.relu,
    "relu6": ops.relu6,
    "leaky_relu": ops.leaky_relu,
    "elu": ops.elu,
    "selu": ops.selu,
    "sigmoid": ops.sigmoid,
    "hard_sigmoid": ops.hard_sigmoid,
    "tanh": ops.tanh,
    "softmax": ops.softmax,
    "log_softmax": ops.log_softmax,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "silu": ops.silu,
    "swish": ops.silu,
    "hard_silu": ops.hard_silu,
    "hard_swish": ops.hard_silu,
    "gelu": ops.gelu,
    "mish": ops.mish,
    "log_sigmoid": ops.log_sigmoid,
    "exponential": ops.exp,
}


def get(activation: Any) -> Activation:
    """Return the function for a name, a function, or None (linear).

    Raises:
        ArgumentError: for anything else.
    """
    if activation is None:
        return linear
    if isinstance(activation, str) and activation in _BY_NAME:
        return _BY_NAME[activation]
    if callable(activation):
        return activation  # type: ignore[no-any-return]
    raise ArgumentError(
        explain(
            "unknown activation",
            received=repr(activation),
            expected="a function, or one of " + ", ".join(_BY_NAME),
        )
    )


_WITH_OPTIONS = frozenset({"elu", "gelu", "leaky_relu", "log_softmax", "softmax"})
"""Activations that take more than a tensor, whose defaults the recurrent kernel knows."""


def kernel_name(function: Activation) -> str | None:
    """Return the name under which the recurrent kernel knows an activation; None if it does not
    know it, as a function of the user's own."""
    if function is linear:
        return "linear"
    name = str(getattr(function, "name", ""))
    simple = name in _WITH_OPTIONS or len(getattr(function, "parameters", ())) == 1
    return name if simple and REGISTRY.get(name) is function else None
