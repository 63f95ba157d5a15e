"""The loss of a padded batch is that of the flat list of the steps that exist, which Keras, given
that list, judges."""

import os

import numpy as np
import pytest

import maskgraph as mg
from maskgraph import losses
from maskgraph.backend import load
from maskgraph.graph import Spec, masked_source, source
from maskgraph.losses.base import REDUCTIONS
from maskgraph.masks import MaskedTensor
from maskgraph.plan import Plan, Program
from maskgraph.testing.loss_table import LOSSES
from maskgraph.testing.sequences import PADDINGS, Rectangle
from maskgraph.text import snake_case

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
keras = pytest.importorskip("keras")

LENGTHS = (3, 0, 5, 1, 6, 2, 4)
TIME = len(LENGTHS)  # as many steps as sequences, so that no size tells them apart
NAMED = [r for r in REDUCTIONS if r is not None]

every_row = pytest.mark.parametrize("row", LOSSES, ids=str)


class Batch:
    """Labels and predictions of sequences, padded, and flat."""

    def __init__(self, row, padding="right", filler="zeros", lengths=LENGTHS, time=TIME):
        generator = np.random.default_rng(0)
        self.steps = [(row.y_true(generator, n), row.y_pred(generator, n)) for n in lengths]
        truth, self.pred = (
            Rectangle.place(list(s), time, padding, np.random.default_rng(1))
            for s in zip(*self.steps, strict=True)
        )
        self.mask = truth.mask
        self.y_true = truth.values.copy()
        self.y_true[~self.mask] = {
            "zeros": 0,
            "noise": generator.integers(-9, 10**6),
            "nan": row.junk,
            "inf": row.junk,
        }[filler]
        self.y_pred = self.pred.filled(filler, generator).value
        self.flat_true, self.flat_pred = (x.values[self.mask] for x in (truth, self.pred))
        self.weights = generator.uniform(0.5, 2, (len(lengths), time))

    def masked(self):
        return self.y_true, MaskedTensor(self.y_pred, self.mask)


def in_keras(loss, y_true, y_pred, sample_weight=None):
    """Return what Keras makes of a flat list of steps."""
    arguments = {**loss.get_config(), "dtype": "float64"}
    twin = getattr(keras.losses, type(loss).__name__)(**arguments)
    if y_pred.ndim == 1:
        y_true, y_pred = y_true[:, None], y_pred[:, None]
    return np.asarray(twin(y_true, y_pred, sample_weight))


def assert_close(found, expected, tolerance=1e-7):
    np.testing.assert_allclose(np.asarray(found), expected, rtol=tolerance, atol=tolerance)


@every_row
@pytest.mark.parametrize("reduction", NAMED)
def test_unpadded_as_in_keras(row, reduction):
    batch = Batch(row, lengths=(4, 4), time=4)
    loss = row.make(reduction=reduction)
    mask = np.ones((2, 4), bool) if batch.y_pred.ndim == 2 else None  # steps that are numbers
    found = loss(batch.y_true, batch.y_pred, mask=mask)
    assert isinstance(found, np.ndarray | np.generic)
    assert_close(found.reshape(-1), in_keras(loss, batch.flat_true, batch.flat_pred).reshape(-1))


@every_row
@pytest.mark.parametrize("filler", ["zeros", "noise", "nan", "inf"])
@pytest.mark.parametrize("padding", PADDINGS)
def test_padding_is_not_seen(row, padding, filler):
    batch = Batch(row, padding, filler)
    for reduction in ("sum_over_batch_size", "sum"):
        loss = row.make(reduction=reduction)
        assert_close(loss(*batch.masked()), in_keras(loss, batch.flat_true, batch.flat_pred))
    each = row.make(reduction=None)
    found = each(*batch.masked())
    assert found.shape == (TIME, TIME)
    alone = in_keras(each, batch.flat_true, batch.flat_pred)
    assert_close(found.numpy()[batch.mask], alone)
    assert (found.numpy()[~batch.mask] == 0).all()
    assert (found.value[~batch.mask] == 0).all()


