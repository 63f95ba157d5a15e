"""ONNX Runtime on the padded model, written as ONNX's own operators.

Its LSTM and GRU take lengths; everything else sees the rectangle and a mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.speed.contestant import OTHER, RIGHT_ONLY, Contestant, Run
from benchmarks.speed.workloads import Problem

OPSET, IR = 20, 10


def contestants() -> list[Contestant]:
    """Return ONNX Runtime, if it is installed."""
    if not (find_spec("onnx") and find_spec("onnxruntime")):
        return []
    return [Contestant("ONNX Runtime, padded", OTHER, _make, kinds=RIGHT_ONLY, backward=False)]


def _make(problem: Problem) -> Run:
    import os

    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        model_of(problem), options, providers=["CPUExecutionProvider"]
    )
    return Run(lambda: session.run(None, {"ids": problem.batch.ids})[0], lambda found: [found])


def model_of(problem: Problem) -> bytes:
    """Return the model as ONNX, serialized."""
    from onnx import TensorProto, checker, helper

    graph = _Graph(problem)
    outputs = getattr(graph, problem.workload)("ids")
    onnx_graph = helper.make_graph(
        graph.nodes,
        "padded",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["batch", "time"])],
        [helper.make_tensor_value_info(outputs, TensorProto.FLOAT, _shape(problem))],
        graph.constants,
    )
    opset = [helper.make_opsetid("", OPSET)]
    made = helper.make_model(onnx_graph, opset_imports=opset, ir_version=IR)
    checker.check_model(made)
    return made.SerializeToString()


def _shape(problem: Problem) -> list[Any]:
    return ["batch", "time", problem.widths.tags] if problem.steps else ["batch", 1]


class _Graph:
    """The nodes and constants of a graph, while it is written down."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.widths = problem, problem.widths
        self.left = iter(problem.weights)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, op: str, *inputs: Any, **attributes: Any) -> str:
        from onnx import helper

        names = [self.constant(x) if not isinstance(x, str) else x for x in inputs]
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [output], **attributes))
        return output

    def constant(self, value: Any) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(value)
        self.constants.append(numpy_helper.from_array(array.reshape(np.shape(value)), name))
        return name

    def take(self, number: int) -> list[np.ndarray]:
        return [next(self.left) for _ in range(number)]

    # -- parts -------------------------------------------------------------------------------

    def embedded(self, ids: str) -> tuple[str, str, str]:
        """Return embedded ids, the mask, and the mask as numbers, (batch, time, 1)."""
        mask = self.add("Not", self.add("Equal", ids, np.int32(0)))
        numbers = self.add("Cast", self.add("Unsqueeze", mask, [-1]), to=1)
        return self.add("Gather", next(self.left), ids), mask, numbers

    def linear(self, x: str, weights: Sequence[np.ndarray] | None = None) -> str:
        kernel, bias = weights or self.take(2)
        return self.add("Add", self.add("MatMul", x, kernel), bias)

    def norm(self, x: str, epsilon: float, weights: Sequence[np.ndarray]) -> str:
        return self.add("LayerNormalization", x, *weights, axis=-1, epsilon=epsilon)

    def mean(self, x: str, numbers: str) -> str:
        total = self.add("ReduceSum", self.add("Mul", x, numbers), [1], keepdims=0)
        return self.add("Div", total, self.add("ReduceSum", numbers, [1], keepdims=0))

    def rnn(self, x: str, mask: str, op: str, directions: int) -> str:
        """Return (batch, time, directions * units) of ONNX's LSTM or GRU."""
        weights = [self.take(3) for _ in range(directions)]
        kernels = np.stack([_gates(w[0].T, op) for w in weights])
        recurrent = np.stack([_gates(w[1].T, op) for w in weights])
        biases = np.stack([_biases(w[2], op) for w in weights])
        count = self.add("ReduceSum", self.add("Cast", mask, to=6), [1], keepdims=0)
        options: dict[str, Any] = {"hidden_size": weights[0][1].shape[0]}
        if op == "GRU":
            options["linear_before_reset"] = 1
        if directions == 2:
            options["direction"] = "bidirectional"
        over_time = self.add("Transpose", x, perm=(1, 0, 2))
        y = self.add(op, over_time, kernels, recurrent, biases, count, **options)
        y = self.add("Transpose", y, perm=(2, 0, 1, 3))
        return self.add("Reshape", y, [0, 0, directions * weights[0][1].shape[0]])

    # -- workloads ---------------------------------------------------------------------------

    def W1(self, ids: str) -> str:  # noqa: N802
        x, mask, numbers = self.embedded(ids)
        return self.linear(self.mean(self.rnn(x, mask, "LSTM", 2), numbers))

    def W2(self, ids: str) -> str:  # noqa: N802
        x, mask, numbers = self.embedded(ids)
        seen = self.add("Unsqueeze", mask, [1, 2])
        away = self.add("Where", seen, np.float32(0), np.float32(-1e9))
        for _ in range(self.widths.blocks):
            attended = self.attention(x, away)
            first, second = self.take(2), self.take(2)
            x = self.norm(self.add("Add", x, attended), 1e-5, first)
            inner = self.linear(self.add("Relu", self.linear(x)))
            x = self.norm(self.add("Add", x, inner), 1e-5, second)
        return self.linear(self.mean(x, numbers))

    def attention(self, x: str, away: str) -> str:
        size = self.widths.model // self.widths.heads
        parts = []
        for perm, scale in (((0, 2, 1, 3), size**-0.5), ((0, 2, 3, 1), 1), ((0, 2, 1, 3), 1)):
            kernel, bias = self.take(2)
            flat = (kernel.reshape(len(kernel), -1) * scale, bias.reshape(-1) * scale)
            y = self.linear(x, [a.astype("float32") for a in flat])
            y = self.add("Reshape", y, [0, 0, self.widths.heads, size])
            parts.append(self.add("Transpose", y, perm=perm))
        scores = self.add("Add", self.add("MatMul", *parts[:2]), away)
        y = self.add("MatMul", self.add("Softmax", scores, axis=-1), parts[2])
        joined = self.add("Reshape", self.add("Transpose", y, perm=(0, 2, 1, 3)), [0, 0, -1])
        kernel, bias = self.take(2)
        return self.linear(joined, [kernel.reshape(-1, kernel.shape[-1]), bias])

    def W3(self, ids: str) -> str:  # noqa: N802
        x, _, numbers = self.embedded(ids)
        for _ in range(3):
            x = self.norm(self.add("Relu", self.linear(x)), 1e-3, self.take(2))
        return self.linear(self.mean(x, numbers))

    def W4(self, ids: str) -> str:  # noqa: N802
        x, mask, _ = self.embedded(ids)
        x = self.add("Transpose", x, perm=(0, 2, 1))
        numbers = self.add("Cast", self.add("Unsqueeze", mask, [1]), to=1)
        for _ in range(4):
            kernel, bias = self.take(2)
            x = self.add("Mul", x, numbers)
            x = self.add("Conv", x, kernel.transpose(2, 1, 0), bias, pads=(1, 1))
            x = self.add("Relu", x)
        exists = self.add("Unsqueeze", mask, [1])
        x = self.add("Where", exists, x, np.float32(-np.inf))
        return self.linear(self.add("ReduceMax", x, [2], keepdims=0))

    def W5(self, ids: str) -> str:  # noqa: N802
        x, mask, numbers = self.embedded(ids)
        for _ in range(2):
            x = self.rnn(x, mask, "GRU", 1)
        return self.add("Mul", self.linear(x), numbers)


def _gates(x: np.ndarray, op: str) -> np.ndarray:
    """Return Keras's gates, i f c o, as ONNX has them, i o f c; those of a GRU agree."""
    if op == "GRU":
        return x
    i, f, c, o = np.split(x, 4)
    return np.concatenate([i, o, f, c])


def _biases(bias: np.ndarray, op: str) -> np.ndarray:
    """Return the biases of inputs and of states, one after the other."""
    if op == "GRU":
        return bias.reshape(-1)
    return np.concatenate([_gates(bias, op), np.zeros_like(bias)])
