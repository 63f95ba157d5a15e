"""The steps that exist, gathered on the host: what metrics count, and nothing else."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from maskgraph.backend import of
from maskgraph.errors import DTypeError, MaskError, ShapeError, VocabularyError, explain
from maskgraph.graph import SymbolicTensor
from maskgraph.losses.data import as_tensor
from maskgraph.losses.fitting import require_same_shape
from maskgraph.losses.weights import weighed_axes
from maskgraph.masks import MaskedTensor
from maskgraph.masks.check import check_mask


class Steps(NamedTuple):
    """The steps that exist, one after the other.

    Attributes:
        y_true, y_pred: (steps, …).
        weights: (steps,), float64.
    """

    y_true: np.ndarray
    y_pred: np.ndarray
    weights: np.ndarray


class OnHost(NamedTuple):
    """A tensor on the host, and its mask."""

    values: np.ndarray
    mask: np.ndarray | None


def on_host(owner: str, value: Any) -> OnHost:
    """Return anything that a metric takes as NumPy arrays.

    Raises:
        DTypeError: for a symbolic tensor.
    """
    value = as_tensor(value)
    if isinstance(value, SymbolicTensor):
        raise DTypeError(
            explain(
                f"{owner}: a metric counts data, and a symbolic tensor has none",
                received=repr(value),
                fix="run the model first; in a graph use maskgraph.losses",
            )
        )
    if isinstance(value, MaskedTensor):
        host = value.backend.to_numpy
        return OnHost(host(value.value), None if value.mask is None else host(value.mask))
    backend = of(value)
    return OnHost(np.asarray(value) if backend is None else backend.to_numpy(value), None)


def elements(owner: str, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
    """Return every element of the steps that exist as a step of its own."""
    first, second = _same_rank(on_host(owner, y_true), on_host(owner, y_pred))
    require_same_shape(owner, first.values.shape, second.values.shape)
    return _gathered(owner, first, second, sample_weight, mask, second.values.shape)


def vectors(
    owner: str,
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    mask: Any,
    axis: int = -1,
    numbers: bool = False,
) -> Steps:
    """Return the vectors along `axis` of the steps that exist: (steps, features).

    Args:
        numbers: whether a step may be a number, where the mask says so or there is no other axis.
    """
    first, second = _same_rank(on_host(owner, y_true), on_host(owner, y_pred))
    require_same_shape(owner, first.values.shape, second.values.shape)
    if numbers:
        masks = [m for m in (first.mask, second.mask, mask) if m is not None]
        reach = max((np.ndim(m) for m in masks), default=0)
        if reach == second.values.ndim or second.values.ndim == 1:
            first, second = (OnHost(x.values[..., None], x.mask) for x in (first, second))
    first, second = (_vectors_last(owner, x, axis) for x in (first, second))
    return _gathered(owner, first, second, sample_weight, mask, second.values.shape[:-1])


def classes(
    owner: str, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any, axis: int = -1
) -> Steps:
    """Return labels (steps,) and scores (steps, classes) of the steps that exist."""
    labels, scores = on_host(owner, y_true), _vectors_last(owner, on_host(owner, y_pred), axis)
    expected, given = scores.values.shape[:-1], labels.values.shape
    if len(given) == len(expected) + 1 and given[axis] == 1:
        labels = OnHost(np.squeeze(labels.values, axis), labels.mask)
    if labels.values.shape != expected:
        raise ShapeError(
            explain(
                f"{owner}: the labels do not fit the predictions",
                received=f"y_true of shape {given}, y_pred with {expected} steps",
                expected=f"y_true of shape {expected}: one integer for each step",
                fix="vectors of classes (one-hot): the Categorical metrics",
            )
        )
    return _gathered(owner, labels, scores, sample_weight, mask, expected)


def check_labels(owner: str, labels: np.ndarray, number: int, what: str = "label") -> np.ndarray:
    """Return labels as integers.

    Raises:
        VocabularyError: for one that is no class.
    """
    wrong = ~((labels >= 0) & (labels < number))
    if wrong.any():
        raise VocabularyError(
            explain(
                f"{owner}: a {what} is outside the classes, at a step that exists",
                received=labels[wrong][0],
                expected=f"{what}s from 0 to {number - 1}",
                fix="mask the step",
            )
        )
    return labels.astype(np.int64)


def best(scores: np.ndarray) -> np.ndarray:
    """Return the class of the highest score of each step."""
    if not scores.size:
        return np.zeros(scores.shape[:-1], np.int64)
    return np.asarray(np.argmax(scores, axis=-1))


def valid(owner: str, shape: tuple[int, ...], masks: list[tuple[Any, tuple[int, ...]]]) -> Any:
    """Return the mask, bool of `shape`, of the steps that exist in every one of `masks`, each
    given with the shape of its tensor (None: everywhere)."""
    whole = np.ones(shape, bool)
    for mask, of_shape in masks:
        if mask is None:
            continue
        check_mask(owner, of_shape, mask.shape, str(mask.dtype))
        if mask.ndim > len(shape):
            raise MaskError(
                explain(
                    f"{owner}: the mask reaches into the steps",
                    received=f"a mask of shape {mask.shape}",
                    expected=f"a mask of shape {shape}: whether each step exists",
                )
            )
        whole &= mask.reshape(mask.shape + (1,) * (len(shape) - mask.ndim))
    return whole


def weights_of(owner: str, sample_weight: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return a weight for each step of `shape`, float64."""
    if sample_weight is None:
        return np.ones(shape)
    given = on_host(owner, sample_weight).values
    rank = weighed_axes(owner, given.shape, shape)
    spread = given.reshape(given.shape[:rank] + (1,) * (len(shape) - rank))
    return np.broadcast_to(spread, shape).astype(np.float64)


def _gathered(
    owner: str,
    y_true: OnHost,
    y_pred: OnHost,
    sample_weight: Any,
    mask: Any,
    shape: tuple[int, ...],
) -> Steps:
    given = None if mask is None else on_host(owner, mask).values
    weight = None if sample_weight is None else on_host(owner, sample_weight)
    masks = [
        (y_true.mask, y_true.values.shape),
        (y_pred.mask, y_pred.values.shape),
        (given, y_pred.values.shape),
    ]
    if weight is not None:
        masks.append((weight.mask, weight.values.shape))
    exists = valid(owner, shape, masks)
    weights = weights_of(owner, sample_weight, shape)
    return Steps(y_true.values[exists], y_pred.values[exists], weights[exists])


def _vectors_last(owner: str, x: OnHost, axis: int) -> OnHost:
    rank = x.values.ndim
    if not -rank <= axis < rank:
        raise ShapeError(
            explain(
                f"{owner}: no such axis",
                received=f"axis={axis} for a tensor of shape {x.values.shape}",
            )
        )
    return OnHost(np.moveaxis(x.values, axis, -1), x.mask)


def _same_rank(first: OnHost, second: OnHost) -> tuple[OnHost, OnHost]:
    """Return both with as many axes, if one lacks but a last axis of size 1."""
    a, b = first.values, second.values
    if a.ndim + 1 == b.ndim and b.shape[-1] == 1:
        return OnHost(a[..., None], first.mask), second
    if b.ndim + 1 == a.ndim and a.shape[-1] == 1:
        return first, OnHost(b[..., None], second.mask)
    return first, second
