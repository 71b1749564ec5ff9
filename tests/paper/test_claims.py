"""Verdicts on claims, for numbers whose answer is obvious."""

from __future__ import annotations

import numpy as np
import pytest

from seehear.paper.claims import Answer, Claim, Compared, Level, Probable
from seehear.paper.measurement import Findings, Measurement
from seehear.scoring.comparison import difference

SEEDS = (0, 1, 2, 3, 4, 5)
CONFIRMED, NOT_CONFIRMED, INCONCLUSIVE = Answer.CONFIRMED, Answer.NOT_CONFIRMED, Answer.INCONCLUSIVE


def system(mean, spread=1.0, seeds=SEEDS, clips=40, of_seeds=0.1):
    """Values (S, N) around a mean, per cent."""
    rng = np.random.default_rng(round(1000 * mean))
    values = mean + spread * rng.standard_normal(clips) + of_seeds * rng.standard_normal((max(1, len(seeds)), 1))
    return Measurement.of(values - values.mean() + mean, seeds)


def verdict(claim, systems, paper=None, controls=()):
    findings = Findings({name: {"score": one} for name, one in systems.items()}, "signature", frozenset(controls))
    reported = paper or {}
    return claim.verdict(findings, lambda name, score: reported.get(name))


HIGHER = Claim(text="more", compare=Compared(one="new", other="old", score="score"))
LOWER = Claim(text="less", compare=Compared(one="new", other="old", score="score", expect="lower"))


def test_a_clear_difference_confirms_and_its_opposite_does_not():
    up = {"new": system(60), "old": system(50)}
    down = {"new": system(50), "old": system(60)}
    assert verdict(HIGHER, up).answer == verdict(LOWER, down).answer == CONFIRMED
    for claim, systems in ((HIGHER, down), (LOWER, up)):
        result = verdict(claim, systems)
        assert result.answer == NOT_CONFIRMED
        assert "the opposite is significant" in result.reason


def test_no_difference_is_inconclusive_unless_the_papers_is_excluded():
    systems = {"new": system(50.01, spread=2.0), "old": system(50, spread=2.0)}
    gap = difference(systems["new"].values, systems["old"].values, (SEEDS, SEEDS))
    assert gap.low < 0 < gap.high < 5
    assert verdict(HIGHER, systems).answer == INCONCLUSIVE
    assert verdict(HIGHER, systems, {"new": 50.5, "old": 50.2}).answer == INCONCLUSIVE  # within the interval
    assert verdict(HIGHER, systems, {"new": 45.0, "old": 50.0}).answer == INCONCLUSIVE
    for claim, theirs in ((HIGHER, 55.0), (LOWER, 45.0)):
        result = verdict(claim, systems, {"new": theirs, "old": 50.0})
        assert result.answer == NOT_CONFIRMED
        assert f"{gap.mean:+.1f} ({gap.low:+.1f} to {gap.high:+.1f})" in result.reason
        assert f"paper {theirs - 50:+.1f}" in result.reason


def test_few_seeds_are_inconclusive():
    one = {"new": system(60, seeds=(0,)), "old": system(50, seeds=(0,))}
    assert verdict(HIGHER, one).answer == INCONCLUSIVE
    assert "one seed" in verdict(HIGHER, one).reason
    two = {"new": system(60, seeds=(0, 1)), "old": system(50, seeds=(0, 1))}
    assert verdict(HIGHER, two).answer == INCONCLUSIVE
    assert "p can't be below 0.500" in verdict(HIGHER, two).reason


def test_few_seeds_do_not_reject_a_claim():
    few = {"new": system(50, seeds=(0, 1, 2)), "old": system(60, seeds=(0, 1, 2))}
    assert verdict(HIGHER, few, {"new": 60.0, "old": 50.0}).answer == INCONCLUSIVE
    level = Claim(text="", level=Level(system="new", score="score", least=10))
    assert verdict(level, {"new": system(60, seeds=(0,))}).answer == INCONCLUSIVE


def test_a_system_is_not_compared_with_itself():
    one = system(60)
    again = Measurement.of(one.values, SEEDS)
    assert (
        verdict(HIGHER, {"new": one, "old": again}, {"new": 70.0, "old": 50.0}).reason
        == "new and old are the same here"
    )


