"""Every function of the protocol gives on every backend what it gives on NumPy."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from maskgraph import dtypes
from maskgraph.backend import Backend

Case = tuple[str, tuple[Any, ...]]

_rng = np.random.default_rng(0)
_INTS = ("int32", "int64", "uint8", "int8")
_FLOATS = ("float32", "float64")
_NAN, _INF = float("nan"), float("inf")


def _f(*shape: int, dtype: str = "float32") -> np.ndarray:
    return _rng.normal(size=shape).astype(dtype)


def _i(*shape: int, dtype: str = "int32", below: int = 5) -> np.ndarray:
    return _rng.integers(0, below, shape).astype(dtype)


def _b(*shape: int) -> np.ndarray:
    return _rng.random(shape) < 0.5


def _each(names: str, *arguments: Any) -> list[Case]:
    return [(name, arguments) for name in names.split()]


def _values(dtype: str, *shape: int) -> np.ndarray:
    if dtype == "bool":
        return _b(*shape)
    return _f(*shape, dtype=dtype) if dtypes.is_float(dtype) else _i(*shape, dtype=dtype)


_EDGE = np.array([-_INF, -100, -20, -6, -2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 6, 20, 100, _INF, _NAN])
_TIES = np.array([[1, 3, 3], [2, 0, 0]], "float32")
_NUMBERS = ("bool", *_INTS, *_FLOATS)
_ACTIVATIONS = "sigmoid hard_sigmoid silu hard_silu softplus softsign log_sigmoid mish selu"

CREATION: list[Case] = [
    *[("full", ((2, 3), 2, d)) for d in _NUMBERS],
    *[("arange", (a, b, c, d)) for d in _NUMBERS[1:] for a, b, c in ((0, 5, 2), (4, -1, -3))],
    *[("arange", (a, b, c, "int32")) for a, b, c in ((0, 0, 1), (3, 0, 1), (0, 3, -1))],
    ("full", ((), -_INF, "float32")), ("full", ((0, 2), True, "bool")),
    ("full", ((2,), 1.5, "float16")), ("zeros", ((2, 0), "int32")), ("ones", ((2,), "bool")),
    *_each("zeros_like ones_like", _f(2, 3)), *_each("zeros_like ones_like", _f(2, 3), "bool"),
    ("full_like", (_i(2, 3), 7)), ("full_like", (_f(2, 0), 7, "float64")),
    ("eye", (3, "float32")), ("eye", (0, "int32")), ("eye", (2, "bool")),
    *[("one_hot", (_i(2, 3, dtype=d), 4, "float32")) for d in (*_INTS, "float32")],
    ("one_hot", (_i(3), 300, "int32")), ("one_hot", (np.array([-1, 9]), 4, "bool")),
    ("one_hot", (_i(2, dtype="uint8"), 300, "int32")), ("one_hot", (_b(2), 2, "float32")),
    ("asarray", (_f(2, 3),)), ("asarray", (_f(2, 3)[::-1, ::2],)), ("asarray", (_i(2, 0),)),
    ("asarray", (np.broadcast_to(_f(1), (2, 3)), "float64")), ("asarray", (_b(2), "float32")),
    ("asarray", (np.arange(3, dtype=">f4"),)), ("asarray", (np.float32(2),)), ("asarray", (1.5,)),
    ("asarray", (3, "int32")), ("asarray", (True,)), ("asarray", ([[1, 2], [3, 4]],)),
    *[("cast", (_values(a, 2, 3), b)) for a in _NUMBERS for b in _NUMBERS],
    ("cast", (np.array([0.5, 0, _NAN, -2]), "bool")),
]  # fmt: skip

ELEMENTWISE: list[Case] = [
    *[c for d in _NUMBERS[1:] for c in _each("negative abs floor ceil round", _values(d, 2, 3))],
    *[c for d in _NUMBERS[1:] for c in _each("sign square relu relu6", _values(d, 2, 3))],
    *[c for d in _NUMBERS for c in _each("isnan isfinite logical_not", _values(d, 3))],
    *[("clip", (_values(d, 9), 1, 3)) for d in _NUMBERS[1:]],
    ("abs", (_b(3),)),
    *[
        case
        for edge in (_EDGE.astype("float32"), _EDGE)
        for case in [
            *_each("negative abs sign floor ceil round exp expm1 tanh erf isnan isfinite", edge),
            *_each("square relu relu6 logical_not", edge),
            *_each(_ACTIVATIONS, edge[1:-2]),
            *_each("log log1p sqrt rsqrt", np.abs(edge)), *_each("sin cos reciprocal", edge[1:-2]),
            ("clip", (edge, -1.5, 2)), ("leaky_relu", (edge, 0.2)), ("elu", (edge, 1.0)),
            ("elu", (edge, 0.5)), ("gelu", (edge[1:-2], True)), ("gelu", (edge[1:-2], False)),
        ]
    ],
    *[
        case
        for d in _NUMBERS
        for case in _each(
            "add multiply maximum minimum equal not_equal less less_equal greater greater_equal "
            "logical_and logical_or logical_xor", _values(d, 2, 1, 4), _values(d, 3, 1),
        )
    ],
    *[("subtract", (_values(d, 2, 3), _values(d, 3))) for d in _NUMBERS[1:]],
    *[("power", (_values(d, 2, 3) ** 2, _values(d, 3))) for d in _NUMBERS[1:]],
    *[
        case
        for d in ("int32", "int64", "int8")
        for case in _each(
            "floor_divide mod",
            np.array([7, -7, 7, -7, 3, -128], d), np.array([3, 3, -3, -3, 0, -1], d),
        )
    ],
    *_each("floor_divide mod", _i(4, dtype="uint8"), np.array([0, 1, 2, 255], "uint8")),
    *[
        case
        for d in _FLOATS
        for case in _each(
            "floor_divide mod divide",
            np.array([7, -7, 7, -7, 1, 1, 5, 0], d), np.array([3, 3, -3, -3, 0.1, 0, _INF, 2], d),
        )
    ],
    *_each("maximum minimum less equal", np.array([_NAN, 1.0]), np.array([1.0, _NAN])),
    *_each("add less", _f(2, 0), _f(1)),
    *[("where", (_b(3, 1), _values(d, 2, 1, 4), _values(d, 4))) for d in _NUMBERS],
    ("where", (_b(2, 0), _f(2, 0), _f(1))),
]  # fmt: skip

_REDUCTIONS = "sum prod max min any all"
_EMPTY_AXES = [((0, 3), (0,)), ((2, 0), (1,)), ((0, 3), (1,)), ((2, 0, 3), (0, 1)), ((0,), (0,))]
REDUCTION: list[Case] = [
    *[
        case
        for d in _NUMBERS
        for axis in ((0,), (1, 2), (), (0, 1, 2))
        for keepdims in (True, False)
        for case in _each(_REDUCTIONS, _values(d, 2, 3, 4), axis, keepdims)
    ],
    *[
        case
        for d in _NUMBERS
        for shape, axis in _EMPTY_AXES
        for case in _each(_REDUCTIONS, _values(d, *shape), axis, False)
    ],
    *[
        case
        for d in _FLOATS
        for axis in ((0,), (1, 2), (), (0, 1, 2))
        for case in _each("mean var std logsumexp", _f(2, 3, 4, dtype=d), axis, axis == (0,))
    ],
    *[c for s, a in _EMPTY_AXES for c in _each("mean var std logsumexp", _f(*s), a, True)],
    *_each("max min sum any", np.array([[1, _NAN, 2], [_INF, 0, -_INF]]), (1,), False),
    *[
        case
        for d in _NUMBERS
        for axis, keepdims in ((0, True), (1, False))
        for case in _each("argmax argmin", _values(d, 3, 4), axis, keepdims)
    ],
    *_each("argmax argmin", _TIES, 1, False), *_each("argmax argmin", _f(2, 0), 1, False),
    *_each("argmax argmin", _f(0, 3), 0, True), *_each("argmax argmin", _f(0, 3), 1, False),
    ("argmax", (np.array([1, _NAN, 3, _NAN]), 0, False)),
    *[("cumsum", (_values(d, 3, 4), axis)) for d in _NUMBERS for axis in (0, 1)],
    ("cumsum", (_f(2, 0), 1)),
    *[
        case
        for d in _FLOATS
        for axis in (0, 1, 2)
        for case in _each("softmax log_softmax", _f(2, 3, 4, dtype=d), axis)
    ],
    *_each("softmax log_softmax", _f(2, 0), 1), *_each("softmax log_softmax", _f(0, 2), 1),
    *_each("softmax log_softmax", np.array([[1e4, -1e4, -_INF]], "float32"), 1),
    *[
        ("masked_softmax", (_f(2, 3, 4), _b(*shape), axis))
        for shape in ((2, 3, 4), (2, 1, 4), (3, 1), (4,))
        for axis in (1, 2)
    ],
    ("masked_softmax", (np.full((2, 3), dtypes.lowest("float32"), "float32"), _TIES < 3, 1)),
    ("masked_softmax", (_f(2, 3, dtype="float64"), np.zeros((2, 3), bool), 1)),
    ("masked_softmax", (np.array([[_NAN, 1, 2]]), np.array([[False, True, True]]), 1)),
    ("masked_softmax", (_f(2, 0), _b(2, 0), 1)), ("masked_softmax", (_f(0, 2), _b(0, 2), 0)),
]  # fmt: skip

SHAPE: list[Case] = [
    *[
        case
        for d in _NUMBERS
        for x in [_values(d, 2, 3, 4)]
        for case in [
            ("reshape", (x, (4, 6))), ("transpose", (x, (2, 0, 1))), ("flip", (x, 1)),
            ("broadcast_to", (x, (5, 2, 3, 4))), ("concatenate", ([x, x[:, :1]], 1)),
            ("stack", ([x, x], 1)), ("tile", (x, (1, 2, 0))), ("tile", (x, (2, 1, 3))),
            ("repeat", (x, 3, 1)), ("pad", (x, ((0, 0), (1, 2), (0, 1)), 1)),
            ("getitem", (x, (slice(None), slice(None, None, -1), slice(-1, 0, -2)))),
            ("take", (x, np.array([[0, 2], [1, 1]], "int32"), 1)), ("take", (x, np.array(1), 2)),
            ("take_along_axis", (x, _i(2, 5, 4, below=3), 1)),
        ]
    ],
    ("reshape", (_f(2, 3), (-1,))), ("reshape", (_f(1, 1), ())), ("reshape", (_f(2, 0), (0, 5))),
    ("broadcast_to", (_f(2, 1), (2, 0))), ("broadcast_to", (_f(), ())),
    ("concatenate", ([_f(2, 3)], 0)), ("concatenate", ([_f(0, 3), _f(2, 3)], 0)),
    ("pad", (_f(0, 2), ((0, 3), (0, 0)), -_INF)), ("pad", (_b(2, 2), ((1, 0), (0, 0)), True)),
    *[
        ("getitem", (_f(4, 5, 6), key))
        for key in [
            (), (0,), (-1, ..., 2), (..., None, 1), (None, slice(1, None), None, -2),
            (slice(None), slice(3, 0, -1), 0), (..., slice(None, None, -2)), (..., slice(4, 4)),
            (slice(0, 2), slice(0, None, 2), slice(None, 0)),
            (slice(10, None),), (slice(-100, 100, 3),), (slice(0, 3, -1), None, slice(-2, -9, -3)),
            (2, slice(None, None, -1), slice(None, 2)), (slice(None), slice(None), slice(1, 2)),
        ]
    ],
    ("getitem", (_f(0, 3), (slice(None, None, -1), slice(None, None, -1)))),
    ("flip", (_f(2, 0), 1)), ("take", (_f(3, 2), _i(0, below=1), 0)),
    ("take", (_f(3, 2), np.array([2, 0], "int64"), 0)), ("take", (_f(3, 0), _i(2, below=3), 0)),
    ("take", (_f(3, 2), _i(2, dtype="uint8", below=3), 0)),
    ("take_along_axis", (_f(3, 4), _i(3, 2, below=4), 1)),
    ("take_along_axis", (_f(3, 4), _i(1, 4, below=3), 0)),
    ("take_along_axis", (_f(1, 4), _i(3, 2, dtype="int64", below=4), 1)),
    ("take_along_axis", (_f(3, 4), _i(3, 0), 1)),
    ("expand_dims", (_f(2, 3), (0, 2, 4))), ("expand_dims", (_f(2, 3), ())),
    ("squeeze", (_f(1, 2, 1), (0, 2))), ("squeeze", (_f(1, 2, 1), ())),
    ("stack", ([_f(2, 3), _f(2, 3)], 2)), ("split", (_f(4, 6), 3, 1)),
    ("split", (_f(4, 6), (1, 1, 4), 0)), ("split", (_f(4, 6), (2, 9), 1)),
    ("split", (_f(4, 0), 2, 1)), ("split", (_b(4, 6), [3], 1)), ("unstack", (_f(4, 3, 2), 1)),
    ("unstack", (_i(2, 3), 0)), ("unstack", (_f(0, 3), 0)),
    ("repeat", (_f(2, 0), 2, 1)), ("repeat", (_f(2, 3), 0, 0)),
    ("merge_axes", (_f(2, 3, 4, 5), 1, 2)), ("merge_axes", (_f(2, 0, 4), 0, 2)),
    ("split_axis_like", (_f(6, 5), _f(2, 3, 9), 0, 2)), ("all_valid", (_f(2, 3, 4), 2)),
    ("align_mask", (_b(2, 3), 4)), ("align_mask", (_b(2, 3), 2)),
    *[("select_valid", (_values(d, 2, 3, 4), _b(2, 3), 1)) for d in _NUMBERS],
    ("select_valid", (_f(2, 3), _b(2, 3), -_INF)), ("select_valid", (_f(2, 0), _b(2, 0), 0)),
    ("embedding", (_f(5, 3), _i(2, 4))), ("embedding", (_f(5, 3), _i(2, 0))),
    ("embedding", (_f(5, 3), _i(2, dtype="uint8"))),
    ("dropout", (_f(3, 4), _b(3, 4), 0.25)), ("dropout", (_f(3), np.zeros(3, bool), 1.0)),
    *[("matmul", (_values(d, 3, 4), _values(d, 4, 2))) for d in _NUMBERS],
    *[("matmul", (_values(d, 5, 1, 3, 4), _values(d, 2, 4, 2))) for d in _NUMBERS],
    ("matmul", (_f(4), _f(4, 2))), ("matmul", (_f(2, 3, 4), _f(4))), ("matmul", (_f(4), _f(4))),
    ("matmul", (_f(2, 0), _f(0, 3))), ("matmul", (_f(0, 4, 2), _f(2, 3))),
    *[
        ("einsum", ("bqhd,bkhd->bhqk", [_values(d, 2, 3, 2, 4), _values(d, 2, 5, 2, 4)]))
        for d in _NUMBERS
    ],
    ("einsum", ("...i,ij->...j", [_f(2, 3, 4), _f(4, 2)])), ("einsum", ("ab->b", [_f(2, 3)])),
    ("einsum", ("ij,jk,kl->il", [_f(2, 3), _f(3, 4), _f(4, 2)])),
    ("einsum", ("ij,jk->ik", [_f(2, 0), _f(0, 3)])),
    *[("project", (_values(d, 3, 4, 2), _values(d, 4, 2, 3), _values(d, 3), 2)) for d in _NUMBERS],
    ("project", (_f(2, 4), _f(4, 2, 3), _f(2, 3), 1)),
    ("project", (_f(0, 4), _f(4, 2, 3), None, 1)),
    *[("linear", (_values(d, 3, 4), _values(d, 4, 2), _values(d, 2))) for d in _NUMBERS],
    ("linear", (_f(4), _f(4, 2), _f(2))), ("linear", (_f(2, 3, 4), _f(4, 2), None)),
    ("linear", (_f(5, 1, 3, 4), _f(4, 2), _f(2))), ("linear", (_f(0, 3, 4), _f(4, 2), _f(2))),
    ("linear", (_f(2, 0), _f(0, 3), _f(3))), ("linear", (_f(2, 3, 0), _f(0, 3), _f(3))),
    *[
        case
        for d in _FLOATS
        for axis in ((2,), (1, 2), (0, 1, 2), (1,), (0, 2))
        for w in [_f(*(n for a, n in enumerate((2, 3, 4)) if a in axis), dtype=d)]
        for case in [
            ("layer_norm", (_f(2, 3, 4, dtype=d), w, w + 1, axis, 1e-3)),
            ("layer_norm", (_f(2, 3, 4, dtype=d), None, None, axis, 0.5)),
            ("rms_norm", (_f(2, 3, 4, dtype=d), w, axis, 1e-6)),
            ("rms_norm", (_f(2, 3, 4, dtype=d), None, axis, 0.5)),
        ]
    ],
    *[
        ("layer_norm", (_f(*shape), _f(shape[-1]), _f(shape[-1]), (len(shape) - 1,), 1e-3))
        for shape in ((0, 4), (3, 0), (2, 0, 4), (5,))
    ],
    ("rms_norm", (_f(0, 4), _f(4), (1,), 1e-3)), ("rms_norm", (_f(3, 0), _f(0), (1,), 1e-3)),
]  # fmt: skip


def _heads(heads: int = 2, shared: int = 2, value: int = 3, dtype: str = "float32") -> Any:
    shapes = (2, 4, heads, 3), (2, 5, shared, 3), (2, 5, shared, value)
    return tuple(_f(*shape, dtype=dtype) for shape in shapes)


_NOWHERE = np.zeros((2, 1, 4, 5), bool)
ATTENTION: list[Case] = [
    *[
        ("attention", (*_heads(*heads, dtype=d), allowed, causal, window, 0.5))
        for d in _FLOATS
        for heads in ((2, 2), (4, 2, 2), (3, 1))
        for allowed in (None, _b(2, 1, 1, 5), _b(2, heads[0], 4, 5), _b(4, 5), _NOWHERE)
        for causal in (False, True)
        for window in (None, 2)
    ],
    ("attention", (_f(2, 0, 2, 3), *_heads()[1:], None, True, None, 1.0)),
    *[
        ("attention", (_f(2, 4, 2, 3), _f(2, 0, 1, 3), _f(2, 0, 1, 2), allowed, causal, None, 1.0))
        for allowed in (None, _b(2, 1, 1, 0))
        for causal in (False, True)
    ],
    ("attention", (_f(0, 4, 2, 3), _f(0, 5, 2, 3), _f(0, 5, 2, 3), None, False, 1, 1.0)),
]

WINDOWS = [
    *[
        case
        for x in (_f(2, 7, 4), _f(0, 7, 4), _f(2, 0, 4), _f(2, 1, 4))
        for case in [
            ("conv", (x, _f(3, 4, 2), 2, "same", 1)), ("conv", (x, _f(2, 2, 6), 1, "valid", 2)),
            ("valid_conv", (x, _f(3, 4, 2), 1, 1)), ("valid_conv", (x, _f(2, 1, 8), 3, 2)),
            ("conv_transpose", (x, _f(3, 2, 4), 2, "same", None, 1)),
            ("conv_transpose", (x, _f(2, 2, 4), 3, "valid", 2, 2)),
            ("full_conv_transpose", (x, _f(3, 2, 4), 2, 1)),
            ("max_pool", (x, 3, 2, "same")), ("max_over_windows", (x, 2, 3)),
            ("average_pool", (x, 3, 2, "same")), ("mean_over_windows", (x, 2, 1)),
            ("adaptive_max_pool", (x, 3, None)), ("adaptive_average_pool", (x, 3, None)),
        ]
    ],
    ("max_pool", (_values("int32", 2, 7, 4), 2, 2, "same")),
    ("adaptive_max_pool", (_values("int32", 2, 7, 4), 2, _b(2, 7))),
    ("adaptive_average_pool", (_f(2, 7, 4), 2, _b(2, 7))),
]  # fmt: skip

CASES = [*CREATION, *ELEMENTWISE, *REDUCTION, *SHAPE, *ATTENTION, *WINDOWS]

# what other tests are about, or is nothing to compare
ELSEWHERE = {
    "devices", "device_of", "to_numpy", "shape", "dtype", "quiet", "running", "gradients",
    "from_ragged", "to_ragged", "rnn", "activation", "dimension", "dimension_arithmetic",
    "native_call", "random_keep", "random_normal", "scan", "ctc_loss", "check_labels",
    "position_embedding", "has_values", "compiled", "compiles", "pack", "unpack", "laid_out",
    "slots_valid", "distinct", "distinct_ids", "spread", "by_block", "packed_conv", "packed_rnn",
    "packed_rnn_shown", "packed_rnn_of_ids", "packed_rnn_of_ids_shown", "packed_scan",
    "new_packing", "shifted_products", "replaced", "without_holes", "as_argument",
    "tokens_at_once",
}  # fmt: skip


def _native(backend: Backend, x: Any) -> Any:
    if isinstance(x, list):
        return [_native(backend, item) for item in x]
    return backend.asarray(x) if isinstance(x, np.ndarray) else x


def _run(backend: Backend, name: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Call a method on native copies of the arrays; return dtype, shape and values."""
    if name != "asarray":
        arguments = tuple(_native(backend, x) for x in arguments)
    with backend.running():
        result = getattr(backend, name)(*arguments)
    results = result if isinstance(result, tuple) else (result,)
    return [(backend.dtype(r), backend.shape(r), backend.to_numpy(r)) for r in results]


def test_every_method_is_in_the_table() -> None:
    methods = {n for n, _ in inspect.getmembers(Backend, inspect.isroutine) if n[0] != "_"}
    assert methods == ELSEWHERE | {name for name, _ in CASES}


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=[name for name, _ in CASES])
def test_equals_numpy(
    backend: Backend, reference: Backend, name: str, arguments: tuple[Any, ...]
) -> None:
    expected, actual = _run(reference, name, arguments), _run(backend, name, arguments)
    assert [a[:2] for a in actual] == [e[:2] for e in expected]
    for (dtype, _, value), (_, _, right) in zip(actual, expected, strict=True):
        if dtypes.is_float(dtype):
            tolerance = 1e-10 if dtype == "float64" else 1e-5
            np.testing.assert_allclose(value, right, rtol=tolerance, atol=tolerance / 10)
        else:
            np.testing.assert_array_equal(value, right)
