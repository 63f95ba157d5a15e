"""A function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.graph import leaves
from maskgraph.layers.base.layer import Layer
from maskgraph.layers.base.signature import CallSignature


class Lambda(Layer):
    """Wraps a function made of ops. It runs once, on symbolic tensors.

    Mask in: the function gets it if it has a parameter `mask`; at masked steps it sees zeros.
    Mask out: what `mask` says; without it the mask ends here, which is reported as for any
    layer that does not opt in. Shapes: as the function has it.

    Args:
        function: of the inputs, and of `mask` and `training` if it has such parameters.
        output_shape: the shape that comes out, without the batch, or a function from the input
            shape to the whole of it; it is checked.
        mask: a function of (inputs, mask), or the mask itself, bool.
        arguments: further arguments by name.

    Raises:
        ShapeError: if what comes out contradicts `output_shape`.

    Agrees with: keras.layers.Lambda, 3.15.

    Example:
        >>> from maskgraph import layers
        >>> layers.Lambda(lambda x: x * 2)([[1.0, 2.0]]).numpy().tolist()
        [[2.0, 4.0]]
        >>> x = layers.Masking()([[[1.0], [0.0]]])
        >>> layers.Lambda(lambda x: x + 1, mask=lambda x, mask: mask)(x).mask.tolist()
        [[True, False]]
    """

    is_ours = False  # the function is the user's

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ArgumentError(
                explain(
                    f"layer {self.name!r} (Lambda): it wraps a function",
                    received=type(function).__name__,
                    expected="a function of the inputs, made of maskgraph.ops",
                )
            )
        self.function = function
        self.output_shape = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        if mask is not None:  # only then does the layer say what becomes of masks
            self.compute_mask = self._mask_out  # type: ignore[method-assign]

    @property
    def signature(self) -> CallSignature:
        """That of `call`, without the parameters that the function does not have."""
        whole = super().signature
        taken = inspect.signature(self.function).parameters
        return whole._replace(names=tuple(n for n in whole.names if n == whole.first or n in taken))

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        given = {"mask": mask, "training": training}
        known = {n: v for n, v in given.items() if n in self.signature.names}
        outputs = self.function(inputs, **self.arguments, **known)
        if self.output_shape is not None:
            self._check_shape(inputs, outputs)
        return outputs

    def _mask_out(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def _check_shape(self, inputs: Any, outputs: Any) -> None:
        first = next(iter(leaves(inputs)))
        if callable(self.output_shape):
            expected = tuple(self.output_shape(first.shape))
        else:
            expected = (first.shape[0], *self.output_shape)
        found = tuple(next(iter(leaves(outputs))).shape)
        fits = len(found) == len(expected) and all(
            a is None or b is None or a == b for a, b in zip(found, expected, strict=True)
        )
        if not fits:
            raise ShapeError(
                explain(
                    f"layer {self.name!r} (Lambda): the function's result contradicts output_shape",
                    received=found,
                    expected=expected,
                    fix="leave output_shape out: it is found by tracing",
                )
            )
