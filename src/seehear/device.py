"""Where models run: one switch, `auto`, `cpu` or `cuda`."""

from __future__ import annotations

from seehear.errors import SeehearError


def resolve(name: str) -> str:
    """torch's name of the device: `auto` is CUDA where there is one, else the CPU. SeehearError if it can't be used."""
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
