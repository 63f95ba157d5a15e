"""Attention as an op, against each sequence alone: by hand in float64, and by PyTorch."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.backend import load
from maskgraph.errors import ArgumentError, MaskError, ShapeError
from maskgraph.plan import Plan, Program

QUERIES = np.array([[1, 1, 0, 1, 1], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
KEYS = np.array(
    [[0, 1, 1, 0, 1, 1], [1, 1, 1, 1, 0, 0], [1, 0, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0]], bool
)
"""With holes, padded on either side, whole, and empty."""
MEETINGS = {
    "one mask": (QUERIES, QUERIES),
    "two masks": (QUERIES, KEYS),
    "keys alone": (np.ones_like(QUERIES), KEYS),
    "queries alone": (QUERIES, np.ones_like(KEYS)),
    "none": (np.ones_like(QUERIES), np.ones_like(KEYS)),
}
SCALE = 0.4

every_backend = pytest.mark.parametrize("name", ["numpy", "torch", "tensorflow", "jax"])
every_meeting = pytest.mark.parametrize("meeting", MEETINGS)
every_group = pytest.mark.parametrize("heads", [(4, 4), (4, 2), (3, 1)], ids=str)
every_order = pytest.mark.parametrize(
    ("causal", "window"), [(False, None), (True, None), (False, 2), (True, 2), (True, 1)]
)


def drawn(query_mask, key_mask, heads):
    """Return queries, keys and values; NaN in the padding."""
    generator = np.random.default_rng(0)
    shapes = (query_mask, heads[0], 4), (key_mask, heads[1], 4), (key_mask, heads[1], 3)
    result = []
    for mask, *trailing in shapes:
        values = generator.normal(size=(*mask.shape, *trailing))
        values[~mask] = np.nan
        result.append(values)
    return result


def one_alone(query, key, value, allowed, causal, window):
    """Attention of one sequence, without padding: (T, H, D), (S, K, D), (S, K, V)."""
    each = len(key[0]) and query.shape[1] // key.shape[1]
    result = np.zeros((*query.shape[:2], value.shape[2]))
    for t, h in np.ndindex(query.shape[:2]):
        seen = [
            s
            for s in range(len(key))
            if (not causal or s <= t)
            and (window is None or abs(t - s) < window)
            and (allowed is None or allowed[h, t, s])
        ]
        if seen:
            shares = np.exp(key[seen, h // each] @ query[t, h] * SCALE)
            result[t, h] = shares / shares.sum() @ value[seen, h // each]
    return result


def each_alone(tensors, masks, allowed=None, causal=False, window=None):
    """The same for every sequence of a batch; zeros in the padding."""
    query, key, value = tensors
    result = np.zeros((*query.shape[:3], value.shape[3]))
    for row, (asks, exists) in enumerate(zip(*masks, strict=True)):
        mine = None if allowed is None else allowed[row][:, asks][:, :, exists]
        steps = query[row][asks], key[row][exists], value[row][exists]
        if exists.any():
            result[row][asks] = one_alone(*steps, mine, causal, window)
    return result


def given(tensors, masks, meeting, backend):
    """Return the tensors on a backend, with the masks that a meeting is about."""
    asks, exists = (backend.asarray(m) for m in masks)
    exists = asks if masks[0] is masks[1] else exists
    result = []
    for x, mask, which in zip(
        tensors, (asks, exists, exists), ("queries", "keys", "keys"), strict=True
    ):
        bare = meeting == "none" or ("alone" in meeting and which not in meeting)
        x = backend.asarray(x)
        result.append(x if bare else mg.MaskedTensor(x, mask))
    return result


@every_backend
@every_meeting
@every_group
@every_order
def test_each_sequence_is_alone(name, meeting, heads, causal, window):
    masks, backend = MEETINGS[meeting], load(name, "cpu")
    tensors = drawn(*masks, heads)
    result = ops.attention(
        *given(tensors, masks, meeting, backend), causal=causal, window=window, scale=SCALE
    )
    if meeting in ("none", "keys alone"):
        assert getattr(result, "mask", None) is None
    else:
        np.testing.assert_array_equal(backend.to_numpy(result.mask), masks[0])
    found = result.numpy() if isinstance(result, mg.MaskedTensor) else backend.to_numpy(result)
    expected = each_alone(tensors, masks, None, causal, window)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@every_backend
@every_group
@pytest.mark.parametrize("shape", [(4, 1, 5, 6), (4, 0, 5, 6), (5, 6), (1, 1, 1, 6)], ids=str)
def test_what_a_query_may_look_at(name, heads, shape):
    shape = tuple(n or heads[0] for n in shape)
    masks, backend = MEETINGS["two masks"], load(name, "cpu")
    tensors = drawn(*masks, heads)
    allowed = np.random.default_rng(1).random(shape) < 0.6
    whole = np.broadcast_to(allowed, (4, heads[0], 5, 6))
    result = ops.attention(
        *given(tensors, masks, "two masks", backend), allowed, causal=True, scale=SCALE
    )
    expected = each_alone(tensors, masks, whole, causal=True)
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-10, atol=1e-12)


def test_what_is_allowed_may_have_a_mask():
    """Where it is masked nothing is allowed, whatever becomes of what stands there."""
    tensors = drawn(*MEETINGS["none"], (2, 2))
    inputs = [mg.Input((None, *x.shape[2:]), dtype="float64") for x in tensors]
    forbidden = mg.Input((1, 5, 6), dtype="bool", masked=True)
    result = ops.attention(*inputs, ops.logical_not(forbidden), scale=SCALE)
    model = mg.Model([*inputs, forbidden], result)
    flags = mg.MaskedTensor(np.zeros((4, 1, 5, 6), bool), np.arange(4)[:, None] < [[2]])
    found = model([*tensors, flags]).numpy()
    np.testing.assert_allclose(found[:2], each_alone(tensors, MEETINGS["none"])[:2], rtol=1e-10)
    assert (found[2:] == 0).all()


@every_backend
@every_meeting
def test_float32_and_sizes_that_kernels_take_whole(name, meeting):
    masks = tuple(np.tile(m, (1, 30)) for m in MEETINGS[meeting])
    masks = (masks[0], masks[0]) if meeting == "one mask" else masks
    tensors = drawn(*masks, (4, 2))
    tensors = [x.astype("float32") for x in (tensors[0], tensors[1], tensors[1] * 2)]
    result = ops.attention(
        *given(tensors, masks, meeting, load(name, "cpu")), causal=True, scale=SCALE
    )
    found = np.asarray(result.numpy() if hasattr(result, "numpy") else result)
    expected = each_alone([x.astype("float64") for x in tensors], masks, None, causal=True)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


@every_group
@pytest.mark.parametrize("causal", [False, True])
def test_equal_to_pytorch_on_each_sequence(heads, causal):
    tensors = drawn(QUERIES, QUERIES, heads)
    x = given(tensors, (QUERIES, QUERIES), "one mask", load("numpy", "cpu"))
    result = ops.attention(*x, causal=causal, scale=SCALE)
    for row, mask in enumerate(QUERIES):
        alone = [torch.from_numpy(t[row][mask]).transpose(0, 1)[None] for t in tensors]
        expected = F.scaled_dot_product_attention(
            *alone, is_causal=causal, scale=SCALE, enable_gqa=heads[0] != heads[1]
        )
        expected = expected[0].transpose(0, 1).numpy()
        np.testing.assert_allclose(result.unpad()[row], expected, rtol=1e-10)


def gradients_by_hand(tensors, masks, allowed, weights):
    """PyTorch's gradients of the weighed sum over the sequences alone, zero in the padding."""
    leaves = [torch.from_numpy(np.nan_to_num(x)).requires_grad_() for x in tensors]
    total = sum(leaf.sum() * 0 for leaf in leaves)
    for row, (asks, exists) in enumerate(zip(*masks, strict=True)):
        query, key, value = (x[row][m] for x, m in zip(leaves, (asks, exists, exists), strict=True))
        times = query.shape[1] // key.shape[1]
        key, value = (x.repeat_interleave(times, 1) for x in (key, value))
        mine = torch.from_numpy(allowed[row][:, asks][:, :, exists])
        some = mine.any(-1)
        scores = torch.einsum("thd,shd->hts", query, key) * SCALE
        for h, t in some.nonzero().tolist():
            seen = mine[h, t]
            mean = torch.softmax(scores[h, t][seen], 0) @ value[seen, h]
            total = total + (mean * torch.from_numpy(weights[row][asks][t, h])).sum()
    return [g.numpy() for g in torch.autograd.grad(total, leaves)]


