"""Finding backends: entry points of the group `maskgraph.backends`, ours and anybody's alike.

A plugin is a light object that names its framework without importing it, so that backends can
be listed, and tensors be attributed to their owner, at no cost. One broken plugin hides no
other.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from maskgraph.backend.protocol import Backend
from maskgraph.errors import BackendError, explain

GROUP = "maskgraph.backends"


@dataclass(frozen=True)
class Plugin:
    """A backend that can be loaded.

    Args:
        name: what users say: `backend="torch"`.
        framework: the top-level module that users import.
        distribution: the installed distributions whose version is shown, the first found.
        install: the command that installs what is missing.
        load: imports the framework and returns the `Backend` class.
        tensors: the names of the framework's classes whose instances are computed on this
            backend, ragged tensors included; empty for all of its classes. Print the `__mro__` of
            tensors' types to find them: those that users name need not be among them.
        modules: the top-level modules that define these classes, if not `framework` alone.
    """

    name: str
    framework: str
    distribution: tuple[str, ...]
    install: str
    load: Callable[[], type[Backend]]
    tensors: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    def owns(self, cls: type[Any]) -> bool:
        """Tell whether values of a type are this backend's tensors."""
        modules = self.modules or (self.framework,)
        return any(
            base.__module__.partition(".")[0] in modules
            and (not self.tensors or base.__name__ in self.tensors)
            for base in cls.__mro__
        )

    def version(self) -> str | None:
        """Return the framework's version without importing it; None if it is missing."""
        for name in self.distribution:
            try:
                return metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        return None

    def missing(self) -> bool:
        """Tell, without importing it, whether the framework is not installed."""
        return importlib.util.find_spec(self.framework) is None


@dataclass(frozen=True)
class BrokenPlugin:
    """An entry point that could not even be imported."""

    name: str
    reason: str


@functools.cache
def plugins() -> dict[str, Plugin | BrokenPlugin]:
    """Return every registered plugin by name, NumPy first."""
    found: dict[str, Plugin | BrokenPlugin] = {}
    entries = sorted(metadata.entry_points(group=GROUP), key=lambda e: (e.name != "numpy", e.name))
    for entry in entries:
        try:
            plugin = entry.load()
            if not isinstance(plugin, Plugin):
                raise TypeError(f"{entry.value} is {type(plugin).__name__}, not a Plugin")
            found[entry.name] = plugin
        except Exception as error:  # a stranger's plugin may fail in any way
            found[entry.name] = BrokenPlugin(entry.name, f"{type(error).__name__}: {error}")
    return found


def find(name: str) -> Plugin:
    """Return the plugin of that name.

    Raises:
        BackendError: if there is none, or it is broken.
    """
    plugin = plugins().get(name)
    if isinstance(plugin, Plugin):
        return plugin
    if plugin is not None:
        raise BackendError(
            explain(
                f"backend {name!r} is broken",
                received=plugin.reason,
                fix="repair or uninstall the package that registers it",
            )
        )
    raise BackendError(
        explain(
            "unknown backend",
            received=repr(name),
            expected="one of " + ", ".join(plugins()),
            fix="check the spelling, or install the package that provides it",
        )
    )


@functools.cache
def backend_class(name: str) -> type[Backend]:
    """Import a backend's framework and return its class.

    Raises:
        BackendError: if the framework is missing (with the command that installs it) or
            fails to import.
    """
    plugin = find(name)
    if plugin.missing():
        raise BackendError(
            explain(
                f"backend {name!r} needs {plugin.framework}, which is not installed",
                fix=plugin.install,
            )
        )
    try:
        cls = plugin.load()
    except Exception as error:
        raise BackendError(
            explain(
                f"backend {name!r} is installed but fails to import",
                received=f"{type(error).__name__}: {error}",
                fix=f"reinstall it: {plugin.install}",
            )
        ) from error
    absent = sorted(getattr(cls, "__abstractmethods__", ()))
    if absent:
        raise BackendError(
            explain(
                f"backend {name!r} is incomplete",
                expected="these methods as well: " + ", ".join(absent),
                fix="implement them: see maskgraph.backend.Backend",
            )
        )
    return cls


@functools.cache
def owner_of_type(cls: type[Any]) -> str | None:
    """Return the name of the backend that owns values of a type; None if none does."""
    for name, plugin in plugins().items():
        if isinstance(plugin, Plugin) and plugin.owns(cls):
            return name
    return None


def owner(value: Any) -> str | None:
    """Return the name of the backend whose native tensor `value` is; None if it is none's."""
    cls: Any = type(value)
    return owner_of_type(cls)
