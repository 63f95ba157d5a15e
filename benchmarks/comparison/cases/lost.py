"""Masks that are lost on the way from the layer that makes them to the one that needs them."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.comparison.case import case
from benchmarks.comparison.oracle import (
    FEATURES,
    VOCABULARY,
    embedded,
    judge,
    model_law,
    padded,
    same_symbolic_mask,
    sequences_of_ids,
    sequences_of_vectors,
)
from benchmarks.comparison.sides import Side, set_weights
from benchmarks.comparison.verdict import Verdict, close, right, wrong

LENGTHS_BESIDE = "lengths beside every tensor, packed again for every RNN"


@case("1a", "`LSTM(x * 2)`", LENGTHS_BESIDE)
def operators(side: Side) -> Verdict:
    return model_law(side, lambda k, x: k.layers.LSTM(3)(x * 2))


@case("1b", "`LSTM(x[:, 1:])`", "lengths less one, by hand")
def slices(side: Side) -> Verdict:
    return model_law(side, lambda k, x: k.layers.LSTM(3)(x[:, 1:]), lengths=(3, 5, 2))


@case("1c", "`LSTM(ops.relu(x))`", LENGTHS_BESIDE)
def functions(side: Side) -> Verdict:
    return model_law(side, lambda k, x: k.layers.LSTM(3)(k.ops.relu(x)))


def _residual(k: Any, x: Any) -> Any:
    return k.layers.Add()([x, k.layers.MultiHeadAttention(2, 3)(x, x)])


@case("2a", "the mask of the residual `x + attention(x)`, run", "the inverted mask, for attention")
def residual(side: Side) -> Verdict:
    return model_law(side, _residual)


@case("2b", "a loss of each token after a residual", "`(loss * mask).sum() / mask.sum()`")
def loss_after_residual(side: Side) -> Verdict:
    model = _residual_model(side)
    model.compile(loss="mse")
    ids, targets = _targets()
    found = model.evaluate(ids, targets, verbose=0)
    return close(found, _mean_square(side, model, targets), "the loss is off by")


@loss_after_residual.with_maskgraph
def _(side: Side) -> Verdict:
    model = _residual_model(side)
    ids, targets = _targets()
    loss = side.k.losses.MeanSquaredError()(targets, model(ids))
    return close(side.number(loss), _mean_square(side, model, targets), "the loss is off by")


def _residual_model(side: Side) -> Any:
    k = side.k
    tokens = k.Input(shape=(None,), dtype="int32")
    model = k.Model(tokens, k.layers.Dense(2)(_residual(k, embedded(k, tokens))))
    set_weights(model)
    return model


def _targets() -> tuple[np.ndarray, np.ndarray]:
    ids, _ = padded(sequences_of_ids())
    targets = np.random.default_rng(1).normal(size=(*ids.shape, 2)).astype("float32")
    return ids, targets


def _mean_square(side: Side, model: Any, targets: np.ndarray) -> float:
    """The mean over the steps that exist, of the sequences alone."""
    errors = []
    for row, sequence in enumerate(sequences_of_ids()):
        found = side.array(model(side.tensor(sequence[None])))[0]
        errors.append(((found - targets[row, : len(sequence)]) ** 2).mean(axis=-1))
    return float(np.concatenate(errors).mean())


@case("2c", "a second attention on a tensor that one has seen", "the inverted mask again")
def attention_twice(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        first = k.layers.MultiHeadAttention(2, 3)(x, x)
        return k.layers.Concatenate()([first, k.layers.MultiHeadAttention(2, 3)(x, x)])

    return model_law(side, build, needs_mask=False)


@case("2d", "on data: an LSTM on a tensor that an attention has seen", LENGTHS_BESIDE)
def lstm_after_attention(side: Side) -> Verdict:
    k = side.k
    attention, lstm = k.layers.MultiHeadAttention(2, 3), k.layers.LSTM(3)
    sequences = sequences_of_vectors()
    values, mask = padded(sequences, junk=100)
    for layer, arguments in ((attention, 2), (lstm, 1)):
        layer(*[side.tensor(values, mask)] * arguments)
        set_weights(layer)
    x = side.tensor(values, mask)
    attention(x, x)
    alone = [side.array(lstm(side.tensor(s[None])))[0] for s in sequences]
    return judge(side.array(lstm(x)), None, alone, steps=False)


@case("3", "`LSTM(x, initial_state=[h, c])`, a decoder", "packed input, and the states beside it")
def initial_state(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        _, h, c = k.layers.LSTM(3, return_state=True)(x)
        return k.layers.LSTM(3)(x, initial_state=[h, c])

    return model_law(side, build)


@case("4a", "`LSTM(h)` after a residual", "one mechanism: what is passed by hand")
def without_flag(side: Side) -> Verdict:
    return model_law(side, lambda k, x: k.layers.LSTM(3)(_residual(k, x)))


@case("4b", "`LSTM(h, training=False)` on the same graph", "one mechanism: what is passed by hand")
def with_flag(side: Side) -> Verdict:
    return model_law(side, lambda k, x: k.layers.LSTM(3)(_residual(k, x), training=False))


@case("5a", "the symbolic mask of a nested model's output", LENGTHS_BESIDE)
def nested_symbolic(side: Side) -> Verdict:
    k = side.k
    tokens = k.Input(shape=(None,), dtype="int32")
    x = embedded(k, tokens)
    return same_symbolic_mask(side, x, _nested(k)(x)) or right("it is there")


@case("5b", "a nested model between Embedding and LSTM, run", LENGTHS_BESIDE)
def nested_run(side: Side) -> Verdict:
    return model_law(side, lambda k, x: k.layers.LSTM(3)(_nested(k)(x)))


@case("5c", "a warning that the mask is lost, when it is not", "no mechanism, no warning")
def nested_warning(side: Side) -> Verdict:
    return no_false_warning(lambda: model_law(side, lambda k, x: k.layers.LSTM(3)(_nested(k)(x))))


def _nested(k: Any) -> Any:
    inner = k.Input(shape=(None, FEATURES))
    return k.Model(inner, k.layers.Dense(FEATURES)(inner))


def no_false_warning(run: Any) -> Verdict:
    """Return whether a run that is right goes without a warning about masks."""
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        verdict = run()
    warned = [str(w.message) for w in caught if "mask" in str(w.message).lower()]
    if warned and verdict.status == "right":
        return wrong("the result is right, and it warns that the mask is destroyed")
    if warned:
        return wrong(f"it warns, and rightly: {verdict.text}")
    return right("no warning") if verdict.status == "right" else verdict


@case("6a", "`Add` with an unmasked input, then an LSTM", LENGTHS_BESIDE)
def add_unmasked(side: Side) -> Verdict:
    return _merged_with_unmasked(side, "Add")


@case("6b", "`Multiply` with an unmasked input, then an LSTM", LENGTHS_BESIDE)
def multiply_unmasked(side: Side) -> Verdict:
    return _merged_with_unmasked(side, "Multiply")


@case("6c", "`Concatenate` with an unmasked input, then an LSTM", LENGTHS_BESIDE)
def concatenate_unmasked(side: Side) -> Verdict:
    return _merged_with_unmasked(side, "Concatenate")


@case("6d", "the mask that comes out of that `Concatenate`", LENGTHS_BESIDE)
def concatenate_mask(side: Side) -> Verdict:
    return _merged_with_unmasked(side, "Concatenate", last=False)


def _merged_with_unmasked(side: Side, merge: str, last: bool = True) -> Verdict:
    def build(k: Any, tokens: Any) -> Any:
        unmasked = k.layers.Embedding(VOCABULARY, FEATURES)(tokens)
        merged = getattr(k.layers, merge)()([embedded(k, tokens), unmasked])
        return k.layers.LSTM(3)(merged) if last else merged

    return model_law(side, build, from_ids=True)


@case("7a", "two stacked LSTMs (the installed Keras, not its development head)", LENGTHS_BESIDE)
def stacked(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        return k.layers.LSTM(3)(k.layers.LSTM(4, return_sequences=True)(x))

    return model_law(side, build)


@case("7b", "Bidirectional before an LSTM (the installed Keras)", LENGTHS_BESIDE)
def after_bidirectional(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        both = k.layers.Bidirectional(k.layers.GRU(2, return_sequences=True))(x)
        return k.layers.LSTM(3)(both)

    return model_law(side, build)


@case("7c", "TimeDistributed before an LSTM (the installed Keras)", LENGTHS_BESIDE)
def after_time_distributed(side: Side) -> Verdict:
    def build(k: Any, x: Any) -> Any:
        return k.layers.LSTM(3)(k.layers.TimeDistributed(k.layers.Dense(3))(x))

    return model_law(side, build)
