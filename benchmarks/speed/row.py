"""A row of the table of speeds, the sizes that are measured, and how a time is measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """One thing that was measured."""

    what: str
    found: str
    reference: str = ""  # how the same is usually done, how much longer it takes, ± how far it differs
    floor: str = ""  # the least time in which this machine could do it, see `floors`
    share: str = ""  # the floor as a share of what was found
    goal: str = ""


HEADER = Row("", "found", "reference", "floor", "share", "goal")


@dataclass(frozen=True)
class Size:
    """What is measured on: by default LLP's test split, LLP's features and the baseline's model."""

    clips: int = 1200
    classes: int = 25
    segments: int = 10
    audio: int = 128
    frames: int = 2048
    per_segment: int = 8
    clip_network: int = 512
    width: int = 512
    batch: int = 16
    matrix: int = 2048  # rows and columns of the matrices whose product gives the arithmetic rate
    copied: int = 2**28  # bytes whose copy gives the memory's rate
    systems: int = 18  # that are compared
    rounds: int = 15  # of two ways in turn
    least: float = 0.5  # seconds that a time is taken over


TINY = Size(12, 3, 4, 8, 16, 2, 8, 16, 4, matrix=64, copied=2**16, systems=3, rounds=2, least=0.0)


def seconds(job: Callable[[], object], least: float = 1.0, repeats: int = 3) -> float:
    """Median time of a call: at least `repeats` calls and `least` seconds, after one that does not count."""
    job()
    times: list[float] = []
    while len(times) < repeats or sum(times) < least:
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def in_turn(jobs: list[Callable[[], object]], rounds: int, least: float = 0.1) -> list[float]:
    """Median time of each of several calls, taken in turn, so that the machine's moods hit all of them."""
    taken = [[seconds(job, least) for job in jobs] for _ in range(rounds)]
    return [float(np.median(column)) for column in zip(*taken, strict=True)]


def measured(what: str, took: float, floor: float, reference: str = "", goal: str = "", found: str = "") -> Row:
    """Return the row of something that took so many seconds, of which the machine needs `floor`.

    Args:
        found: In place of the time, such as a rate.
    """
    return Row(what, found or duration(took), reference, duration(floor), percent(floor / took), goal)


def duration(value: float) -> str:
    """Seconds as text of three digits, with their unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1 or unit == "µs":
            return f"{value * factor:.3g} {unit}"
    raise AssertionError


def percent(share: float) -> str:
    """A share as text of two digits."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1g} %"
