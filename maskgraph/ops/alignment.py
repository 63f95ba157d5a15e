"""Ops on labels, for losses: labels checked, and the sum over all alignments."""

from __future__ import annotations

from typing import Any

from maskgraph import dtypes
from maskgraph.errors import ArgumentError, MaskError, ShapeError, explain
from maskgraph.graph import Spec
from maskgraph.ops.definition import define
from maskgraph.ops.operands import Arguments, Mask, Tensor, spec_of
from maskgraph.ops.rule import Call, MaskRule


class Labels(MaskRule):
    """The mask passes; what stands at masked steps is never taken for a label."""

    def out(self, call: Call) -> Mask:
        return call.masks["labels"]

    def value(self, call: Call) -> Any:
        return call.zeroed().run()


@define(shape=lambda labels, num_classes: labels, mask=Labels())
def check_labels(labels: Tensor, num_classes: int) -> Tensor:
    """Return labels as they are, having seen that each is a class.

    Mask out: that of the labels; a masked one may be anything.

    Raises:
        VocabularyError: for a label outside 0 … num_classes - 1, at a step that exists.
    """


class Alignment(MaskRule):
    """Masked steps are skipped, masked labels left out. No mask comes out: one loss a row."""

    def mixes_time(self, call: Call) -> bool:
        return True

    def value(self, call: Call) -> Any:
        lengths = {
            f"{name}_length": self._steps(call, name, f"{name}_length")
            for name in ("target", "output")
        }
        return call.run(**lengths)

    def _steps(self, call: Call, name: str, length: str) -> Any:
        mask = call.masks[name]
        if mask is None:
            return call[length]
        if call[length] is not None:
            raise ArgumentError(
                explain(
                    f"ctc_loss: {name} has a mask, and {length} is given as well",
                    expected="one of them",
                    fix=f"{length}=None",
                )
            )
        if spec_of(mask).rank != 2:
            raise MaskError(
                explain(
                    f"ctc_loss: the mask of {name} does not tell its steps",
                    received=f"a mask of shape {spec_of(mask).shape}",
                    expected="a mask of (batch, time)",
                )
            )
        return mask


def _row_losses(target: Spec, output: Spec, **_: Any) -> Spec:
    if target.rank != 2 or output.rank != 3:
        raise ShapeError(
            explain(
                "ctc_loss: wrong rank",
                received=f"target of shape {target.shape}, output of shape {output.shape}",
                expected="target (batch, labels), output (batch, time, classes)",
            )
        )
    sizes = {n for n in (target.shape[0], output.shape[0]) if n is not None}
    if len(sizes) > 1:
        raise ShapeError(
            explain(
                "ctc_loss: target and output differ in their number of sequences",
                received=f"target of shape {target.shape}, output of shape {output.shape}",
            )
        )
    return Spec(output.shape[:1], dtypes.promote([output.dtype, "float32"]))


def _check(arguments: Arguments, specs: dict[str, Any]) -> None:
    for tensor, name in (("target", "target_length"), ("output", "output_length")):
        spec = specs[name]
        if spec is None:
            continue
        whole = dtypes.is_integer(spec.dtype) and spec.rank == 1
        if not whole and not (spec.dtype == "bool" and spec.rank == 2):
            raise ShapeError(
                explain(
                    f"ctc_loss: {name} is neither lengths nor a mask",
                    received=f"{spec.dtype} of shape {spec.shape}",
                    expected=f"integers (batch,), or bool {specs[tensor].shape[:2]}",
                )
            )


@define(shape=_row_losses, mask=Alignment(), together=("output",), floating=True, prepare=_check)
def ctc_loss(
    target: Tensor,
    output: Tensor,
    target_length: Tensor = None,
    output_length: Tensor = None,
    mask_index: int = 0,
) -> Tensor:
    """Connectionist temporal classification: minus the log-probability that `output`, logits
    (batch, time, classes), reads as `target`, labels (batch, labels), once repeated classes are
    one and blanks (`mask_index`) left out. One loss a row; infinite where no alignment is
    possible, with a gradient of 0; a row without steps and labels has 0.

    Lengths are integers (batch,) of right-padded rows, or a mask; None takes the tensor's own
    mask, or all. Labels equal to the blank are padding. Mask in: steps that are masked are
    skipped, labels left out. Mask out: none.

    Source: Graves et al., 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf
    """
