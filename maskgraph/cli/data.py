"""The files that commands read and write: JSON and NumPy's."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from maskgraph.errors import ArgumentError, LoadError, explain

Outputs = dict[str, np.ndarray]


def read_inputs(file: str) -> Any:
    """Return a model's inputs from a file: an array, nested lists, or a dict by input name.

    Raises:
        LoadError: if there is no such file, or it does not hold what its name says.
    """
    path = Path(file)
    if path.suffix not in (".json", ".npy", ".npz"):
        raise LoadError(
            explain(f"{path}: unknown kind of file", expected="a name ending in .json, .npy, .npz")
        )
    try:
        if path.suffix == ".json":
            return json.loads(path.read_text(encoding="utf-8"))
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        with found:
            arrays = dict(found)
    except FileNotFoundError:
        raise LoadError(f"there is no file {path}") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise LoadError(
            explain(f"{path} cannot be read as {path.suffix}", received=str(error).split("\n")[0])
        ) from error
    return arrays["arr_0"] if list(arrays) == ["arr_0"] else arrays


def writer_for(path: Path) -> Callable[[BinaryIO, Outputs], None]:
    """Return what writes outputs into a file of that name.

    Raises:
        ArgumentError: if the name is of no kind that can be written, or its folder is missing.
    """
    writers = {".npy": _write_npy, ".npz": _write_npz}
    if path.suffix not in writers:
        raise ArgumentError(
            explain(f"--output {path}: unknown kind of file", expected="a .npy or .npz")
        )
    if not path.parent.is_dir():
        raise ArgumentError(explain(f"--output {path}: there is no folder {path.parent}"))
    return writers[path.suffix]


def write_outputs(path: Path, outputs: Outputs) -> None:
    """Write outputs to a file, which is there as a whole or not at all."""
    write = writer_for(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            write(file, outputs)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _write_npy(file: BinaryIO, outputs: Outputs) -> None:
    if len(outputs) != 1:
        raise ArgumentError(
            explain(
                "a .npy file holds one array",
                received=f"{len(outputs)} outputs: {', '.join(outputs)}",
                fix="--output with a name ending in .npz",
            )
        )
    np.save(file, next(iter(outputs.values())))


def _write_npz(file: BinaryIO, outputs: Outputs) -> None:
    with zipfile.ZipFile(file, "w") as archive:  # np.savez refuses some names: "file"
        for name, value in outputs.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, value)
