"""Claims of a paper, and verdicts on them by our numbers: confirmed, not confirmed, or inconclusive.

A difference is confirmed if it has the claimed sign and p < .05 over clips and seeds. It is not confirmed if it is
significant with the opposite sign, or if our interval reaches 0 and excludes the paper's difference. A level is
confirmed if the whole interval is on the claimed side, and not confirmed if none of it is. All else is inconclusive,
and so is a claim about systems trained with too few seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from seehear.paper.measurement import Findings, Measurement
from seehear.scoring.comparison import LEVEL, Difference, format_p

SURE = 95.0  # per cent: a probability that confirms a claim; its complement does not
ONE_SEED = "one seed says nothing about other seeds"
Reported = Callable[[str, str], float | None]  # what the paper reports for a system and score


class Answer(StrEnum):
    """How our numbers answer a claim."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not confirmed"
    INCONCLUSIVE = "inconclusive"


class Source(StrEnum):
    """Who makes a claim: the paper, or we, as a control of the paper's reading."""

    PAPER = "paper"
    CONTROL = "control"


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim.

    Attributes:
        claim: In words.
        source: Who makes it.
        answer: What our numbers say.
        reason: The numbers, and what is missing for an answer.
    """

    claim: str
    source: Source
    answer: Answer
    reason: str


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Compared(_Data):
    """A system's score is higher (or lower) than another's, or than another score of the same system."""

    one: str
    other: str
    score: str
    other_score: str = ""
    expect: Literal["higher", "lower"] = "higher"

    def test(self, findings: Findings, reported: Reported) -> tuple[Answer, str]:
        """Return the answer and the reason."""
        other_score = self.other_score or self.score
        one, other = findings.get(self.one, self.score), findings.get(self.other, other_score)
        if one is None or other is None:
            absent = f"{self.one}, {self.score}" if one is None else f"{self.other}, {other_score}"
            return Answer.INCONCLUSIVE, f"{absent}: not measured here"
        difference = one.minus(other)
        if difference is None:
            return Answer.INCONCLUSIVE, "the two are not known per clip"
        in_paper = reported(self.one, self.score), reported(self.other, other_score)
        gap = None if in_paper[0] is None or in_paper[1] is None else in_paper[0] - in_paper[1]
        if one is other or np.array_equal(one.values, other.values):  # type: ignore[arg-type]
            return Answer.INCONCLUSIVE, f"{self.one} and {self.other} are the same here"
        answer, why = self._judge(difference, gap, trained=bool(one.seeds or other.seeds))
        paper = f"; paper {gap:+.1f}" if gap is not None else ""
        numbers = (
            f"{difference.mean:+.1f} ({difference.low:+.1f} to {difference.high:+.1f}), p {format_p(difference.p)}"
        )
        return answer, f"{numbers}{paper}{': ' * bool(why)}{why}"

    def _judge(self, difference: Difference, gap: float | None, trained: bool) -> tuple[Answer, str]:
        sign = 1 if self.expect == "higher" else -1
        if trained and not difference.over_seeds:
            return Answer.INCONCLUSIVE, ONE_SEED
        if difference.floor >= LEVEL:
            return Answer.INCONCLUSIVE, f"with so few seeds p can't be below {difference.floor:.3f}"
        if difference.p < LEVEL:
            if sign * difference.mean > 0:
                return Answer.CONFIRMED, ""
            return Answer.NOT_CONFIRMED, "the opposite is significant"
        least, most = sorted((sign * difference.low, sign * difference.high))
        if gap is not None and least <= 0 and most < sign * gap:
            return Answer.NOT_CONFIRMED, "the interval excludes differences as large as the paper's"
        return Answer.INCONCLUSIVE, "not significant over clips and seeds"


class Level(_Data):
    """A score is at least, or at most, so high.

    `*` stands for every system but the controls, `* NAME` for all controls NAME.
    """

    system: str
    score: str
    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Level:
        if (self.least is None) == (self.most is None):
            raise ValueError("a level has either least or most")
        return self

    def _holds(self, value: float) -> bool:
        return value >= self.least if self.least is not None else value <= (self.most or 0.0)

    def _measurements(self, findings: Findings) -> dict[str, Measurement]:
        names = [self.system]
        if "*" in self.system:
            names = [
                name
                for name in findings.systems
                if fnmatchcase(name, self.system) and (self.system != "*" or name not in findings.controls)
            ]
        known = {name: findings.get(name, self.score) for name in names}
        return {name: one for name, one in known.items() if one is not None and not math.isnan(one.value)}

    def test(self, findings: Findings, reported: Reported) -> tuple[Answer, str]:
        """Return the answer and the reason. The system that is nearest to failing decides."""
        measurements = self._measurements(findings)
        if not measurements:
            return Answer.INCONCLUSIVE, f"{self.system}, {self.score}: not measured here"
        least = self.least is not None
        name, worst = (min if least else max)(measurements.items(), key=lambda item: item[1].value)
        which = f", the {'lowest' if least else 'highest'} of {len(measurements)}" if "*" in self.system else ""
        numbers = f"{name}: {_with_interval(worst)}{which}"
        if len(worst.seeds) == 1:
            return Answer.INCONCLUSIVE, f"{numbers}: {ONE_SEED}"
        ends = [value for value in (worst.low, worst.high) if not math.isnan(value)] or [worst.value]
        if not math.isnan(worst.p) and worst.p >= LEVEL and self._holds(worst.value):
            return Answer.INCONCLUSIVE, f"{numbers}: not significant"
        if all(self._holds(value) for value in ends):
            return Answer.CONFIRMED, numbers
        if not any(self._holds(value) for value in ends):
            return Answer.NOT_CONFIRMED, numbers
        return Answer.INCONCLUSIVE, f"{numbers}: the interval contains {self.least if least else self.most:g}"


class Probable(_Data):
    """A score that is itself a probability, per cent: confirmed from 95 up, not confirmed from 5 down."""

    system: str
    score: str

    def test(self, findings: Findings, reported: Reported) -> tuple[Answer, str]:
        """Return the answer and the reason."""
        one = findings.get(self.system, self.score)
        if one is None or math.isnan(one.value):
            return Answer.INCONCLUSIVE, f"{self.system}, {self.score}: not measured here"
        chance = "" if math.isnan(one.chance) else f"; a random choice {one.chance:.0f} %"
        numbers = f"{one.value:.0f} %{chance}"
        if one.value >= SURE:
            return Answer.CONFIRMED, numbers
        return (Answer.NOT_CONFIRMED if one.value <= 100 - SURE else Answer.INCONCLUSIVE), numbers


class Claim(_Data):
    """A claim: in words, and how it is tested.

    Attributes:
        text: In words.
        source: Who makes it.
        compare: One of the three tests.
        level: One of the three tests.
        probable: One of the three tests.
    """

    text: str
    source: Source = Source.PAPER
    compare: Compared | None = None
    level: Level | None = None
    probable: Probable | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Claim:
        if sum(test is not None for test in (self.compare, self.level, self.probable)) != 1:
            raise ValueError("a claim has one of compare, level and probable")
        return self

    @property
    def test(self) -> Compared | Level | Probable:
        """The one test that it has."""
        test = self.compare or self.level or self.probable
        assert test is not None
        return test

    @property
    def scores(self) -> list[str]:
        """The columns that it refers to."""
        other = self.compare.other_score if self.compare is not None else ""
        return [self.test.score, *([other] if other else [])]

    @property
    def systems(self) -> list[str]:
        """The rows that it refers to."""
        test = self.test
        return [test.one, test.other] if isinstance(test, Compared) else [test.system]

    def verdict(self, findings: Findings, reported: Reported) -> Verdict:
        """Return the verdict on the claim.

        Args:
            findings: Our numbers.
            reported: From a system and score to what the paper reports, or None.
        """
        return Verdict(self.text, self.source, *self.test.test(findings, reported))


def _with_interval(measurement: Measurement) -> str:
    interval = "" if math.isnan(measurement.low) else f" ({measurement.low:.1f}–{measurement.high:.1f})"
    p = "" if math.isnan(measurement.p) else f", p {format_p(measurement.p)}"
    return f"{measurement.value:.3g}{interval}{p}"
