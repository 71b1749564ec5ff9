"""Random draws that are taken again and again: every score of a comparison is drawn with the same numbers.

To draw takes longer than to use what was drawn. So the last draws are kept, as long as they are small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

MAX_CLIPS = 2**11  # draws of more are not kept: they are drawn anew, so that memory does not grow with the clips
KEPT = 4  # draws of one kind in memory, of up to 20 MB each

P = ParamSpec("P")
T = TypeVar("T")


def kept(blocks: Callable[P, Iterator[T]]) -> Callable[P, Iterable[T]]:
    """Let a generator of draws keep what it yields, for the next call with the same arguments.

    Args:
        blocks: From the number of clips, and whatever else the draws depend on, to blocks of draws, which nobody may
            change. Called without names of arguments.
    """

    @lru_cache(maxsize=KEPT)
    def again(*args: Any) -> tuple[T, ...]:
        return tuple(blocks(*args))  # type: ignore[call-arg]

    @wraps(blocks)
    def inside(*args: P.args, **_: P.kwargs) -> Iterable[T]:
        clips: Any = args[0]
        return again(*args) if clips <= MAX_CLIPS else blocks(*args, **_)

    return inside


def stream(seed: int, number: int) -> np.random.Generator:
    """Return the generator that `default_rng(seed).spawn(number + 1)` has last."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