@pytest.mark.parametrize("name", ["torch", "tensorflow", "jax"])
@every_group
@pytest.mark.parametrize("meeting", ["one mask", "two masks", "keys alone"])
def test_gradients_are_those_of_each_sequence(name, heads, meeting):
    masks, backend = MEETINGS[meeting], load(name, "cpu")
    tensors = drawn(*masks, heads)
    times = masks[0].shape[1], masks[1].shape[1]
    allowed = np.random.default_rng(1).random((4, heads[0], *times)) < 0.5
    weights = np.random.default_rng(2).normal(size=(*tensors[0].shape[:3], 3))

    def loss(arrays):
        result = ops.attention(
            *given(arrays, masks, meeting, backend), backend.asarray(allowed), scale=SCALE
        )
        value = ops.sum(ops.multiply(result, weights))
        return value.value if isinstance(value, mg.MaskedTensor) else value

    with backend.quiet():
        found = backend.gradients(loss, [backend.asarray(x) for x in tensors])
        found = [backend.to_numpy(g) for g in found]
    expected = gradients_by_hand(tensors, masks, allowed, weights)
    for gradient, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient, right, rtol=1e-9, atol=1e-12)


# -- in a graph ----------------------------------------------------------------------------


def planned(x, y):
    """Return the names of the ops in the program of a model, and its one call of attention."""
    program = Program([x], [y])
    nodes = [n for n in program.nodes if not n.is_source]
    Plan(program, load("numpy", "cpu"))
    return [n.target.name for n in nodes], [n for n in nodes if n.target.name == "attention"]


