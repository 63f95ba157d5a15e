"""NumPy's contractions as matrix products: the numbers of `np.einsum`, without its ways."""

import numpy as np
import pytest

from maskgraph_numpy import contraction

SIZES = dict(zip("bthdskvge", (2, 3, 4, 5, 6, 2, 3, 2, 4), strict=True))

PRODUCTS = [
    "bthd,bshd->bhts",
    "bhts,bshv->bthv",
    "btkgd,bskd->bkgts",
    "bkgts,bskv->btkgv",
    "btd,dhe->bthe",
    "bthd,hde->bte",
    "btd,bsd->bst",
    "btd,bte->bde",
    "btd,btd->",
    "td,d->t",
    "d,td->t",
    "dt,sd->st",
    "tbd,sbd->tsb",
]
OTHERS = [
    "bt,bt->bt",
    "btd,btd->bt",
    "btd,d->btd",
    "bt,bs->bts",
    "btd,bs->bt",
    "bb,bt->t",
    "...d,de->...e",
    "btd,de",
]
EACH = pytest.mark.parametrize("subscripts", PRODUCTS + OTHERS)


def drawn(subscripts, dtype="float64", **changes):
    """Return operands whose axes lie in memory as they are named."""
    generator = np.random.default_rng(0)
    sizes = {**SIZES, **changes}
    operands = []
    for labels in subscripts.partition("->")[0].split(","):
        shape = [2, 3] * ("." in labels) + [sizes[c] for c in labels if c != "."]
        operands.append((generator.normal(size=shape) * 4).astype(dtype))
    return operands


def by_loops(subscripts, operands):
    return np.einsum(subscripts, *operands, optimize=False)


@EACH
@pytest.mark.parametrize("dtype", ["float64", "int32", "bool"])
def test_equal_to_loops(subscripts, dtype):
    operands = drawn(subscripts, dtype)
    found, expected = contraction.einsum(subscripts, operands), by_loops(subscripts, operands)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@EACH
def test_any_layout_in_memory(subscripts):
    """Axes in reversed order, with steps between elements, and all one element."""
    for operands in (
        [np.asfortranarray(x) for x in drawn(subscripts)],
        [np.repeat(x, 2, -1)[..., ::2] for x in drawn(subscripts)],
        [x[..., ::-1] for x in drawn(subscripts)],
        [np.broadcast_to(x.flat[0], x.shape) for x in drawn(subscripts)],
    ):
        np.testing.assert_allclose(
            contraction.einsum(subscripts, operands),
            by_loops(subscripts, operands),
            rtol=1e-12,
            atol=1e-12,
        )


@pytest.mark.parametrize(
    ("subscripts", "label"), [(s, label) for s in PRODUCTS for label in "btsd" if label in s]
)
def test_nothing_sums_to_zero(subscripts, label):
    operands = drawn(subscripts, **{label: 0})
    found, expected = contraction.einsum(subscripts, operands), by_loops(subscripts, operands)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("subscripts", PRODUCTS)
def test_an_axis_of_size_one_is_repeated(subscripts):
    left, right = drawn(subscripts)
    labels = subscripts.partition(",")[0]
    for axis in range(left.ndim):
        if labels[axis] in subscripts.partition(",")[2].partition("->")[0]:
            operands = [left.take([0], axis), right]
            np.testing.assert_allclose(
                contraction.einsum(subscripts, operands),
                by_loops(subscripts, operands),
                rtol=1e-12,
                atol=1e-12,
            )


@pytest.mark.parametrize("subscripts", PRODUCTS)
def test_products_of_matrices_go_to_blas(subscripts, monkeypatch):
    operands = drawn(subscripts)
    expected = by_loops(subscripts, operands)
    monkeypatch.delattr(np, "einsum")
    np.testing.assert_allclose(contraction.einsum(subscripts, operands), expected, rtol=1e-12)


def test_more_than_two_operands():
    a, b, c = (np.random.default_rng(i).normal(size=(3, 3)) for i in range(3))
    found = contraction.einsum("ij,jk,kl->il", [a, b, c])
    np.testing.assert_allclose(found, a @ b @ c, rtol=1e-12)
