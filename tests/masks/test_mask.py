"""`Mask` against the frameworks whose conventions it takes in and gives out."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskgraph.errors import ArgumentError, BackendError, DTypeError, MaskError, ShapeError
from maskgraph.masks import Mask

HOLED = Mask([[True, True, False], [True, False, True]])
RANK3 = Mask(np.ones((2, 3, 4), bool))
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=5)
MASKS = arrays.arrays(bool, SHAPES).map(Mask)
LENGTHS = st.lists(st.integers(0, 5), max_size=5)
FULL = st.lists(st.integers(1, 5), min_size=1, max_size=5)
# The first example may have to import a framework.
slowly = settings(deadline=None, max_examples=25)


# -- what a mask is ------------------------------------------------------------------------


def test_a_mask_cannot_be_changed() -> None:
    source = np.array([[True, False]])
    mask = Mask(source)
    source[0, 0] = False
    assert mask.array.tolist() == [[True, False]]
    with pytest.raises(ValueError, match="read-only"):
        mask.array[0, 0] = False
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(mask)[0, 0] = False
    with pytest.raises(AttributeError):
        mask.array = source


@pytest.mark.parametrize(
    ("rows", "padding"),
    [
        ([[1, 1], [1, 1]], "none"),
        ([[1, 0, 0], [1, 1, 0]], "right"),
        ([[0, 0, 0], [1, 1, 1]], "right"),
        ([[0, 0, 1], [1, 1, 1]], "left"),
        ([[0, 0, 1], [1, 1, 0]], "any"),
        ([[0, 1, 0]], "any"),
        ([[1, 0, 1]], "any"),
        (np.zeros((2, 0)), "none"),
        (np.zeros((0, 3)), "none"),
        ([[[1, 0], [1, 1]], [[0, 0], [1, 0]]], "right"),
    ],
)
def test_padding_tells_where_masked_steps_stand(rows: Any, padding: str) -> None:
    assert Mask(np.array(rows, bool)).padding == padding


def test_equality_is_of_shape_and_steps() -> None:
    mask = Mask([[True, False]])
    assert mask == Mask([[True, False]])
    assert hash(mask) == hash(Mask(mask))
    assert mask != Mask([[True, True]])
    assert mask != Mask([[True], [False]])
    assert mask != [[True, False]]
    assert Mask(np.ones((0, 2), bool)) != Mask(np.ones((2, 0), bool))


def test_and_and_or_take_masks_of_one_shape() -> None:
    left, right = Mask([[True, True, False]]), Mask([[True, False, False]])
    assert left & right == right
    assert left | right == left
    for other in (np.ones((1, 3), bool), True, None):
        with pytest.raises(TypeError, match="operand"):
            left & other
        with pytest.raises(TypeError, match="operand"):
            left | other
    with pytest.raises(MaskError, match=r"shape \(1, 3\)"):
        HOLED & left


def test_a_mask_is_no_factor_and_has_no_inverse() -> None:
    with pytest.raises(TypeError, match="operand"):
        np.ones((2, 3)) * HOLED
    with pytest.raises(TypeError, match="bad operand"):
        operator.invert(HOLED)
    assert np.where(HOLED, 1, 0).tolist() == [[1, 1, 0], [1, 0, 1]]


def test_repr_is_short() -> None:
    assert repr(HOLED) == "Mask(shape=(2, 3), padding='any', valid=4/6)"
    assert repr(Mask.from_lengths([])) == "Mask(shape=(0, 0), padding='none', valid=0/0)"


def test_a_mask_is_an_array_in_any_dtype() -> None:
    assert np.asarray(HOLED, "float32").dtype == np.float32
    copy = np.array(HOLED)
    copy[:] = False
    assert HOLED.counts().tolist() == [2, 2]


@pytest.mark.parametrize(
    "array",
    [
        [[True, False]],
        [[], []],
        np.ones((1, 2, 3), bool),
        np.array([[False]]).T,
    ],
)
def test_what_a_mask_is_made_from(array: Any) -> None:
    assert Mask(array).array.tolist() == np.asarray(array).tolist()


# -- from and to: round trips --------------------------------------------------------------


@given(MASKS)
def test_every_convention_gives_the_mask_back(mask: Mask) -> None:
    assert Mask.from_attention_mask(mask.to_attention_mask()) == mask
    assert Mask.from_attention_mask(mask.to_attention_mask("bool")) == mask
    assert Mask.from_key_padding_mask(mask.to_key_padding_mask()) == mask
    assert Mask(mask.to_segment_ids() != 0) == mask
    assert Mask.from_labels(np.where(mask, 7, -100)) == mask


@given(LENGTHS, st.sampled_from(["pre", "post"]), st.integers(5, 7))
def test_lengths_come_back(lengths: list[int], padding: str, maxlen: int) -> None:
    mask = Mask.from_lengths(lengths, maxlen, padding=padding)
    assert mask.shape == (len(lengths), maxlen)
    assert mask.to_lengths().tolist() == lengths
    assert mask.to_lengths().dtype == np.int64
    assert Mask.from_lengths(mask.to_lengths(), maxlen, padding) == mask
    if padding == "post":
        assert Mask.from_cu_seqlens(mask.to_cu_seqlens(), maxlen) == mask
    if any(lengths):
        assert mask.padding == {"pre": "left", "post": "right"}[padding] or set(lengths) <= {0, 5}


@given(MASKS)
def test_positions_count_the_valid_steps(mask: Mask) -> None:
    positions, counts = mask.to_position_ids(), mask.counts()
    assert [p.tolist() for p in mask.to_list(positions)] == [list(range(n)) for n in counts]
    assert not positions[~mask.array].any()


@given(MASKS)
def test_lengths_exist_where_there_is_no_hole(mask: Mask) -> None:
    holes = ["0" in "".join(map(str, row.astype(int))).strip("0") for row in mask.array]
    if any(holes):
        with pytest.raises(MaskError, match=f"row {holes.index(True)} has a hole"):
            mask.to_lengths()
    else:
        assert mask.to_lengths().tolist() == mask.counts().tolist()


def test_leading_axes_are_kept() -> None:
    mask = Mask.from_lengths([[2, 0], [1, 2]])
    assert mask.shape == (2, 2, 2)
    assert mask.to_lengths().tolist() == [[2, 0], [1, 2]]
    assert mask.to_position_ids()[0, 0].tolist() == [0, 1]
    assert Mask.from_labels(np.where(mask, 1, -100)) == mask


def test_ragged_lists_may_hold_anything() -> None:
    expected = Mask.from_lengths([2, 0, 1])
    assert Mask.from_ragged([["a", "b"], [], ["c"]]) == expected
    assert Mask.from_ragged(iter([np.ones((2, 3)), (), np.ones((1, 3))])) == expected
    assert Mask.from_ragged([[[1], [2, 3]], [], [[]]]) == expected
    assert Mask.from_ragged([]).shape == (0, 0)


def test_lists_may_be_empty() -> None:
    assert Mask.from_lengths([], maxlen=3).shape == (0, 3)
    assert Mask.from_lengths([0, 0]).shape == (2, 0)
    assert Mask.from_cu_seqlens([0]).shape == (0, 0)
    assert Mask.from_attention_mask([[], []]).shape == (2, 0)


# -- against the frameworks ----------------------------------------------------------------


def test_key_padding_mask_has_pytorchs_polarity() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    attention = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval()
    mask = Mask.from_lengths([3, 4], 5)
    ignored = torch.from_numpy(mask.to_key_padding_mask())
    x = torch.randn(2, 5, 8)

    def attend(keys: Any) -> Any:
        return attention(x, keys, keys, key_padding_mask=ignored)[0]

    step = torch.from_numpy(mask.array.copy())[..., None]
    in_padding, in_steps = torch.where(step, x, x + 9.0), torch.where(step, x + 9.0, x)
    torch.testing.assert_close(attend(x), attend(in_padding))  # to a bit or two, as processors go
    assert not torch.allclose(attend(x), attend(in_steps))
    assert Mask.from_key_padding_mask(ignored) == mask


@slowly
@given(FULL)
def test_packed_sequences_are_pytorchs(lengths: list[int]) -> None:
    rnn = pytest.importorskip("torch.nn.utils.rnn")
    torch = pytest.importorskip("torch")
    x = torch.arange(len(lengths) * max(lengths) * 2.0).reshape(len(lengths), -1, 2)
    expected = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    mask = Mask.from_packed_sequence(expected)
    assert mask == Mask.from_lengths(lengths)
    for values in (x, x.numpy()):
        packed = mask.to_packed_sequence(values)
        assert isinstance(packed, rnn.PackedSequence)
        assert torch.equal(packed.batch_sizes, expected.batch_sizes)
        steps, found = rnn.pad_packed_sequence(packed, batch_first=True)
        assert torch.equal(steps, rnn.pad_packed_sequence(expected, batch_first=True)[0])
        assert found.tolist() == lengths
    for row, other in zip(mask.to_list(x), rnn.unpack_sequence(expected), strict=True):
        np.testing.assert_array_equal(row, other.numpy())


def test_packing_leaves_out_padding_wherever_it_stands() -> None:
    rnn = pytest.importorskip("torch.nn.utils.rnn")
    packed = HOLED.to_packed_sequence(np.array([[1, 2, 9], [3, 9, 4]]))
    assert [row.tolist() for row in rnn.unpack_sequence(packed)] == [[1, 2], [3, 4]]
    with pytest.raises(MaskError, match="without any step"):
        Mask.from_lengths([2, 0]).to_packed_sequence(np.ones((2, 2)))


@slowly
@given(LENGTHS.filter(any))
def test_nested_tensors_are_pytorchs(lengths: list[int]) -> None:
    torch = pytest.importorskip("torch")
    rows = [torch.randn(length, 2) for length in lengths]
    nested = torch.nested.nested_tensor(rows, layout=torch.jagged)
    mask = Mask.from_nested(nested)
    assert mask == Mask.from_lengths(lengths)
    padded = torch.nested.to_padded_tensor(nested, 0.0, (len(lengths), max(lengths), 2))
    for values in (padded, padded.numpy()):
        back = mask.to_nested(values)
        assert back.is_nested
        assert torch.equal(back.values(), nested.values())
        assert back.offsets().tolist() == mask.to_cu_seqlens().tolist()


@slowly
@given(LENGTHS.filter(any))
def test_ragged_tensors_are_tensorflows(lengths: list[int]) -> None:
    tf = pytest.importorskip("tensorflow")
    x = np.arange(len(lengths) * max(lengths) * 2.0).reshape(len(lengths), -1, 2)
    expected = tf.RaggedTensor.from_tensor(x, lengths)
    mask = Mask.from_ragged_tensor(expected)
    np.testing.assert_array_equal(mask.array, tf.sequence_mask(lengths).numpy())
    assert mask == Mask.from_lengths(lengths)
    assert mask.to_cu_seqlens().tolist() == expected.row_splits.numpy().tolist()
    rows = expected.value_rowids().numpy() + 1
    assert mask.to_segment_ids()[mask.array].tolist() == rows.tolist()
    for values in (x, tf.constant(x)):
        ragged = mask.to_ragged_tensor(values)
        assert isinstance(ragged, tf.RaggedTensor)
        assert ragged.to_list() == expected.to_list()


def test_tensors_of_any_framework_are_taken() -> None:
    torch = pytest.importorskip("torch")
    mask = Mask.from_lengths([2, 1])
    assert Mask.from_lengths(torch.tensor([2, 1])) == mask
    assert Mask.from_attention_mask(torch.tensor([[1, 1], [1, 0]])) == mask
    assert Mask(torch.tensor([[True, True], [True, False]])) == mask
    assert Mask.from_labels(torch.tensor([[0, 1], [2, -100]])) == mask
    assert mask.to_list(torch.ones(2, 2, requires_grad=True))[1].tolist() == [1.0]


def test_labels_count_in_the_loss_where_pytorch_counts_them() -> None:
    torch = pytest.importorskip("torch")
    labels = torch.tensor([[1, -100, 0]])
    loss = torch.nn.functional.cross_entropy(torch.zeros(3, 2), labels[0], reduction="none")
    np.testing.assert_array_equal(Mask.from_labels(labels).array[0], loss.numpy() != 0)


# -- errors --------------------------------------------------------------------------------

FLOATS = np.array([[1.0, 0.0]])
REFUSED: dict[str, tuple[Callable[[], object], type[Exception], list[str]]] = {
    "float": (lambda: Mask(FLOATS), DTypeError, ["dtype float64", "Mask(a == 1)", "-inf"]),
    "int": (
        lambda: Mask([[1, 0]]),
        DTypeError,
        ["dtype int64", "Mask.from_attention_mask", "Mask.from_lengths"],
    ),
    "rank": (lambda: Mask([True]), MaskError, ["shape (1,)", "(batch, time)", "array[None, :]"]),
    "ragged": (
        lambda: Mask([[True], [True, False]]),
        ShapeError,
        ["not a rectangle", "Mask.from_ragged"],
    ),
    "float lengths": (
        lambda: Mask.from_lengths([1.0]),
        DTypeError,
        ["the lengths are not integers", "float64"],
    ),
    "bool lengths": (lambda: Mask.from_lengths([True]), DTypeError, ["dtype bool"]),
    "scalar length": (lambda: Mask.from_lengths(3), MaskError, ["shape (3,)"]),
    "negative length": (
        lambda: Mask.from_lengths([1, -2]),
        ArgumentError,
        ["length of row 1", "received: -2", "0 to 1"],
    ),
    "long": (
        lambda: Mask.from_lengths([[1, 9]], 4),
        ArgumentError,
        ["row (0, 1)", "received: 9", "0 to 4", "raise maxlen"],
    ),
    "maxlen": (lambda: Mask.from_lengths([1], -1), ArgumentError, ["maxlen is not a size"]),
    "side": (
        lambda: Mask.from_lengths([1], padding="right"),
        ArgumentError,
        ["padding has an unknown value", "'pre' or 'post'"],
    ),
    "float attention mask": (
        lambda: Mask.from_attention_mask(FLOATS),
        DTypeError,
        ["not integer or bool", "float64", "a == 0"],
    ),
    "ids as attention mask": (
        lambda: Mask.from_attention_mask([[1, 0], [1, 5]]),
        MaskError,
        ["row 1 holds a value other than 0 and 1", "received: 5", "pad_id"],
    ),
    "4-D attention mask": (
        lambda: Mask.from_attention_mask(np.ones((1, 1, 2, 2), int)),
        MaskError,
        ["rank 2", "(1, 1, 2, 2)"],
    ),
    "float key padding mask": (
        lambda: Mask.from_key_padding_mask(FLOATS),
        DTypeError,
        ["not bool", "float64", "True where the step is padding"],
    ),
    "int key padding mask": (
        lambda: Mask.from_key_padding_mask([[0, 1]]),
        DTypeError,
        ["dtype int64", "Mask.from_attention_mask"],
    ),
    "unbatched key padding mask": (
        lambda: Mask.from_key_padding_mask([True]),
        MaskError,
        ["rank 2", "(1,)"],
    ),
    "float offsets": (lambda: Mask.from_cu_seqlens([0.0]), DTypeError, ["cumulative lengths"]),
    "no offsets": (lambda: Mask.from_cu_seqlens([]), MaskError, ["no cumulative lengths"]),
    "offsets that fall": (
        lambda: Mask.from_cu_seqlens([0, 3, 2]),
        MaskError,
        ["[0, 3, 2]", "none less than the one before", "Mask.from_lengths"],
    ),
    "offsets from 1": (lambda: Mask.from_cu_seqlens([1, 3]), MaskError, ["the first value 0"]),
    "offsets and maxlen": (
        lambda: Mask.from_cu_seqlens([0, 3], 2),
        ArgumentError,
        ["received: 3", "0 to 2"],
    ),
    "ragged scalar": (lambda: Mask.from_ragged(3), DTypeError, ["the value", "int"]),
    "ragged numbers": (lambda: Mask.from_ragged([1]), DTypeError, ["sequence 0", "int"]),
    "ragged strings": (lambda: Mask.from_ragged([[], "ab"]), DTypeError, ["sequence 1", "str"]),
    "ragged rank 0": (lambda: Mask.from_ragged([np.array(1)]), DTypeError, ["sequence 0"]),
    "ragged and maxlen": (lambda: Mask.from_ragged([[1, 2]], 1), ArgumentError, ["0 to 1"]),
    "no packed sequence": (
        lambda: Mask.from_packed_sequence([[1]]),
        DTypeError,
        ["received: list", "torch.nn.utils.rnn.PackedSequence", "Mask.from_ragged"],
    ),
    "no nested": (lambda: Mask.from_nested(FLOATS), DTypeError, ["received: ndarray"]),
    "no ragged tensor": (lambda: Mask.from_ragged_tensor(1), DTypeError, ["tf.RaggedTensor"]),
    "float labels": (lambda: Mask.from_labels(FLOATS), DTypeError, ["the labels are not integers"]),
    "labels without time": (lambda: Mask.from_labels([1, 2]), MaskError, ["shape (2,)"]),
    "hole": (
        HOLED.to_lengths,
        MaskError,
        ["row 1 has a hole", "[1, 0, 1]", "mask.counts()"],
    ),
    "hole in leading axes": (
        lambda: Mask(HOLED.array[None]).to_lengths(),
        MaskError,
        ["row (0, 1) has a hole"],
    ),
    "float to attention mask": (
        lambda: HOLED.to_attention_mask("float32"),
        DTypeError,
        ["dtype='float32'", "numpy.where"],
    ),
    "offsets' dtype": (
        lambda: HOLED.to_cu_seqlens("int16"),
        DTypeError,
        ["dtype='int16'", "'int32' or 'int64'"],
    ),
    "values that do not fit": (
        lambda: HOLED.to_list(np.ones((2, 4))),
        MaskError,
        ["Mask.to_list", "values of shape (2, 4)", "shape (2, 3)"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_error_says_what_is_wrong(case: str) -> None:
    call, error, words = REFUSED[case]
    with pytest.raises(error) as raised:
        call()
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("method", "takes_values"),
    [
        ("to_attention_mask", False),
        ("to_key_padding_mask", False),
        ("to_cu_seqlens", False),
        ("to_segment_ids", False),
        ("to_list", True),
        ("to_packed_sequence", True),
        ("to_nested", True),
        ("to_ragged_tensor", True),
    ],
)
def test_conventions_of_rank_2_say_so(method: str, takes_values: bool) -> None:
    values = [np.ones(RANK3.shape)] if takes_values else []
    with pytest.raises(MaskError, match=rf"Mask.{method} is defined for masks of rank 2"):
        getattr(RANK3, method)(*values)


def test_a_framework_has_its_own_ragged_tensors_only() -> None:
    torch = pytest.importorskip("torch")
    packed = torch.nn.utils.rnn.pack_sequence([torch.ones(2), torch.ones(1)])
    nested = torch.nested.nested_tensor([torch.ones(2)], layout=torch.jagged)
    with pytest.raises(DTypeError, match=r"Mask.from_nested.*\n.*PackedSequence"):
        Mask.from_nested(packed)
    with pytest.raises(DTypeError, match=r"Mask.from_packed_sequence"):
        Mask.from_packed_sequence(nested)
    with pytest.raises(DTypeError, match=r"received: Tensor"):
        Mask.from_nested(torch.ones(2, 3))
    with pytest.raises(DTypeError, match=r"PackedSequence[^$]*from_packed_sequence"):
        Mask.from_ragged(packed)
    with pytest.raises(BackendError, match="ragged_tensor"):
        HOLED.to_ragged_tensor(torch.ones(2, 3))
    with pytest.raises(MaskError, match="values of shape"):
        HOLED.to_packed_sequence(torch.ones(3, 2))
