"""What each layer does beyond the law: shapes, masks that differ, states, and clear errors."""

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import ArgumentError, MaskError, ShapeError

MASK = np.array([[True, True, False], [True, False, False], [False, False, False]])
OTHER = np.array([[True, False, True], [False, False, False], [True, False, False]])


def masked(value=None, mask=MASK, features=4, seed=0):
    """Return a batch with NaN in the padding."""
    shape = (*mask.shape, features)
    filled = (
        np.random.default_rng(seed).normal(size=shape) if value is None else (np.full(shape, value))
    )
    return mg.MaskedTensor(np.where(mask[..., None], filled, np.nan).astype(np.float32), mask)


def randomized(layer, *args, **kwargs):
    """Return a built layer with random weights, biases too."""
    layer(*args, **kwargs)
    generator = np.random.default_rng(0)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.weights])
    return layer


# -- recurrent -----------------------------------------------------------------------------


def test_a_state_given_keeps_the_mask_and_is_what_an_empty_sequence_gives():
    x = masked()
    state = np.full((3, 2), 0.5, np.float32)
    layer = randomized(layers.GRU(2, return_sequences=True, return_state=True), x)
    outputs, last = layer(x, initial_state=state)
    assert (outputs.mask == MASK).all()
    np.testing.assert_array_equal(last.value[2], state[2])
    np.testing.assert_array_equal(last.value[1], outputs.value[1, 0])


def test_a_symbolic_state_keeps_the_mask():
    x = mg.Input((None, 4), masked=True)
    encoded, *states = layers.LSTM(2, return_sequences=True, return_state=True)(x)
    decoded = layers.LSTM(2, return_sequences=True)(encoded, initial_state=states)
    assert decoded.mask is x.mask


def test_going_backwards_reverses_the_mask_with_the_outputs():
    outputs = layers.LSTM(2, return_sequences=True, go_backwards=True)(masked())
    assert (outputs.mask == MASK[:, ::-1]).all()


def test_the_bias_of_an_lstm_starts_with_a_forget_gate_of_ones():
    layer = layers.LSTM(2)
    layer(masked())
    assert layer.cell.bias.numpy().tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.LSTM(2)(np.ones((3, 4), np.float32)), r"LSTM\): wrong rank"),
        (
            lambda: layers.LSTM(2)(masked(), initial_state=np.ones((3, 2), np.float32)),
            "initial_state does not fit",
        ),
        (
            lambda: layers.GRU(2)(masked(), initial_state=np.ones((3, 5), np.float32)),
            r"received: \(\w+, 5\)\n  expected: 1 of shape \(batch, 2\)",
        ),
        (
            lambda: randomized(layers.GRU(2), masked())(masked(features=5)),
            "the last axis does not fit its kernel\n.*5.*\n  expected: 4 features",
        ),
        (lambda: layers.GRU(2)(mg.Input((None, None))), "size of the last axis must be known"),
    ],
)
def test_recurrent_layers_refuse_what_does_not_fit(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


# -- pooling -------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D])
def test_pooling_gives_zeros_for_nothing(cls):
    assert (cls()(masked(-1.0)).value == [[-1.0] * 4, [-1.0] * 4, [0.0] * 4]).all()
    assert (cls(keepdims=True)(np.ones((2, 0, 4), np.float32)).value == np.zeros((2, 1, 4))).all()


def test_pooling_with_channels_first_is_over_the_last_axis():
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    pooled = layers.GlobalMaxPooling1D("channels_first")(x)
    assert pooled.value.tolist() == [[2.0, 5.0]]


def test_pooling_refuses_other_formats():
    with pytest.raises(ArgumentError, match="unknown data_format"):
        layers.GlobalAveragePooling1D("channels_middle")


# -- merging -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "both", "first", "second"),
    [
        (layers.Add, 5.0, 3.0, 2.0),
        (layers.Subtract, 1.0, 3.0, -2.0),
        (layers.Multiply, 6.0, 3.0, 2.0),
        (layers.Average, 2.5, 3.0, 2.0),
        (layers.Maximum, 3.0, 3.0, 2.0),
        (layers.Minimum, 2.0, 3.0, 2.0),
    ],
)
def test_merging_masks_that_differ(cls, both, first, second):
    inputs = [masked(3.0), masked(2.0, OTHER)]
    strict = cls()(inputs)
    assert (strict.mask == (MASK & OTHER)).all()
    assert (strict.value[MASK & OTHER] == both).all()
    loose = cls(mask_merge="any")(inputs)
    assert (loose.mask == (MASK | OTHER)).all()
    assert (loose.value[MASK & OTHER] == both).all()
    assert (loose.value[MASK & ~OTHER] == first).all()
    assert (loose.value[~MASK & OTHER] == second).all()


