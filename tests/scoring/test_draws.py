"""Draws that are kept are those that would be drawn anew."""

import numpy as np
import pytest

from seehear.scoring import draws
from seehear.scoring.comparison import difference
from seehear.scoring.draws import kept, stream
from seehear.scoring.intervals import bootstrap


def test_only_small_draws_are_kept(monkeypatch):
    monkeypatch.setattr(draws, "MAX_CLIPS", 5)
    drawn = []

    @kept
    def blocks(clips, seed):
        drawn.append((clips, seed))
        yield np.arange(clips) + seed

    for clips, seed in [(5, 0), (5, 0), (5, 1), (6, 0), (6, 0)]:
        (block,) = blocks(clips, seed)
        assert block.tolist() == list(range(seed, clips + seed))
    assert drawn == [(5, 0), (5, 1), (6, 0), (6, 0)]


@pytest.mark.parametrize("seed", [0, 7])
def test_streams_are_those_that_a_generator_spawns(seed):
    for number, spawned in enumerate(np.random.default_rng(seed).spawn(4)):
        assert stream(seed, number).random(5).tolist() == spawned.random(5).tolist()


def test_results_do_not_depend_on_what_is_kept(monkeypatch):
    rng = np.random.default_rng(3)
    one, other = rng.normal(50, 9, (3, 40)), rng.normal(48, 9, (3, 40))

    def results():
        numbers = (range(3), range(3))
        return bootstrap(one), bootstrap(one, 5), difference(one, other), difference(one, other, numbers, seed=5)

    first, again = results(), results()
    monkeypatch.setattr(draws, "MAX_CLIPS", 0)
    assert first == again == results()
