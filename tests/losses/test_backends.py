"""Losses give on every backend what they give on NumPy; no gradient reaches what is masked."""

import numpy as np
import pytest

from maskgraph.backend import load, plugins
from maskgraph.losses import CTC
from maskgraph.masks import MaskedTensor
from maskgraph.testing.loss_table import LOSSES
from maskgraph.testing.sequences import Rectangle

LENGTHS = (3, 0, 5, 1)
TIME = 6

every_row = pytest.mark.parametrize("row", LOSSES, ids=str)


@pytest.fixture(params=[name for name in ("torch", "tensorflow", "jax") if name in plugins()])
def backend(request):
    pytest.importorskip(request.param)
    return load(request.param, "cpu")


def batch(row):
    """Return labels, predictions and mask, with NaN in the padding."""
    generator = np.random.default_rng(0)
    truth, pred = (
        Rectangle.place(
            [draw(generator, n) for n in LENGTHS], TIME, "holes", np.random.default_rng(1)
        )
        for draw in (row.y_true, row.y_pred)
    )
    labels = truth.values.copy()
    labels[~truth.mask] = row.junk
    return labels, pred.filled("nan", generator).value, pred.mask


@every_row
def test_values(backend, row):
    y_true, y_pred, mask = batch(row)
    loss = row.make()
    weights = np.random.default_rng(2).uniform(size=len(LENGTHS))
    expected = loss(y_true, MaskedTensor(y_pred, mask), sample_weight=weights)
    native = backend.asarray(y_pred)
    masked = loss(y_true, MaskedTensor(native, backend.asarray(mask)), sample_weight=weights)
    assert masked.backend is backend or masked.backend.name == backend.name
    np.testing.assert_allclose(masked.numpy(), expected.numpy(), rtol=1e-10)
    plain = loss(backend.asarray(y_true), native, weights, mask=mask)
    np.testing.assert_allclose(backend.to_numpy(plain), expected.numpy(), rtol=1e-10)


@every_row
@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight"])
def test_gradients(backend, row, reduction):
    if not backend.differentiates:
        pytest.skip("the backend does not differentiate")
    y_true, y_pred, mask = batch(row)
    weights = np.random.default_rng(2).uniform(size=(len(LENGTHS), TIME))
    loss = row.make(reduction=reduction)

    def of(labels, exists, each):
        def function(arrays):
            result = loss(labels, MaskedTensor(arrays[0], exists), sample_weight=each)
            return result.value

        return function

    weights[~mask] = np.nan
    (found,) = backend.gradients(of(y_true, mask, weights), [backend.asarray(y_pred)])
    found = backend.to_numpy(found)
    assert (found[~mask] == 0).all()
    flat = of(y_true[mask][None], np.ones((1, mask.sum()), bool), weights[mask][None])
    (alone,) = backend.gradients(flat, [backend.asarray(y_pred[mask][None])])
    np.testing.assert_allclose(found[mask], backend.to_numpy(alone)[0], rtol=1e-9, atol=1e-12)
    assert np.abs(found).max() > 0


@every_row
def test_gradients_of_nothing_are_zero(backend, row):
    if not backend.differentiates:
        pytest.skip("the backend does not differentiate")
    y_true, y_pred, mask = batch(row)
    weights = np.full(len(LENGTHS), np.nan)
    for reduction in ("sum_over_batch_size", "mean_with_sample_weight"):
        loss = row.make(reduction=reduction)

        def function(arrays, loss=loss):
            none = np.zeros_like(mask)
            return loss(y_true, MaskedTensor(arrays[0], none), sample_weight=weights).value

        (found,) = backend.gradients(function, [backend.asarray(y_pred)])
        assert (backend.to_numpy(found) == 0).all()


def test_alignment(backend):
    generator = np.random.default_rng(0)
    y_pred = MaskedTensor(generator.normal(size=(3, 7, 4)), generator.random((3, 7)) < 0.8)
    y_true = MaskedTensor(
        np.array([[1, 2, -1], [3, 9, 9], [9, 9, 9]]),
        np.array([[1, 1, 0], [1, 0, 0], [0] * 3], bool),
    )
    expected = CTC(reduction="none")(y_true, y_pred).numpy()
    native = MaskedTensor(backend.asarray(y_pred.value), backend.asarray(y_pred.mask))
    found = CTC(reduction="none")(y_true, native).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)