def test_concatenating_features_of_masks_that_differ():
    joined = layers.Concatenate(mask_merge="any")([masked(3.0), masked(2.0, OTHER)])
    assert (joined.mask == (MASK | OTHER)).all()
    assert joined.value[0].tolist() == [
        [3.0] * 4 + [2.0] * 4,
        [3.0] * 4 + [0.0] * 4,
        [0.0] * 4 + [2.0] * 4,
    ]


def test_concatenating_along_time_joins_the_masks():
    joined = layers.Concatenate(axis=1, mask_merge="any")([masked(), np.ones((3, 2, 4), "float32")])
    assert (joined.mask == np.concatenate([MASK, np.ones((3, 2), bool)], 1)).all()


@pytest.mark.parametrize("mode", ["all", "any"])
def test_an_input_without_a_mask_exists_everywhere(mode):
    merged = layers.Average(mask_merge=mode)([masked(3.0), np.full((3, 3, 4), 1.0, np.float32)])
    if mode == "all":
        assert (merged.mask == MASK).all()
    else:
        assert merged.mask is None
        assert (merged.value == np.where(MASK, 2.0, 1.0)[..., None]).all()


def test_a_tensor_of_fewer_axes_is_merged_into_every_step():
    merged = layers.Add()([masked(1.0), np.full((3, 4), 2.0, np.float32)])
    assert (merged.mask == MASK).all()
    assert (merged.value[MASK] == 3.0).all()


def test_masks_of_documents_and_of_their_sentences_meet():
    sentences = np.array([[[True, False], [False, False]]])
    x = mg.MaskedTensor(np.ones((1, 2, 2, 3), np.float32), sentences)
    y = mg.MaskedTensor(np.ones((1, 2, 1, 3), np.float32), np.array([[True, False]]))
    assert (layers.Add()([x, y]).mask == sentences).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.Add()(masked()), r"Add\): there is nothing to merge\n  received: a tensor"),
        (lambda: layers.Add()([masked()]), "there is nothing to merge\n  received: a list of one"),
        (
            lambda: layers.Multiply()([masked(), np.ones((3, 3, 5), "float32")]),
            r"do not fit together: shapes do not broadcast\n  received: \(\w+, 3, 4\) and",
        ),
        (lambda: layers.Subtract()([masked()] * 3), "it takes two inputs"),
        (
            lambda: layers.Concatenate()([masked(), np.ones((3, 2, 5), "float32")]),
            "do not fit together: concatenate: sizes differ in axis 1",
        ),
        (
            lambda: layers.Add()([masked(), mg.MaskedTensor(np.ones((3, 3), "float32"), MASK)]),
            "a masked input has fewer axes",
        ),
    ],
)
def test_merging_refuses_what_does_not_fit(call, message):
    with pytest.raises(ShapeError, match=message):
        call()


def test_merging_refuses_another_mode():
    with pytest.raises(ArgumentError, match="unknown mask_merge"):
        layers.Add(mask_merge="some")


# -- attention -----------------------------------------------------------------------------


def attention(**options):
    return layers.MultiHeadAttention(num_heads=2, key_dim=3, **options)


def test_a_mask_of_the_key_alone_is_honoured():
    query, value = masked(mask=np.ones((3, 2), bool), seed=1), masked(seed=2)
    plain = np.nan_to_num(value.value)
    layer = randomized(attention(), query, plain)
    expected = layer(query, value)
    got = layer(query, plain, mg.MaskedTensor(plain, MASK))
    np.testing.assert_allclose(got.value, expected.value, atol=1e-6)


