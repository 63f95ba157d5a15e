"""Transformer blocks against PyTorch's: each sequence alone, with the same weights."""

import numpy as np
import pytest
import torch

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import ArgumentError, MaskError, ShapeError

FEATURES, HEADS, HIDDEN = 6, 2, 5
EPSILON = 1e-5
BOTH = pytest.mark.parametrize("first", [False, True])

RIGHT = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool)
LEFT = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 0, 1]], bool)
HOLES = np.array([[1, 0, 1, 0, 1], [0, 1, 1, 1, 0], [0, 0, 0, 0, 1]], bool)


def drawn(mask, seed, features=FEATURES):
    values = np.random.default_rng(seed).normal(size=(*mask.shape, features)).astype("float32")
    values[~mask] = np.nan
    return mg.MaskedTensor(values, mask)


def randomized(layer):
    generator = np.random.default_rng(0)
    layer.set_weights([generator.normal(scale=0.5, size=w.shape) for w in layer.weights])


# -- weights in PyTorch's shapes -----------------------------------------------------------


def tensor(array):
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def fill(parameters, **arrays):
    with torch.no_grad():
        for name, array in arrays.items():
            parameter = parameters.get_parameter(name)
            assert parameter.shape == array.shape
            parameter.copy_(tensor(array))


def fill_attention(theirs, ours):
    weights = {w.name: w.numpy() for w in ours.weights}
    kernels = [weights[f"{n}/kernel"].reshape(FEATURES, -1).T for n in ("query", "key", "value")]
    biases = [weights[f"{n}/bias"].ravel() for n in ("query", "key", "value")]
    fill(
        theirs,
        in_proj_weight=np.concatenate(kernels),
        in_proj_bias=np.concatenate(biases),
    )
    fill(
        theirs.out_proj,
        weight=weights["attention_output/kernel"].reshape(-1, FEATURES).T,
        bias=weights["attention_output/bias"],
    )


def fill_dense(theirs, ours):
    kernel, bias = ours.get_weights()
    fill(theirs, weight=kernel.T, bias=bias)


def fill_norm(theirs, ours):
    gamma, beta = ours.get_weights()
    fill(theirs, weight=gamma, bias=beta)


def options(first):
    return {
        "d_model": FEATURES,
        "nhead": HEADS,
        "dim_feedforward": HIDDEN,
        "dropout": 0.0,
        "layer_norm_eps": EPSILON,
        "batch_first": True,
        "norm_first": first,
    }


def torch_encoder(ours, first, activation):
    theirs = torch.nn.TransformerEncoderLayer(**options(first), activation=activation).eval()
    fill_attention(theirs.self_attn, ours.self_attention)
    fill_norm(theirs.norm1, ours.self_attention_layer_norm)
    fill_dense(theirs.linear1, ours.feedforward_intermediate_dense)
    fill_dense(theirs.linear2, ours.feedforward_output_dense)
    fill_norm(theirs.norm2, ours.feedforward_layer_norm)
    return theirs


def torch_decoder(ours, first):
    theirs = torch.nn.TransformerDecoderLayer(**options(first)).eval()
    fill_attention(theirs.self_attn, ours.self_attention)
    fill_norm(theirs.norm1, ours.self_attention_layer_norm)
    fill_attention(theirs.multihead_attn, ours.cross_attention)
    fill_norm(theirs.norm2, ours.cross_attention_layer_norm)
    fill_dense(theirs.linear1, ours.feedforward_intermediate_dense)
    fill_dense(theirs.linear2, ours.feedforward_output_dense)
    fill_norm(theirs.norm3, ours.feedforward_layer_norm)
    return theirs


def alone(x, row):
    return tensor(x.value[row][x.mask[row]])[None]


def causal(length):
    """What PyTorch takes: True where a step may not look."""
    return torch.ones(length, length, dtype=torch.bool).triu(1)


