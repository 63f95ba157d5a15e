"""Devices by the names that users give them."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import jax


@functools.cache
def devices() -> dict[str, Any]:
    """Return this process's devices by name, JAX's default first."""
    found = list(jax.local_devices())
    if found[0].platform != "cpu":
        with contextlib.suppress(RuntimeError):  # JAX_PLATFORMS leaves it out
            found += jax.local_devices(backend="cpu")
    return {name_of(device): device for device in found}


def name_of(device: Any) -> str:
    """Return "cpu", or platform and number: "gpu:0", "tpu:3", "cpu:1"."""
    if device.platform == "cpu" and device.id == 0:
        return "cpu"
    return f"{device.platform}:{device.id}"
