"""Where models run, `auto`, `cpu` or `cuda`, with how many threads, and what the processor can do."""

from __future__ import annotations

import os

from seehear.errors import SeehearError

THREADS = "SEEHEAR_THREADS"  # environment variable: threads of networks and of torch
SPINS = "GOMP_SPINCOUNT"  # environment variable of the OpenMP library that torch brings on Linux
FEW_SPINS = "1000"  # beside busy processes a step took a third to a sixth of the time; 10,000 gained half of that


def sleep_while_waiting() -> None:
    """Let threads that wait for others sleep soon, unless the user has said otherwise.

    By default they spin for milliseconds. On a busy machine they take the core from the thread that they wait for, and
    a training takes several times as long. It must run before torch is imported. No bit of a result depends on it.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault(SPINS, FEW_SPINS)


def core_count() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_count() -> int:
    """Return $SEEHEAR_THREADS, or else the number of cores that this process may use.

    Raises:
        SeehearError: If the variable is not a whole number, at least 1.
    """
    if own := os.environ.get(THREADS):
        if not own.isdigit() or int(own) < 1:
            raise SeehearError(f"{THREADS} must be a whole number of threads, at least 1, not {own!r}")
        return int(own)
    return core_count()


def limit_torch() -> None:
    """Let torch use as many threads as $SEEHEAR_THREADS says; without it, as many as torch has chosen.

    Raises:
        SeehearError: If the variable is not a whole number, at least 1.
    """
    if os.environ.get(THREADS):
        import torch

        torch.set_num_threads(thread_count())


def multiplies_bfloat16() -> bool:
    """Return whether this processor has instructions for products of bfloat16 numbers: AVX-512 BF16 or AMX.

    The processor is asked and nothing is measured. So the answer never depends on what else the machine does.
    """
    import torch

    # Versions of torch that lack one of these questions get the answer no.
    questions = (getattr(torch.cpu, f"_is_{what}_supported", bool) for what in ("avx512_bf16", "amx_tile"))
    return any(ask() for ask in questions)


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