def test_a_mask_by_hand_in_a_model():
    x = mg.Input((3, 4))
    y = attention()(x, x, query_mask=MASK)
    model = mg.Model(x, y)
    assert (model(np.ones((3, 3, 4), "float32")).mask == MASK).all()


def test_a_query_without_keys_gets_no_context():
    query = masked(mask=np.ones((3, 2), bool))
    layer = randomized(attention(), query, masked())
    output, scores = layer(query, masked(), return_attention_scores=True)
    np.testing.assert_allclose(output.value[2], np.tile(layer.get_weights()[-1], (2, 1)))
    assert (scores.value[2] == 0).all()


def test_scores_are_zero_where_there_is_no_step():
    x = masked()
    _, scores = attention()(x, x, return_attention_scores=True)
    there = MASK[:, None, :, None] & MASK[:, None, None, :]
    assert (scores.value[~np.broadcast_to(there, scores.shape)] == 0).all()
    np.testing.assert_allclose(scores.value.sum(-1)[0, :, :2], 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: attention()(x, x[:, :, 0]), ShapeError, "wrong rank"),
        (lambda x: attention()(x, x, x[:, :2]), ShapeError, "keys and values differ in length"),
        (
            lambda x: attention()(x, x, attention_mask=np.ones((3, 3, 3))),
            MaskError,
            r"attention_mask is wrong\n  received: float64 of shape",
        ),
        (
            lambda x: attention()(x, x, value_mask=np.ones((3, 5), bool)),
            MaskError,
            "the mask does not fit the tensor",
        ),
        (lambda x: attention(attention_axes=(1, 2)), ArgumentError, "attention_axes is wrong"),
        (lambda x: attention(dropout=1.0), ArgumentError, "dropout is wrong"),
        (lambda x: layers.MultiHeadAttention(0, 3), ArgumentError, "num_heads is wrong"),
        (lambda x: attention(kernel_constraint="unit"), ArgumentError, "has no argument 'kernel_c"),
    ],
)
def test_attention_refuses_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call(masked())


# -- wrappers ------------------------------------------------------------------------------


def test_both_directions_line_up_at_every_step():
    x = masked()
    layer = randomized(layers.Bidirectional(layers.GRU(2, return_sequences=True)), x)
    ahead, back = layers.GRU(2, return_sequences=True), layers.GRU(2, return_sequences=True)
    ahead(x), back(x)
    ahead.set_weights(layer.get_weights()[:3])
    back.set_weights(layer.get_weights()[3:])
    got = layer(x)
    np.testing.assert_allclose(got.value[..., :2], ahead(x).value, atol=1e-6)
    for row, length in enumerate(MASK.sum(1)):
        alone = back(x.value[row : row + 1, :length][:, ::-1]).value[0, ::-1]
        np.testing.assert_allclose(got.value[row, :length, 2:], alone, atol=1e-6)


def test_both_directions_share_one_mask():
    x = mg.Input((None, 4), masked=True)
    assert layers.Bidirectional(layers.LSTM(2, return_sequences=True))(x).mask is x.mask


def test_a_backward_layer_of_another_kind():
    back = layers.GRU(3, go_backwards=True)
    layer = layers.Bidirectional(layers.LSTM(2), backward_layer=back)
    assert layer(masked()).shape == (3, 5)
    assert [w.shape for w in layer.weights][:1] == [(4, 8)]
    assert layer.weights[3:] == back.weights


