"""Models: graphs of layers from inputs to outputs, that run on data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import networkx as nx

from maskgraph.backend import load
from maskgraph.errors import GraphError, explain
from maskgraph.graph import (
    Node,
    Source,
    SymbolicTensor,
    build_graph,
    check_acyclic,
    current_scope,
    entered,
    leaves,
    map_tree,
    masked_source,
    named,
    nodes_between,
    nodes_in,
    source,
)
from maskgraph.layers.base.builtin import BuiltinLayer
from maskgraph.layers.base.layer import Layer
from maskgraph.masks import MaskedTensor
from maskgraph.models.inputs import stand_ins
from maskgraph.models.order import layers_in_order
from maskgraph.models.running import ModelRunner
from maskgraph.passes import Report, check, report_losses, summarize
from maskgraph.plan import LayoutPlan


class Model(BuiltinLayer):
    """A graph of layers, from inputs to outputs. A model is a layer, and can be part of another.

    Masks are found while the model is defined; `check()` tells what becomes of them. Masks that
    come with the data (ragged lists, `MaskedTensor`s, `mask=`) are threaded the same way.

    Args:
        inputs: a symbolic tensor, or a list or dict of them.
        outputs: likewise.
        seed: gives the same initial weights on every machine and backend.
        on_mask_loss: "warn", "error" or "ignore", where a mask is lost.

    Raises:
        GraphError: for a disconnected input or output, or a name used twice.
        MaskLossError: with `on_mask_loss="error"`.

    Agrees with: keras.Model (functional), 3.15.

    Example:
        >>> import maskgraph as mg
        >>> from maskgraph import layers
        >>> tokens = mg.Input(shape=(None,), dtype="int32", name="tokens")
        >>> x = layers.Embedding(10, 4, mask_zero=True)(tokens)
        >>> model = mg.Model(tokens, layers.GlobalAveragePooling1D()(x), seed=0)
        >>> model.predict([[7, 3, 9], [4, 4]]).shape
        (2, 4)
    """

    inputs: Any
    outputs: Any
    _nodes: list[Node]
    _named: dict[str, Node]

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        *,
        seed: int | None = None,
        on_mask_loss: str = "warn",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.on_mask_loss = on_mask_loss
        self.connect(inputs, outputs)

    def connect(self, inputs: Any, outputs: Any) -> None:
        """Set the model's inputs and outputs, and find what lies between."""
        for what, tree in (("inputs", inputs), ("outputs", outputs)):
            for leaf in leaves(tree):
                if not isinstance(leaf, SymbolicTensor):
                    raise GraphError(
                        explain(
                            f"Model: {what} must be symbolic tensors",
                            received=type(leaf).__name__,
                            expected="what mg.Input(...) and layers called on it return",
                        )
                    )
        nodes = nodes_between(list(leaves(inputs)), list(leaves(outputs)))
        if not all(isinstance(s.node.target, Source) for s in leaves(inputs)):
            inputs, outputs, nodes = _cut_loose(inputs, outputs, nodes)
        self.inputs, self.outputs = inputs, outputs
        # set past __setattr__, which would look for layers in all of it
        self.__dict__.update(
            _nodes=nodes,
            _named=named(nodes),
            _sublayers=layers_in_order(nodes, list(leaves(outputs))),
        )
        self.__dict__.pop("graph", None)
        self.built = True
        if self.seed is not None:
            for i, weight in enumerate(self.weights):
                if not weight.assigned:  # a layer that was trained or loaded keeps its values
                    weight.reseed((self.seed, i))
        self._runner = ModelRunner(self)
        report_losses(self.name, self._named, self.on_mask_loss)

    # -- structure -------------------------------------------------------------------------

    @cached_property
    def graph(self) -> nx.MultiDiGraph:
        """The structure, for use with networkx; see `maskgraph.graph.build_graph`."""
        return build_graph(self._named)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in Keras's order."""
        return list(self._sublayers)

    def get_layer(self, name: str) -> Layer:
        """Return the layer of that name.

        Raises:
            GraphError: if there is none.
        """
        for layer in self._sublayers:
            if layer.name == name:
                return layer
        raise GraphError(
            explain(
                f"model {self.name!r} has no such layer",
                received=repr(name),
                expected="one of " + ", ".join(layer.name for layer in self._sublayers),
            )
        )

    def check(self) -> Report:
        """Return where each mask begins, what becomes of it, and what is wrong with that.

        Needs no data. The report has `.ok`, `.findings` and `.rows`, and prints as text.
        """
        if "graph" not in self.__dict__:  # nobody has seen it, so nobody has changed it
            return check(self.name, self._named)
        check_acyclic(self.graph)
        return check(self.name, nodes_in(self.graph))

    def summary(self) -> None:
        """Print the nodes, their shapes, parameters and masks."""
        print(summarize(self.name, self._named, self.count_params()))

    # -- running ---------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the outputs for other inputs, by calling every layer again on them."""
        given, own = list(leaves(inputs)), list(leaves(self.inputs))
        if len(given) != len(own):
            raise GraphError(
                explain(
                    f"model {self.name!r}: wrong number of inputs",
                    received=len(given),
                    expected=", ".join(s.name for s in own),
                )
            )
        if isinstance(inputs, dict) and isinstance(self.inputs, dict):
            given = [inputs[key] for key in self.inputs]
        known = stand_ins(own, given)
        self.replay(known)
        return map_tree(known.__getitem__, self.outputs)

    def replay(self, known: dict[SymbolicTensor, SymbolicTensor]) -> None:
        """Add to `known`, which has symbols for the inputs, those for all other tensors."""
        replay(self._nodes, known)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the model on symbolic tensors, or on data.

        Args:
            inputs: as `Model(inputs)` was given: one tensor, or a list or dict. Data may be
                ragged lists, arrays, native tensors, a framework's ragged tensors, or
                `MaskedTensor`s; the type of native tensors picks the backend.
            mask: the mask (or list of masks) of the inputs.
            training: whether dropout is active.
            layout: as for `predict`; for data alone.

        Returns:
            A `MaskedTensor` for each output: `.value` native, `.mask`, `.numpy()`, `.unpad()`.
        """
        if any(isinstance(x, SymbolicTensor) for x in leaves([args, kwargs])):
            return super().__call__(*args, **kwargs)
        return self._runner(*args, **kwargs)

    def predict(
        self,
        x: Any,
        *,
        backend: str | None = None,
        device: str | None = None,
        batch_size: int = 32,
        mask: Any = None,
        layout: str = "auto",
    ) -> Any:
        """Return the outputs for data as NumPy arrays, zeros at masked steps.

        Args:
            x: as for a call.
            backend: "numpy", "torch", "tensorflow", "jax", …; None for the one in use
                (`use_backend`, MASKGRAPH_BACKEND), else that of native tensors, else NumPy.
            device: "cpu", "cuda", "cuda:1", "gpu:0", …
            batch_size: how many sequences run at once; all of them if a layer is stateful.
            layout: "packed" computes the steps that exist and no others, "padded" the whole
                rectangle, "auto" whichever is faster for each batch. They give the same.

        Raises:
            ArgumentError: for an unknown layout, or a batch size below 1.
            BackendError, DeviceError: if there is no such backend or device here.
            ShapeError, DTypeError, MaskError: if the data does not fit the inputs.
        """
        return self._runner.predict(x, mask, backend, device, batch_size, layout)

    def plan(
        self,
        x: Any,
        *,
        backend: str | None = None,
        device: str | None = None,
        mask: Any = None,
        training: bool = False,
        precision: str | None = None,
        layout: str = "auto",
    ) -> LayoutPlan:
        """Return the flat list of backend calls that runs for data like `x`.

        It prints as text: the steps, the layout chosen for `x`, and how much that saves.
        `plan.run(inputs, weights)` runs it on native tensors, with other weights than the model's
        own if any are given: how a framework's optimiser trains it.

        Args:
            x: data as for a call; it tells which inputs come with a mask.
            precision: "float64" computes a float32 model in float64.
            layout: as for `predict`.

        Raises:
            ArgumentError: for an unknown layout.
        """
        tensors = self._runner.admit(x, mask)
        return self._runner.plan(
            tensors,
            load(backend, device),
            training=training,
            precision=precision,
            layout=layout,
            printable=True,
        )

    def run_nodes(self, x: Any, **options: Any) -> dict[str, MaskedTensor]:
        """Return what every node of the graph gives for data, by the node's name."""
        return self._runner.run_nodes(x, **options)

    def get_config(self) -> dict[str, Any]:
        raise GraphError("a model cannot be rebuilt from a config yet")


