"""The static check: what it reports, and what it does not."""

import warnings

import pytest

import maskgraph as mg
from maskgraph import layers, ops
from maskgraph.errors import ArgumentError, MaskLossError


class Doubled(layers.Layer):
    """A layer that says nothing about masks."""

    def call(self, inputs):
        return inputs * 2


def embedded(name="tokens"):
    tokens = mg.Input(shape=(None,), dtype="int32", name=name)
    return tokens, layers.Embedding(10, 4, mask_zero=True)(tokens)


def lossy(**options):
    tokens, x = embedded()
    x = Doubled(name="doubled")(x)
    return mg.Model(tokens, layers.LSTM(3, name="reader")(x), **options)


def test_rows_tell_where_masks_begin_and_end():
    tokens, x = embedded()
    x = layers.Dense(4)(x)
    y = x[:, 1:]
    model = mg.Model(tokens, [layers.LSTM(3)(x), y])
    report = model.check()
    assert report.ok
    assert [row.action for row in report.rows] == ["-", "generate", "pass", "transform", "reduce"]
    assert [row.consumes for row in report.rows] == [False, False, False, False, True]
    assert report.rows[1].masks_out == ("tokens != 0",)
    assert "ok: no mask is lost" in str(report)


def test_loss_names_layer_consumer_line_and_mend():
    with pytest.warns(mg.MaskLossWarning, match="'doubled' loses the mask 'tokens != 0'"):
        model = lossy()
    report = model.check()
    assert not report.ok
    assert [row.action for row in report.rows] == ["-", "generate", "destroy", "-"]
    (finding,) = report.findings
    assert (finding.code, finding.severity, finding.node) == ("MG001", "error", "doubled")
    assert "LSTM 'reader' after it needs one" in finding.message
    assert finding.location.file == __file__
    assert "supports_masking = True" in finding.mend


def test_the_warning_points_at_the_users_line():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lossy()
    assert caught[0].filename == __file__


def test_on_mask_loss():
    with pytest.raises(MaskLossError, match="doubled"):
        lossy(on_mask_loss="error")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lossy(on_mask_loss="ignore")
    with pytest.raises(ArgumentError, match="'loud'"):
        lossy(on_mask_loss="loud")


def test_an_argument_named_like_a_mask_is_no_opt_in():
    class Causal(layers.Layer):
        def call(self, inputs, causal_mask=None):
            return inputs * 2

    tokens, x = embedded()
    model = mg.Model(tokens, Causal(name="causal")(x), on_mask_loss="ignore")
    assert [f.node for f in model.check().findings] == ["causal"]


def test_loss_that_nobody_misses_is_a_warning():
    tokens, x = embedded()
    model = mg.Model(tokens, Doubled()(x), on_mask_loss="ignore")
    assert [f.code for f in model.check().findings] == ["MG002"]


def test_dropped_on_purpose_is_no_fault():
    tokens, x = embedded()
    x = Doubled()(layers.DropMask()(x))
    model = mg.Model(tokens, layers.LSTM(3)(x), on_mask_loss="error")
    report = model.check()
    assert report.ok
    assert [f.code for f in report.findings] == ["MG005"]


def test_opting_in_mends_it():
    class Kept(Doubled):
        supports_masking = True

    tokens, x = embedded()
    y = Kept()(x)
    assert y.mask is x.mask
    assert mg.Model(tokens, y, on_mask_loss="error").check().ok


def test_reshape_that_breaks_time_is_reported():
    tokens, x = embedded()
    y = ops.reshape(x, (-1, 8))
    assert y.mask is None
    (finding,) = mg.Model(tokens, y, on_mask_loss="ignore").check().findings
    assert "masked axes" in finding.message


def test_picking_a_column_is_reported():
    tokens, x = embedded()
    (finding,) = mg.Model(tokens, x[:, -1], on_mask_loss="ignore").check().findings
    assert "takes one column" in finding.message


