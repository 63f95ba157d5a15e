"""The base of all layers: weights, sub-layers, configuration, and what a call goes through."""

from __future__ import annotations

import inspect
import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, ClassVar, Self

from maskgraph import dtypes
from maskgraph.errors import ArgumentError, GraphError, ShapeError, explain
from maskgraph.graph import (
    Effects,
    SymbolicTensor,
    Weight,
    current_effects,
    symbols_in,
)
from maskgraph.layers.base.eager import EagerRunner
from maskgraph.layers.base.signature import CallSignature, signature_of
from maskgraph.layers.base.tracing import trace
from maskgraph.layers.base.weighted import Weighted
from maskgraph.text import snake_case

_counters: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)


def unique_name(cls: type) -> str:
    """Return "dense", "dense_1", …: the class's name in snake case, with a number."""
    name = snake_case(cls.__name__)
    count = next(_counters[name])
    return f"{name}_{count}" if count else name


class Layer(Weighted):
    """A step of a model, with weights of its own. Subclass it as in Keras.

    A subclass defines `call(self, x, mask=None)` with `maskgraph.ops`, and, if need be,
    `build(self, input_shape)` which makes weights with `add_weight`, `compute_mask(self, inputs,
    mask)`, `compute_output_shape(self, input_shape)` and `get_config`. `call` runs once on
    symbolic tensors; the ops it records are what runs on data.

    Masks: a layer whose `call` takes `mask` gets that of its first argument (and `<name>_mask`
    that of the argument `<name>`). What comes out carries what `compute_mask` returns; without
    one, the masks that came in if `supports_masking` is True, else none, which is reported. A
    layer that does not opt in sees zeros at masked steps.

    Args:
        name: unique in a model; made up if None.
        dtype: of its weights, "float32" by default.
        trainable: whether training may change its weights. Set on a layer, also after calls, it
            holds for all layers in it.

    Example:
        >>> from maskgraph import layers, ops
        >>> class Double(layers.Layer):
        ...     supports_masking = True
        ...     def call(self, x):
        ...         return x * 2
        >>> Double()([[1.0, 2.0]]).numpy().tolist()
        [[2.0, 4.0]]
    """

    supports_masking: bool | str = False
    """True: masks pass. "infer": the ops that `call` is made of say what becomes of them."""

    backends: ClassVar[set[str] | None] = None
    """The backends a layer that calls a framework directly works on; None: all."""

    _arguments: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        try:
            bound = signature_of(cls.__init__).bind(self, *args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{cls.__name__}: {error}") from None
        arguments = dict(bound.arguments)
        arguments.pop("self", None)
        arguments.update(arguments.pop("kwargs", {}))
        object.__setattr__(self, "_arguments", arguments)
        return self

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise ArgumentError(
                explain(
                    f"{type(self).__name__} has no argument {', '.join(map(repr, unknown))}",
                    expected="one of " + ", ".join(_parameters(type(self))),
                )
            )
        self.name = name if name is not None else unique_name(type(self))
        self.dtype = dtypes.canonical(dtype or dtypes.FLOATX)
        self.trainable = trainable
        self.built = False
        self._losses: list[Any] = []
        self._eager = EagerRunner(self)

    # -- what subclasses define ------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights. Called once, before the first `call`."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs for symbolic tensors."""
        raise GraphError(f"{type(self).__name__} does not define call()")

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask that comes out, for inputs and the mask that comes with them.

        On symbols it is symbolic; on data it is a native tensor.
        """
        if self.supports_masking is True:
            return previous_mask
        if self.supports_masking == "infer":
            result = self(inputs, mask=previous_mask)
            return [r.mask for r in result] if isinstance(result, list | tuple) else result.mask
        return None

    # -- calling ---------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer on symbolic tensors, or on data.

        Args:
            mask: the mask of the first argument, in place of the one it carries.
            training: whether dropout is active.
        """
        if "_eager" not in self.__dict__:
            raise GraphError(
                f"{type(self).__name__}.__init__ must begin with super().__init__(**kwargs)"
            )
        mask, training = kwargs.pop("mask", None), kwargs.pop("training", None)
        arguments = self.signature.bind(self, args, kwargs)
        if any(True for _ in symbols_in(arguments)):
            return trace(self, arguments, mask, training)
        return self._eager(arguments, mask, bool(training))

    @property
    def signature(self) -> CallSignature:
        cls: Any = type(self)
        return CallSignature.of(cls)

    @property
    def is_ours(self) -> bool:
        """Whether maskgraph vouches for the layer: it never reads masked steps."""
        return type(self).__module__.startswith("maskgraph.")

    @property
    def fixed_batch(self) -> bool:
        """Whether the layer, or one in it, keeps something for each row of a batch from one call
        to the next, so that it must know how many there are."""
        return any(layer.fixed_batch for layer in self._sublayers)

    def ensure_built(self, shapes: dict[str, Any]) -> None:
        """Make the weights if they are not made yet, for the shapes of the call's tensors."""
        if self.built:
            return
        parameters = list(signature_of(type(self).build).parameters)[1:]
        named = {
            p: shapes[p.removesuffix("_shape")]
            for p in parameters
            if p.removesuffix("_shape") in shapes
        }
        if len(parameters) > 1 and named:
            self.build(**named)
        else:
            self.build(next(iter(shapes.values()), None))
        self.built = True

    # -- effects ---------------------------------------------------------------------------

    def add_update(self, weight: Weight, value: SymbolicTensor) -> None:
        """Let a weight take a symbolic value after each run on data. For use within `call`.

        The run itself sees the old value; if it fails, no weight changes.

        Raises:
            GraphError: outside of `call`.
            ShapeError: if the value does not fit the weight.
        """
        if value.shape != weight.shape:
            raise ShapeError(
                explain(
                    f"layer {self.name!r}: an update does not fit weight {weight.name!r}",
                    received=value.shape,
                    expected=weight.shape,
                )
            )
        self._effects("add_update").updates.append((weight, value))

    def add_loss(self, value: SymbolicTensor) -> None:
        """Add a symbolic scalar to `losses`. For use within `call`.

        Raises:
            GraphError: outside of `call`.
            ShapeError: if it is not a scalar.
        """
        if value.shape != ():
            raise ShapeError(
                explain(
                    f"layer {self.name!r}: a loss must be a scalar",
                    received=f"shape {value.shape}",
                    fix="reduce it with ops.sum or ops.mean",
                )
            )
        self._effects("add_loss").losses.append(value)

    def _effects(self, method: str) -> Effects:
        effects = current_effects()
        if effects is None:
            raise GraphError(f"layer {self.name!r}: {method} is for use within call()")
        return effects

    @property
    def losses(self) -> list[Any]:
        """The losses of the last call of this layer on data: native scalars, those of layers in
        it too."""
        return list(self._losses)

    # -- configuration ---------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, from which `from_config` makes an equal layer."""
        today = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        return {**self._arguments, **today}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a new layer, without weights yet, from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _parameters(cls: type) -> list[str]:
    names: dict[str, None] = {}
    for base in cls.__mro__:
        if issubclass(base, Layer):
            names.update(dict.fromkeys(inspect.signature(base.__init__).parameters))
    return [n for n in names if n not in ("self", "kwargs", "unknown", "args")]
