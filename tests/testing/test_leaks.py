"""The leak detector on models of every kind: those that leak are caught, and the layer is named;
those that do not are not accused."""

import os
import random

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import layers
from maskgraph.errors import ArgumentError, MaskError, ShapeError
from maskgraph.testing import check_leaks

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(4, 6, 4)).astype("float32")
MASK = np.arange(6) < np.array([[4], [1], [6], [3]])
IDS = np.where(MASK, GENERATOR.integers(1, 9, (4, 6)), 0).astype("int32")
FINITE = ("noise", "large", "right", "left", "alone")
ALL = {"noise", "large", "nan", "inf", "right", "left", "alone"}


def alterations(report):
    return {leak.alteration for leak in report.leaks}


# -- functions -----------------------------------------------------------------------------


def mean(x, mask):
    x = np.where(mask[..., None], x, 0)
    return x.sum(axis=1) / mask.sum(axis=1, keepdims=True)


def test_a_function_that_counts_valid_steps_only_is_clean():
    report = check_leaks(mean, X, MASK)
    assert report.ok, report
    assert set(report.tried) == ALL
    assert str(report).endswith("ok: padding is not seen")


def test_a_product_with_the_mask_is_caught():
    report = check_leaks(lambda x, mask: (x * mask[..., None]).mean(1), X, MASK)
    assert alterations(report) == {"nan", "inf", "right", "left", "alone"}
    right = next(leak for leak in report.leaks if leak.alteration == "right")
    expected = np.abs((X * MASK[..., None]).sum(1) * (1 / 6 - 1 / 14))
    assert right.difference == pytest.approx(expected.max(), rel=1e-5)
    assert right.row == np.unravel_index(expected.argmax(), expected.shape)[0]
    assert right.step is None
    with pytest.raises(AssertionError, match="when there is more padding on the right"):
        report.raise_if_leaking()


def test_the_step_that_changes_is_told():
    def shifted(x, mask):  # each step gets the one after it
        return np.concatenate([x[:, 1:], 0 * x[:, :1]], axis=1)

    report = check_leaks(shifted, X, MASK, alterations=["large"])
    (leak,) = report.leaks
    assert (leak.what, leak.row, leak.step) == ("output 0", 0, 3)
    assert leak.difference > 9e5


def test_windows_that_make_fewer_steps_are_followed():
    def halved(x, mask):
        return np.where(mask[..., None], x, 0)[:, ::2]

    def summed(x, mask):
        x = np.where(mask[..., None], x, 0)
        return (x + x.sum(1, keepdims=True) / x.shape[1])[:, ::2]

    assert check_leaks(halved, X, MASK, alterations=["noise", "nan", "right", "alone"]).ok
    assert alterations(check_leaks(summed, X, MASK, alterations=["noise", "right"])) == {"right"}


def test_attention_weights_follow_time_on_two_axes():
    def weights(x, mask):
        scores = np.where(mask[:, None], np.nan_to_num(x) @ np.nan_to_num(x).mT, -np.inf)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        return scores / scores.sum(-1, keepdims=True)

    assert check_leaks(weights, X, MASK, alterations=["noise", "right", "left", "alone"]).ok


def test_several_inputs_of_different_lengths():
    def both(x, y, mask, other):
        return mean(x, mask) + mean(y, other)

    y, other = X[:, :5], MASK[:, :5]
    assert check_leaks(both, (X, y), (MASK, other)).ok
    assert not check_leaks(lambda x, y, m, o: x.sum(1) + mean(y, o), (X, y), (MASK, other)).ok

    def named(tensors, masks):
        return {"sum": mean(tensors["x"], masks["x"]) + tensors["bias"]}

    given = {"x": X, "bias": np.ones((4, 1), "float32")}
    assert check_leaks(named, given, {"x": MASK, "bias": None}).ok


def test_ids_are_replaced_by_others_that_are_known():
    table = GENERATOR.normal(size=(9, 3))

    def look(ids, mask):
        assert ids.max() < 9
        return mean(table[ids], mask)

    report = check_leaks(look, IDS, MASK)
    assert report.ok
    assert set(report.tried) == {"noise", "right", "left", "alone"}
    assert alterations(check_leaks(lambda i, m: table[i][:, -1] * m.any(), IDS, MASK)) >= {"noise"}
    assert check_leaks(lambda i, m: mean(i[..., None] * 1.0, m), IDS, MASK, vocabulary=99).ok


