"""Every error and warning that maskgraph raises on purpose.

All errors share the base `MaskgraphError` and also derive from the built-in family that a
Python user would expect (`ValueError`, `TypeError`, …), so either can be caught.
"""

from __future__ import annotations


class MaskgraphError(Exception):
    """The base of every error raised by maskgraph."""


class ShapeError(MaskgraphError, ValueError):
    """A tensor's rank or size is not what a layer or op can take."""


class DTypeError(MaskgraphError, TypeError):
    """A tensor's dtype, or a value's type, is not what was asked for."""


class MaskError(MaskgraphError, ValueError):
    """A mask does not fit the tensor that it was given with."""


class ArgumentError(MaskgraphError, ValueError):
    """An argument has a value outside those that are allowed."""


class GraphError(MaskgraphError, ValueError):
    """A model's structure is wrong: a cycle, a disconnected input, a duplicate name."""


class MaskLossError(MaskgraphError, ValueError):
    """A model loses a mask and was built with `on_mask_loss="error"`."""


class BackendError(MaskgraphError, RuntimeError):
    """A backend is unknown, missing, broken, or refused by a layer."""


class DeviceError(MaskgraphError, RuntimeError):
    """A device is unknown or not on this machine."""


class VocabularyError(MaskgraphError, IndexError):
    """An embedding was given an id outside its vocabulary, at a step that exists."""


class LoadError(MaskgraphError, ValueError):
    """A model named on the command line cannot be loaded."""


class MaskLossWarning(UserWarning):
    """A layer or op drops a mask that its input carries."""


def explain(
    what: str,
    *,
    received: object = None,
    expected: object = None,
    fix: str | None = None,
) -> str:
    """Return an error's text: what is wrong, what came, what was expected, how to mend it."""
    lines = [what]
    if received is not None:
        lines.append(f"  received: {received}")
    if expected is not None:
        lines.append(f"  expected: {expected}")
    if fix is not None:
        lines.append(f"  fix: {fix}")
    return "\n".join(lines)
