"""What a backend must provide: a small set of primitive functions on its own tensors.

A backend subclasses `Backend` and implements the abstract methods, which take and return its
native tensors and mean what the NumPy function of the same name means. Everything else that
`maskgraph.ops` needs has a default in the classes that `Backend` is made of (`DerivedOps`,
`WindowOps`, …), written once in terms of the primitives; a backend overrides one where its
framework has something better.

An integer divided by zero is 0: what stands in the padding must not raise. Where a function has no
one slope, backends agree on it: that of `abs` and `relu` at 0 is 0, that of `clip` at a bound is 1.

What a backend may rely on: operands of one call have one dtype (the engine casts), tensors
are on the backend's device, shapes and axes have been checked, and axes are not negative.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np

from maskgraph.backend.activations import ActivationOps
from maskgraph.backend.adaptive import AdaptivePoolingOps
from maskgraph.backend.alignment import AlignmentOps
from maskgraph.backend.attention import AttentionOps
from maskgraph.backend.derived import DerivedOps
from maskgraph.backend.normalization import NormalizationOps
from maskgraph.backend.packed import PackedOps
from maskgraph.backend.packed_recurrent import PackedRecurrentOps
from maskgraph.backend.packed_windows import PackedWindowOps
from maskgraph.backend.recurrent import RecurrentOps
from maskgraph.backend.windows import WindowOps
from maskgraph.errors import BackendError

Array = Any
"""A backend's native tensor."""