@every_order
def test_nothing_is_made_of_masks_where_there_is_none(causal, window):
    x = mg.Input((None, 2, 4))
    names, (call,) = planned(x, ops.attention(x, x, x, causal=causal, window=window))
    assert names == ["attention"]
    assert (call.arguments["causal"], call.arguments["window"]) == (causal, window)


@every_order
def test_layers_share_what_is_made_of_one_mask(causal, window):
    x = mg.Input((None, 4), masked=True)

    def stacked(count):
        y = x
        for _ in range(count):
            layer = layers.MultiHeadAttention(2, 2, sliding_window=window)
            y = layer(y, y, use_causal_mask=causal)
        return planned(x, y)

    (one, (call,)), (three, calls) = stacked(1), stacked(3)
    assert len({c.arguments["allowed"] for c in (call, *calls)}) == 1
    for name in ("cumsum", "logical_and", "less", "subtract", "greater_equal", "expand_dims"):
        assert one.count(name) == three.count(name)


# -- mistakes ------------------------------------------------------------------------------

Q, K = np.ones((2, 5, 4, 3)), np.ones((2, 6, 2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ops.attention(Q[0], K, K), ShapeError, r"query \(5, 4, 3\), key"),
        (lambda: ops.attention(Q, K, K[:, :5]), ShapeError, "do not go together"),
        (lambda: ops.attention(Q, K[..., :2], K), ShapeError, "do not go together"),
        (lambda: ops.attention(Q[:, :, :3], K, K), ShapeError, "heads is a multiple of K"),
        (lambda: ops.attention(Q[:1], K, K), ShapeError, "do not go together"),
        (lambda: ops.attention(Q, K, K, np.ones((5, 6))), MaskError, "float64 of shape"),
        (lambda: ops.attention(Q, K, K, np.ones((6, 5), bool)), MaskError, "broadcasts to"),
        (lambda: ops.attention(Q, K, K, window=0), ArgumentError, "received: 0"),
        (lambda: ops.attention(Q, K, K, window=True), ArgumentError, "received: True"),
        (
            lambda: ops.attention(mg.MaskedTensor(Q, np.ones((2, 5, 4), bool)), K, K),
            MaskError,
            "the mask of query does not tell its steps",
        ),
        (
            lambda: ops.attention(mg.Input((None, 4, 3)), mg.Input((None, 3, 3)), K),
            ShapeError,
            "do not go together",
        ),
    ],
)
def test_mistakes_are_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
