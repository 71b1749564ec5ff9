"""Random draws that are taken again and again: every score of a comparison is drawn with the same numbers.

To draw takes longer than to use what was drawn. So the last draws are kept, as long as they are small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np

MAX_CLIPS = 2**11  # draws of more are not kept: they are drawn anew, so that memory does not grow with the clips
KEPT = 4  # draws of one kind in memory, of up to 20 MB each

P = ParamSpec("P")
T = TypeVar("T")


def kept(
    blocks: Callable[Concatenate[int, P], Iterator[T]],
) -> Callable[Concatenate[int, P], Iterable[T]]:
    """Let a generator of draws keep what it yields, for the next call with the same arguments.

    Args:
        blocks: From the number of clips, and whatever else the draws depend on, to blocks of draws. Nobody may change
            these.
    """

    @lru_cache(maxsize=KEPT)
    def again(clips: int, /, *args: P.args, **more: P.kwargs) -> tuple[T, ...]:
        return tuple(blocks(clips, *args, **more))

    @wraps(blocks)
    def inside(clips: int, /, *args: P.args, **more: P.kwargs) -> Iterable[T]:
        return again(clips, *args, **more) if clips <= MAX_CLIPS else blocks(clips, *args, **more)

    return inside


def stream(seed: int, number: int) -> np.random.Generator:
    """Return the generator that `default_rng(seed).spawn(number + 1)` has last."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