class Backend(
    WindowOps,
    AdaptivePoolingOps,
    AlignmentOps,
    AttentionOps,
    PackedOps,
    PackedWindowOps,
    PackedRecurrentOps,
    RecurrentOps,
    NormalizationOps,
    ActivationOps,
    DerivedOps,
):
    """One framework on one device. Instances are made by `maskgraph.backend.load`."""

    name: ClassVar[str]

    compiles_each_shape: ClassVar[bool] = False
    """Whether even what runs once is compiled first, for each shape that it meets, so that the
    suite of tests has mercy."""

    def __init__(self, device: str) -> None:
        self.device = device

    # -- where it runs ---------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def devices(cls) -> list[str]:
        """Return the devices of this machine, the default first: `["cuda:0", "cpu"]`."""

    @classmethod
    @abstractmethod
    def device_of(cls, x: Array) -> str:
        """Return the device that `x` is on, by the name that `devices` gives it."""

    # -- in and out ------------------------------------------------------------------------

    @abstractmethod
    def asarray(self, value: Any, dtype: str | None = None) -> Array:
        """Return host data (a NumPy array, a number) or a native tensor as a native tensor
        on this backend's device, in `dtype` if one is given, else in its own, float64 and int64
        included. Host data makes a tensor with values even while a function is being traced:
        weights and constants are kept."""

    def as_argument(self, value: Any, dtype: str) -> Array:
        """Return an input as a function that `compiled` returned takes it: as `asarray` does, or
        still on the host, if such functions take it from there sooner."""
        return self.asarray(value, dtype)

    @abstractmethod
    def to_numpy(self, x: Array) -> np.ndarray:
        """Return a native tensor's values as a NumPy array, detached from any gradient."""

    @abstractmethod
    def shape(self, x: Array) -> tuple[int, ...]: ...

    @abstractmethod
    def dtype(self, x: Array) -> str:
        """Return the dtype by the name that `maskgraph.dtypes` gives it."""

    @abstractmethod
    def cast(self, x: Array, dtype: str) -> Array:
        """Return `x` in a dtype; floats are cut, and what an integer cannot hold wraps round."""

    # -- creation --------------------------------------------------------------------------

    @abstractmethod
    def full(self, shape: Sequence[int], fill_value: Any, dtype: str) -> Array: ...

    @abstractmethod
    def arange(self, start: int, stop: int, step: int, dtype: str) -> Array: ...

    # -- one element at a time -------------------------------------------------------------

    @abstractmethod
    def negative(self, x: Array) -> Array: ...

    @abstractmethod
    def abs(self, x: Array) -> Array: ...

    @abstractmethod
    def sign(self, x: Array) -> Array: ...

    @abstractmethod
    def floor(self, x: Array) -> Array: ...

    @abstractmethod
    def ceil(self, x: Array) -> Array: ...

    @abstractmethod
    def round(self, x: Array) -> Array:
        """Round to the nearest integer, halves to even."""

    @abstractmethod
    def exp(self, x: Array) -> Array: ...

    @abstractmethod
    def expm1(self, x: Array) -> Array: ...

    @abstractmethod
    def log(self, x: Array) -> Array: ...

    @abstractmethod
    def log1p(self, x: Array) -> Array: ...

    @abstractmethod
    def sqrt(self, x: Array) -> Array: ...

    @abstractmethod
    def sin(self, x: Array) -> Array: ...

    @abstractmethod
    def cos(self, x: Array) -> Array: ...

    @abstractmethod
    def tanh(self, x: Array) -> Array: ...

    @abstractmethod
    def erf(self, x: Array) -> Array: ...

    @abstractmethod
    def isnan(self, x: Array) -> Array: ...

    @abstractmethod
    def isfinite(self, x: Array) -> Array: ...

    @abstractmethod
    def logical_not(self, x: Array) -> Array: ...

    # -- two operands, broadcast -----------------------------------------------------------

    @abstractmethod
    def add(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def subtract(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def multiply(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def divide(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def floor_divide(self, x1: Array, x2: Array) -> Array:
        """Divide and round towards minus infinity."""

    @abstractmethod
    def mod(self, x1: Array, x2: Array) -> Array:
        """The remainder of `floor_divide`: it has the sign of `x2`."""

    @abstractmethod
    def power(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def maximum(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def minimum(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def equal(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def less(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def less_equal(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def logical_and(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def logical_or(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def where(self, condition: Array, x1: Array, x2: Array) -> Array:
        """Select. What is not selected must not reach the result or its gradient."""

    # -- along axes ------------------------------------------------------------------------

    @abstractmethod
    def sum(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        """Sum in the dtype of `x` (int32 for bool)."""

    @abstractmethod
    def prod(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array: ...

    @abstractmethod
    def max(self, x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
        """The maximum; over no elements, 0: an empty sequence has no maximum."""

    @abstractmethod
    def argmax(self, x: Array, axis: int, keepdims: bool) -> Array:
        """The first index of the maximum, int32; over no elements, 0."""

    @abstractmethod
    def cumsum(self, x: Array, axis: int) -> Array: ...

    # -- products --------------------------------------------------------------------------

    @abstractmethod
    def matmul(self, x1: Array, x2: Array) -> Array: ...

    @abstractmethod
    def einsum(self, subscripts: str, operands: Sequence[Array]) -> Array: ...

    # -- shape and place -------------------------------------------------------------------

    @abstractmethod
    def reshape(self, x: Array, newshape: Sequence[int]) -> Array: ...

    @abstractmethod
    def transpose(self, x: Array, axes: Sequence[int]) -> Array: ...

    @abstractmethod
    def broadcast_to(self, x: Array, shape: Sequence[int]) -> Array: ...

    @abstractmethod
    def concatenate(self, xs: Sequence[Array], axis: int) -> Array: ...

    @abstractmethod
    def getitem(self, x: Array, key: tuple[Any, ...]) -> Array:
        """Index with integers, slices (of any step), None and Ellipsis."""

    @abstractmethod
    def flip(self, x: Array, axis: int) -> Array: ...

    @abstractmethod
    def pad(
        self, x: Array, pad_width: Sequence[tuple[int, int]], constant_values: Any
    ) -> Array: ...

    @abstractmethod
    def take(self, x: Array, indices: Array, axis: int) -> Array:
        """Rows of `x` along `axis`; `indices` may have any rank and are within range."""

    @abstractmethod
    def take_along_axis(self, x: Array, indices: Array, axis: int) -> Array: ...

    # -- optional abilities ----------------------------------------------------------------

    def has_values(self, x: Array) -> bool:
        """Tell whether there are values in `x` to look at: not while a framework traces a
        function, as `jax.jit` and `tf.function` do. Checks of data are skipped then."""
        return True

    def quiet(self) -> AbstractContextManager[Any]:
        """Return the context that one op on data runs in (gradients are recorded as the
        framework would)."""
        return nullcontext()

    def running(self) -> AbstractContextManager[Any]:
        """Return the context that a forward pass runs in: no gradients, no warnings about
        what happens to arithmetic in the padding."""
        return nullcontext()

    def compiles(self, op: str) -> bool:
        """Tell whether calls of an op, by the name of its method, may be compiled together with
        others: not if it looks at values, draws numbers or calls a user's function."""
        return False

    def compiled(self, function: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
        """Return a faster function that does the same. A plan's steps that are next to one another
        and that the backend `compiles` are one; it takes and returns tensors, tuples of
        them, and sizes."""
        return function

    def tokens_at_once(self) -> int | None:
        """Return how many tokens adjacent steps that work token by token best take at once, so that
        what one leaves to the next stays in the cache; None: all that there are."""
        return None

    def gradients(
        self, function: Callable[[list[Array]], Array], arrays: list[Array]
    ) -> list[Array]:
        """Return the gradient of a scalar function of `arrays`, one for each; zeros where the
        function does not depend on one."""
        raise BackendError(f"backend {self.name!r} does not differentiate")

    @property
    def differentiates(self) -> bool:
        return type(self).gradients is not Backend.gradients

    def from_ragged(self, value: Any) -> tuple[Array, Array] | None:
        """Return (padded values, mask) of a framework's own ragged tensor; None for others."""
        return None

    def to_ragged(self, values: Array, mask: Array, kind: str) -> Any:
        """Return the valid steps as the framework's ragged tensor of the named kind."""
        raise BackendError(f"backend {self.name!r} has no ragged tensor of kind {kind!r}")
