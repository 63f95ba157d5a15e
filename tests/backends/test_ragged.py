"""The frameworks' own ragged tensors: only valid steps go out, and they come back."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from maskgraph.backend import Backend
from maskgraph.errors import BackendError, DTypeError, MaskError

HOLES = np.array([[1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]], bool)
WITH_EMPTY = np.array([[0, 0, 0, 0], [0, 1, 1, 0]], bool)
KINDS = [("torch", "packed_sequence"), ("torch", "nested"), ("tensorflow", "ragged_tensor")]
MASKS = [HOLES, HOLES[::-1], WITH_EMPTY, WITH_EMPTY[:1], HOLES[:0]]
kinds = pytest.mark.parametrize(("owner", "kind"), KINDS)


def _backend(owner: str) -> Backend:
    pytest.importorskip(owner)
    module = pytest.importorskip(f"maskgraph_{owner}")
    return module.plugin.load()("cpu")


def _values(mask: np.ndarray, dtype: str, *features: int) -> np.ndarray:
    shape = (*mask.shape, *features)
    return (1 + np.arange(np.prod(shape)).reshape(shape)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "bool"])
@pytest.mark.parametrize("features", [(), (2,), (2, 3)])
@pytest.mark.parametrize(
    ("owner", "kind", "mask"),
    [(*k, m) for k in KINDS for m in (MASKS if k[1] != "packed_sequence" else MASKS[:2])],
)
def test_round_trip(
    owner: str, kind: str, dtype: str, features: tuple[int, ...], mask: np.ndarray
) -> None:
    b, values = _backend(owner), _values(mask, dtype, *features)
    ragged = b.to_ragged(b.asarray(values), b.asarray(mask), kind)
    back = b.from_ragged(ragged)
    assert back is not None
    padded, valid = map(b.to_numpy, back)
    lengths = mask.sum(1)
    longest = lengths.max(initial=0)
    assert padded.dtype == values.dtype
    assert padded.shape == (len(mask), longest, *features)
    assert valid.dtype == bool
    np.testing.assert_array_equal(valid, np.arange(longest) < lengths[:, None])
    assert not padded[~valid].any()
    for row in range(len(mask)):
        np.testing.assert_array_equal(padded[row, : lengths[row]], values[row, mask[row]])


@kinds
def test_gradient_passes(owner: str, kind: str) -> None:
    b = _backend(owner)
    values, mask = b.asarray(_values(HOLES, "float64", 2)), b.asarray(HOLES)

    def loss(arrays: list[Any]) -> Any:
        back = b.from_ragged(b.to_ragged(arrays[0], mask, kind))
        assert back is not None
        return b.sum(b.square(back[0]), (0, 1, 2), False)

    [gradient] = b.gradients(loss, [values])
    right = 2 * _values(HOLES, "float64", 2) * HOLES[..., None]
    np.testing.assert_array_equal(b.to_numpy(gradient), right)


@kinds
def test_no_warning(owner: str, kind: str) -> None:
    b = _backend(owner)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        values, mask = b.asarray(_values(HOLES, "float32")), b.asarray(HOLES)
        b.from_ragged(b.to_ragged(values, mask, kind))


def test_other_values_and_kinds(backend: Backend, reference: Backend) -> None:
    for b in (backend, reference):
        values, mask = b.asarray(_values(HOLES, "float32")), b.asarray(HOLES)
        assert b.from_ragged(values) is None
        with pytest.raises(BackendError, match="no ragged tensor of kind 'cigar'"):
            b.to_ragged(values, mask, "cigar")


def test_a_packed_sequence_has_no_empty_row() -> None:
    b = _backend("torch")
    for mask in (WITH_EMPTY, HOLES[:0]):
        values = b.asarray(_values(mask, "float32"))
        with pytest.raises(MaskError, match="without any step"):
            b.to_ragged(values, b.asarray(mask), "packed_sequence")


def test_a_packed_sequence_keeps_the_order_of_rows() -> None:
    b = _backend("torch")
    from torch.nn.utils.rnn import pack_sequence

    rows = [b.asarray(np.full((n, 2), n, "float32")) for n in (1, 3, 2)]
    back = b.from_ragged(pack_sequence(rows, enforce_sorted=False))
    assert back is not None
    assert b.to_numpy(back[0])[:, 0, 0].tolist() == [1, 3, 2]


def test_nested_tensors_of_other_layouts() -> None:
    torch = pytest.importorskip("torch")
    b = _backend("torch")
    rows = [torch.ones(2, 3), torch.ones(1, 3)]
    strided = torch.nested.nested_tensor(rows, layout=torch.strided)
    jagged = torch.nested.nested_tensor(rows, layout=torch.jagged)
    for nested in (strided, jagged.transpose(1, 2)):
        with pytest.raises(DTypeError, match="not supported"):
            b.from_ragged(nested)
    narrowed = torch.nested.narrow(
        torch.arange(6.0).reshape(2, 3), 1, torch.tensor([0, 1]), torch.tensor([1, 2]),
        layout=torch.jagged,
    )  # fmt: skip
    back = b.from_ragged(narrowed)
    assert back is not None
    assert b.to_numpy(back[0]).tolist() == [[0, 0], [4, 5]]


def test_ragged_tensors_of_higher_rank() -> None:
    tf = pytest.importorskip("tensorflow")
    with pytest.raises(DTypeError, match="more than one ragged axis"):
        _backend("tensorflow").from_ragged(tf.ragged.constant([[[1], [2, 3]], [[4]]]))
