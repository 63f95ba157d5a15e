"""Parity: one model on every backend, its outputs, masks and gradients compared.

The judge is NumPy in float64. Weights and data are the same everywhere, so what differs beyond
the rounding of float32 is a backend's fault, and the first node that differs tells whose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from maskgraph.backend import Backend, Status, load, statuses
from maskgraph.errors import DeviceError
from maskgraph.graph import unflatten
from maskgraph.masks import MaskedTensor
from maskgraph.models import Model
from maskgraph.models.running import ModelRunner
from maskgraph.testing.difference import NONE, Difference, difference
from maskgraph.testing.gradients import GradientProblem, Slopes
from maskgraph.testing.parity_report import BackendParity, Parity
from maskgraph.testing.samples import random_inputs


def check_parity(
    model: Model,
    inputs: Any = None,
    backends: Sequence[str] | None = None,
    *,
    gradients: bool = False,
    device: str | None = None,
    tolerance: float = 1e-4,
    gradient_tolerance: float = 1e-3,
    seed: int = 0,
) -> Parity:
    """Compare what a model gives on several backends; nothing is raised if they differ.

    Masks in: those of the inputs; masks of every node are compared. Shapes: as the model's.

    Args:
        inputs: data, as for `model.predict`; None for random data, with an empty sequence.
        backends: their names; None for all that are ready on this machine and have the device.
        gradients: whether to compare gradients by trainable weights and inputs of floats, with
            one another and with finite differences; they must be finite.
        device: of every backend; None for each one's default.
        tolerance: the largest difference to let pass, relative where the judge is above 1.
        gradient_tolerance: likewise, for gradients.
        seed: of random data.

    Raises:
        BackendError, DeviceError: if a backend or device that was asked for is not there.
        ShapeError, DTypeError, MaskError: if the data does not fit the model.

    Example:
        >>> import maskgraph as mg
        >>> x = mg.Input(shape=(None, 2), masked=True)
        >>> model = mg.Model(x, mg.layers.LSTM(3)(x))
        >>> mg.testing.check_parity(model, backends=["numpy"]).ok
        True
    """
    if inputs is None:
        inputs = random_inputs(model, seed)
    elif not hasattr(model, "graph"):
        model(inputs)  # a Sequential learns from data what its input is
    compared, left_out = (
        _ready(device) if backends is None else ([load(n, device) for n in backends], [])
    )
    runner = ModelRunner(model)
    tensors = [_on_host(t) for t in runner.admit(inputs)]
    judge = load("numpy", "cpu")
    expected = _run(model, runner, tensors, judge, "float64")
    problem = GradientProblem(runner, tensors, seed)
    slopes: Slopes | None = None
    rows = []
    for backend in compared:
        row = _compared(_run(model, runner, tensors, backend), expected, backend, tolerance)
        if gradients and backend.differentiates:
            arrays = problem.gradients(backend)
            slopes = slopes or problem.slopes(judge, arrays)
            row = _with_gradients(row, slopes.compare(arrays), gradient_tolerance)
        rows.append(row)
    return Parity(model.name, tolerance, tuple(rows), tuple(left_out))


def _ready(device: str | None) -> tuple[list[Backend], list[Status]]:
    """Return the backends that are ready and have the device, and those left out."""
    found, left_out, refusals = [], [], []
    for each in statuses():
        if each.state != "ready":
            left_out.append(each)
            continue
        try:
            found.append(load(each.name, device))
        except DeviceError as error:
            refusals.append(error)
            without = replace(each, state=f"without {device}", note=", ".join(each.devices))
            left_out.append(without)
    if not found:
        raise refusals[0]
    return found, left_out


class _Results(NamedTuple):
    """What a run gave, on the host: outputs, and every node's by name."""

    outputs: list[MaskedTensor]
    nodes: dict[str, MaskedTensor]


def _run(
    model: Model,
    runner: ModelRunner,
    tensors: list[MaskedTensor],
    backend: Backend,
    precision: str | None = None,
) -> _Results:
    plan = runner.plan(tensors, backend, precision=precision)
    with backend.running():
        results = plan.run([t.on(backend) for t in tensors])
    nodes = runner.run_nodes(
        unflatten(model.inputs, iter(tensors)),
        backend=backend.name,
        device=backend.device,
        precision=precision,
    )
    return _Results(
        [_on_host(MaskedTensor(v, m)) for v, m in results],
        {name: _on_host(node) for name, node in nodes.items()},
    )


def _on_host(tensor: MaskedTensor) -> MaskedTensor:
    host = tensor.backend.to_numpy
    return MaskedTensor(host(tensor.value), None if tensor.mask is None else host(tensor.mask))


def _compared(
    found: _Results, expected: _Results, backend: Backend, tolerance: float
) -> BackendParity:
    outputs = NONE
    for a, b in zip(found.outputs, expected.outputs, strict=True):
        outputs = outputs.with_(difference(a.numpy(), b.numpy()))
    apart = [name for name, node in found.nodes.items() if not _alike(node, expected.nodes[name])]
    far = [
        name
        for name, node in found.nodes.items()
        if difference(node.numpy(), expected.nodes[name].numpy()).relative > tolerance
    ]
    first = next((name for name in found.nodes if name in {*apart, *far}), None)
    masks = not apart and all(map(_alike, found.outputs, expected.outputs))
    ok = first is None and masks and outputs.relative <= tolerance
    return BackendParity(backend.name, backend.device, outputs, masks, None, first, ok)


def _alike(a: MaskedTensor, b: MaskedTensor) -> bool:
    """Whether the masks of two tensors are equal."""
    if a.mask is None or b.mask is None:
        return a.mask is b.mask
    return bool(np.array_equal(a.mask, b.mask))


def _with_gradients(row: BackendParity, found: Difference, tolerance: float) -> BackendParity:
    return replace(row, gradients=found, ok=row.ok and found.relative <= tolerance)