def test_both_directions_begin_with_given_weights():
    """Keras takes the argument, third in order, and ignores it."""
    x = masked()
    given = randomized(layers.Bidirectional(layers.GRU(2)), x)
    layer = layers.Bidirectional(layers.GRU(2), "concat", given.get_weights())
    np.testing.assert_array_equal(layer(x).value, given(x).value)
    symbol = mg.Input((None, 4), masked=True)
    model = mg.Model(symbol, type(layer).from_config(layer.get_config())(symbol), seed=0)
    np.testing.assert_array_equal(model(x).value, given(x).value)
    unfit = layers.Bidirectional(layers.GRU(3), weights=given.get_weights())
    with pytest.raises(ShapeError, match=r"'bidirectional.*': the weights do not fit"):
        unfit(x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Bidirectional(layers.Dense(2)), "it runs recurrent layers"),
        (lambda: layers.Bidirectional(layers.GRU(2), merge_mode="max"), "unknown merge_mode"),
        (
            lambda: layers.Bidirectional(layers.GRU(2, go_backwards=True)),
            "the layers must go in opposite directions",
        ),
        (
            lambda: layers.Bidirectional(
                layers.GRU(2),
                backward_layer=layers.GRU(2, go_backwards=True, return_sequences=True),
            ),
            "the layers differ in return_sequences",
        ),
        (lambda: layers.TimeDistributed(np.tanh), "it applies a layer"),
    ],
)
def test_wrappers_refuse_what_does_not_fit(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_states_for_both_directions():
    layer = layers.Bidirectional(layers.LSTM(2))
    with pytest.raises(ShapeError, match="a list of 4: forward states, then backward states"):
        layer(masked(), initial_state=[np.zeros((3, 2), "float32")] * 2)


DOCUMENTS = np.array([[[3, 7], [4, 0], [0, 0]], [[5, 0], [0, 0], [0, 0]]])


def words():
    return layers.TimeDistributed(layers.Embedding(9, 4, mask_zero=True))


def test_a_hierarchy_of_masks():
    x = words()(DOCUMENTS)
    assert (x.mask == (DOCUMENTS != 0)).all()
    sentences = layers.TimeDistributed(layers.LSTM(2))(x)
    exists = (DOCUMENTS != 0).any(2)
    assert (sentences.mask == exists).all()
    document = layers.GlobalAveragePooling1D()(sentences)
    np.testing.assert_allclose(
        document.value[0], sentences.value[0, :2].mean(0), rtol=1e-5, atol=1e-7
    )


def test_a_mask_of_sentences_and_one_of_words():
    sentences = np.array([[True, False, False], [True, True, False]])
    x = words()(mg.MaskedTensor(DOCUMENTS, sentences))
    assert (x.mask == ((DOCUMENTS != 0) & sentences[..., None])).all()
    counts = layers.TimeDistributed(layers.Dense(2))(masked())
    assert (counts.mask == MASK).all()


def test_a_layer_in_time_never_sees_what_a_mask_hides():
    ids = mg.MaskedTensor(np.where(MASK[..., None], 1, 10**6), MASK)
    x = layers.TimeDistributed(layers.Embedding(9, 4))(ids)
    assert (x.mask == MASK).all()


def test_time_distributed_needs_three_axes():
    with pytest.raises(ShapeError, match="rank 3 or more"):
        layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3), "float32"))


# -- shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.Flatten(), "masked and other axes become one"),
        (layers.Reshape((12,)), "does not begin with the masked axes"),
        (layers.Permute((2, 1)), "not the leading ones after the permutation"),
    ],
)
def test_a_mask_that_cannot_pass_is_lost_for_a_reason_and_leaves_zeros(layer, reason):
    y = layer(mg.Input((3, 4), masked=True))
    assert y.mask is None
    assert reason in y.node.losses[0]
    assert np.isfinite(layer(masked()).value).all()


def test_a_mask_passes_where_time_stays_in_front():
    x = mg.Input((None, 4), masked=True)
    assert layers.Reshape((-1, 2, 2))(x).mask is x.mask
    assert layers.Permute((1, 3, 2))(layers.Reshape((-1, 2, 2))(x)).mask is x.mask
    assert layers.Reshape((-1, 2, 2))(np.ones((0, 3, 4), "float32")).shape == (0, 3, 2, 2)


def test_flattening_with_channels_first():
    x = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    assert layers.Flatten("channels_first")(x).value.tolist() == [[0, 3, 1, 4, 2, 5]]
    assert layers.Flatten()(np.ones(3, np.float32)).shape == (3, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Reshape((-1, -1)), ArgumentError, "target_shape is wrong"),
        (lambda: layers.Reshape(4), ArgumentError, r"target_shape is wrong\n  received: 4\n"),
        (lambda: layers.RepeatVector(2)(masked()), ShapeError, r"TimeDistributed\(RepeatVector"),
        (lambda: layers.Reshape((5,))(masked()), ShapeError, "the number of elements differs"),
        (lambda: layers.Permute((2, 3)), ArgumentError, "dims is not a permutation"),
        (lambda: layers.Permute((2, 1))(np.ones((2, 3), "float32")), ShapeError, "wrong rank"),
        (lambda: layers.Flatten(data_format="first"), ArgumentError, "unknown data_format"),
    ],
)
def test_shape_layers_refuse_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()


