"""How an op is defined, and what happens when one is called.

An op is defined in one place: a signature with a docstring, a shape rule and a mask rule. What
it computes is the backend's method of the same name. Called on symbolic tensors it records a
node; on `MaskedTensor`s it applies its mask rule; on native tensors it calls their backend.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

from maskgraph import dtypes
from maskgraph.backend import Backend, load, of
from maskgraph.errors import ArgumentError
from maskgraph.graph import (
    Interned,
    Node,
    Spec,
    SymbolicTensor,
    Weight,
    current_effects,
    map_tree,
    symbols_in,
)
from maskgraph.masks.masked_tensor import MaskedTensor
from maskgraph.operators import REGISTRY
from maskgraph.ops.operands import (
    HELD,
    Arguments,
    any_mask,
    as_native,
    dtype_of,
    frozen,
    held,
    masks_of,
    spec_of,
    stripped,
    wrapped,
    written_out,
)
from maskgraph.ops.rule import Call, Lost, MaskRule

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Op:
    """A defined op. Calling it is the public function."""

    name: str
    parameters: tuple[str, ...]
    defaults: dict[str, Any]
    tensors: tuple[str, ...]
    """The parameters that take a tensor or a list of tensors."""
    shape: Callable[..., Spec | tuple[Spec, ...]]
    rule: MaskRule
    together: tuple[str, ...]
    """The parameters that are cast to the dtype in which they meet."""
    floating: bool
    """Whether that dtype must be a float."""
    boolean: tuple[str, ...]
    """The parameters that are cast to bool."""
    prepare: Callable[[Arguments, dict[str, Any]], None] | None
    pure: bool
    """Whether equal calls are one node."""
    masking: bool
    """Whether the op attaches or drops a mask, so that its rule applies to any call."""
    several: bool
    """Whether the op returns a tuple."""
    kind: type[SymbolicTensor] = SymbolicTensor
    interned: Interned = field(default_factory=Interned)
    met: dict[tuple[Any, ...], Mapping[str, str | None]] = field(default_factory=dict)
    """Targets by the dtypes that meet: there are few."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments = self.bind(args, kwargs)
        for name in self.tensors:
            if isinstance(arguments[name], SymbolicTensor):
                return self.record(arguments)
        # a layer's `call` runs once: what it computes of weights alone must not stay as it was then
        kinds = (SymbolicTensor, Weight) if current_effects() is not None else SymbolicTensor
        symbolic = masked = False
        for leaf in self.leaves(arguments):
            symbolic = symbolic or isinstance(leaf, kinds)
            masked = masked or isinstance(leaf, MaskedTensor)
        if symbolic or next(symbols_in(arguments), None) is not None:
            return self.record(arguments)
        return self.compute(arguments, masked)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def bind(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        """Return the arguments by name, defaults filled in.

        Raises:
            ArgumentError: as Python would for a plain function, naming the op.
        """
        if len(args) == len(self.parameters) and not kwargs:
            bound = dict(zip(self.parameters, args, strict=True))
        else:
            bound = self._completed(args, kwargs)
        for name in self.tensors:
            if isinstance(bound[name], (list, tuple)):
                bound[name] = written_out(bound[name])
        return bound

    def _completed(self, args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        if len(args) > len(self.parameters):
            raise ArgumentError(
                f"ops.{self.name} takes {len(self.parameters)} arguments, got {len(args)}"
            )
        given = {**self.defaults, **dict(zip(self.parameters, args, strict=False)), **kwargs}
        try:
            bound = {name: given[name] for name in self.parameters}
        except KeyError as missing:
            raise ArgumentError(f"ops.{self.name} needs the argument {missing}") from None
        if len(bound) != len(given):
            unknown = sorted(set(given) - set(bound))
            raise ArgumentError(
                f"ops.{self.name} has no argument {', '.join(unknown)}; "
                f"its arguments are {', '.join(self.parameters)}"
            )
        return bound

    def leaves(self, arguments: Arguments) -> Iterator[Any]:
        """Yield the tensor arguments, those in lists one by one."""
        for name in self.tensors:
            value = arguments[name]
            if isinstance(value, list | tuple):
                yield from (x for x in value if x is not None)
            elif value is not None:
                yield value

    # -- specs and dtypes ------------------------------------------------------------------

    def targets(self, arguments: Arguments) -> Mapping[str, str | None]:
        """Return for each tensor parameter the dtype its tensors are cast to; None: as it is."""
        met: list[Any] = []
        for name in self.together:
            value = arguments[name]
            if isinstance(value, (list, tuple)):
                met += [dtype_of(x) for x in value if x is not None]
            elif value is not None:
                met.append(dtype_of(value))
        key = tuple(met)
        found = self.met.get(key)
        if found is None:
            found = self.met[key] = self._targets_where(met)
        return found

    def _targets_where(self, met: list[Any]) -> Mapping[str, str | None]:
        """Return the targets where tensors of these dtypes, and numbers of these types, meet."""
        found: dict[str, str | None] = dict.fromkeys(self.boolean, "bool")
        if self.together:
            sized = [d for d in met if isinstance(d, str)]
            weak = [kind.__name__ for kind in met if not isinstance(kind, str)]
            common = dtypes.promote(sized, weak)
            if self.floating:
                common = dtypes.as_float(common)
            found.update(dict.fromkeys(self.together, common))
        return found

    def specs(self, arguments: Arguments) -> dict[str, Any]:
        """Return the spec of each tensor argument, after casting."""
        targets = self.targets(arguments)
        result: dict[str, Any] = {}
        for name in self.tensors:
            value, dtype = arguments[name], targets.get(name)
            if isinstance(value, (list, tuple)):
                result[name] = [_spec(x, dtype) for x in value]
            else:
                result[name] = _spec(value, dtype)
        return result

    def out_specs(self, arguments: Arguments, specs: dict[str, Any]) -> Spec | tuple[Spec, ...]:
        return self.shape(**{**arguments, **specs})

    # -- symbols ---------------------------------------------------------------------------

    def record(self, arguments: Arguments) -> Any:
        """Return the symbolic result: a new node, or the one that an equal call made."""
        if not HELD.issuperset(map(type, arguments.values())):
            arguments = {k: held(v) for k, v in arguments.items()}
        specs = self.specs(arguments)
        if self.prepare is not None:
            self.prepare(arguments, specs)
        node = self._interned(arguments, lambda: self._new_node(arguments, specs))
        return node.outputs if self.several else node.outputs[0]

    def record_plain(self, like: Node, arguments: Arguments) -> tuple[SymbolicTensor, ...]:
        """Return what a node of this op gives for other symbols, which have no masks, in place of
        its own, which were of the same shapes and dtypes: all that it settled holds for them."""

        def make() -> Node:
            masks = (None,) * len(like.specs)
            return Node(self, arguments, like.specs, masks, name=self.name, kind=self.kind)

        return self._interned(arguments, make).outputs

    def _interned(self, arguments: Arguments, make: Callable[[], Node]) -> Node:
        """Return the node for arguments: the one that an equal call made, or a new one."""
        if not self.pure:
            return make()
        key = tuple(map(frozen, arguments.values()))
        node = self.interned.get(key)
        if node is None:
            node = make()
            self.interned.add(key, node)
        return node

    def _new_node(self, arguments: Arguments, specs: dict[str, Any]) -> Node:
        out = self.out_specs(arguments, specs)
        outs = (out,) if isinstance(out, Spec) else out
        masks: tuple[Any, ...] = (None,) * len(outs)
        losses: tuple[str | None, ...] = ()
        given = {k: masks_of(arguments[k]) for k in self.tensors}
        if self.masking or any_mask(given):
            result = self.rule.out(Call(self, arguments, given, specs))
            masks = result if isinstance(result, tuple) else (result, *masks[1:])
            if Lost in map(type, masks):
                losses = tuple(m.reason if isinstance(m, Lost) else None for m in masks)
                masks = tuple(None if isinstance(m, Lost) else m for m in masks)
        return Node(self, arguments, outs, masks, name=self.name, losses=losses, kind=self.kind)

    @property
    def keeps_value(self) -> bool:
        """Whether the op computes the same with masks as without."""
        return type(self.rule).value is MaskRule.value

    @property
    def may_mix_time(self) -> bool:
        """Whether there are calls of this op that look at other steps of a masked axis."""
        return type(self.rule).mixes_time is not MaskRule.mixes_time

    def mixes_time(self, node: Node) -> bool:
        """Tell whether this op, as a node calls it, looks at other steps of a masked axis."""
        if not self.may_mix_time:
            return False
        call = self.masked_call(node)
        return call is not None and self.rule.mixes_time(call)

    def unsafe(self, node: Node) -> str | None:
        """Tell why this op, as a node calls it, cannot treat masked steps as absent."""
        lost = next((reason for reason in node.losses if reason), None)
        call = self.masked_call(node)
        return lost or (None if call is None else self.rule.unsafe(call))

    def masked_call(self, node: Node) -> Call | None:
        """Return the call that a node stands for; None if no mask comes in."""
        masks = {k: masks_of(node.arguments[k]) for k in self.tensors}
        if not any_mask(masks):
            return None
        return Call(self, node.arguments, masks, self.specs(node.arguments))

    # -- data ------------------------------------------------------------------------------

    def compute(self, arguments: Arguments, masked: bool = False) -> Any:
        """Return the result for data: native tensors, or `MaskedTensor`s if any came in."""
        backend = self._backend(arguments)
        masks: dict[str, Any] = {}
        if masked or self.masking:
            masks = {k: masks_of(arguments[k]) for k in self.tensors}
        arguments = {
            k: map_tree(stripped, v) if k in self.tensors else v for k, v in arguments.items()
        }
        specs = self.specs(arguments)
        if self.prepare is not None:
            self.prepare(arguments, specs)
        if self.masking or any_mask(masks):
            natives = {
                k: map_tree(lambda x: as_native(x, backend, None), arguments[k])
                for k in self.tensors
            }
            # NaN in the padding would come back in gradients: see the invariant of the plan
            return self._masked(Call(self, {**arguments, **natives}, masks, specs).zeroed())
        self.out_specs(arguments, specs)  # for its checks
        targets = self.targets(arguments)
        values = [
            map_tree(partial(as_native, backend=backend, dtype=targets.get(k)), v)
            if k in self.tensors
            else v
            for k, v in arguments.items()
        ]
        with backend.quiet():
            result = getattr(backend, self.name)(*values)
        return wrapped(result) if masked else result

    def _masked(self, call: Call) -> Any:
        """Return the results of a call with masks; where a mask is lost, zeros are left."""
        masks, values = self.rule.out(call), self.rule.value(call)
        if not isinstance(values, tuple):
            return _joined(values, masks)
        masks = masks if isinstance(masks, tuple) else (masks,) * len(values)
        return tuple(map(_joined, values, masks))

    def _backend(self, arguments: Arguments) -> Backend:
        found: Backend | None = None
        for leaf in self.leaves(arguments):
            native = leaf.value if isinstance(leaf, MaskedTensor) else leaf
            owner = None if isinstance(leaf, Weight) else of(native)
            if owner is not None and (found is None or found.name == "numpy"):
                found = owner
        return found or load()


def _spec(x: Any, dtype: str | None) -> Spec | None:
    """Return the spec of a tensor argument, after casting to a dtype if there is one."""
    if x is None:
        return None
    found = spec_of(x)
    return found if dtype is None or dtype == found.dtype else Spec(found.shape, dtype)


def _joined(value: Any, mask: Any) -> MaskedTensor:
    return MaskedTensor(value, None if isinstance(mask, Lost) else mask)


def define(
    *,
    shape: Callable[..., Spec | tuple[Spec, ...]],
    mask: MaskRule,
    together: Iterable[str] = (),
    floating: bool = False,
    boolean: Iterable[str] = (),
    prepare: Callable[[Arguments, dict[str, Any]], None] | None = None,
    pure: bool = True,
    masking: bool = False,
    kind: type[SymbolicTensor] = SymbolicTensor,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Define an op: the decorated function gives its name, signature and documentation.

    Args:
        shape: the shape rule: called with the op's arguments, tensors replaced by `Spec`s,
            returns the `Spec` of the result (a tuple for several).
        mask: the mask rule.
        together: the parameters cast to one common dtype.
        floating: whether that dtype is a float at least.
        boolean: the parameters cast to bool.
        prepare: brings the arguments into canonical form, given them and the specs.
        pure: whether equal calls on symbols may share a node.
        masking: whether the op attaches or drops masks.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        parameters = signature.parameters
        op = Op(
            name=function.__name__,
            parameters=tuple(parameters),
            defaults={n: p.default for n, p in parameters.items() if p.default is not p.empty},
            tensors=tuple(
                n
                for n, p in parameters.items()
                if str(p.annotation).partition(" ")[0] in ("Tensor", "Tensors")
            ),
            shape=shape,
            rule=mask,
            together=tuple(together),
            floating=floating,
            boolean=tuple(boolean),
            prepare=prepare,
            pure=pure,
            masking=masking,
            several=str(signature.return_annotation).startswith("tuple"),
            kind=kind,
        )
        for name in ("__doc__", "__module__", "__qualname__", "__name__"):
            object.__setattr__(op, name, getattr(function, name))
        object.__setattr__(op, "__wrapped__", function)
        object.__setattr__(op, "__signature__", signature)
        REGISTRY[op.name] = op
        return cast(Callable[P, R], op)

    return decorate