def test_polarity_and_names():
    def keyword(x, *, padding):
        return mean(x, ~padding)

    assert check_leaks(keyword, X, MASK, mask_name="padding", mask_means="ignore").ok
    assert not check_leaks(keyword, X, MASK, mask_name="padding").ok


def test_lengths():
    def lengthwise(x, lengths):
        return np.stack([row[:n].mean(0) for row, n in zip(x, lengths, strict=True)])

    report = check_leaks(lengthwise, X, MASK, lengths_name="lengths")
    assert report.ok
    assert "left" not in report.tried
    with pytest.raises(ArgumentError, match="lengths cannot say what the mask says"):
        check_leaks(lengthwise, X, MASK[:, ::-1], lengths_name="lengths")


def test_sizes_that_a_model_refuses_are_told():
    def six(x, mask):
        assert x.shape[1] == 6, "six steps only"
        return np.where(mask[..., None], x, 0)

    report = check_leaks(six, X, MASK)
    assert report.ok
    assert set(report.tried) == ALL - {"right", "left"}, "one sequence has six steps alone"
    assert "not tried: right: AssertionError: six steps only" in str(report)


def test_randomness_is_the_same_in_every_run_and_left_as_it_was():
    def noisy(x, mask):
        return mean(x, mask) + np.random.random() + random.random()

    random.seed(0)
    np.random.seed(0)
    states = random.getstate(), np.random.get_state()[1].tolist()
    assert check_leaks(noisy, X, MASK).ok
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states


def test_the_seed_makes_reports_equal():
    reports = [check_leaks(lambda x, m: x.sum(1), X, MASK, seed=s) for s in (0, 0, 1)]
    assert reports[0].leaks == reports[1].leaks
    assert reports[0].leaks != reports[2].leaks


def test_jax_functions_are_differentiated():
    jnp = pytest.importorskip("jax.numpy")

    def total(x, mask):
        return jnp.where(mask[..., None], x, 0).sum(1) ** 2

    def careless(x, mask):  # right values, wrong gradients
        return jnp.where(mask[..., None], jnp.log(x), 0).sum(1)

    assert check_leaks(total, jnp.abs(jnp.asarray(X)), MASK).ok
    report = check_leaks(careless, jnp.abs(jnp.asarray(X)), MASK, alterations=["noise"])
    assert {leak.what for leak in report.leaks} == {"gradient of input 0"}


# -- mistakes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"mask": MASK.astype("float32")}, MaskError, "dtype is wrong"),
        ({"mask": MASK[:, :5]}, MaskError, r"\(4, 5\).*\(4, 6, 4\)"),
        ({"mask": None}, MaskError, "nothing tells which steps exist"),
        ({"mask": [MASK, MASK], "inputs": (X,)}, MaskError, "2 masks"),
        ({"inputs": (X, X[:2])}, ShapeError, "same number of sequences"),
        ({"mask_means": "drop"}, ArgumentError, "mask_means"),
        ({"alterations": ["zebra"]}, ArgumentError, "'zebra'"),
        ({"fn": 3}, ArgumentError, "cannot be called"),
        ({"fn": lambda x, mask: "text"}, ArgumentError, "returns no tensors"),
    ],
)
def test_mistakes_are_told(arguments, error, match):
    with pytest.raises(error, match=f"(?s){match}"):
        check_leaks(**{"fn": mean, "inputs": X, "mask": MASK, **arguments})


def test_a_function_that_differs_from_call_to_call_is_refused():
    calls = iter(range(99))
    with pytest.raises(ArgumentError, match="does not give the same twice"):
        check_leaks(lambda x, mask: mean(x, mask) + next(calls), X, MASK)


def test_outputs_whose_shape_changes_are_a_leak():
    report = check_leaks(lambda x, m: x[np.abs(x).sum((1, 2)) < 1e5], X, MASK, alterations="large")
    assert not report.ok
    assert "another shape" in str(report)


# -- maskgraph -----------------------------------------------------------------------------


class Reader(layers.Layer):
    """Looks at every step, also those that do not exist."""

    backends = {"numpy"}

    def call(self, inputs):
        return inputs.mean(axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])


def tagger(reader=False):
    tokens = mg.Input((None,), "int32", name="tokens")
    x = layers.Embedding(9, 4, mask_zero=True)(tokens)
    x = layers.GRU(4, return_sequences=True)(x)
    pooled = Reader(name="reader")(x) if reader else layers.GlobalMaxPooling1D()(x)
    return mg.Model(tokens, [x, layers.Dense(2)(pooled)], seed=0, on_mask_loss="ignore")