@every_row
@pytest.mark.parametrize("reduction", NAMED)
@pytest.mark.parametrize("shape", ["(B,)", "(B, 1)", "(B, T)", "()"])
def test_weights_are_never_confused(row, reduction, shape):
    batch = Batch(row, "left", "nan")
    weights = {
        "(B,)": batch.weights[:, 0],
        "(B, 1)": batch.weights[:, :1],
        "(B, T)": batch.weights,
        "()": np.float64(1.5),
    }[shape]
    each = weights[:, None] if shape == "(B,)" else weights
    flat = np.broadcast_to(each, batch.mask.shape)[batch.mask]
    if shape == "(B, T)":
        weights = np.where(batch.mask, weights, np.nan)
    loss = row.make(reduction=reduction)
    found = loss(*batch.masked(), sample_weight=weights)
    expected = in_keras(loss, batch.flat_true, batch.flat_pred, flat)
    assert_close(found.numpy()[batch.mask] if reduction == "none" else found, expected)


@every_row
def test_masks_meet(row):
    batch = Batch(row)
    loss = row.make()
    expected = in_keras(loss, batch.flat_true, batch.flat_pred)
    first, second = batch.mask.copy(), batch.mask.copy()
    first[0] = second[1:] = True
    y_true, y_pred = MaskedTensor(batch.y_true, first), MaskedTensor(batch.y_pred, second)
    assert_close(loss(y_true, y_pred), expected)
    assert_close(loss(batch.y_true, y_pred, mask=first), expected)
    assert_close(loss(batch.y_true, batch.y_pred, mask=mg.Mask(batch.mask)), expected)
    assert isinstance(loss(batch.y_true, batch.y_pred, mask=batch.mask), np.ndarray | np.generic)


@every_row
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize(("batch", "time"), [(2, 3), (0, 3), (2, 0), (0, 0)])
def test_nothing_costs_nothing(row, reduction, batch, time):
    empty = Batch(row, filler="nan", lengths=(0, 0), time=time)
    y_true, y_pred = empty.y_true[:batch], empty.masked()[1][:batch]
    loss = row.make(reduction=reduction)
    assert float(loss(y_true, y_pred)) == 0
    assert float(loss(y_true, y_pred, sample_weight=np.ones(batch))) == 0


@every_row
@pytest.mark.parametrize("reduction", NAMED)
def test_on_symbols(row, reduction):
    batch = Batch(row, "holes", "nan")
    loss = row.make(reduction=reduction)
    generator = np.random.default_rng(2)
    kind = batch.y_true.dtype.name
    symbols = [
        source("input", "y_true", Spec((None, *batch.y_true.shape[1:]), kind)),
        masked_source("y_pred", Spec((None, *batch.y_pred.shape[1:]), "float64")),
        source("input", "weights", Spec((None,), "float64")),
    ]
    result = loss(*symbols[:2], sample_weight=symbols[2])
    plan = Plan(Program(symbols, [result]), load("numpy"))
    weights = generator.uniform(size=TIME)
    given = [(batch.y_true, None), (batch.y_pred, batch.mask), (weights, None)]
    ((found, mask),) = plan.run(given)
    expected = loss(*batch.masked(), sample_weight=weights)
    assert_close(MaskedTensor(found, mask).numpy(), expected.numpy())
    assert result.shape == (() if reduction != "none" else (None, TIME))


@every_row
def test_functions_give_the_loss_of_each_step(row):
    batch = Batch(row, "right", "nan")
    loss = row.make(reduction=None)
    name = type(loss).__name__
    function = getattr(losses, snake_case(name))
    arguments = {
        k: v for k, v in loss.get_config().items() if k not in ("reduction", "name", "dtype")
    }
    found = function(*batch.masked(), **arguments)
    np.testing.assert_array_equal(found.numpy(), loss(*batch.masked()).numpy())
    if "ignore_class" not in arguments:
        np.testing.assert_array_equal(found.mask, batch.mask)


def test_half_precision_is_computed_in_float32():
    y_pred = np.full((4, 1), 300, "float16")  # its square is beyond float16
    found = losses.MeanSquaredError()(np.zeros((4, 1)), y_pred)
    assert (found.dtype, float(found)) == ("float32", 90000)
    assert losses.MeanSquaredError(dtype="float64")(np.zeros((4, 1)), y_pred).dtype == "float64"


def test_every_loss_has_a_row():
    classes = {n for n, v in vars(losses).items() if isinstance(v, type)}
    assert classes == {type(row.make()).__name__ for row in LOSSES} | {"Loss", "CTC"}
