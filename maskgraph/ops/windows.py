"""Windows over time: where they are in each sequence, and the rule of the ops that use them.

Windows see nothing outside of a sequence: not what stands in the padding, and not where it
stands. Windows that are more than one step apart begin where the sequence begins, so each row is
moved first to where its windows are those of the rectangle, and comes out right-padded.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from maskgraph.errors import ArgumentError, ShapeError, explain
from maskgraph.operators import REGISTRY
from maskgraph.ops.extent import eroded, extent, first_step, length, places, shifted, widened
from maskgraph.ops.operands import Arguments, Mask, Tensor, spec_of
from maskgraph.ops.rule import Call, Lost, MaskRule, Reach


class Windows(NamedTuple):
    """Windows of `reach` steps, the first and the last included, `stride` steps apart."""

    reach: int
    stride: int
    padding: str

    def number(self, size: int | None) -> int | None:
        """Return how many windows there are on an axis; None if its size is not known."""
        if size is None:
            return None
        begins = size if self.padding != "valid" else max(size - self.reach + 1, 0)
        return -(-begins // self.stride)

    def mask(self, mask: Mask) -> Mask:
        """Return which windows exist."""
        valid = self.padding == "valid"
        if self.stride == 1:
            # windows of one step are the steps themselves: holes stay holes
            return eroded(extent(mask), self.reach - 1) if valid and self.reach > 1 else mask
        at_front = REGISTRY["less"](places(mask), length(mask))
        step = slice(self.reach - 1 if valid else 0, None, self.stride)
        return REGISTRY["getitem"](at_front, (slice(None), step))

    def aligned(self, x: Tensor, mask: Mask) -> Any:
        """Return `x` (zero where masked) with the windows of each row where those of the
        rectangle are; with strides, the padding that it then needs is "valid"."""
        if self.stride == 1:
            return x
        room = 0 if self.padding == "valid" else self.reach - 1
        x, mask = widened(x, 0, room), widened(mask, 0, room)
        return shifted(x, mask, REGISTRY["subtract"](first_step(mask), self._added(mask)))

    def _added(self, mask: Mask) -> Any:
        """Return how many steps are added before each row alone."""
        if self.padding != "same":
            return 0 if self.padding == "valid" else self.reach - 1
        rest = REGISTRY["mod"](REGISTRY["subtract"](length(mask), 1), self.stride)
        added = REGISTRY["maximum"](REGISTRY["subtract"](self.reach - 1, rest), 0)
        return REGISTRY["floor_divide"](added, 2)


class OverTime(MaskRule):
    """The rule of an op on `inputs` of (batch, time, features) with a mask of (batch, time)."""

    in_place = True

    def out(self, call: Call) -> Mask | Lost | None:
        mask = call.masks["inputs"]
        if mask is None or spec_of(mask).rank != 2:
            return Lost("windows over time know no mask but that of (batch, time)")
        return self.out_mask(call, mask)

    def value(self, call: Call) -> Any:
        if isinstance(self.out(call), Lost):
            return call.run()
        return self.over_valid(call, call.zeroed()["inputs"], call.masks["inputs"])

    def out_mask(self, call: Call, mask: Mask) -> Mask | None:
        raise NotImplementedError

    def over_valid(self, call: Call, x: Tensor, mask: Mask) -> Any:
        """Compute on `x`, zero where masked."""
        raise NotImplementedError


class ThroughWindows(OverTime):
    """One step comes out for each window."""

    def windows(self, call: Call) -> Windows:
        raise NotImplementedError

    def mixes_time(self, call: Call) -> bool:
        windows = self.windows(call)
        return windows.reach > 1 or windows.stride > 1

    def reach(self, call: Call) -> Reach:
        windows = self.windows(call)
        as_many = windows.stride == 1 and windows.padding != "valid"
        return Reach.SEQUENCE if as_many else Reach.RECTANGLE

    def out_mask(self, call: Call, mask: Mask) -> Mask:
        return self.windows(call).mask(mask)

    def over_valid(self, call: Call, x: Tensor, mask: Mask) -> Any:
        windows = self.windows(call)
        # of rows that are aligned, windows lie within the rectangle
        padding = windows.padding if windows.stride == 1 else "valid"
        exists = REGISTRY["expand_dims"](mask, -1)
        x, exists = (windows.aligned(each, mask) for each in (x, exists))
        return self.aligned_value(call, x, exists, padding)

    def aligned_value(self, call: Call, x: Tensor, exists: Mask, padding: str) -> Any:
        """Compute on rows whose windows are those of the rectangle.

        Args:
            exists: which steps exist, (batch, time, 1).
            padding: that of the windows now.
        """
        raise NotImplementedError


def check_windows(
    arguments: Arguments, specs: dict[str, Any], paddings: tuple[str, ...] = ("valid", "same")
) -> None:
    """Refuse arguments that make no windows.

    Raises:
        ShapeError: for inputs of another rank than 3.
        ArgumentError: for a size that is not a positive integer, or an unknown padding.
    """
    shape = specs["inputs"].shape
    if len(shape) != 3:
        raise ShapeError(
            explain(
                "windows over time need an axis of time and one of features",
                received=f"shape {shape}",
                expected="(batch, time, features)",
            )
        )
    for name in ("strides", "dilation_rate", "pool_size", "output_size"):
        value = arguments.get(name, 1)
        if not isinstance(value, int) or value < 1:
            raise ArgumentError(
                explain(f"{name} out of range", received=value, expected="a positive integer")
            )
    padding = arguments.get("padding", "valid")
    if padding not in paddings:
        expected = "one of " + ", ".join(map(repr, paddings))
        raise ArgumentError(explain("unknown padding", received=repr(padding), expected=expected))