# -- the oracle ----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("mask", [RIGHT, LEFT, HOLES], ids=["right", "left", "holes"])
def test_the_encoder_gives_what_pytorch_gives_for_each_sequence_alone(first, activation, mask):
    x = drawn(mask, 1)
    encoder = layers.TransformerEncoder(
        HIDDEN, HEADS, activation=activation, layer_norm_epsilon=EPSILON, normalize_first=first
    )
    encoder(x)
    randomized(encoder)
    theirs = torch_encoder(encoder, first, activation)
    got = encoder(x)
    np.testing.assert_array_equal(got.mask, mask)
    for row in range(len(mask)):
        expected = theirs(alone(x, row)).detach().numpy()[0]
        np.testing.assert_allclose(got.value[row][mask[row]], expected, rtol=1e-4, atol=1e-5)


@BOTH
@pytest.mark.parametrize("use_causal_mask", [False, True])
@pytest.mark.parametrize("masks", [(RIGHT, LEFT), (LEFT, RIGHT), (HOLES, LEFT)])
def test_the_decoder_gives_what_pytorch_gives_for_each_pair_alone(first, use_causal_mask, masks):
    x, encoded = drawn(masks[0], 1), drawn(masks[1], 2)
    decoder = layers.TransformerDecoder(HIDDEN, HEADS, normalize_first=first)
    decoder(x, encoded)
    randomized(decoder)
    theirs = torch_decoder(decoder, first)
    got = decoder(x, encoded, use_causal_mask=use_causal_mask)
    np.testing.assert_array_equal(got.mask, masks[0])
    for row in range(len(x.mask)):
        target = alone(x, row)
        forbidden = causal(target.shape[1]) if use_causal_mask else None
        expected = theirs(target, alone(encoded, row), tgt_mask=forbidden).detach().numpy()[0]
        found = got.value[row][masks[0][row]]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@BOTH
def test_a_decoder_without_an_encoder_is_an_encoder_that_does_not_look_ahead(first):
    x = drawn(HOLES, 1)
    decoder = layers.TransformerDecoder(HIDDEN, HEADS, normalize_first=first)
    encoder = layers.TransformerEncoder(HIDDEN, HEADS, normalize_first=first)
    decoder(x)
    encoder(x)
    randomized(decoder)
    for name in (
        "self_attention",
        "self_attention_layer_norm",
        "feedforward_intermediate_dense",
        "feedforward_output_dense",
        "feedforward_layer_norm",
    ):
        getattr(encoder, name).set_weights(getattr(decoder, name).get_weights())
    theirs = torch_encoder(encoder, first, "relu")
    got = decoder(x)
    for row in range(len(HOLES)):
        target = alone(x, row)
        expected = theirs(target, src_mask=causal(target.shape[1])).detach().numpy()[0]
        found = got.value[row][HOLES[row]]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(encoder(x).value, got.value)


# -- masks ---------------------------------------------------------------------------------


def test_masks_are_the_same_objects_after_a_block():
    x, encoded = (mg.Input((None, FEATURES), masked=True) for _ in range(2))
    assert layers.TransformerEncoder(HIDDEN, HEADS)(x).mask is x.mask
    assert layers.TransformerDecoder(HIDDEN, HEADS)(x, encoded).mask is x.mask


def test_padding_masks_by_hand_take_the_place_of_those_carried():
    x, encoded = drawn(RIGHT, 1), drawn(LEFT, 2)
    plain, other = np.nan_to_num(x.value), np.nan_to_num(encoded.value)
    encoder = layers.TransformerEncoder(HIDDEN, HEADS)
    expected = encoder(x)
    for carried in (plain, mg.MaskedTensor(plain, np.ones_like(RIGHT))):
        got = encoder(carried, padding_mask=RIGHT)
        np.testing.assert_array_equal(got.mask, RIGHT)
        np.testing.assert_allclose(got.value, expected.value, rtol=1e-5, atol=1e-6)
    decoder = layers.TransformerDecoder(HIDDEN, HEADS)
    expected = decoder(x, encoded)
    got = decoder(plain, other, decoder_padding_mask=RIGHT, encoder_padding_mask=LEFT)
    np.testing.assert_array_equal(got.mask, RIGHT)
    np.testing.assert_allclose(got.value, expected.value, rtol=1e-5, atol=1e-6)


