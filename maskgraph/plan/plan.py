"""The padded plan: a flat list of backend calls over numbered slots.

A program is what a graph comes down to after lowering, in order; bound to a backend it is a
plan. Nothing is looked up while a plan runs: each step is a function, the slots that it reads,
the slot that it fills, and those that nobody reads any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from maskgraph import dtypes
from maskgraph.backend import Array, Backend
from maskgraph.backend.packing import Packing
from maskgraph.graph import Dim, Node, SymbolicTensor, Weight, map_tree
from maskgraph.masks.masked_tensor import from_host
from maskgraph.ops.definition import Op
from maskgraph.ops.operands import frozen
from maskgraph.plan.chunks import chunked
from maskgraph.plan.collector import uncollected
from maskgraph.plan.lowering import Lowered, Lowering, in_order
from maskgraph.plan.steps import Step, compiled, execute


class Program:
    """A graph without layers and masks, independent of any backend.

    Args:
        inputs: the symbols that data is given for.
        outputs: the symbols that are wanted, masked or not.
        lowering: how they are lowered; None: to the rectangle.

    Attributes:
        read: the symbols that an op reads, or a caller.
    """

    @uncollected
    def __init__(
        self,
        inputs: Sequence[SymbolicTensor],
        outputs: Sequence[SymbolicTensor],
        lowering: Lowering | None = None,
    ) -> None:
        lowering = lowering or Lowering()
        self.inputs = [Lowered(s if s.node.plain is None else s.node.plain, s.mask) for s in inputs]
        self.outputs = lowering.lower(outputs)
        self.effects = lowering.effects()
        wanted = [s for pair in self.outputs for s in pair if s is not None]
        left = [value for _, value in self.effects.updates] + self.effects.losses
        self.nodes = in_order(wanted + left)
        self.read = {s for n in self.nodes for s in n.inputs} | {*wanted, *left}

    @property
    def weights(self) -> list[Weight]:
        """The weights that the program reads, in the order in which they were made."""
        return [n.target.weight for n in self._sources("weight")]

    @property
    def packings(self) -> list[SymbolicTensor]:
        """The symbols that stand for packings."""
        return [n.outputs[0] for n in self._sources("packing")]

    def _sources(self, kind: str) -> list[Node]:
        return [n for n in self.nodes if n.is_source and n.target.kind == kind]


class Results(NamedTuple):
    """What a run gives.

    Attributes:
        outputs: (value, mask) of every output.
        updates: (weight, the value that it is to take).
        losses: what layers add to what is minimized.
        backend: the backend of all of them.
    """

    outputs: list[tuple[Array, Array | None]]
    updates: list[tuple[Weight, Array]]
    losses: list[Array]
    backend: Backend

    def apply(self) -> None:
        """Let the weights take their new values."""
        values = [self.backend.to_numpy(value) for _, value in self.updates]
        for (weight, _), value in zip(self.updates, values, strict=True):
            weight.assign(value)


class Plan:
    """A program bound to a backend.

    Args:
        precision: "float64" computes float32 models in float64, as a judge for other runs.
    """

    @uncollected
    def __init__(self, program: Program, backend: Backend, precision: str | None = None) -> None:
        self.backend = backend
        binder = _Binder(program, backend, precision)
        self.steps = binder.steps
        self.origins = binder.origins
        self._weights = binder.weights
        size = len(binder.start)
        self._steps, self._origins, size = (
            compiled(backend, self.steps, self.origins, size)  # which sees to the cache itself
            or chunked(backend, self.steps, self.origins, size, binder.slots)
        )
        self._start = binder.start + [None] * (size - len(binder.start))
        self._filled_at = -1
        self._inputs = binder.inputs
        self._packings = binder.packings
        self._outputs = binder.outputs
        self._updates = binder.updates
        self._losses = binder.losses
        self._dtype = binder.dtype
        looked_at = self._looked_at()
        self._admissions = [
            tuple(backend.asarray if slot in looked_at else backend.as_argument for slot in pair)
            for pair in self._inputs
        ]
        self._input_dtypes = [binder.dtype(pair.value.dtype) for pair in program.inputs]

    @property
    def weights(self) -> list[Weight]:
        """The weights that are read, in the order in which `run` takes values for them."""
        return [weight for _, weight in self._weights]

    def run(
        self,
        inputs: Sequence[tuple[Any, Any]],
        weights: Sequence[Array] | None = None,
    ) -> list[tuple[Array, Array | None]]:
        """Return (value, mask) of every output. No weight changes.

        Args:
            inputs: (value, mask) of every input; the mask is read only where the program was
                made for one.
            weights: native values in place of the weights' own, in the order of `self.weights`.
        """
        return self.compute(inputs, weights).outputs

    def compute(
        self,
        inputs: Sequence[tuple[Any, Any]],
        weights: Sequence[Array] | None = None,
        packings: Sequence[Packing] = (),
    ) -> Results:
        """Return the outputs, and what layers want updated and added to the loss; see `run`.

        Args:
            packings: those that the program stands for by symbols, in its order.
        """
        backend = self.backend
        slots = self._slots(weights)
        for (slot, mask_slot), (admit, admit_mask), (value, mask), dtype in zip(
            self._inputs, self._admissions, inputs, self._input_dtypes, strict=True
        ):
            if slot is not None:
                slots[slot] = admit(value, dtype)
            if mask_slot is not None:
                slots[mask_slot] = admit_mask(mask, "bool")
        for slot, packing in zip(self._packings, packings, strict=True):
            slots[slot] = packing
        execute(self._steps, self._origins, slots)
        return Results(
            [(slots[v], None if m is None else slots[m]) for v, m in self._outputs],
            [(weight, slots[v]) for weight, v in self._updates],
            [slots[v] for v in self._losses],
            backend,
        )

    def _looked_at(self) -> set[int]:
        """Return the slots that others read than steps compiled together."""
        pairs = zip(self._steps, self._origins, strict=True)
        read = {slot for step, origin in pairs if origin is not None for slot in step.reads}
        read.update(slot for pair in self._outputs for slot in pair if slot is not None)
        return read | {slot for _, slot in self._updates} | set(self._losses)

    def _slots(self, weights: Sequence[Array] | None) -> list[Any]:
        """Return what the slots hold before the first step, but for inputs and packings."""
        if weights is not None:
            slots = list(self._start)
            for (slot, _), value in zip(self._weights, weights, strict=True):
                slots[slot] = value
            return slots
        if self._filled_at != Weight.changes:
            self._filled_at = Weight.changes
            for slot, weight in self._weights:
                self._start[slot] = weight.native(self.backend, self._dtype(weight.dtype))
        return list(self._start)

    @property
    def compilations(self) -> int:
        """How often a part of the plan was compiled: for each kind of batch, if the backend
        compiles at all."""
        return sum(getattr(step.function, "programs", 0) for step in self._steps)

    def all_or_nothing(self) -> AbstractContextManager[None]:
        """Give weights their old values back if a run in the block fails."""
        return self._restoring() if self._updates else nullcontext()

    @contextmanager
    def _restoring(self) -> Iterator[None]:
        before = [(weight, weight.numpy()) for weight, _ in self._updates]
        try:
            yield
        except BaseException:
            for weight, value in before:
                weight.assign(value)
            raise

    def __str__(self) -> str:
        lines = [f"plan on {self.backend.name}, {self.backend.device}: {len(self.steps)} steps"]
        if self.compilations:
            lines[0] += f", compiled {self.compilations} times"
        for step, node in zip(self.steps, self.origins, strict=True):
            reads = ", ".join(f"%{slot}" for slot in step.reads)
            call = f"%{step.fills} = {_step_name(step.function)}({reads})"
            lines.append(f"  {call}  # {node.path}{_place(node)}")
        return "\n".join(lines)


def _place(node: Node) -> str:
    """Tell where a step of a packed plan is computed, if not on the rectangle."""
    if node.target.name == "by_block":
        return ", on blocks"
    return ", on slots" if node.specs[0].shape[:2] == (1, None) else ""


def _step_name(function: Any) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


class _Ref(NamedTuple):
    """The place of a slot's value among a step's arguments."""

    slot: int


class _Binder:
    """Turns a program's nodes into steps."""

    def __init__(self, program: Program, backend: Backend, precision: str | None) -> None:
        self.backend = backend
        self.precision = precision
        self.start: list[Any] = []
        self.origins: list[Node] = []
        self.weights: list[tuple[int, Weight]] = []
        self.slots: dict[SymbolicTensor, int] = {}
        self._casts: dict[tuple[int, str], int] = {}
        self._methods: dict[str, Callable[..., Any]] = {}
        self._numbers: dict[Any, int] = {}
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...], int]] = []
        self._read = program.read
        for node in program.nodes:
            if node.is_source:
                self._bind_source(node)
            else:
                self._bind_op(node, node.target)
        self.inputs = [
            (self.slots.get(p.value), None if p.mask is None else self.slots.get(p.mask))
            for p in program.inputs
        ]
        self.packings = [self.slots[symbol] for symbol in program.packings]
        self.outputs = [
            (self.slots[p.value], None if p.mask is None else self.slots[p.mask])
            for p in program.outputs
        ]
        self.updates = [(w, self.slots[value]) for w, value in program.effects.updates]
        self.losses = [self.slots[value] for value in program.effects.losses]
        self.steps = list(self._with_frees())

    def dtype(self, dtype: str) -> str:
        if self.precision is not None and dtypes.is_float(dtype):
            return self.precision
        return dtype

    def _new_slot(self, value: Any = None) -> int:
        self.start.append(value)
        return len(self.start) - 1

    def _bind_source(self, node: Node) -> None:
        slot = self.slots[node.outputs[0]] = self._new_slot()
        if node.target.kind == "weight":
            self.weights.append((slot, node.target.weight))

    def _bind_op(self, node: Node, op: Op) -> None:
        targets = op.targets(node.arguments)
        template = [self._template(node, op, name, targets.get(name)) for name in op.parameters]
        function, reads = _bound(self._method(self._name(node, op)), op.parameters, template)
        slot = self._emit(node, function, reads)
        if op.several:
            for i, symbol in enumerate(node.outputs):
                if symbol in self._read:
                    self.slots[symbol] = self._emit(node, itemgetter(i), (slot,))
        else:
            self.slots[node.outputs[0]] = slot

    def _name(self, node: Node, op: Op) -> str:
        """Return the name of the method for an op: of an LSTM whose cell state nobody reads in the
        end, that which does not tell it."""
        loops = ("packed_rnn", "packed_rnn_of_ids")
        if op.name in loops and len(node.outputs) > 2 and node.outputs[2] not in self._read:
            return f"{op.name}_shown"
        return op.name

    def _method(self, name: str) -> Callable[..., Any]:
        method = self._methods.get(name)
        if method is None:  # one bound method for all steps that call it
            method = self._methods[name] = getattr(self.backend, name)
        return method

    def _emit(self, node: Node, function: Callable[..., Any], reads: tuple[int, ...]) -> int:
        slot = self._new_slot()
        self._steps.append((function, reads, slot))
        self.origins.append(node)
        return slot

    def _template(self, node: Node, op: Op, name: str, target: str | None) -> Any:
        """Return an argument with `_Ref`s where values come from slots."""
        value = node.arguments[name]
        if name not in op.tensors:
            if name == "dtype":
                return self.dtype(value)
            return map_tree(
                lambda x: _Ref(self.slots[x]) if isinstance(x, SymbolicTensor) else x, value
            )
        if not isinstance(value, (list, tuple)):
            return self._tensor(node, target, value)
        return type(value)(self._tensor(node, target, x) for x in value)

    def _tensor(self, node: Node, target: str | None, x: Any) -> _Ref | None:
        if x is None:
            return None
        if not isinstance(x, SymbolicTensor):
            return _Ref(self._constant(x, target))
        slot, is_size = self.slots[x], isinstance(x, Dim)
        if not is_size and (target is None or target == x.dtype):
            return _Ref(slot)
        dtype = self.dtype(target or x.dtype)
        if (slot, dtype) not in self._casts:  # a size is a plain number until a tensor needs it
            cast = partial(self.backend.asarray if is_size else self.backend.cast, dtype=dtype)
            self._casts[slot, dtype] = self._emit(node, cast, (slot,))
        return _Ref(self._casts[slot, dtype])

    def _constant(self, x: Any, target: str | None) -> int:
        """Return the slot of a constant; equal numbers are one."""
        key = (frozen(x), target)
        if key in self._numbers:
            return self._numbers[key]
        array = from_host(x)
        dtype = self.dtype(target or dtypes.canonical(array.dtype))
        slot = self._new_slot(self.backend.asarray(array, dtype))
        if isinstance(x, (int, float)):
            self._numbers[key] = slot
        return slot

    def _with_frees(self) -> Iterator[Step]:
        """Add to each step the slots that it is the last to read."""
        kept = {slot for slot, value in enumerate(self.start) if value is not None}
        kept.update(slot for slot, _ in self.weights)
        kept.update(s for pair in self.outputs for s in pair if s is not None)
        kept.update(slot for _, slot in self.updates)
        kept.update(self.losses)
        last: dict[int, int] = {}
        for i, (_, reads, fills) in enumerate(self._steps):
            last.update(dict.fromkeys((*reads, fills), i))  # what nobody reads is freed at once
        for i, (function, reads, fills) in enumerate(self._steps):
            frees = tuple(s for s in {*reads, fills} if last[s] == i and s not in kept)
            yield Step.of(function, reads, fills, frees)


