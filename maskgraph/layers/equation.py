"""The equation of an `EinsumDense`: which axes the input, the kernel and the result have."""

from __future__ import annotations

import math
import re
import string
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.layers import initializers

Sizes = tuple[int | None, ...]

_FORM = re.compile(r"(\.{3})?([a-zA-Z]+)(\.{3})?,([a-zA-Z]+)->(\.{3})?([a-zA-Z]+)(\.{3})?")


@dataclass(frozen=True)
class Equation:
    """Letters for the axes of an input, a kernel and a result, and the result's sizes.

    Attributes:
        where: what an error calls the layer.
        x, kernel, result: a letter an axis, without those that "..." stands for.
        elided: where "..." stands: "left", "right" or "".
        sizes: of the result, without the batch and what "..." stands for.
        bias: the letters of the bias.
    """

    where: str
    x: str
    kernel: str
    result: str
    elided: str
    sizes: Sizes
    bias: str

    @classmethod
    def parsed(cls, where: str, equation: Any, sizes: Sizes, bias: str) -> Equation:
        """Return the equation that is written out.

        Raises:
            ArgumentError: if it is not an equation.
        """
        found = _FORM.fullmatch(str(equation).replace(" ", ""))
        if found is None:
            _refuse(where, "this is not an equation", equation)
        left, x, right, kernel, result_left, result, result_right = found.groups()
        if (left, right) != (result_left, result_right) or (left and right):
            _refuse(where, "'...' must stand at one end, of the input and the result", equation)
        elided = "left" if left else "right" if right else ""
        given = len(sizes) + (elided != "left")  # the batch is among the letters, or in "..."
        if given != len(result):
            _refuse(where, f"output_shape={sizes} has another number of sizes", equation)
        unknown = set(kernel + result) - set(x) - (set(kernel) & set(result))
        if unknown or set(bias) - set(result):
            _refuse(where, f"a letter stands alone in the kernel, the result or {bias!r}", equation)
        return cls(where, x, kernel, result, elided, sizes, bias)

    def explicit(self, shape: Sizes) -> str:
        """Return the equation with letters in place of "...", for an input of a shape."""
        rest = len(shape) - len(self.x)
        if rest < (self.elided == "left") or (rest and not self.elided):
            raise self._unfit(shape)
        free = [a for a in string.ascii_letters if a not in self.x + self.kernel + self.result]
        names = "".join(free[:rest])
        x, result = (
            names * (self.elided == "left") + own + names * (self.elided == "right")
            for own in (self.x, self.result)
        )
        return f"{x},{self.kernel}->{result}"

    def kernel_shape(self, shape: Sizes) -> Sizes:
        """Return the kernel's sizes, for an input of a shape.

        Raises:
            ShapeError: if the input does not fit.
        """
        labels = self.explicit(shape).partition(",")[0]
        inside = dict(zip(labels, shape, strict=True))
        outside = self._result_sizes()
        for label, size in outside.items():
            if None not in (size, inside.get(label)) and size != inside[label]:
                raise self._unfit(shape)
        return tuple(outside.get(a) or inside.get(a) for a in self.kernel)

    def bias_shape(self, shape: Sizes) -> Sizes:
        """Return the bias's sizes: from its first letter to the end of the result, 1 between."""
        labels = self.explicit(shape).partition(",")[0]
        known = {**dict(zip(labels, shape, strict=True)), **self._result_sizes()}
        first = min(self.result.index(a) for a in self.bias)
        sizes = tuple(known[a] if a in self.bias else 1 for a in self.result[first:])
        after = len(shape) - len(self.x) if self.elided == "right" else 0
        return (*sizes, *(1,) * after)

    def _result_sizes(self) -> dict[str, int | None]:
        own = self.result if self.elided == "left" else self.result[1:]
        return dict(zip(own, self.sizes, strict=True))

    def kernel_draw(self, initializer: Any) -> Any:
        """Return an initializer which, if it scales by the number of connections, counts those
        of all axes that are contracted and of all that are not."""
        scales = ("glorot", "he_", "lecun")
        if not isinstance(initializer, str) or not initializer.startswith(scales):
            return initializer
        draw = initializers.get(initializer)

        def drawn(shape: tuple[int, ...], dtype: str, generator: np.random.Generator) -> Any:
            sizes = dict(zip(self.kernel, shape, strict=True))
            outgoing = math.prod(n for a, n in sizes.items() if a in self.result)
            incoming = math.prod(n for a, n in sizes.items() if a not in self.result)
            return draw((incoming, outgoing), dtype, generator).reshape(shape)

        return drawn

    def _unfit(self, shape: Sizes) -> ShapeError:
        x = {"left": "..." + self.x, "right": self.x + "..."}.get(self.elided, self.x)
        return ShapeError(
            explain(
                f"{self.where}: the input does not fit the equation",
                received=f"shape {shape}",
                expected=f"axes {x!r}, and sizes {self._result_sizes()}",
            )
        )


def _refuse(where: str, what: str, equation: Any) -> NoReturn:
    raise ArgumentError(
        explain(
            f"{where}: {what}",
            received=repr(equation),
            expected="as 'abc,cd->abd', '...c,cd->...d' or 'abc...,cd->abd...'",
        )
    )
