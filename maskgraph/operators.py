"""Python operators and slicing for everything that ops can be applied to.

One mixin serves symbolic tensors, masked tensors and weights. It finds ops by name in a
registry that `maskgraph.ops` fills, so that the classes which carry the operators need not
import the ops, which import them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Self


class _Registry(dict[str, Callable[..., Any]]):
    """The ops by name. They fill it when they are imported, which the first look-up sees to."""

    def __missing__(self, name: str) -> Callable[..., Any]:
        import_module("maskgraph.ops")
        if name not in self:
            raise KeyError(name)
        return self[name]


REGISTRY = _Registry()


class TensorOperators:
    """Arithmetic, comparison and slicing by way of the ops of the same meaning."""

    # NumPy must not take `array * tensor` for itself: it hands over to __rmul__ instead.
    __array_ufunc__ = None
    __slots__ = ()
    __hash__ = object.__hash__

    def __add__(self, other: Any) -> Self:
        return REGISTRY["add"](self, other)  # type: ignore[no-any-return]

    def __radd__(self, other: Any) -> Self:
        return REGISTRY["add"](other, self)  # type: ignore[no-any-return]

    def __sub__(self, other: Any) -> Self:
        return REGISTRY["subtract"](self, other)  # type: ignore[no-any-return]

    def __rsub__(self, other: Any) -> Self:
        return REGISTRY["subtract"](other, self)  # type: ignore[no-any-return]

    def __mul__(self, other: Any) -> Self:
        return REGISTRY["multiply"](self, other)  # type: ignore[no-any-return]

    def __rmul__(self, other: Any) -> Self:
        return REGISTRY["multiply"](other, self)  # type: ignore[no-any-return]

    def __truediv__(self, other: Any) -> Self:
        return REGISTRY["divide"](self, other)  # type: ignore[no-any-return]

    def __rtruediv__(self, other: Any) -> Self:
        return REGISTRY["divide"](other, self)  # type: ignore[no-any-return]

    def __floordiv__(self, other: Any) -> Self:
        return REGISTRY["floor_divide"](self, other)  # type: ignore[no-any-return]

    def __rfloordiv__(self, other: Any) -> Self:
        return REGISTRY["floor_divide"](other, self)  # type: ignore[no-any-return]

    def __mod__(self, other: Any) -> Self:
        return REGISTRY["mod"](self, other)  # type: ignore[no-any-return]

    def __rmod__(self, other: Any) -> Self:
        return REGISTRY["mod"](other, self)  # type: ignore[no-any-return]

    def __pow__(self, other: Any) -> Self:
        return REGISTRY["power"](self, other)  # type: ignore[no-any-return]

    def __rpow__(self, other: Any) -> Self:
        return REGISTRY["power"](other, self)  # type: ignore[no-any-return]

    def __matmul__(self, other: Any) -> Self:
        return REGISTRY["matmul"](self, other)  # type: ignore[no-any-return]

    def __rmatmul__(self, other: Any) -> Self:
        return REGISTRY["matmul"](other, self)  # type: ignore[no-any-return]

    def __neg__(self) -> Self:
        return REGISTRY["negative"](self)  # type: ignore[no-any-return]

    def __abs__(self) -> Self:
        return REGISTRY["abs"](self)  # type: ignore[no-any-return]

    def __invert__(self) -> Self:
        return REGISTRY["logical_not"](self)  # type: ignore[no-any-return]

    def __and__(self, other: Any) -> Self:
        return REGISTRY["logical_and"](self, other)  # type: ignore[no-any-return]

    def __rand__(self, other: Any) -> Self:
        return REGISTRY["logical_and"](other, self)  # type: ignore[no-any-return]

    def __or__(self, other: Any) -> Self:
        return REGISTRY["logical_or"](self, other)  # type: ignore[no-any-return]

    def __ror__(self, other: Any) -> Self:
        return REGISTRY["logical_or"](other, self)  # type: ignore[no-any-return]

    def __eq__(self, other: Any) -> Self:  # type: ignore[override]
        return REGISTRY["equal"](self, other)  # type: ignore[no-any-return]

    def __ne__(self, other: Any) -> Self:  # type: ignore[override]
        return REGISTRY["not_equal"](self, other)  # type: ignore[no-any-return]

    def __lt__(self, other: Any) -> Self:
        return REGISTRY["less"](self, other)  # type: ignore[no-any-return]

    def __le__(self, other: Any) -> Self:
        return REGISTRY["less_equal"](self, other)  # type: ignore[no-any-return]

    def __gt__(self, other: Any) -> Self:
        return REGISTRY["greater"](self, other)  # type: ignore[no-any-return]

    def __ge__(self, other: Any) -> Self:
        return REGISTRY["greater_equal"](self, other)  # type: ignore[no-any-return]

    def __getitem__(self, key: Any) -> Self:
        return REGISTRY["getitem"](self, key)  # type: ignore[no-any-return]
