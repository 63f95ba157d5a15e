"""What a mask must be, said once: bool, and as long as the leading axes of its tensor."""

from __future__ import annotations

from collections.abc import Sequence

from maskgraph.errors import MaskError, explain

_FIX = (
    "a mask is bool, True where the step exists, of shape (batch, time); mg.Mask makes one from "
    "lengths, attention masks or key padding masks"
)


def check_mask(
    owner: str,
    shape: Sequence[int | None],
    mask_shape: Sequence[int | None],
    mask_dtype: str,
) -> None:
    """Refuse a mask that does not fit a tensor; sizes that are None fit anything.

    Raises:
        MaskError: naming the tensor (or layer) and both shapes.
    """
    if mask_dtype != "bool":
        raise MaskError(
            explain(
                f"{owner}: the mask's dtype is wrong",
                received=f"{mask_dtype} mask of shape {tuple(mask_shape)}",
                expected="bool",
                fix=_FIX + "; or compare: mask != 0",
            )
        )
    fits = 1 <= len(mask_shape) <= len(shape) and all(
        m is None or n is None or m == n for m, n in zip(mask_shape, shape, strict=False)
    )
    if not fits:
        raise MaskError(
            explain(
                f"{owner}: the mask does not fit the tensor",
                received=f"mask of shape {tuple(mask_shape)} for a tensor of shape {tuple(shape)}",
                expected=f"a mask of shape {tuple(shape[:2])}",
                fix=_FIX,
            )
        )
