"""Which clip comes next."""

from __future__ import annotations

from collections import Counter

import pytest

from seehear.labelling import Choice, Chooser, ClipLabels, Session

from .made import CLASSES, clips, suggester

NAMES = [f"clip_{n:05}" for n in range(10_000)]


@pytest.mark.parametrize("every", [1, 2, 5, 20])
def test_a_fixed_share_is_drawn_by_chance(every):
    chooser = Chooser(every)
    drawn = {clip for clip in NAMES if chooser.is_random(clip)}
    share, deviation = 1 / every, (1 / every * (1 - 1 / every) / len(NAMES)) ** 0.5
    assert abs(len(drawn) / len(NAMES) - share) <= 4 * deviation
    assert drawn == {clip for clip in reversed(NAMES) if Chooser(every).is_random(clip)}  # by the name alone
    if every > 1:
        assert drawn != {clip for clip in NAMES if Chooser(every, seed=1).is_random(clip)}


def test_no_clip_is_drawn_if_none_is_wanted():
    assert not any(Chooser(0).is_random(clip) for clip in NAMES[:100])
    assert Chooser(0).next(NAMES[:3], {}, lambda _: None, {})[1] == Choice.UNSURE


def test_every_fifth_is_random_and_others_are_the_least_sure():
    """Against a loop that keeps two lists in order."""
    chooser, names = Chooser(5), NAMES[:200]
    unsure = {clip: n % 7 / 7 for n, clip in enumerate(names) if n % 3}  # of a third nothing is known
    chance = sorted((clip for clip in names if chooser.is_random(clip)), key=chooser.place)
    others = [clip for clip in names if not chooser.is_random(clip)]
    others.sort(key=lambda clip: (clip not in unsure, -unsure.get(clip, 0), chooser.place(clip)))
    left, counts, found = list(names), Counter(), []
    while left:
        clip, choice = chooser.next(left, counts, unsure.get, {})
        left.remove(clip)
        counts[choice] += 1
        found.append((clip, choice))
    expected = []
    while chance or others:
        if chance and ((len(expected) + 1) % 5 == 0 or not others):
            expected.append((chance.pop(0), Choice.RANDOM))
        else:
            expected.append((others.pop(0), Choice.UNSURE))
    assert found == expected
    assert chooser.next([], counts, unsure.get, {}) is None


def test_a_restart_draws_the_same_clips(tmp_path):
    clips(tmp_path / "clips", 40)
    orders = []
    for name in ("one", "other"):
        order = []
        for n in range(40):
            if name == "other" or n == 0:
                session = Session(tmp_path / name, tmp_path / "clips", classes=CLASSES)
            clip, choice = session.next()
            session.change(clip, ClipLabels({}, True), choice=choice)
            order.append((clip, choice))
        orders.append(order)
        assert session.next() is None
    assert orders[0] == orders[1]
    assert orders[0][4][1] == Choice.RANDOM


def test_what_was_offered_and_not_labelled_comes_again_after_the_others(tmp_path):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 6), every=0)
    first = [session.next()[0] for _ in range(6)]
    assert sorted(first) == list(session.clips)
    assert session.next()[0] == first[0]
    assert session.next(leave_out=[first[1]])[0] == first[2]


def test_the_model_is_asked_and_what_it_can_not_decode_is_not_offered(tmp_path):
    found = {f"clip_00{n}": {"Dog": p} for n, p in enumerate((0.99, 0.55, 0.7, 0.9))}
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 5), every=0, suggester=suggester(found))
    session.suggestions.start()
    session.suggestions._thread.join()
    assert [session.next()[0] for _ in range(4)] == ["clip_001", "clip_002", "clip_003", "clip_000"]
    assert list(session.suggestions.failed) == ["clip_004"]
    for clip in found:
        session.label(clip, [])
    assert session.next()[0] == "clip_004"  # nothing else is left