def test_attention_masks_and_scores():
    x, encoded = drawn(RIGHT, 1), drawn(LEFT, 2)
    allowed = np.eye(5, dtype=bool)[None].repeat(3, 0)
    encoder = layers.TransformerEncoder(HIDDEN, HEADS)
    output, scores = encoder(x, attention_mask=allowed, return_attention_scores=True)
    there = np.einsum("bt,ts->bts", RIGHT, np.eye(5))
    np.testing.assert_allclose(scores.value, there[:, None].repeat(HEADS, 1), atol=1e-6)
    np.testing.assert_array_equal(output.value, encoder(x, attention_mask=allowed).value)
    decoder = layers.TransformerDecoder(HIDDEN, HEADS)
    decoder(x, encoded)
    blind = decoder(
        x,
        encoded,
        decoder_attention_mask=allowed,
        encoder_attention_mask=np.zeros((3, 5, 4), bool),
    )
    alone_steps = [
        decoder(
            x.value[row][None, None, step],
            encoded.value[row][None],
            encoder_padding_mask=np.zeros((1, 4), bool),
        ).value[0, 0]
        for row, step in np.argwhere(RIGHT)
    ]
    np.testing.assert_allclose(blind.value[RIGHT], alone_steps, rtol=1e-4, atol=1e-5)


def test_dropout_is_for_training():
    x = drawn(RIGHT, 1)
    for block in (layers.TransformerEncoder, layers.TransformerDecoder):
        layer = block(HIDDEN, HEADS, dropout=0.5)
        plain = layer(x)
        np.testing.assert_array_equal(layer(x).value, plain.value)
        trained = layer(x, training=True)
        assert not np.allclose(trained.value, plain.value)
        assert (trained.value[~RIGHT] == 0).all()


def test_weights_are_those_of_the_layers_inside_in_order():
    x = drawn(RIGHT, 1)
    encoder = layers.TransformerEncoder(HIDDEN, HEADS)
    encoder(x)
    attention = ["kernel", "bias"] * 4
    norm, dense = ["gamma", "beta"], ["kernel", "bias"]
    names = [w.name.rpartition("/")[2] for w in encoder.weights]
    assert names == [*attention, *norm, *norm, *dense, *dense]
    decoder = layers.TransformerDecoder(HIDDEN, HEADS)
    decoder(x, x)
    names = [w.name.rpartition("/")[2] for w in decoder.weights]
    assert names == [*attention, *norm, *attention, *norm, *dense, *dense, *norm]


# -- mistakes ------------------------------------------------------------------------------

X = np.ones((3, 5, FEATURES), "float32")


def two_then_one():
    decoder = layers.TransformerDecoder(HIDDEN, HEADS)
    decoder(X, X)
    decoder(X)


def one_then_two():
    decoder = layers.TransformerDecoder(HIDDEN, HEADS)
    decoder(X)
    decoder(X, X)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (two_then_one, ArgumentError, "the encoder's sequence is missing"),
        (one_then_two, ArgumentError, "the encoder's sequence is one too many"),
        (lambda: layers.TransformerEncoder(0, 2), ArgumentError, "intermediate_dim out of range"),
        (lambda: layers.TransformerEncoder(4, 2, dropout=1), ArgumentError, "dropout out of range"),
        (lambda: layers.TransformerEncoder(4, 7)(X), ShapeError, "more heads than features"),
        (lambda: layers.TransformerEncoder(4, 2)(X[0]), ShapeError, "wrong rank"),
        (
            lambda: layers.TransformerEncoder(4, 2)(X, attention_mask=np.ones((3, 5, 5))),
            MaskError,
            "attention_mask is wrong",
        ),
    ],
)
def test_mistakes_are_explained(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert str(caught.value).startswith("layer '")
