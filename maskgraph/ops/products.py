"""Matrix products and einsum; masked steps of a contracted axis count for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maskgraph.errors import ShapeError, explain
from maskgraph.graph import Spec
from maskgraph.operators import REGISTRY
from maskgraph.ops import shapes
from maskgraph.ops.definition import define
from maskgraph.ops.masking import intersect
from maskgraph.ops.operands import Arguments, Mask, Tensor, Tensors, spec_of
from maskgraph.ops.rule import Beside, Call, Lost, MaskRule, Reach, zeroed


@dataclass(frozen=True)
class MatMul(MaskRule):
    """The rows' mask passes, a contracted mask is used up. Called by name are the two operands."""

    left: str = "x1"
    right: str = "x2"

    def mixes_time(self, call: Call) -> bool:
        return any(contracted for _, contracted in self._uses(call).values())

    def _uses(self, call: Call) -> dict[str, tuple[int, bool]]:
        """For each masked operand: its mask's rank, and whether the contracted axis is masked."""
        uses = {}
        for name, from_end in ((self.left, 1), (self.right, 2)):
            mask, rank = call.masks[name], call.specs[name].rank
            if mask is not None:
                contracted = max(rank - from_end, 0)
                uses[name] = (spec_of(mask).rank, contracted < spec_of(mask).rank)
        return uses

    def out(self, call: Call) -> Mask | Lost | None:
        rank = max(call.specs[name].rank for name in (self.left, self.right))
        masks = []
        for name, (mask_rank, contracted) in self._uses(call).items():
            mask = call.masks[name]
            if call.specs[name].rank < rank:
                return Lost(f"{name} has fewer axes than the result")
            if name == self.left and contracted:
                mask = REGISTRY["any"](mask, mask_rank - 1) if mask_rank > 2 else None
            elif contracted:
                mask = None
            masks.append(mask)
        return intersect(masks)

    def value(self, call: Call) -> Any:
        return call.run(
            **{
                name: zeroed(call[name], call.masks[name])
                for name, (_, contracted) in self._uses(call).items()
                if contracted
            }
        )

    def beside(self, call: Call) -> Beside:
        weights = call.masks[self.right] is None and call.specs[self.right].rank == 2
        return Beside.APART if weights else Beside.OTHERWISE


@define(shape=shapes.matmul, mask=MatMul(), together=("x1", "x2"))
def matmul(x1: Tensor, x2: Tensor) -> Tensor:
    """The matrix product of the last two axes, the others broadcast.

    Mask out: that of the rows of x1; masked steps of a contracted axis count for nothing.

    Raises:
        ShapeError: if the inner sizes differ.
    """


class Linear(MatMul):
    """As a product with a matrix; what is added knows nothing of steps."""

    def out(self, call: Call) -> Mask | Lost | None:
        if call.masks["bias"] is not None:
            return Lost("the bias is the same for all steps, and has none of its own")
        return super().out(call)


def _linear(x: Spec, kernel: Spec, bias: Spec | None) -> Spec:
    fits = kernel.rank == 2 and x.rank > 0 and shapes.agree(x.shape[-1:], kernel.shape[:1])
    if not fits or (bias is not None and not shapes.agree(bias.shape, kernel.shape[1:])):
        raise ShapeError(
            explain(
                "linear: the sizes differ",
                received=f"{x.shape} @ {kernel.shape}" + (f" + {bias.shape}" if bias else ""),
                expected="(…, features) @ (features, units) + (units,)",
            )
        )
    return Spec((*x.shape[:-1], kernel.shape[1]), x.dtype)


@define(shape=_linear, mask=Linear("x", "kernel"), together=("x", "kernel", "bias"))
def linear(x: Tensor, kernel: Tensor, bias: Tensor = None) -> Tensor:
    """The matrix product of the last axis and a kernel (features, units), plus a bias (units,).

    Mask out: that of x; masked steps of a contracted axis count for nothing.

    Raises:
        ShapeError: if the sizes do not fit.
    """


class Project(MaskRule):
    """The mask of the axes that stay passes; one of a contracted axis is used up."""

    def mixes_time(self, call: Call) -> bool:
        return call.masks["kernel"] is not None or bool(self._contracted(call))

    def _contracted(self, call: Call) -> tuple[int, ...]:
        """The axes of x that are both masked and contracted."""
        mask, rank = call.masks["x"], call.specs["x"].rank
        return () if mask is None else tuple(range(rank - call["axes"], spec_of(mask).rank))

    def out(self, call: Call) -> Mask | Lost | None:
        if call.masks["bias"] is not None:
            return Lost("the bias is the same for all steps, and has none of its own")
        mask: Mask | None = call.masks["x"]
        gone = self._contracted(call)
        if not gone:
            return mask
        return REGISTRY["any"](mask, gone) if gone[0] > 1 else None

    def value(self, call: Call) -> Any:
        masked = {"kernel": call.masks["kernel"]}
        if self._contracted(call):
            masked["x"] = call.masks["x"]
        return call.run(**{name: zeroed(call[name], mask) for name, mask in masked.items()})

    def beside(self, call: Call) -> Beside:
        return Beside.APART if call.masks["kernel"] is None else Beside.OTHERWISE


