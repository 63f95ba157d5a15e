"""What does not fit is told: shapes, weights, masks, labels and arguments."""

import numpy as np
import pytest

from maskgraph import losses
from maskgraph.errors import ArgumentError, MaskError, ShapeError, VocabularyError
from maskgraph.losses.base import Loss
from maskgraph.masks import MaskedTensor

X = np.ones((3, 4, 2))
MASK = np.ones((3, 4), bool)
CLASSES = [v for v in vars(losses).values() if isinstance(v, type)]


@pytest.mark.parametrize("cls", CLASSES)
def test_unknown_reduction(cls):
    with pytest.raises(ArgumentError, match=f"{cls.__name__}: unknown reduction[^.]*'avg'"):
        cls(reduction="avg")


@pytest.mark.parametrize("cls", [c for c in CLASSES if c is not Loss])
def test_configurations_make_equal_losses(cls):
    loss = cls(reduction="sum", name="mine")
    again = cls.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert (again.reduction, again.name) == ("sum", "mine")


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (3, 2), (3, 4, 2), (1,), (3, 4, 1, 2)])
def test_weights_that_do_not_fit(shape):
    text = r"mean_squared_error: sample_weight does not fit[\s\S]*\(3,\) or \(3, 4\)"
    with pytest.raises(ShapeError, match=text):
        losses.MeanSquaredError()(X, X, sample_weight=np.ones(shape))


@pytest.mark.parametrize("shape", [(), (3,), (3, 1), (3, 4), (3, 4, 1)])
def test_weights_that_fit(shape):
    assert float(losses.MeanSquaredError()(X + 2, X, sample_weight=np.ones(shape))) == 4


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: losses.MeanSquaredError()(X, X[:, :3]), ShapeError, "differ in shape"),
        (lambda: losses.MeanSquaredError()(X[..., :1], X), ShapeError, "differ in shape"),
        (lambda: losses.Huber(delta=0), ArgumentError, "delta"),
        (lambda: losses.Loss()(X, X), NotImplementedError, r"Loss does not define call\(\)"),
        (lambda: losses.KLDivergence()(X, X[..., :1]), ShapeError, "differ in shape"),
        (
            lambda: losses.MeanSquaredError()(X, MaskedTensor(X, MASK), mask=MASK[:, :3]),
            MaskError,
            "mean_squared_error: the mask does not fit",
        ),
        (lambda: losses.MeanSquaredError()(X, X, mask=np.ones((3, 4))), MaskError, "dtype"),
        (
            lambda: losses.CategoricalCrossentropy()(X, X, mask=X > 0),
            MaskError,
            "reaches the axis",
        ),
        (
            lambda: losses.CategoricalCrossentropy(axis=1)(X, X, mask=MASK),
            MaskError,
            "reaches the axis",
        ),
        (lambda: losses.CategoricalCrossentropy(axis=3)(X, X), ArgumentError, "no such axis"),
        (
            lambda: losses.CategoricalCrossentropy(label_smoothing=2)(X, X),
            ArgumentError,
            "label_smoothing",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(X, X),
            ShapeError,
            r"labels do not fit[\s\S]*CategoricalCrossentropy",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(X[..., 0, 0], X),
            ShapeError,
            r"expected: y_true of shape \(3, 4\)",
        ),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("label", [-1, 2, 10**6])
def test_a_label_that_is_no_class_is_told_where_the_step_exists(label):
    y_true = np.array([[0, 1, label]])
    y_pred = np.full((1, 3, 2), 0.5)
    loss = losses.SparseCategoricalCrossentropy()
    with pytest.raises(VocabularyError, match=rf"received: {label}\n[\s\S]*ignore_class"):
        loss(y_true, y_pred)
    expected = np.log(2)
    assert abs(float(loss(y_true, y_pred, mask=np.array([[1, 1, 0]], bool))) - expected) < 1e-6
    ignoring = losses.SparseCategoricalCrossentropy(ignore_class=label)
    assert abs(float(ignoring(y_true, y_pred)) - expected) < 1e-6
    each = losses.sparse_categorical_crossentropy(y_true, y_pred, ignore_class=label)
    assert isinstance(each, np.ndarray)
    np.testing.assert_allclose(each, [[expected, expected, 0]], rtol=1e-6)


def test_classes_on_another_axis():
    generator = np.random.default_rng(0)
    scores, labels = generator.normal(size=(3, 5, 4)), generator.integers(0, 5, (3, 4))
    sparse = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    expected = sparse(labels, np.moveaxis(scores, 1, -1))
    sparse = losses.SparseCategoricalCrossentropy(True, reduction="none", axis=1)
    np.testing.assert_allclose(sparse(labels, scores), expected)
    one_hot = np.moveaxis(np.eye(5)[labels], -1, 1)
    dense = losses.CategoricalCrossentropy(from_logits=True, reduction="none", axis=1)
    np.testing.assert_allclose(dense(one_hot, scores), expected)


def test_a_missing_last_axis_of_size_one_is_added():
    y_true, y_pred = np.zeros((3, 4)), MaskedTensor(np.full((3, 4, 1), 2.0), MASK)
    each = losses.MeanSquaredError(reduction="none")
    assert each(y_true, y_pred).shape == each(y_true, y_pred.value).shape == (3, 4)
    assert float(losses.MeanSquaredError()(y_true[..., None], y_pred)) == 4


def test_ragged_lists():
    y_pred = [[1.0, 2.0], [3.0]]
    assert abs(float(losses.MeanSquaredError()([[0.0, 0.0], [0.0]], y_pred)) - 14 / 3) < 1e-6


def test_a_loss_of_ones_own():
    class Distance(Loss):
        def call(self, y_true, y_pred):
            return losses.mean_absolute_error(y_true, y_pred) * 2

    mask = np.array([[True, False]])
    assert float(Distance()(np.zeros((1, 2)), MaskedTensor([[1.0, np.nan]], mask))) == 2
    assert Distance().name == "distance"
