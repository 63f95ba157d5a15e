"""The leak detector: does what stands in the padding, or how much of it there is, change what
anybody's model gives at the steps that exist?"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from maskgraph.testing.leaks.alignment import Change
from maskgraph.testing.leaks.batches import wanted
from maskgraph.testing.leaks.faults import first_fault
from maskgraph.testing.leaks.gradients import Gradients
from maskgraph.testing.leaks.inputs import admit
from maskgraph.testing.leaks.report import Leak, LeakReport
from maskgraph.testing.leaks.runs import Runs, Variant
from maskgraph.testing.leaks.subjects import Feed, subject_for


def check_leaks(
    fn: Any,
    inputs: Any,
    mask: Any = None,
    *,
    mask_name: str | None = None,
    mask_means: str = "keep",
    lengths_name: str | None = None,
    mask_from: str | None = None,
    padding_value: float | None = None,
    vocabulary: int | None = None,
    alterations: Sequence[str] | None = None,
    gradients: bool = True,
    backend: str | None = None,
    seed: int = 0,
    tolerance: float = 1e-5,
    gradient_tolerance: float = 1e-4,
    raises: bool = False,
) -> LeakReport:
    """Find out whether padding leaks into what a model gives, and which layer lets it in.

    The padding is altered, and what comes out at the steps that exist is compared: outputs, and
    gradients by inputs and weights where the framework differentiates. What may be altered
    depends on how the model gets its mask. Where the mask is passed to it, or carried by its
    inputs, anything may stand in the padding: noise, large numbers, NaN, Inf, other ids. Where
    the model makes the mask of the values (`mask_zero=True`, `Masking`), what stands in the
    padding is the mask, and stays; but the vectors that an embedding of Keras gives at masked
    steps may be anything, as they are weights, and are altered inside of the model. How much
    padding there is may be altered in any case: more on the right, more on the left, or none.

    Of a model whose graph can be opened (maskgraph's, Keras's, and modules inside of a
    `torch.nn.Module`), the first node is named whose output changes at steps that exist although
    none of its inputs does. The model stays as it is: weights, modes, and the generators of
    Python, NumPy and PyTorch.

    Args:
        fn: a maskgraph or Keras model or layer, a `torch.nn.Module`, or a function of values
            and a mask: NumPy's, or on tensors of the framework that `inputs` are of. In
            batches: the axis of sequences comes first.
        inputs: an array (batch, time, …), a tensor or a `MaskedTensor`; a list or dict of them
            as one argument, or a tuple for several arguments.
        mask: bool, (batch, time), True where a step exists; for several inputs one each, in the
            structure of `inputs` (None for one without padding). None: that of `MaskedTensor`s,
            or what the model makes of the values.
        mask_name: the keyword that takes the mask; by default it is the argument after the
            inputs, and maskgraph and Keras are given it in their own way.
        mask_means: "keep", or "ignore" if True means a step to ignore.
        lengths_name: the keyword that takes lengths in place of a mask.
        mask_from: "argument" or "data": whether the mask is passed, or follows from the values.
            By default "data" for models of Keras with a layer that makes a mask of values, and
            for maskgraph's if no mask is given; else "argument".
        padding_value: what stands in added padding; with `mask_from="data"`, all padding. By
            default 0, or the `mask_value` of a Keras model's `Masking`.
        vocabulary: how many ids may stand in the padding of ids; by default those that stand at
            steps that exist, and any for maskgraph.
        alterations: some of "noise", "large", "nan", "inf", "right", "left", "alone".
        gradients: whether to compare gradients too.
        backend: of a maskgraph model; None for the one in use.
        seed: of everything random.
        tolerance: the largest difference to let pass, relative to the largest number above 1.
        gradient_tolerance: likewise, for gradients.
        raises: whether to raise if something leaks.

    Returns:
        A report: `.ok`, `.leaks`, `.nodes`; it prints as text.

    Raises:
        AssertionError: with `raises`, if something leaks.
        MaskError: if a mask's dtype or shape does not fit.
        ArgumentError: if the model returns no tensors, or not the same ones twice.

    Example:
        >>> import numpy as np
        >>> from maskgraph.testing import check_leaks
        >>> x = np.random.default_rng(0).normal(size=(2, 3, 4))
        >>> mask = np.array([[True, True, True], [True, False, False]])
        >>> report = check_leaks(lambda x, mask: (x * mask[..., None]).mean(1), x, mask)
        >>> report.ok, sorted({leak.alteration for leak in report.leaks})
        (False, ['alone', 'inf', 'left', 'nan', 'right'])
    """
    names = wanted(alterations)
    given = admit(fn, inputs, mask, mask_from, mask_means, padding_value)
    feed = Feed(given.structure, given.masked, mask_name, mask_means == "ignore", lengths_name)
    subject = subject_for(fn, inputs, given.batch, feed, backend)
    leaks: list[Leak] = []
    with subject.untouched(), _quiet():
        runs = Runs(subject, given.batch, vocabulary, seed)
        slopes = Gradients(runs) if gradients else None
        for variant in runs.variants(names):
            changed = list(_changed_outputs(runs, variant, tolerance))
            fault = first_fault(runs, variant, tolerance) if changed else None
            leaks += [replace(leak, fault=fault) for leak in changed]
            if slopes is not None:
                leaks += _changed_gradients(slopes, variant, gradient_tolerance)
        if slopes is not None:
            leaks += _seen_padding(slopes, gradient_tolerance)
    report = LeakReport(subject.title, tuple(leaks), tuple(runs.tried), tuple(runs.not_tried))
    if raises:
        report.raise_if_leaking()
    return report


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings of what is provoked here: NaN and Inf, and masks that Keras drops."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _changed_outputs(runs: Runs, variant: Variant, tolerance: float) -> Iterator[Leak]:
    for i, change in enumerate(runs.output_changes(variant)):
        if change.exceeds(tolerance):
            yield _leak(f"output {i}", variant, change)


def _changed_gradients(slopes: Gradients, variant: Variant, tolerance: float) -> Iterator[Leak]:
    for by, change in slopes.changes(variant):
        if change.exceeds(tolerance):
            yield _leak(_gradient_by(by), variant, change)


def _seen_padding(slopes: Gradients, tolerance: float) -> Iterator[Leak]:
    """Yield inputs whose padding has a gradient."""
    for by, change in slopes.of_padding():
        if change.exceeds(tolerance):
            yield Leak(
                _gradient_by(by), "as given", change.difference, change.row, where="at padded steps"
            )


def _gradient_by(by: int | str) -> str:
    return f"gradient of input {by}" if isinstance(by, int) else f"gradient of {by}"


def _leak(what: str, variant: Variant, change: Change) -> Leak:
    return Leak(what, variant.name, change.difference, change.row, change.step)