@pytest.mark.parametrize("mask", [None, MASK])
@pytest.mark.parametrize("backend", ["numpy", "torch", "tensorflow", "jax"])
def test_a_maskgraph_model_is_clean(backend, mask):
    report = check_leaks(tagger(), IDS, mask, backend=backend)
    assert report.ok, report
    assert ("noise" in report.tried) == (mask is not None)


@pytest.mark.parametrize("mask", [None, MASK])
def test_a_maskgraph_layer_that_reads_padding_is_named(mask):
    report = check_leaks(tagger(reader=True), IDS, mask, backend="numpy")
    assert alterations(report) == {"right", "left", "alone"}
    assert report.nodes == ["reader"]
    assert {leak.what for leak in report.leaks} == {"output 1"}
    assert 'layer "reader" (Reader): output at valid steps changes by ' in str(report)
    assert str(report).endswith('leaking: layer "reader" (Reader)')


def test_a_maskgraph_layer_alone():
    assert check_leaks(layers.LSTM(3), X, MASK, backend="torch").ok
    assert check_leaks(layers.Add(), [X, X], [MASK, MASK]).ok
    report = check_leaks(Reader(), mg.MaskedTensor(X, MASK), backend="numpy")
    assert report.nodes == [report.leaks[0].fault.name]


# -- PyTorch -------------------------------------------------------------------------------

torch = pytest.importorskip("torch")


class Tagger(torch.nn.Module):
    """A transformer, which passes on a mask of the steps to ignore."""

    def __init__(self, inverted=False):
        super().__init__()
        torch.manual_seed(0)
        layer = torch.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5, batch_first=True)
        self.encoder = torch.nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = torch.nn.Linear(4, 2)
        self.inverted = inverted

    def forward(self, x, mask):
        ignored = mask if self.inverted else ~mask
        return self.head(self.encoder(x, src_key_padding_mask=ignored))


def test_a_transformer_does_not_see_finite_padding():
    report = check_leaks(Tagger(), X, MASK, alterations=FINITE)
    assert report.ok, report


def test_a_transformer_sees_nan():
    report = check_leaks(Tagger(), X, MASK, alterations=["nan"])
    assert report.nodes == ["encoder.layers.0.self_attn"]
    (fault,) = {leak.fault for leak in report.leaks if leak.fault}
    assert fault.title == 'module "encoder.layers.0.self_attn" (MultiheadAttention)'


def test_an_inverted_mask_is_caught():
    report = check_leaks(Tagger(inverted=True), X, MASK, alterations=["noise"])
    assert report.nodes == ["encoder.layers.0.self_attn"]
    changed = {leak.what for leak in report.leaks}
    assert {"output 0", "gradient of input 0", "gradient of head.weight"} <= changed


def test_names_and_polarity_of_modules():
    layer = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 1, enable_nested_tensor=False
    )
    options = {"mask_name": "src_key_padding_mask", "alterations": ["noise", "left"]}
    assert check_leaks(layer, X, MASK, mask_means="ignore", **options).ok
    assert not check_leaks(layer, X, MASK, **options).ok