def _projected(x: Spec, kernel: Spec, bias: Spec | None, axes: int) -> Spec:
    fits = 0 < axes <= min(x.rank, kernel.rank)
    fits = fits and shapes.agree(x.shape[x.rank - axes :], kernel.shape[:axes])
    if not fits or (bias is not None and not shapes.agree(bias.shape, kernel.shape[axes:])):
        raise ShapeError(
            explain(
                "project: the sizes differ",
                received=f"the last {axes} axes of {x.shape} and the first of {kernel.shape}"
                + (f", plus {bias.shape}" if bias else ""),
                expected="axes of the same sizes, and a bias of the kernel's other axes",
            )
        )
    return Spec((*x.shape[: x.rank - axes], *kernel.shape[axes:]), x.dtype)


@define(shape=_projected, mask=Project(), together=("x", "kernel", "bias"))
def project(x: Tensor, kernel: Tensor, bias: Tensor = None, axes: int = 1) -> Tensor:
    """The product of the last axes of x and the first of a kernel, so many, plus a bias of the
    kernel's other axes: `linear` from several axes of features to several.

    Mask out: that of x, but for what of it is contracted; masked steps of a contracted axis count
    for nothing.

    Raises:
        ShapeError: if the sizes do not fit.
    """


def _labels(subscripts: str) -> tuple[list[str], str]:
    operands, _, result = subscripts.partition("->")
    return operands.split(","), result


class Einsum(MaskRule):
    """A mask whose labels lead the result passes; one with a contracted label is used up."""

    def mixes_time(self, call: Call) -> bool:
        _, result = _labels(call["subscripts"])
        return any(set(labels) - set(result) for labels in self._masked_labels(call).values())

    def _masked_labels(self, call: Call) -> dict[int, str]:
        operands, _ = _labels(call["subscripts"])
        return {
            i: operands[i][: spec_of(mask).rank]
            for i, mask in enumerate(call.masks["operands"])
            if mask is not None
        }

    def out(self, call: Call) -> Mask | Lost | None:
        _, result = _labels(call["subscripts"])
        masks = []
        for i, labels in self._masked_labels(call).items():
            mask = call.masks["operands"][i]
            gone = tuple(a for a, label in enumerate(labels) if label not in result)
            left = "".join(label for label in labels if label in result)
            if gone and len(left) < 2:
                continue
            if not result.startswith(left):
                return Lost(
                    f"the masked axes {left!r} of operand {i} do not lead the result {result!r}"
                )
            masks.append(REGISTRY["any"](mask, gone) if gone else mask)
        return intersect(masks)

    def value(self, call: Call) -> Any:
        _, result = _labels(call["subscripts"])
        operands = list(call["operands"])
        for i, labels in self._masked_labels(call).items():
            if set(labels) - set(result):
                operands[i] = zeroed(operands[i], call.masks["operands"][i])
        return call.run(operands=operands)

    def reach(self, call: Call) -> Reach:
        batch = {labels[0] for labels in self._masked_labels(call).values()}
        _, result = _labels(call["subscripts"])
        alone = len(batch) == 1 and result[:1] in batch and not self._stray(call, batch)
        # a result with a time axis, but without its mask, would be of another size in each row
        masks = [m for m in call.masks["operands"] if m is not None]
        times = {label for labels in self._masked_labels(call).values() for label in labels[1:]}
        out = self.out(call)
        kept = not times & set(result) or any(out is mask for mask in masks)
        return Reach.SEQUENCE if alone and kept else Reach.RECTANGLE

    def beside(self, call: Call) -> Beside:
        steps = set("".join(self._masked_labels(call).values()))
        return Beside.OTHERWISE if self._stray(call, steps) else Beside.APART

    def _stray(self, call: Call, labels: set[str]) -> bool:
        """Tell whether labels of masked axes stand at others, too."""
        operands, _ = _labels(call["subscripts"])
        masked = self._masked_labels(call)
        return any(set(own[len(masked.get(i, "")) :]) & labels for i, own in enumerate(operands))


def _explicit(arguments: Arguments, specs: dict[str, Any]) -> None:
    subscripts = arguments["subscripts"].replace(" ", "")
    inputs, arrow, _ = subscripts.partition("->")
    ranks = [s.rank for s in specs["operands"]]
    if not arrow or "." in inputs or [len(p) for p in inputs.split(",")] != ranks:
        raise ShapeError(
            explain(
                "einsum: the subscripts do not fit the operands",
                received=f"{subscripts!r} for operands of ranks {ranks}",
                expected="one letter an axis and an explicit result, as 'btd,de->bte'",
            )
        )
    arguments["subscripts"] = subscripts
    arguments["operands"] = list(arguments["operands"])


def _einsum(subscripts: str, operands: list[Spec]) -> Spec:
    inputs, result = _labels(subscripts)
    sizes: dict[str, int | None] = {}
    for labels, spec in zip(inputs, operands, strict=True):
        for label, size in zip(labels, spec.shape, strict=True):
            known = sizes.get(label)
            if known is not None and size is not None and 1 not in (known, size) and known != size:
                raise ShapeError(
                    explain(
                        f"einsum {subscripts!r}: sizes of {label!r} differ",
                        received=" and ".join(str(s.shape) for s in operands),
                    )
                )
            sizes[label] = size if known in (None, 1) else known
    return Spec(tuple(sizes[label] for label in result), operands[0].dtype)


@define(shape=_einsum, mask=Einsum(), together=("operands",), prepare=_explicit)
def einsum(subscripts: str, operands: Tensors) -> Tensor:
    """A sum of products, as `einsum("btd,de->bte", [x, kernel])`.

    Mask out: the masks whose axes lead the result; masked steps of a contracted axis count for
    nothing.

    Raises:
        ShapeError: if the subscripts do not fit the operands.
    """
