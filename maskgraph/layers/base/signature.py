"""What a layer's `call` takes: read once from its signature."""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from maskgraph.errors import ArgumentError


@functools.cache
def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature, read once: reading takes longer than most calls."""
    return inspect.signature(function)


class CallSignature(NamedTuple):
    """The parameters of a `call`: names with a default or without, and whether it takes more.

    Attributes:
        names: of the parameters.
        required: how many have no default; None if some are not plain parameters, given by place
            or by name.
        masks: the parameters that are given a mask, and the argument that each is of: `mask` is
            that of the first, `value_mask` that of `value`.
    """

    cls: type
    signature: inspect.Signature
    names: tuple[str, ...]
    required: int | None
    masks: dict[str, str]

    @classmethod
    @functools.cache
    def of(cls, layer_class: Any) -> CallSignature:
        parameters = list(signature_of(layer_class.call).parameters.values())[1:]
        signature = inspect.Signature(parameters)
        plain = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
        required = sum(p.default is p.empty for p in parameters) if plain else None
        names = tuple(signature.parameters)
        return cls(layer_class, signature, names, required, _masks(names))

    @property
    def first(self) -> str:
        return self.names[0]

    @property
    def takes_mask(self) -> bool:
        return "mask" in self.names

    def bind(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name; those left out are left out.

        Raises:
            ArgumentError: naming the layer, as Python would for a plain function.
        """
        least = self.required
        if least is not None and least <= len(args) <= len(self.names) and not kwargs:
            return dict(zip(self.names, args, strict=False))
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentError(
                f"layer {layer.name!r} ({self.cls.__name__}): {error}; "
                f"it is called with {', '.join(self.names)}"
            ) from None
        return dict(bound.arguments)

    def apply(self, function: Any, arguments: dict[str, Any]) -> Any:
        """Call a function of this signature with arguments by name."""
        if len(arguments) == 1 and self.required is not None and self.first in arguments:
            return function(arguments[self.first])
        bound = inspect.BoundArguments(self.signature, OrderedDict(arguments))
        return function(*bound.args, **bound.kwargs)


def _masks(names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in names:
        of = names[0] if name == "mask" else name.removesuffix("_mask")
        if of != name and of in names:
            found[name] = of
    return found