def test_masks_that_differ_are_told():
    a, x = embedded("a")
    b, y = embedded("b")
    model = mg.Model([a, b], layers.Add()([x, y]), on_mask_loss="error")
    (finding,) = model.check().findings
    assert (finding.code, finding.severity) == ("MG003", "note")
    assert "(a != 0) & (b != 0)" in finding.message


def test_layer_that_wants_a_mask_and_gets_none():
    series = mg.Input(shape=(None, 3))
    (finding,) = mg.Model(series, layers.LSTM(3)(series)).check().findings
    assert (finding.code, finding.severity) == ("MG004", "note")
    fixed = mg.Input(shape=(7, 3))
    assert not mg.Model(fixed, layers.LSTM(3)(fixed)).check().findings


def test_no_false_alarms():
    """Nested models, wrappers, attention and everything else of ours pass without a finding."""
    tokens, x = embedded()
    inner = mg.Input(shape=(None, 4))
    x = mg.Model(inner, layers.Dense(4)(inner))(x)
    x = layers.Bidirectional(layers.GRU(2, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(4))(x)
    x = x + layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(layers.Dropout(0.1)(x))
    x = layers.Activation("gelu")(x)
    outputs = layers.GlobalAveragePooling1D()(x)
    model = mg.Model(tokens, outputs, on_mask_loss="error")
    assert model.check().findings == ()


def over_time(x):
    inner = mg.Input(shape=(None, 4))
    yield layers.LSTM(3)(x)
    yield layers.GlobalMaxPooling1D()(x)
    yield layers.MultiHeadAttention(2, 3)(x, x)
    yield layers.Softmax(axis=1)(x)
    yield layers.LayerNormalization(axis=1, center=False, scale=False)(x)
    yield layers.Bidirectional(layers.GRU(2))(x)
    yield mg.Model(inner, layers.GlobalAveragePooling1D()(inner))(x)
    yield ops.mean(x, axis=1)
    yield ops.cumsum(x, axis=1)


def step_by_step(x):
    yield layers.Dense(3, activation="softmax")(x)
    yield layers.LayerNormalization()(x)
    yield layers.TimeDistributed(layers.Dense(3))(x)
    yield layers.Dropout(0.1)(x)
    yield x * 2 + 1
    yield ops.sum(x, axis=-1)


def test_who_needs_a_mask_follows_from_the_ops():
    unmasked, masked = mg.Input(shape=(None, 4)), mg.Input(shape=(None, 4), masked=True)
    for functions, needed in ((over_time, True), (step_by_step, False)):
        for without, with_mask in zip(functions(unmasked), functions(masked), strict=True):
            codes = [f.code for f in mg.Model(unmasked, without).check().findings]
            assert codes == ["MG004"] * needed, without
            rows = mg.Model(masked, with_mask).check().rows
            assert any(row.consumes for row in rows) is needed, with_mask


def test_axes_are_told_where_they_are_not_batch_and_time():
    words = mg.Input((None, None), dtype="int32", name="words")
    x = layers.TimeDistributed(layers.Embedding(9, 4, mask_zero=True))(words)
    x = layers.TimeDistributed(layers.LSTM(4))(x)
    report = mg.Model(words, layers.LSTM(2)(x)).check()
    assert [row.axes_out for row in report.rows] == [
        (),
        (("batch", "time", "inner time"),),
        (("batch", "time"),),
        (),
    ]
    assert "words != 0 (batch, time, inner time)" in str(report)


def test_attention_masks_are_among_the_masks_that_come_in():
    x = mg.Input((None, 4), name="x", masked=True)
    pairs = mg.Input((None, None), dtype="bool", name="pairs")
    y = layers.MultiHeadAttention(2, 2)(x, x, attention_mask=pairs)
    report = mg.Model([x, pairs], y).check()
    row = report.rows[-1]
    assert row.masks_in == ("x.mask", "pairs")
    assert row.axes_in == (("batch", "time"), ("batch", "query", "key"))
    assert "pairs (batch, query, key)" in str(report)
