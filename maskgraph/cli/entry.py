"""What every command goes through: arguments in, an exit status and readable errors out."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TextIO

from maskgraph.cli.parser import build_parser
from maskgraph.errors import MaskgraphError, MaskLossWarning

FAILED = 2
"""The exit status of a command that could not do its work; 1 is a verdict (see `--strict`)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status.

    Args:
        argv: what follows the program's name; None for that of the process.
    """
    options = build_parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=MaskLossWarning)
        warnings.showwarning = _show_warning
        try:
            command = import_module(f"maskgraph.cli.{options.command}")
            status: int = command.run(options)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except KeyboardInterrupt:
            return 130
        except Exception as error:
            if options.traceback:
                traceback.print_exc()
            print(f"maskgraph: error: {_readable(error)}", file=sys.stderr)
            return FAILED
    return status


def _readable(error: Exception) -> str:
    """Return an error's text, and where in the model it arose; the class's name too if the error
    is not one that maskgraph raises on purpose."""
    if isinstance(error, MaskgraphError):
        text = str(error)
    elif isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    else:
        lines = str(error).splitlines() or [""]
        text = f"{type(error).__name__}: {lines[0]}\n  --traceback shows where"
    return "\n".join([text, *(f"  {note}" for note in getattr(error, "__notes__", ()))])


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    where = "" if issubclass(category, MaskLossWarning) else f"{filename}:{lineno}: "
    print(f"maskgraph: warning: {where}{message}", file=file or sys.stderr)
