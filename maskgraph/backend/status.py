"""What a backend is worth on this machine: ready, missing or broken, and why."""

from __future__ import annotations

from dataclasses import dataclass

from maskgraph.backend.plugins import BrokenPlugin, backend_class, find, plugins
from maskgraph.errors import BackendError


@dataclass(frozen=True)
class Status:
    """One backend on this machine.

    Attributes:
        name: what users say: `backend="torch"`.
        state: "ready", "missing" (its framework is not installed) or "broken".
        version: the framework's, None where there is none to tell.
        devices: those it could run on, the default first.
        note: how to install what is missing, or what is broken.
    """

    name: str
    state: str
    version: str | None = None
    devices: tuple[str, ...] = ()
    note: str = ""


def status_of(name: str) -> Status:
    """Return a backend's status. Its framework is imported if it is installed.

    Raises:
        BackendError: if there is no backend of that name.
    """
    found = plugins().get(name)
    if isinstance(found, BrokenPlugin):
        return Status(name, "broken", note=found.reason)
    plugin = find(name)
    try:
        if plugin.missing():
            return Status(name, "missing", note=plugin.install)
        devices = tuple(backend_class(name).devices())
    except BackendError as error:
        return Status(name, "broken", plugin.version(), note=_reason(error))
    except Exception as error:  # a framework that imports, but cannot tell its devices
        return Status(name, "broken", plugin.version(), note=f"{type(error).__name__}: {error}")
    return Status(name, "ready", plugin.version(), devices)


def statuses() -> list[Status]:
    """Return every backend's status; one that is broken hides no other."""
    return [status_of(name) for name in plugins()]


def _reason(error: BackendError) -> str:
    """Return what an error says was received, or is expected, on one line."""
    first, *details = str(error).splitlines()
    return details[0].partition(": ")[2] if details else first
