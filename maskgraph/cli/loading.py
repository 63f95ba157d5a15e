"""MODEL on the command line: `file.py:name` or `package.module:name`."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from maskgraph.errors import LoadError, explain
from maskgraph.layers.base.layer import Layer
from maskgraph.models import Model

FORM = "file.py:name or package.module:name"


def load_model(spec: str) -> Model:
    """Return the model that a command line names.

    Raises:
        LoadError: if there is no such file, module or name, if importing it fails (told with
            file and line), or if what it names is no model.
    """
    return _as_model(spec, load_named(spec))


def load_object(spec: str) -> Any:
    """Return what a command line names, whatever it is; a function that is called without
    arguments is called.

    Raises:
        LoadError: if there is no such file, module or name, or if importing it fails.
    """
    value = load_named(spec)
    return _call(spec, value) if inspect.isroutine(value) and not _needed(value) else value


def load_named(spec: str) -> Any:
    """Return the value that a name has in a file or module.

    Raises:
        LoadError: if there is no such file, module or name, or if importing it fails.
    """
    where, _, name = spec.rpartition(":")
    if not where or not name:
        raise LoadError(
            explain("MODEL must say where the model is", received=repr(spec), expected=FORM)
        )
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    if name not in vars(module):
        raise LoadError(
            explain(
                f"{where} has no {name!r}",
                expected="one of " + ", ".join(_candidates(module))
                if _candidates(module)
                else "a model, or a function that returns one",
            )
        )
    return vars(module)[name]


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise LoadError(explain(f"there is no file {path}", expected=FORM))
    sys.path.insert(0, str(path.resolve().parent))  # as Python does for a script
    spec = importlib.util.spec_from_file_location(f"maskgraph_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise LoadError(explain(f"{path} is not a Python file", expected=FORM))
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _failure(error, str(path)) from error
    return module


def _import_module(name: str) -> ModuleType:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failure(error, name) from error
        raise LoadError(
            explain(
                f"there is no module {error.name!r}",
                expected=FORM,
                fix="a file's name ends in .py; a package must be installed, or in this folder",
            )
        ) from None
    except (Exception, SystemExit) as error:
        raise _failure(error, name) from error


def _as_model(spec: str, value: Any) -> Model:
    if inspect.isroutine(value):
        value = _call(spec, value)
    if isinstance(value, Model):
        return value
    raise LoadError(
        explain(
            f"{spec} is not a model",
            received=f"{type(value).__name__}: {value!r}"[:120],
            expected="an mg.Model, an mg.Sequential, or a function that returns one",
            fix="put the layer in a model: mg.Sequential([layer])"
            if isinstance(value, Layer)
            else None,
        )
    )


def _call(spec: str, function: Any) -> Any:
    needed = _needed(function)
    if needed:
        raise LoadError(
            explain(
                f"{spec} needs arguments",
                received=f"{function.__name__}({', '.join(needed)})",
                expected="a model, or a function that is called without arguments",
            )
        )
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise _failure(error, spec) from error


def _needed(function: Any) -> list[str]:
    return [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def _candidates(module: ModuleType) -> list[str]:
    """Return the names in a module that could be meant."""
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, Model)
        or (
            inspect.isfunction(value)
            and value.__module__ == module.__name__
            and not name.startswith("_")
            and not _needed(value)
        )
    ]


def _failure(error: BaseException, where: str) -> LoadError:
    return LoadError(f"{_place(error) or where}: {type(error).__name__}: {error}")


def _place(error: BaseException) -> str:
    """Return the user's file and line that an error comes from."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    paths = sysconfig.get_paths()
    others = (str(Path(__file__).parent.parent), paths["stdlib"], paths["purelib"], "<")
    frames = traceback.extract_tb(error.__traceback__)
    users = [f for f in frames if not f.filename.startswith(others)]
    return f"{users[-1].filename}:{users[-1].lineno}" if users else ""