def _bound(
    method: Callable[..., Any], parameters: tuple[str, ...], template: list[Any]
) -> tuple[Callable[..., Any], tuple[int, ...]]:
    """Return a function of slot values alone, and the slots it reads."""
    if set(map(type, template)) == {_Ref}:
        return method, tuple([part.slot for part in template])
    reads = tuple(_refs(template))
    leading = 0
    while leading < len(template) and isinstance(template[leading], _Ref):
        leading += 1
    if leading == len(reads):
        rest = dict(zip(parameters[leading:], template[leading:], strict=True))
        return (partial(method, **rest) if rest else method), reads

    def composed(*values: Any) -> Any:
        return method(*_filled(template, iter(values)))

    composed.__name__ = method.__name__
    return composed, reads


def _refs(template: Any) -> Iterator[int]:
    if isinstance(template, _Ref):
        yield template.slot
    elif isinstance(template, list | tuple):
        for item in template:
            yield from _refs(item)
    elif isinstance(template, slice):
        yield from _refs((template.start, template.stop, template.step))


def _filled(template: Any, values: Iterator[Any]) -> Any:
    if isinstance(template, _Ref):
        return next(values)
    if isinstance(template, list | tuple):
        return type(template)(_filled(item, values) for item in template)
    if isinstance(template, slice):
        return slice(*_filled((template.start, template.stop, template.step), values))
    return template