def replay(nodes: Sequence[Node], known: dict[SymbolicTensor, SymbolicTensor]) -> None:
    """Call the targets of nodes again, on the symbols that `known` gives for their old ones."""
    for node in nodes:
        if all(s in known for s in node.outputs):
            continue
        if all(known.get(s, s) is s for s in node.inputs):
            known.update((s, s) for s in node.outputs)
            continue
        arguments = map_tree(lambda x: known.get(x, x) if _is_symbol(x) else x, node.arguments)
        scope = current_scope()
        with entered(scope.at(scope.location or node.location)):
            if isinstance(node.target, Layer):
                result = node.target.signature.apply(node.target, arguments)
            else:
                result = node.target.record(arguments)
        known.update(zip(node.outputs, leaves(result), strict=True))


def _is_symbol(x: Any) -> bool:
    return isinstance(x, SymbolicTensor)


def _cut_loose(inputs: Any, outputs: Any, nodes: list[Node]) -> tuple[Any, Any, list[Node]]:
    """Put fresh inputs in place of tensors inside another graph, as for a part of a model."""

    def fresh(symbol: SymbolicTensor) -> SymbolicTensor:
        if isinstance(symbol.node.target, Source):
            return symbol
        if symbol.mask is None:
            return source("input", symbol.name, symbol.spec)
        return masked_source(symbol.name, symbol.spec, symbol.mask.ndim)

    new_inputs = map_tree(fresh, inputs)
    known = stand_ins(list(leaves(inputs)), list(leaves(new_inputs)))
    between = [n for n in nodes if n not in {s.node for s in leaves(inputs)}]
    replay(between, known)
    new_outputs = map_tree(known.__getitem__, outputs)
    return (
        new_inputs,
        new_outputs,
        nodes_between(list(leaves(new_inputs)), list(leaves(new_outputs))),
    )
