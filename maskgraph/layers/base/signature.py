"""What a layer's `call` takes: read once from its signature."""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from typing import Any, NamedTuple

from maskgraph.errors import ArgumentError


class CallSignature(NamedTuple):
    """The parameters of a `call`: names with a default or without, and whether it takes more."""

    cls: type
    signature: inspect.Signature
    names: tuple[str, ...]

    @classmethod
    @functools.cache
    def of(cls, layer_class: Any) -> CallSignature:
        parameters = list(inspect.signature(layer_class.call).parameters.values())[1:]
        signature = inspect.Signature(parameters)
        return cls(layer_class, signature, tuple(signature.parameters))

    @property
    def first(self) -> str:
        return self.names[0]

    @property
    def takes_mask(self) -> bool:
        return "mask" in self.names

    def mask_parameters(self) -> dict[str, str]:
        """Return the parameters that are given a mask, and the argument that each is of: `mask`
        is that of the first, `value_mask` that of `value`."""
        found = {}
        for name in self.names:
            of = self.first if name == "mask" else name.removesuffix("_mask")
            if of != name and of in self.names:
                found[name] = of
        return found

    def bind(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name; those left out are left out.

        Raises:
            ArgumentError: naming the layer, as Python would for a plain function.
        """
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
        bound = inspect.BoundArguments(self.signature, OrderedDict(arguments))
        return function(*bound.args, **bound.kwargs)
