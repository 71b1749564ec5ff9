"""What is said of a claim, given numbers whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest

from seehear.experiments.claims import Claim, Compared, Level, Probable
from seehear.experiments.findings import Findings, Measured
from seehear.scoring.comparison import difference

SEEDS = (0, 1, 2, 3, 4, 5)


def system(mean, spread=1.0, seeds=SEEDS, clips=40, of_seeds=0.1):
    """Values (S, N) around a mean, per cent."""
    rng = np.random.default_rng(round(1000 * mean))
    values = mean + spread * rng.standard_normal(clips) + of_seeds * rng.standard_normal((max(1, len(seeds)), 1))
    return Measured.of(values - values.mean() + mean, seeds)


def answer(claim, systems, paper=None, ours=()):
    found = Findings({name: {"score": one} for name, one in systems.items()}, "signature", frozenset(ours))
    reported = paper or {}
    return claim.verdict(found, lambda name, score: reported.get(name))


HIGHER = Claim(says="more", compare=Compared(one="new", other="old", score="score"))
LOWER = Claim(says="less", compare=Compared(one="new", other="old", score="score", expect="lower"))


def test_a_clear_difference_confirms_and_its_opposite_does_not():
    up = {"new": system(60), "old": system(50)}
    down = {"new": system(50), "old": system(60)}
    assert answer(HIGHER, up).answer == answer(LOWER, down).answer == "confirmed"
    for claim, systems in ((HIGHER, down), (LOWER, up)):
        found = answer(claim, systems)
        assert found.answer == "not confirmed"
        assert "the opposite was found" in found.why


def test_no_difference_is_open_unless_the_papers_is_ruled_out():
    systems = {"new": system(50.01, spread=2.0), "old": system(50, spread=2.0)}
    apart = difference(systems["new"].values, systems["old"].values, (SEEDS, SEEDS))
    assert apart.low < 0 < apart.high < 5
    assert answer(HIGHER, systems).answer == "can't tell"
    assert answer(HIGHER, systems, {"new": 50.5, "old": 50.2}).answer == "can't tell"  # within the interval
    assert answer(HIGHER, systems, {"new": 45.0, "old": 50.0}).answer == "can't tell"  # it doesn't claim what it says
    for claim, theirs in ((HIGHER, 55.0), (LOWER, 45.0)):
        found = answer(claim, systems, {"new": theirs, "old": 50.0})
        assert found.answer == "not confirmed"
        assert f"{apart.mean:+.1f} ({apart.low:+.1f} to {apart.high:+.1f})" in found.why
        assert f"paper {theirs - 50:+.1f}" in found.why


def test_one_seed_or_few_can_tell_nothing():
    one = {"new": system(60, seeds=(0,)), "old": system(50, seeds=(0,))}
    assert answer(HIGHER, one).answer == "can't tell"
    assert "one seed" in answer(HIGHER, one).why
    two = {"new": system(60, seeds=(0, 1)), "old": system(50, seeds=(0, 1))}
    assert answer(HIGHER, two).answer == "can't tell"
    assert "p can't be under 0.500" in answer(HIGHER, two).why


def test_few_seeds_lean_to_neither_side():
    few = {"new": system(50, seeds=(0, 1, 2)), "old": system(60, seeds=(0, 1, 2))}
    assert answer(HIGHER, few, {"new": 60.0, "old": 50.0}).answer == "can't tell"
    level = Claim(says="", level=Level(system="new", score="score", least=10))
    assert answer(level, {"new": system(60, seeds=(0,))}).answer == "can't tell"


def test_a_system_is_not_compared_with_itself():
    one = system(60)
    again = Measured.of(one.values, SEEDS)
    assert answer(HIGHER, {"new": one, "old": again}, {"new": 70.0, "old": 50.0}).why == "new and old are the same here"


def test_without_seeds_clips_alone_decide():
    systems = {"new": system(60, seeds=()), "old": system(50, seeds=())}
    assert answer(HIGHER, systems).answer == "confirmed"


def test_what_was_not_measured_can_not_be_told():
    assert answer(HIGHER, {"new": system(60)}).why == "old, score: not measured here"
    assert answer(HIGHER, {"new": system(60), "old": Measured(50.0)}).why == "the two are not known clip by clip"
    assert answer(Claim(says="", level=Level(system="new", score="score", least=1)), {}).answer == "can't tell"
    assert answer(Claim(says="", probable=Probable(system="new", score="score")), {}).answer == "can't tell"


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"least": 50}, "confirmed"),
        ({"least": 70}, "not confirmed"),
        ({"least": 60}, "can't tell"),
        ({"most": 70}, "confirmed"),
        ({"most": 50}, "not confirmed"),
        ({"most": 60}, "can't tell"),
    ],
)
def test_level(bounds, expected):
    claim = Claim(says="", level=Level(system="new", score="score", **bounds))
    assert answer(claim, {"new": system(60)}).answer == expected


def test_level_of_every_system_of_the_paper():
    claim = Claim(says="", level=Level(system="*", score="score", least=90))
    found = answer(claim, {"a": system(99), "b": system(95), "control": system(50)}, ours=["control"])
    assert found.answer == "confirmed"
    assert found.why.startswith("b: ")
    assert answer(claim, {"a": system(99), "b": system(80)}).answer == "not confirmed"
    claim = Claim(says="", level=Level(system="* turned", score="score", most=75))
    found = answer(
        claim, {"a": system(99), "a turned": system(60), "b turned": system(50)}, ours=["a turned", "b turned"]
    )
    assert found.answer == "confirmed"
    assert found.why.startswith("a turned: ")


def test_level_of_a_measure_that_comes_with_p_or_alone():
    claim = Claim(says="", level=Level(system="new", score="score", least=0))
    assert answer(claim, {"new": Measured(0.6, p=0.01)}).answer == "confirmed"
    assert answer(claim, {"new": Measured(0.6, p=0.2)}).answer == "can't tell"
    assert answer(claim, {"new": Measured(-0.6, p=0.9)}).answer == "not confirmed"
    assert answer(claim, {"new": Measured(0.6)}).answer == "confirmed"


@pytest.mark.parametrize(("value", "expected"), [(99, "confirmed"), (50, "can't tell"), (1, "not confirmed")])
def test_probable(value, expected):
    claim = Claim(says="", probable=Probable(system="new", score="score"))
    assert answer(claim, {"new": Measured(value)}).answer == expected


def test_a_claim_has_one_test_and_a_level_one_side():
    with pytest.raises(ValueError, match="one of compare, level and probable"):
        Claim(says="")
    with pytest.raises(ValueError, match="either least or most"):
        Level(system="a", score="b", least=1, most=2)


def test_an_interval_on_the_other_side_rules_the_papers_difference_out_too():
    """p takes each difference between seeds for luck, so that it may be over .05 where the interval leaves out 0."""
    rng = np.random.default_rng(3)
    old = 50 + rng.standard_normal((6, 60))
    shift = np.array([[-0.1], [0.6], [0.7], [0.8], [0.9], [1.0]])
    systems = {"new": Measured.of(old - shift, SEEDS), "old": Measured.of(old, SEEDS)}
    apart = systems["new"].minus(systems["old"])
    assert apart is not None
    assert apart.high < 0
    assert apart.p >= 0.05
    assert answer(HIGHER, systems, {"new": 52.0, "old": 50.0}).answer == "not confirmed"
    assert answer(LOWER, systems, {"new": 49.0, "old": 50.0}).answer == "can't tell"