def test_the_module_stays_as_it_was():
    module = Tagger()
    module.encoder.eval()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    generator = torch.random.get_rng_state()
    check_leaks(module, X, MASK, alterations=["noise"])
    assert [module.training, module.encoder.training, module.head.training] == [True, False, True]
    assert all(torch.equal(before[n], v) for n, v in module.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    assert torch.equal(generator, torch.random.get_rng_state())
    assert not any(m._forward_hooks for m in module.modules())


class Packed(torch.nn.Module):
    """An LSTM over packed sequences: what each gives alone."""

    def __init__(self, careful=True):
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Embedding(9, 4)
        self.lstm = torch.nn.LSTM(4, 3, batch_first=True)
        self.careful = careful

    def forward(self, ids, lengths):
        x = self.table(ids)
        if self.careful:
            x = torch.nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
        return self.lstm(x)


def test_packed_sequences():
    assert check_leaks(Packed(), IDS, MASK, lengths_name="lengths").ok
    report = check_leaks(Packed(careful=False), IDS, MASK, lengths_name="lengths")
    assert report.nodes == ["lstm"]
    assert {leak.what for leak in report.leaks} >= {"output 1", "output 2"}


# -- Keras ---------------------------------------------------------------------------------

keras = pytest.importorskip("keras")


def embedded(*rest):
    keras.utils.set_random_seed(0)
    embedding = keras.layers.Embedding(9, 4, mask_zero=True)
    return keras.Sequential([keras.Input((None,), dtype="int32"), embedding, *rest])


def functional(*rest):
    sequential = embedded(*rest)
    return keras.Model(sequential.inputs, sequential.outputs)


class Subclassed(keras.Model):
    def __init__(self, *rest):
        super().__init__()
        self.steps = [keras.layers.Embedding(9, 4, mask_zero=True), *rest]

    def call(self, ids):
        x = ids
        for step in self.steps:
            x = step(x)
        return x


def subclassed(*rest):
    keras.utils.set_random_seed(0)
    model = Subclassed(*rest)
    model(IDS)
    return model


pytestmark = pytest.mark.filterwarnings("ignore:Layer .* destroy the mask information:UserWarning")


@pytest.mark.parametrize("build", [embedded, functional, subclassed])
def test_a_convolution_after_a_mask_is_named(build):
    convolution = keras.layers.Conv1D(4, 3, padding="same", name="window")
    model = build(convolution, keras.layers.GlobalAveragePooling1D())
    report = check_leaks(model, IDS)
    assert report.nodes == ["window"]
    assert alterations(report) == set(FINITE)
    text = 'layer "window" (Conv1D): output at valid steps changes by '
    assert text in str(report)
    assert str(report).endswith('leaking: layer "window" (Conv1D)')


@pytest.mark.parametrize("build", [embedded, functional, subclassed])
def test_what_keras_masks_is_clean(build):
    gru = keras.layers.GRU(3, return_sequences=True)
    report = check_leaks(build(gru, keras.layers.GlobalAveragePooling1D()), IDS)
    assert report.ok, report
    assert set(report.tried) == set(FINITE)


def test_maximum_pooling_in_keras_leaks():
    model = embedded(keras.layers.Dense(4), keras.layers.GlobalMaxPooling1D(name="max"))
    report = check_leaks(model, IDS)
    assert report.nodes == ["max"]
    assert {"noise", "large", "alone"} <= alterations(report)


def test_a_layer_of_keras_with_an_explicit_mask():
    report = check_leaks(keras.layers.GlobalMaxPooling1D(), X, MASK)
    assert {"noise", "large", "nan", "inf", "alone"} <= alterations(report)
    assert check_leaks(keras.layers.GlobalAveragePooling1D(), X, MASK, alterations=FINITE).ok


@pytest.mark.parametrize("mask_value", [0.0, -1.0])
def test_lstm_after_masking_is_clean(mask_value):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((None, 4)), keras.layers.Masking(mask_value), keras.layers.LSTM(3)]
    )
    report = check_leaks(model, np.where(MASK[..., None], X, np.float32(mask_value)))
    assert report.ok, report
    assert report.tried == ("right", "left", "alone")
    assert "the model makes its mask of it" in str(report)
    noise = np.where(MASK[..., None], X, 7)
    assert check_leaks(model, noise, MASK).ok, "what stands in the padding is put right"


def test_padding_that_a_keras_model_cannot_tell_from_steps():
    ids = IDS.copy()
    ids[0, 1] = 0
    model = embedded(keras.layers.GlobalAveragePooling1D())
    with pytest.raises(MaskError, match=r"padding at a step that exists[\s\S]*row 0, step 1"):
        check_leaks(model, ids, MASK)


def test_gradients_of_weights_in_keras():
    if keras.config.backend() != "tensorflow":
        pytest.skip("gradients by weights are taken on TensorFlow")
    report = check_leaks(keras.layers.LSTM(3), X, MASK, alterations=["nan"])
    changed = {leak.what.rpartition("/")[2] for leak in report.leaks}
    assert changed >= {"kernel", "recurrent_kernel", "bias"}, "0 * NaN comes back in gradients"


def test_the_keras_model_stays_as_it_was():
    class Counting(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)
            self.supports_masking = True

        def call(self, inputs):
            self.count.assign_add(1.0)
            return inputs

    model = embedded(keras.layers.Dense(4), Counting(), keras.layers.Dropout(0.5))
    model.layers[-2].count.assign(3.0)
    before = [np.array(w) for w in model.get_weights()]
    assert check_leaks(model, IDS, alterations=["noise", "right"]).ok
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert all("call" not in vars(layer) for layer in model.layers)
