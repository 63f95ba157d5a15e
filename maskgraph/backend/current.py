"""Which backend and device to use: an argument, a `with` block, the environment, the default."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from maskgraph.backend.plugins import backend_class, owner
from maskgraph.backend.protocol import Array, Backend
from maskgraph.errors import DeviceError, explain

DEFAULT = "numpy"
_chosen: ContextVar[tuple[str | None, str | None]] = ContextVar("chosen", default=(None, None))


def load(name: str | None = None, device: str | None = None) -> Backend:
    """Return a backend, imported if need be, bound to a device.

    Args:
        name: a backend's name; None for the current one (see `use_backend`).
        device: "cpu", "cuda", "cuda:1", "gpu:0" …; None for the current one.

    Raises:
        BackendError: if there is no such backend, or its framework is missing or broken.
        DeviceError: if the machine has no such device; the error lists those it has.
    """
    if name is not None and device is not None:
        return _bound(name, device)
    default_name, default_device = current()
    if device is None and name in (None, default_name):
        device = default_device
    elif device is None:  # another backend than the block's: its device is not meant
        device = os.environ.get("MASKGRAPH_DEVICE") or None
    return _bound(name or default_name or DEFAULT, device)


def current() -> tuple[str | None, str | None]:
    """Return the backend and the device that were chosen by a `with` block or the environment,
    None where neither was."""
    name, device = _chosen.get()
    environment = os.environ.get
    return (
        name or environment("MASKGRAPH_BACKEND") or None,
        device or environment("MASKGRAPH_DEVICE") or None,
    )


@contextmanager
def use_backend(name: str | None = None, device: str | None = None) -> Iterator[Backend]:
    """Run the block's models and layers on a backend (and a device).

    Example:
        >>> import maskgraph as mg
        >>> with mg.use_backend("numpy") as backend:
        ...     backend.name
        'numpy'
    """
    backend = load(name, device)
    token = _chosen.set((backend.name, backend.device))
    try:
        yield backend
    finally:
        _chosen.reset(token)


@functools.cache
def _bound(name: str, device: str | None) -> Backend:
    cls = backend_class(name)
    devices = cls.devices()
    return cls(devices[0] if device is None else _match(name, device, devices))


def _match(name: str, device: str, devices: list[str]) -> str:
    """Return the entry of `devices` that `device` means: cuda and gpu are one, no index is 0."""
    wanted = _parse(device)
    for candidate in devices:
        if _parse(candidate) == wanted:
            return candidate
    raise DeviceError(
        explain(
            f"backend {name!r} has no such device here",
            received=repr(device),
            expected="one of " + ", ".join(devices),
            fix=f"use device={devices[0]!r}, or leave it out",
        )
    )


def _parse(device: str) -> tuple[str, str]:
    kind, _, index = device.lower().partition(":")
    return ("gpu" if kind == "cuda" else kind, index or "0")


def of(value: Array) -> Backend | None:
    """Return the backend that owns a native tensor, on the tensor's device; None for others."""
    name = owner(value)
    return None if name is None else _bound(name, backend_class(name).device_of(value))
