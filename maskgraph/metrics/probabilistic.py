"""How probable the right answers were."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskgraph import losses
from maskgraph.metrics.gathering import Steps, classes, vectors
from maskgraph.metrics.reduction import MeanOfSteps, loss_of


class KLDivergence(MeanOfSteps):
    """The mean Kullback-Leibler divergence of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred`, probabilities (batch, time,
    classes).

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.KLDivergence, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.5, 0.5], [9.0, 9.0]]], [[True, False]])
        >>> round(metrics.KLDivergence()([[[1.0, 0.0], [0.0, 0.0]]], y_pred), 4)
        0.6931
    """

    def __init__(self, name: str = "kl_divergence", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return vectors(self.name, y_true, y_pred, sample_weight, mask)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.kl_divergence, steps)


class Poisson(MeanOfSteps):
    """The mean of minus the log-likelihood of counts, up to a constant, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, counts, and `y_pred`, rates, alike.

    Args:
        name, dtype: see `Metric`.

    Agrees with: keras.metrics.Poisson, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> round(metrics.Poisson()([[3, -1]], MaskedTensor([[1.0, 9.0]], [[True, False]])), 4)
        1.0
    """

    def __init__(self, name: str = "poisson", dtype: str | None = None) -> None:
        super().__init__(dtype, name)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(losses.poisson, steps)


class BinaryCrossentropy(MeanOfSteps):
    """The mean cross-entropy of labels 0 and 1 with probabilities, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true` and `y_pred` alike, (batch, time) or
    (batch, time, labels).

    Args:
        name, dtype: see `Metric`.
        from_logits, label_smoothing: as for `losses.BinaryCrossentropy`.

    Agrees with: keras.metrics.BinaryCrossentropy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[0.5, 0.5, 7.0]], [[True, True, False]])
        >>> round(metrics.BinaryCrossentropy()([[0, 1, -1]], y_pred), 4)
        0.6931
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(dtype, name)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(
            losses.binary_crossentropy,
            steps,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
        )


class CategoricalCrossentropy(MeanOfSteps):
    """The mean cross-entropy of distributions over classes, of the steps that exist.

    Mask in: masked steps do not count. Shapes: `y_true`, one-hot, and `y_pred` (batch, time,
    classes).

    Args:
        name, dtype: see `Metric`.
        from_logits, label_smoothing, axis: as for `losses.CategoricalCrossentropy`.

    Agrees with: keras.metrics.CategoricalCrossentropy, 3.15.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.5, 0.5], [9.0, 9.0]]], [[True, False]])
        >>> round(metrics.CategoricalCrossentropy()([[[0, 1], [0, 0]]], y_pred), 4)
        0.6931
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        return vectors(self.name, y_true, y_pred, sample_weight, mask, self.axis)

    def measured(self, steps: Steps) -> np.ndarray:
        return loss_of(
            losses.categorical_crossentropy,
            steps,
            from_logits=self.from_logits,
            label_smoothing=self.label_smoothing,
        )


class SparseCategoricalCrossentropy(MeanOfSteps):
    """The mean of minus the logarithm of the probability of the right class, of the steps that
    exist.

    Mask in: masked steps do not count, and their labels, -1 or any other, are not looked at.
    Shapes: `y_true`, integers (batch, time) or (batch, time, 1), `y_pred` (batch, time, classes).

    Args:
        name, dtype: see `Metric`.
        from_logits, ignore_class, axis: as for `losses.SparseCategoricalCrossentropy`.

    Raises:
        VocabularyError: for a label that is no class, at a step that counts.

    Agrees with: keras.metrics.SparseCategoricalCrossentropy, 3.15, whose ignored steps, however,
    count as steps without a loss.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.5, 0.5], [9.0, 9.0]]], [[True, False]])
        >>> round(metrics.SparseCategoricalCrossentropy()([[1, -1]], y_pred), 4)
        0.6931
    """

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def gather(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> Steps:
        steps = classes(self.name, y_true, y_pred, sample_weight, mask, self.axis)
        if self.ignore_class is None:
            return steps
        kept = steps.y_true != self.ignore_class
        return Steps(*(x[kept] for x in steps))

    def measured(self, steps: Steps) -> np.ndarray:
        scores = steps.y_pred.astype(np.float64)
        return np.asarray(
            losses.sparse_categorical_crossentropy(steps.y_true, scores, self.from_logits)
        )


class Perplexity(SparseCategoricalCrossentropy):
    """e to the mean cross-entropy of the steps that exist: among how many tokens, as if all were
    alike, the next one is chosen.

    Mask in: masked steps do not count. Shapes: `y_true`, integers (batch, time), `y_pred` (batch,
    time, tokens).

    Args:
        from_logits: whether `y_pred` is to be put through a softmax.
        mask_token_id: a token whose steps count as masked.
        dtype, name: see `Metric`.

    Raises:
        VocabularyError: for a token outside the vocabulary, at a step that counts.

    Agrees with: keras_hub.metrics.Perplexity for one batch; of several, that takes the mean of
    their means, where here each step counts as much as any other.

    Example:
        >>> from maskgraph import MaskedTensor, metrics
        >>> y_pred = MaskedTensor([[[0.25] * 4, [0.25] * 4]], [[True, False]])
        >>> round(metrics.Perplexity()([[1, -1]], y_pred), 4)
        4.0
    """

    def __init__(
        self,
        from_logits: bool = False,
        mask_token_id: int | None = None,
        dtype: str | None = None,
        name: str = "perplexity",
    ) -> None:
        super().__init__(name, dtype, from_logits, mask_token_id)
        self.mask_token_id = mask_token_id

    def value(self, sums: dict[Any, Any]) -> Any:
        return np.exp(super().value(sums)) if sums["weights"] else 0.0