# -- lambda --------------------------------------------------------------------------------


def test_a_function_that_says_nothing_of_masks_ends_them_and_sees_zeros():
    x = mg.Input((3, 4), masked=True)
    y = layers.Lambda(lambda x: ops.sum(x, axis=1))(x)
    assert "does not support masking" in y.node.losses[0]
    total = layers.Lambda(lambda x: x + 0)(masked(1.0))
    assert total.mask is None
    assert (total.value == MASK[..., None]).all()


def test_a_function_that_takes_the_mask_consumes_it():
    layer = layers.Lambda(lambda x, mask: ops.cast(mask, "float32"))
    assert (layer(masked()).value == MASK).all()
    y = layer(mg.Input((3, 4), masked=True))
    assert (y.mask, y.node.losses) == (None, (None,))


@pytest.mark.parametrize("mask", [MASK, lambda inputs, mask: mask, lambda inputs, mask: MASK])
def test_the_mask_of_a_function(mask):
    layer = layers.Lambda(lambda x: x * 2, mask=mask)
    again = type(layer).from_config(layer.get_config())
    for each in (layer, again):
        y = each(masked(1.0))
        assert (y.mask == MASK).all()
        assert (y.value[MASK] == 2).all()


def test_a_function_gets_its_arguments_and_whether_it_trains():
    layer = layers.Lambda(lambda x, by, training: x * by if training else x, arguments={"by": 3})
    x = np.ones((1, 2), np.float32)
    assert layer(x).value.tolist() == [[1, 1]]
    assert layer(x, training=True).value.tolist() == [[3, 3]]


def test_the_output_shape_of_a_function_is_checked():
    x = np.ones((2, 3), np.float32)
    assert layers.Lambda(lambda x: x, output_shape=(3,))(x).shape == (2, 3)
    assert layers.Lambda(lambda x: x, output_shape=lambda shape: shape)(x).shape == (2, 3)
    with pytest.raises(ShapeError, match="contradicts output_shape"):
        layers.Lambda(lambda x: x, output_shape=(4,))(x)


def test_a_lambda_wraps_a_function():
    with pytest.raises(ArgumentError, match="it wraps a function"):
        layers.Lambda("x * 2")


# -- all of them ---------------------------------------------------------------------------


def test_sizes_may_be_integers_of_numpy():
    classes = np.array([0, 2, 1]).max() + 1
    assert layers.Dense(classes)(np.ones((1, 2), "float32")).shape == (1, 3)
    assert type(layers.Embedding(classes, 4).input_dim) is int
    with pytest.raises(ArgumentError, match="units out of range"):
        layers.Dense(np.True_)


def test_unknown_arguments_are_refused_with_those_that_exist():
    with pytest.raises(ArgumentError, match=r"LSTM has no argument 'unit'(.|\n)*units"):
        layers.LSTM(2, unit=3)


def test_a_mask_that_does_not_fit_is_refused():
    with pytest.raises(MaskError, match=r"expected: a mask of shape \(3, 3\)"):
        layers.LSTM(2)(np.ones((3, 3, 4), "float32"), mask=np.ones((3, 4), bool))
    with pytest.raises(MaskError, match="dtype is wrong"):
        layers.LSTM(2)(np.ones((3, 3, 4), "float32"), mask=np.ones((3, 3)))


def test_every_layer_is_in_the_table():
    from maskgraph.testing.layer_table import LAYERS

    public = {v.__name__ for v in vars(layers).values() if isinstance(v, type)} - {"Layer"}

    def kinds(layer):  # cells are in the table within the layers that run them
        return {type(layer).__name__}.union(*map(kinds, layer._sublayers))

    in_table = [row.make() for row in LAYERS]
    assert public <= set().union(*map(kinds, in_table))
    assert {type(layer).__name__ for layer in in_table} <= public
