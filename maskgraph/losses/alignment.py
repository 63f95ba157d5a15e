"""The loss of labels whose places in time are not known."""

from __future__ import annotations

from typing import Any

from maskgraph import ops
from maskgraph.losses.base import Loss
from maskgraph.losses.data import as_tensor
from maskgraph.losses.fitting import floating, joined


def ctc(y_true: Any, y_pred: Any) -> Any:
    """Minus the log-probability that logits (batch, time, classes) read as the labels (batch,
    labels), for each sequence: see `CTC`. Mask in: of both, each its own. Mask out: none."""
    y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
    return ops.ctc_loss(ops.cast(y_true, "int32"), floating(y_pred))


class CTC(Loss):
    """Connectionist temporal classification: the loss of labels whose places in time are not
    known.

    Mask in: `y_true` and `y_pred` have masks of their own, (batch, labels) and (batch, time);
    `mask` is that of `y_pred`. Masked steps are skipped, masked labels left out, wherever they
    stand, and labels of 0, the blank, too. Mask out: none; one loss for each sequence, also for
    an empty one. Shapes: `y_true`, integers (batch, labels), `y_pred`, logits (batch, time,
    classes).

    A sequence that is too short for its labels has no alignment: its loss is infinite, as in
    PyTorch, and its gradient 0. Without steps and labels the loss is 0.

    Args:
        reduction, name, dtype: see `Loss`. A `sample_weight` is (batch,) or (batch, 1).

    Raises:
        VocabularyError: for a label that is no class, at a step that exists.

    Source: Graves et al., 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf
    Agrees with: keras.losses.CTC, 3.15, which takes no mask: all of `y_pred`'s steps count there.

    Example:
        >>> import numpy as np
        >>> from maskgraph import MaskedTensor, losses
        >>> y_pred = MaskedTensor(np.zeros((1, 3, 4)), [[True, True, False]])
        >>> y_true = MaskedTensor([[2, -1]], [[True, False]])
        >>> round(float(losses.CTC()(y_true, y_pred)), 4)  # 3 of 16 paths read as 2
        1.674
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ctc",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, reduction, dtype)

    def fit(self, y_true: Any, y_pred: Any, mask: Any) -> tuple[Any, Any]:
        _, y_pred = joined(self.name, y_pred, y_pred, mask)  # labels have a time of their own
        return y_true, y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ctc(y_true, y_pred)
