"""What a round of training gained on the clips drawn by chance."""

from __future__ import annotations

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.labelling import Choice, ClipLabels, DrawnEvent, Session

from .made import CLASSES, clips, suggester


@pytest.fixture
def session(tmp_path):
    """Twelve clips, all drawn by chance and labelled."""
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 12), classes=CLASSES, every=1)
    rng = np.random.default_rng(0)
    for clip in session.clips:
        labels = {name: None for name in CLASSES if rng.random() < 0.5}
        session.change(clip, ClipLabels(labels, True), choice=Choice.RANDOM)
    return session


def model(session, wrong, name):
    """Finds the true classes of each clip, but is wrong in so many of them."""
    found = {}
    for n, (clip, labels) in enumerate(session.labels().items()):
        right = {name: 0.9 for name in labels}
        found[clip] = {"Cat": 0.9, "Rain": 0.9} if n < wrong else right
    return suggester(found, name)


def naive_f1(session, found, clip):
    """Percent, by the letter: of classes that people choose from."""
    true = set(session.labels()[clip])
    predicted = {label for label in found[clip].labels if label in session.classes}
    if not true and not predicted:
        return 100.0
    return 100 * 2 * len(true & predicted) / (len(true) + len(predicted))


def test_a_round_gains_what_both_were_run_on(session):
    first = session.round(model(session, 8, "one"), progress=False)
    assert str(first).startswith("first round: ")
    gain = session.round(model(session, 2, "other"), progress=False)
    before, after = list(session.rounds)
    for of, expected in ((before, gain.before), (after, gain.after)):
        assert expected == pytest.approx(np.mean([naive_f1(session, of.found, clip) for clip in session.clips]))
    assert gain.gain == pytest.approx(gain.after - gain.before)
    assert gain.low < gain.gain < gain.high
    assert gain.clips == 12
    assert str(gain).startswith(f"last round: {gain.before:.1f} → {gain.after:.1f} (+{gain.gain:.1f}, ")
    assert str(gain).endswith(" on 12 random clips")
    worse = session.round(model(session, 12, "third"), progress=False)
    assert "(−" in str(worse)


def test_only_random_clips_count_and_labels_as_they_are_now(session):
    session.round(model(session, 0, "one"), progress=False)
    assert session.rounds.last().score.labels.mean == 100
    clip = session.clips[0]
    labels = session.labels()[clip]
    session.label(clip, ["Dog"] if "Dog" not in labels else [])
    assert session.rounds.last().score.labels.mean < 100
    session.label("clip_001", [])
    session.change("clip_002", ClipLabels(session["clip_002"].state.labels))  # a draft
    assert session.rounds.last().score.clips == 11


def test_a_clip_that_can_not_be_used_is_left_out(session, capsys):
    found = {clip: {name: 0.9 for name in names} for clip, names in session.labels().items() if clip != "clip_003"}
    gain = session.round(suggester(found, "one"))
    assert gain.score.clips == 11
    assert "clip_003.mp4: can't be decoded" in capsys.readouterr().err


def test_segments_are_scored_where_every_event_is_drawn(session):
    for clip in session.clips[:3]:
        session.label(clip, ["Dog"])
    session.draw("clip_000", [DrawnEvent("audio", "Dog", 1, 3)], timed=True)  # as the model finds it
    session.draw("clip_001", [DrawnEvent("audio", "Dog", 0, 1), DrawnEvent("visual", "Dog", 0, 1)], timed=True)
    found = {clip: {"Dog": 0.9} for clip in session.clips}
    score = session.round(suggester(found, "one"), progress=False).score
    assert score.timed == 2
    # clip_000 agrees in audio, and has nothing seen or both. clip_001 agrees in nothing, heard, seen or both.
    assert score.segments.mean == pytest.approx(100 * np.mean([1.0, 0.0]))


def test_no_random_clip_is_no_round(tmp_path):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 3), classes=CLASSES, every=0)
    session.label("clip_000", ["Dog"])
    assert session.round(suggester({"clip_000": {"Dog": 0.9}}), progress=False) is None
    assert session.rounds.last() is None
    assert not (tmp_path / "labels" / "rounds.jsonl").exists()


def test_a_damaged_round_is_named(session):
    session.round(model(session, 0, "one"), progress=False)
    with (session.folder / "rounds.jsonl").open("a") as stream:
        stream.write('{"run": 1}\n')
    with pytest.raises(SeehearError, match=r"rounds\.jsonl:2"):
        session.rounds.last()


def test_a_run_that_is_scored_again_is_one_round(session):
    session.round(model(session, 8, "one"), progress=False)
    session.round(model(session, 2, "other"), progress=False)
    session.round(model(session, 2, "other"), progress=False)
    assert [one.run for one in session.rounds] == ["one", "other"]


def test_of_few_clips_no_interval_is_said(tmp_path):
    session = Session(tmp_path / "labels", clips(tmp_path / "clips", 6), classes=CLASSES, every=1)
    for count, said in ((1, "1 random clip"), (4, "4 random clips"), (5, "5 random clips")):
        for clip in session.clips[:count]:
            session.change(clip, ClipLabels({"Dog": None}, True), choice=Choice.RANDOM)
        first = session.round(suggester({clip: {"Dog": 0.9} for clip in session.clips}, "one"), progress=False)
        last = session.round(suggester({clip: {} for clip in session.clips}, "other"), progress=False)
        (session.folder / "rounds.jsonl").unlink()
        if count < 5:
            assert str(first) == f"first round: 100.0 on {said}; too few random clips to tell"
            assert str(last) == f"last round: 100.0 → 0.0 on {said}; too few random clips to tell"
            assert np.isnan([last.low, last.high]).all()
        else:
            assert str(first) == f"first round: 100.0 (100.0 to 100.0) on {said}"
            assert str(last) == f"last round: 100.0 → 0.0 (−100.0, −100.0 to −100.0) on {said}"


def test_untrained_networks_are_one_round_and_named(session):
    def untrained(wrong, name):
        own = model(session, wrong, name)
        own.is_untrained = True
        return own

    first = session.round(untrained(8, "untrained@1"), progress=False)
    assert str(first).startswith("first round: untrained networks ")
    gain = session.round(model(session, 2, "run"), progress=False)
    assert str(gain).startswith(f"last round: untrained networks {gain.before:.1f} → {gain.after:.1f} (+")
    # Another start without the run, with one class more.
    again = session.round(untrained(8, "untrained@2"), progress=False)
    assert [one.run for one in session.rounds] == ["untrained@2", "run"]
    assert str(again) == str(gain)


def test_a_round_that_is_stopped_is_not_added(session):
    assert session.rounds.add(model(session, 0, "one"), progress=False, stopped=lambda: True) is None
    assert list(session.rounds) == []
