"""`pad_sequences` against Keras's own, and what Keras's does not do."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maskgraph.errors import ArgumentError, DTypeError, ShapeError
from maskgraph.masks import Mask
from maskgraph.utils import pad_sequences

SIDES = st.sampled_from(["pre", "post"])
INTEGERS = st.integers(-100, 100)


@pytest.fixture(scope="module")
def keras_pad() -> Callable[..., np.ndarray]:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Keras's import warns of is not the matter here
        keras = pytest.importorskip("keras", exc_type=ImportError)
    return keras.utils.pad_sequences


def same(left: np.ndarray, right: np.ndarray) -> None:
    assert left.dtype == right.dtype
    np.testing.assert_array_equal(left, right, strict=True)


@given(
    sequences=st.lists(st.lists(INTEGERS, max_size=6), min_size=1, max_size=5),
    maxlen=st.none() | st.integers(1, 8),
    dtype=st.sampled_from(["int8", "int32", "int64", "float32", "float64"]),
    padding=SIDES,
    truncating=SIDES,
    value=INTEGERS,
)
def test_lists_are_padded_as_in_keras(
    keras_pad: Any, sequences: list[list[int]], **arguments: Any
) -> None:
    same(pad_sequences(sequences, **arguments), keras_pad(sequences, **arguments))


@given(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    trailing=st.lists(st.integers(1, 3), max_size=2),
    source=st.sampled_from(["int16", "float32", "float64"]),
    maxlen=st.none() | st.integers(1, 6),
    padding=SIDES,
    truncating=SIDES,
)
def test_arrays_with_more_axes_are_padded_as_in_keras(
    keras_pad: Any,
    lengths: list[int],
    trailing: list[int],
    source: str,
    maxlen: int | None,
    padding: str,
    truncating: str,
) -> None:
    rng = np.random.default_rng(0)
    sequences = [rng.normal(size=(n, *trailing)).astype(source) for n in lengths]
    arguments = {
        "maxlen": maxlen,
        "dtype": "float32",
        "padding": padding,
        "truncating": truncating,
        "value": 0.1,
    }
    same(pad_sequences(sequences, **arguments), keras_pad(sequences, **arguments))


def test_the_defaults_are_those_of_keras(keras_pad: Any) -> None:
    sequences = [[1], [2, 3], [4, 5, 6]]
    same(pad_sequences(sequences), keras_pad(sequences))
    same(pad_sequences(sequences, 2), keras_pad(sequences, 2))
    same(pad_sequences(sequences, 4, "int64", "post", "post", -1.0),
         keras_pad(sequences, 4, "int64", "post", "post", -1.0))  # fmt: skip


@pytest.mark.parametrize(
    ("sequences", "arguments"),
    [
        ([["a"], ["b", "cde"]], {"dtype": object, "value": "pad"}),
        ([["a"], ["b", "cde"]], {"dtype": "<U3", "value": ""}),
        ([["a", 1], []], {"dtype": object}),
        ([[True], [False, True]], {"dtype": bool}),
        ([[1.0, np.nan, np.inf]], {"dtype": "float16", "maxlen": 5, "value": -np.inf}),
        ([[1 + 2j], [3], [0.5]], {"dtype": "complex64", "maxlen": 2}),
        ([(1, 2), range(3), np.arange(1)], {}),
        ([[], []], {}),
        ([[1, 2**64 - 1, 2**63 + 1]], {"dtype": "uint64"}),
    ],
)
def test_what_else_may_stand_in_sequences(
    keras_pad: Any, sequences: Any, arguments: dict[str, Any]
) -> None:
    same(pad_sequences(sequences, **arguments), keras_pad(sequences, **arguments))


def test_generators_are_sequences() -> None:
    def rows() -> Iterator[Iterator[int]]:
        for length in (1, 3, 0):
            yield iter(range(length))

    np.testing.assert_array_equal(pad_sequences(rows()), [[0, 0, 0], [0, 1, 2], [0, 0, 0]])


def test_tensors_are_sequences() -> None:
    torch = pytest.importorskip("torch")
    rows = [torch.ones(1, 2, requires_grad=True), torch.zeros(2, 2)]
    expected = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).detach().numpy()
    same(pad_sequences(rows, dtype="float32", padding="post"), expected)


def test_nothing_to_pad() -> None:
    assert pad_sequences([]).shape == (0, 0)
    assert pad_sequences(iter([]), maxlen=4).shape == (0, 4)
    assert pad_sequences([[1, 2], []], maxlen=0).shape == (2, 0)
    assert pad_sequences([np.ones((2, 3), int)], maxlen=0, truncating="post").shape == (1, 0, 3)


def test_numbers_in_an_array_of_objects_are_numbers() -> None:
    same(pad_sequences([np.array([1, 2], object)]), np.array([[1, 2]], "int32"))


def test_a_dropped_step_need_not_fit() -> None:
    same(pad_sequences([[0.5, 1.0]], maxlen=1), np.array([[1]], "int32"))


@given(
    sequences=st.lists(st.lists(st.integers(1, 9), max_size=5), max_size=4),
    maxlen=st.integers(5, 7),
    padding=SIDES,
)
def test_the_mask_of_ragged_lists_fits_their_padded_values(
    sequences: list[list[int]], maxlen: int, padding: str
) -> None:
    values = pad_sequences(sequences, maxlen, padding=padding)
    mask = Mask.from_ragged(sequences, maxlen, padding=padding)
    np.testing.assert_array_equal(mask.array, values != 0)
    assert [row.tolist() for row in mask.to_list(values)] == sequences


@pytest.mark.parametrize(
    ("value", "dtype", "shown", "fix"),
    [
        (0.5, "int32", "0.5", "float32"),
        (300, "uint8", "300", "int32"),
        (-1, "uint64", "-1", "int32"),
        (float("nan"), "int64", "nan", "float32"),
        (float("inf"), "int32", "inf", "float32"),
        (2**40, "int32", "1099511627776", "int64"),
        (2**64 - 1, "int64", "18446744073709551615", "uint64"),
        (2**24 + 1, "float32", "16777217", "int32"),
        (2**53 + 1, "float64", "9007199254740993", "int64"),
        (1e5, "float16", "100000.0", "float32"),
        (1e300, "float32", "1e+300", "float64"),
        (2, "bool", "2", "int32"),
    ],
)
def test_a_value_that_the_dtype_cannot_hold_is_refused(
    value: float, dtype: str, shown: str, fix: str
) -> None:
    with pytest.raises(DTypeError, match="sequence 1 does not fit") as error:
        pad_sequences([[0], [1, value, 0], [value]], dtype=dtype)
    assert f"received: {shown}\n" in str(error.value)
    assert f"fix: dtype='{fix}'" in str(error.value)
    with pytest.raises(DTypeError, match=f"value does not fit dtype {dtype}"):
        pad_sequences([[0]], dtype=dtype, value=value)
    assert pad_sequences([[value]], dtype=fix).dtype == fix  # the fix does mend it


@given(
    source=st.sampled_from(["int8", "uint8", "int32", "int64", "uint64", "float32", "float64"]),
    dtype=st.sampled_from(["bool", "int8", "uint8", "int32", "int64", "uint64"]),
    data=st.data(),
)
def test_a_cast_to_integers_is_exact_or_refused(source: str, dtype: str, data: Any) -> None:
    integer = np.dtype(source).kind in "iu"
    drawn = st.integers(-(2**63), 2**64 - 1) if integer else st.floats(width=32)
    value = data.draw(drawn | st.integers(-2, 300).map(int if integer else float))
    if integer:
        assume(np.iinfo(source).min <= value <= np.iinfo(source).max)
    try:
        padded = pad_sequences([np.array([value], source)], dtype=dtype).item()
    except DTypeError:
        info = np.iinfo(dtype) if dtype != "bool" else np.iinfo("uint8")
        top = 1 if dtype == "bool" else info.max
        assert not (value == value // 1 and info.min <= value <= top)
    else:
        assert padded == value


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: pad_sequences([[1]], maxlen=-1), ArgumentError, ["maxlen is not a size", "-1"]),
        (lambda: pad_sequences([[1]], maxlen=2.5), ArgumentError, ["maxlen is not a size", "2.5"]),
        (
            lambda: pad_sequences([[1]], padding="left"),
            ArgumentError,
            ["padding has an unknown value", "'left'", "'pre' or 'post'"],
        ),
        (
            lambda: pad_sequences([[1]], truncating="right"),
            ArgumentError,
            ["truncating has an unknown value", "'right'"],
        ),
        (lambda: pad_sequences(5), DTypeError, ["sequences is not a sequence", "int 5"]),
        (lambda: pad_sequences("ab"), DTypeError, ["sequences is not a sequence", "str 'ab'"]),
        (
            lambda: pad_sequences([[1], 2]),
            DTypeError,
            ["sequence 1 is not a sequence", "int 2", "wrap a single sequence in a list"],
        ),
        (lambda: pad_sequences(np.arange(3)), DTypeError, ["sequence 0 is not a sequence"]),
        (lambda: pad_sequences([np.array(3)]), DTypeError, ["sequence 0 is not a sequence"]),
        (lambda: pad_sequences([{1, 2}]), DTypeError, ["sequence 0 is not a sequence", "set"]),
        (
            lambda: pad_sequences(["ab"], dtype=object),
            DTypeError,
            ["sequence 0 is not a sequence", "split a string"],
        ),
        (
            lambda: pad_sequences([[1], ["7"]]),
            DTypeError,
            ["sequence 1 cannot be cast to int32", "['7']", "dtype=object"],
        ),
        (lambda: pad_sequences([[None]]), DTypeError, ["sequence 0 cannot be cast", "[None]"]),
        (lambda: pad_sequences([[2**70]]), DTypeError, ["sequence 0 cannot be cast", "11805916"]),
        (lambda: pad_sequences([[1j]]), DTypeError, ["sequence 0 cannot be cast", "[1j]"]),
        (
            lambda: pad_sequences([["abc"]], dtype="<U2", value=""),
            DTypeError,
            ["sequence 0 does not fit dtype <U2", "'abc'", "dtype='object'"],
        ),
        (lambda: pad_sequences([[1]], value="pad"), DTypeError, ["value cannot be cast to int32"]),
        (lambda: pad_sequences([[1]], value=[1, 2]), ShapeError, ["value is not a scalar"]),
        (lambda: pad_sequences([[1]], dtype="int33"), DTypeError, ["no such dtype", "'int33'"]),
        (
            lambda: pad_sequences([[], np.ones((1, 2)), np.ones((2, 3))]),
            ShapeError,
            ["sequence 2 differs from sequence 1", "steps of shape (3,)", "steps of shape (2,)"],
        ),
        (
            lambda: pad_sequences([[[1, 2], [3]]]),
            ShapeError,
            ["the steps of sequence 0 differ in shape", "[[1, 2], [3]]", "pad the inner"],
        ),
        (
            lambda: pad_sequences([np.array([[1, 2], [3]], object)]),
            ShapeError,
            ["the steps of sequence 0 differ in shape"],
        ),
    ],
)
def test_an_error_says_what_is_wrong(
    call: Callable[[], object], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as raised:
        call()
    for word in words:
        assert word in str(raised.value)
