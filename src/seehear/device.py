"""Where models run: one switch, `auto`, `cpu` or `cuda`."""

from __future__ import annotations

import os

from seehear.errors import SeehearError


def core_count() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resolve(name: str) -> str:
    """Return torch's name of a device.

    Args:
        name: `auto` (CUDA where available, else the CPU), `cpu`, `cuda`, or another name that torch knows.

    Raises:
        SeehearError: If the device can't be used.
    """
    if name == "cpu":
        return name
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise SeehearError(f"device {name!r} can't be used: {str(error).splitlines()[0]}") from None
    return name