def test_without_seeds_clips_alone_decide():
    systems = {"new": system(60, seeds=()), "old": system(50, seeds=())}
    assert verdict(HIGHER, systems).answer == CONFIRMED


def test_what_was_not_measured_is_inconclusive():
    assert verdict(HIGHER, {"new": system(60)}).reason == "old, score: not measured here"
    assert verdict(HIGHER, {"new": system(60), "old": Measurement(50.0)}).reason == "the two are not known per clip"
    assert verdict(Claim(text="", level=Level(system="new", score="score", least=1)), {}).answer == INCONCLUSIVE
    assert verdict(Claim(text="", probable=Probable(system="new", score="score")), {}).answer == INCONCLUSIVE


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"least": 50}, CONFIRMED),
        ({"least": 70}, NOT_CONFIRMED),
        ({"least": 60}, INCONCLUSIVE),
        ({"most": 70}, CONFIRMED),
        ({"most": 50}, NOT_CONFIRMED),
        ({"most": 60}, INCONCLUSIVE),
    ],
)
def test_level(bounds, expected):
    claim = Claim(text="", level=Level(system="new", score="score", **bounds))
    assert verdict(claim, {"new": system(60)}).answer == expected


def test_level_of_every_system_of_the_paper():
    claim = Claim(text="", level=Level(system="*", score="score", least=90))
    result = verdict(claim, {"a": system(99), "b": system(95), "control": system(50)}, controls=["control"])
    assert result.answer == CONFIRMED
    assert result.reason.startswith("b: ")
    assert verdict(claim, {"a": system(99), "b": system(80)}).answer == NOT_CONFIRMED
    claim = Claim(text="", level=Level(system="* rotated", score="score", most=75))
    result = verdict(
        claim, {"a": system(99), "a rotated": system(60), "b rotated": system(50)}, controls=["a rotated", "b rotated"]
    )
    assert result.answer == CONFIRMED
    assert result.reason.startswith("a rotated: ")


def test_level_of_a_measure_that_comes_with_p_or_alone():
    claim = Claim(text="", level=Level(system="new", score="score", least=0))
    assert verdict(claim, {"new": Measurement(0.6, p=0.01)}).answer == CONFIRMED
    assert verdict(claim, {"new": Measurement(0.6, p=0.2)}).answer == INCONCLUSIVE
    assert verdict(claim, {"new": Measurement(-0.6, p=0.9)}).answer == NOT_CONFIRMED
    assert verdict(claim, {"new": Measurement(0.6)}).answer == CONFIRMED


@pytest.mark.parametrize(("value", "expected"), [(99, CONFIRMED), (50, INCONCLUSIVE), (1, NOT_CONFIRMED)])
def test_probable(value, expected):
    claim = Claim(text="", probable=Probable(system="new", score="score"))
    assert verdict(claim, {"new": Measurement(value)}).answer == expected


def test_a_claim_has_one_test_and_a_level_one_side():
    with pytest.raises(ValueError, match="one of compare, level and probable"):
        Claim(text="")
    with pytest.raises(ValueError, match="either least or most"):
        Level(system="a", score="b", least=1, most=2)


def test_an_interval_on_the_other_side_excludes_the_papers_difference_too():
    """p counts each difference between seeds as chance, so that it may exceed .05 although the interval excludes 0."""
    rng = np.random.default_rng(3)
    old = 50 + rng.standard_normal((6, 60))
    shift = np.array([[-0.1], [0.6], [0.7], [0.8], [0.9], [1.0]])
    systems = {"new": Measurement.of(old - shift, SEEDS), "old": Measurement.of(old, SEEDS)}
    gap = systems["new"].minus(systems["old"])
    assert gap is not None
    assert gap.high < 0
    assert gap.p >= 0.05
    assert verdict(HIGHER, systems, {"new": 52.0, "old": 50.0}).answer == NOT_CONFIRMED
    assert verdict(LOWER, systems, {"new": 49.0, "old": 50.0}).answer == INCONCLUSIVE
