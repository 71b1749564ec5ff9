"""Claims of a paper, and what our numbers say of them: confirmed, not confirmed, can't tell, and why.

A difference is confirmed only where clips and seeds could not as well have made it (p under .05). It is not confirmed
where they speak for the opposite, or where our interval reaches to 0 or past it, and holds nothing as large as what the
paper found. A level is confirmed where all of the interval is on its side, and not where none is. All else is open, and
so is whatever too few seeds were trained for: they could never confirm it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from seehear.experiments.findings import Findings, Measured
from seehear.scoring.comparison import LEVEL, format_p

Answer = Literal["confirmed", "not confirmed", "can't tell"]
SURE = 95.0  # per cent
ONE_SEED = "one seed says nothing of others"
Reported = Callable[[str, str], float | None]  # what the paper reports of a system and score


@dataclass(frozen=True)
class Verdict:
    """What became of a claim, and why."""

    says: str
    by: str
    answer: Answer
    why: str


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Compared(_Data):
    """One system's score is higher (or lower) than another's, or than another score of the same system."""

    one: str
    other: str
    score: str
    other_score: str = ""
    expect: Literal["higher", "lower"] = "higher"


class Level(_Data):
    """A score is at least, or at most, so high; `*` for every system but controls, `* NAME` for all controls NAME."""

    system: str
    score: str
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Level:
        if (self.least is None) == (self.most is None):
            raise ValueError("a level has either least or most")
        return self


class Probable(_Data):
    """A score that is itself a probability, per cent: confirmed from 95 on, not confirmed down from 5."""

    system: str
    score: str


class Claim(_Data):
    """says: in words. by: who says so. One of the others says how it is tested."""

    says: str
    by: Literal["paper", "ours"] = "paper"
    compare: Compared | None = None
    level: Level | None = None
    probable: Probable | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Claim:
        if sum(test is not None for test in (self.compare, self.level, self.probable)) != 1:
            raise ValueError("a claim has one of compare, level and probable")
        return self

    @property
    def scores(self) -> list[str]:
        """Columns that it speaks of."""
        test = self.compare or self.level or self.probable
        assert test is not None
        other = test.other_score if isinstance(test, Compared) else ""
        return [test.score, *([other] if other else [])]

    @property
    def systems(self) -> list[str]:
        """Rows that it speaks of."""
        if self.compare is not None:
            return [self.compare.one, self.compare.other]
        test = self.level or self.probable
        assert test is not None
        return [test.system]

    def verdict(self, found: Findings, reported: Reported) -> Verdict:
        """What was found, held against the claim."""
        if self.compare is not None:
            answer, why = _compared(self.compare, found, reported)
        elif self.level is not None:
            answer, why = _level(self.level, found)
        else:
            assert self.probable is not None
            answer, why = _probable(self.probable, found)
        return Verdict(self.says, self.by, answer, why)


def _compared(test: Compared, found: Findings, reported: Reported) -> tuple[Answer, str]:
    other_score = test.other_score or test.score
    one, other = found.get(test.one, test.score), found.get(test.other, other_score)
    if one is None or other is None:
        lacking = f"{test.one}, {test.score}" if one is None else f"{test.other}, {other_score}"
        return "can't tell", f"{lacking}: not measured here"
    apart = one.minus(other)
    if apart is None:
        return "can't tell", "the two are not known clip by clip"
    sign = 1 if test.expect == "higher" else -1
    said = f"{apart.mean:+.1f} ({apart.low:+.1f} to {apart.high:+.1f}), p {format_p(apart.p)}"
    theirs = reported(test.one, test.score), reported(test.other, other_score)
    gap = None if None in theirs else theirs[0] - theirs[1]  # type: ignore[operator]
    if gap is not None:
        said += f"; paper {gap:+.1f}"
    if one is other or np.array_equal(one.values, other.values):  # type: ignore[arg-type]
        return "can't tell", f"{test.one} and {test.other} are the same here"
    if (one.seeds or other.seeds) and not apart.over_seeds:
        return "can't tell", f"{said}: {ONE_SEED}"
    if apart.floor >= LEVEL:
        return "can't tell", f"{said}: with so few seeds p can't be under {apart.floor:.3f}"
    if apart.p < LEVEL:
        if sign * apart.mean > 0:
            return "confirmed", said
        return "not confirmed", f"{said}: the opposite was found"
    least, most = sorted((sign * apart.low, sign * apart.high))
    if gap is not None and least <= 0 and most < sign * gap:
        return "not confirmed", f"{said}: none as large as the paper's is in the interval"
    return "can't tell", f"{said}: clips and seeds could have made it"


def _level(test: Level, found: Findings) -> tuple[Answer, str]:
    names = [test.system]
    if "*" in test.system:
        names = [
            name
            for name in found.systems
            if fnmatchcase(name, test.system) and (test.system != "*" or name not in found.ours)
        ]
    known = {name: found.get(name, test.score) for name in names}
    measured = {name: one for name, one in known.items() if one is not None and not math.isnan(one.value)}
    if not measured:
        return "can't tell", f"{test.system}, {test.score}: not measured here"
    least = test.least is not None
    bound = test.least if test.least is not None else test.most
    assert bound is not None

    def holds(value: float) -> bool:
        return value >= bound if least else value <= bound

    # The one that is nearest to failing decides.
    name, worst = (min if least else max)(measured.items(), key=lambda item: item[1].value)
    which = f", the {'least' if least else 'most'} of {len(measured)}" if "*" in test.system else ""
    said = f"{name}: {_spelled(worst)}{which}"
    if len(worst.seeds) == 1:
        return "can't tell", f"{said}: {ONE_SEED}"
    ends = [value for value in (worst.low, worst.high) if not math.isnan(value)] or [worst.value]
    if not math.isnan(worst.p) and worst.p >= LEVEL and holds(worst.value):
        return "can't tell", f"{said}: chance could have made it"
    if all(holds(value) for value in ends):
        return "confirmed", said
    if not any(holds(value) for value in ends):
        return "not confirmed", said
    return "can't tell", f"{said}: the interval holds {bound:g}"


def _probable(test: Probable, found: Findings) -> tuple[Answer, str]:
    one = found.get(test.system, test.score)
    if one is None or math.isnan(one.value):
        return "can't tell", f"{test.system}, {test.score}: not measured here"
    said = f"{one.value:.0f} %" + ("" if math.isnan(one.chance) else f"; of a random choice {one.chance:.0f} %")
    if one.value >= SURE:
        return "confirmed", said
    return ("not confirmed" if one.value <= 100 - SURE else "can't tell"), said


def _spelled(measured: Measured) -> str:
    interval = "" if math.isnan(measured.low) else f" ({measured.low:.1f}–{measured.high:.1f})"
    p = "" if math.isnan(measured.p) else f", p {format_p(measured.p)}"
    return f"{measured.value:.3g}{interval}{p}"
