"""Symbolic tensors, and the nodes that make them: the one record of a model's structure.

A node is one call of a layer or op. It knows what went in, the shape and dtype of what comes
out, and the mask of each output, which is itself a symbolic tensor of booleans: masks are
expressions in the same graph, so slicing one or joining two is the same op as on data.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

from maskgraph.errors import GraphError, explain
from maskgraph.graph.effects import Effects
from maskgraph.graph.location import Location, caller
from maskgraph.graph.scope import Scope, current_scope
from maskgraph.graph.tree import leaves
from maskgraph.operators import TensorOperators

Shape = tuple[int | None, ...]
Masks = tuple["SymbolicTensor | None", ...]


class Spec(NamedTuple):
    """What is known of a tensor before there is data: its shape (None: unknown) and dtype."""

    shape: Shape
    dtype: str

    @property
    def rank(self) -> int:
        return len(self.shape)


class Source(NamedTuple):
    """The target of a node that stands for something from outside the graph."""

    kind: str  # "input", "mask" (given by hand with an input) or "weight"
    name: str
    weight: Any = None


_serial = itertools.count()


class Node:
    """One call of a layer or op, or one source.

    Attributes:
        target: the layer, the op, or the `Source`.
        arguments: by name, what the call got: symbols, nested in lists and tuples, and constants.
        inputs: the symbols among the arguments, in order.
        specs: shape and dtype of each output.
        masks: the mask of each output, None where there is none.
        losses: for each output, why a mask that came in did not come out; None if none was lost.
        body: for a layer, what its `call` returned: the same computation in terms of ops.
        effects: for a layer, the updates and losses that its `call` left.
        scope: the layer path that the node was made in; empty for the user's own nodes.
        location: the user's file and line.
        serial: increases with every node made, so sorting by it sorts topologically.
    """

    __slots__ = (
        "__weakref__",
        "arguments",
        "body",
        "effects",
        "inputs",
        "location",
        "losses",
        "masks",
        "name",
        "outputs",
        "plain",
        "scope",
        "serial",
        "specs",
        "target",
    )

    def __init__(
        self,
        target: Any,
        arguments: dict[str, Any],
        specs: Sequence[Spec],
        masks: Sequence[SymbolicTensor | None],
        *,
        name: str,
        losses: Sequence[str | None] = (),
        body: Any = None,
        kind: type[SymbolicTensor] | None = None,
    ) -> None:
        kind = kind or SymbolicTensor
        scope = current_scope()
        self.target = target
        self.arguments = arguments
        self.inputs = _inputs(arguments)
        self.specs, self.masks = _shared(self.inputs, tuple(specs), tuple(masks))
        self.losses = tuple(losses) or (None,) * len(self.specs)
        self.body = body
        self.effects: Effects | None = None
        self.name = name
        self.scope: Scope = scope
        # whoever makes nodes is ours, and is called by ours
        self.location: Location | None = scope.location or caller(inside=3)
        self.serial = next(_serial)
        # an input with a mask stands for two plain sources, its values and its mask
        self.plain: SymbolicTensor | None = None
        if len(self.specs) == 1:
            self.outputs: tuple[SymbolicTensor, ...] = (kind(self, 0),)
        else:
            self.outputs = tuple(kind(self, i) for i in range(len(self.specs)))

    @property
    def is_source(self) -> bool:
        return isinstance(self.target, Source)

    @property
    def path(self) -> str:
        """The name with the layers it stands in: "encoder/lstm"."""
        return f"{self.scope.path}/{self.name}" if self.scope.path else self.name

    def __repr__(self) -> str:
        return f"<Node {self.path}>"


class SymbolicTensor(TensorOperators):
    """A tensor that has no data yet: what layers and ops return while a model is defined.

    Attributes:
        shape: a tuple; None where a size is not known before there is data.
        dtype: "float32", "int32", "bool", …
        mask: the mask that travels with it, itself symbolic, of its leading axes; or None.
    """

    __slots__ = ("__weakref__", "index", "node")

    def __init__(self, node: Node, index: int) -> None:
        self.node = node
        self.index = index

    @property
    def spec(self) -> Spec:
        return self.node.specs[self.index]

    @property
    def shape(self) -> Shape:
        return self.node.specs[self.index].shape

    @property
    def dtype(self) -> str:
        return self.node.specs[self.index].dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def mask(self) -> SymbolicTensor | None:
        return self.node.masks[self.index]

    @property
    def _keras_mask(self) -> SymbolicTensor | None:
        return self.mask

    @property
    def name(self) -> str:
        return self.node.name if self.index == 0 else f"{self.node.name}:{self.index}"

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.name} shape={self.shape} dtype={self.dtype}>"

    def _no_data(self, wanted: str) -> NoReturn:
        raise GraphError(
            explain(
                f"symbolic tensor {self.name!r} has no data yet, so it cannot be {wanted}",
                received=repr(self),
                fix="use maskgraph.ops (ops.where in place of if); a layer that must see data can "
                "declare backends = {...} and compute_output_shape",
            )
        )

    def __bool__(self) -> bool:
        self._no_data("true or false")

    def __iter__(self) -> Iterator[Any]:
        self._no_data("iterated over")

    def __len__(self) -> int:
        self._no_data("counted")

    def __float__(self) -> float:
        self._no_data("a number")

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        self._no_data("a NumPy array")


class Dim(SymbolicTensor):
    """A size that is known only when there is data: an entry of `ops.shape(x)`."""

    __slots__ = ()


def _inputs(arguments: dict[str, Any]) -> tuple[SymbolicTensor, ...]:
    found: list[SymbolicTensor] = []
    for value in arguments.values():
        if isinstance(value, SymbolicTensor):
            found.append(value)
        elif not isinstance(value, (int, float, str)):
            found += symbols_in(value)
    if len(found) == 1 and len(found[0].node.outputs) == 1:
        return found[0].node.outputs  # see `_shared`
    return tuple(found)


def _shared(
    inputs: Sequence[SymbolicTensor], specs: tuple[Spec, ...], masks: Masks
) -> tuple[tuple[Spec, ...], Masks]:
    """Return specs and masks, the first input's own where they are the same: most ops change
    neither, and each tuple of a large graph is one more for the garbage collector to look at."""
    if not inputs:
        return specs, masks
    before = inputs[0].node
    if specs == before.specs:
        specs = before.specs
    if len(masks) == len(before.masks) == 1 and masks[0] is before.masks[0]:
        masks = before.masks
    return specs, masks


def symbols_in(value: Any) -> Iterator[SymbolicTensor]:
    """Yield the symbols in nested lists, tuples and dicts, in order."""
    return iter([leaf for leaf in leaves(value) if isinstance(leaf, SymbolicTensor)])


def source(kind: str, name: str, spec: Spec, weight: Any = None) -> SymbolicTensor:
    """Return a plain symbol (without mask) for a value from outside the graph."""
    return Node(Source(kind, name, weight), {}, [spec], [None], name=name).outputs[0]


def masked_source(name: str, spec: Spec, mask_rank: int = 2) -> SymbolicTensor:
    """Return a symbol for an input that comes with a mask of its leading axes."""
    mask = source("mask", f"{name}.mask", Spec(spec.shape[:mask_rank], "bool"))
    node = Node(Source("input", name), {}, [spec], [mask], name=name)
    node.plain = source("input", name, spec)
    return node.outputs[0]
