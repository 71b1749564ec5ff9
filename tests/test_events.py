"""Segments, events, and what is active in a set of clips."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.events import ActiveSegments, Activity, event_spans, segment_span
from seehear.labels import DenseTable, Event
from seehear.modality import joint_of, kinds, with_joint


def activity(**more):
    audio = np.zeros((2, 4, 3), dtype=bool)
    audio[1, 1:3, 2] = audio[0, 3, 0] = True
    return Activity({"audio": audio, "visual": audio ^ True}, **more)


def test_activity_is_a_mapping_with_one_line_to_show():
    active = activity(classes=["Cat", "Dog", "Owl"], source="global,clip0.5,seg0.5")
    assert list(active) == ["audio", "visual"]
    assert (active.shape, active.classes) == ((2, 4, 3), ("Cat", "Dog", "Owl"))
    assert repr(active) == "Activity(audio, visual: 2 clips × 4 segments × 3 classes; global,clip0.5,seg0.5)"
    assert repr(Activity()) == "Activity(no modality: 0 clips × 0 segments × 0 classes)"
    assert activity().source == ""


def test_activity_survives_copies():
    active = activity(classes="abc", source="x")
    for other in (copy.deepcopy(active), pickle.loads(pickle.dumps(active))):
        assert (other.classes, other.source) == (("a", "b", "c"), "x")
        np.testing.assert_array_equal(other["audio"], active["audio"])


def test_activity_takes_numbers_that_are_0_and_1():
    assert Activity({"audio": np.ones((1, 2, 3))})["audio"].dtype == np.bool_


@pytest.mark.parametrize(
    ("arrays", "classes", "message"),
    [
        ({"audio": np.zeros((2, 3))}, None, r"audio: has the shape \(2, 3\)"),
        ({"audio": np.full((1, 2, 3), 0.3)}, None, "audio: holds other values than 0 and 1; decode"),
        ({"audio": np.zeros((1, 2, 3)), "visual": np.zeros((1, 2, 4))}, None, "differ in shape"),
        ({"audio": np.zeros((1, 2, 3))}, ["Cat"], "1 class names for arrays of 3 classes"),
    ],
)
def test_activity_of_another_form(arrays, classes, message):
    with pytest.raises(SeehearError, match=message):
        Activity(arrays, classes=classes)


def test_activity_as_a_table():
    pytest.importorskip("pandas")
    active = Activity({"audio": activity()["audio"]}, classes=["Cat", "Dog", "Owl"])
    rows = active.to_frame(["a", "b"], segment=0.5)
    assert list(rows.columns) == ["clip", "modality", "label", "onset", "offset"]
    assert rows.to_numpy().tolist() == [["a", "audio", "Cat", 1.5, 2.0], ["b", "audio", "Owl", 0.5, 1.5]]
    assert list(Activity({"audio": np.zeros((1, 2, 3))}).to_frame().columns) == list(rows.columns)
    with pytest.raises(SeehearError, match="1 clip names for 2 clips"):
        active.to_frame(["a"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**12 - 1), st.sampled_from([0.5, 1.0, 0.96]))
def test_the_events_of_the_table_fill_the_active_segments(bits, segment):
    pytest.importorskip("pandas")
    active = np.array([bits >> n & 1 for n in range(12)], dtype=bool).reshape(2, 3, 2)
    frame = Activity({"audio": active}, classes=["Cat", "Dog"]).to_frame(["a", "b"], segment)
    events = tuple(Event(row.clip, row.onset, row.offset, row.label) for row in frame.itertuples())
    table = DenseTable(Path("audio.csv"), events)
    np.testing.assert_array_equal(table.array(["a", "b"], ["Cat", "Dog"], 3, segment), active)


def test_the_joint_modality():
    assert kinds(["audio", "visual"]) == ("audio", "visual", "audio_visual")
    assert kinds(["audio"]) == ("audio",)
    assert joint_of(["audio", "visual", "audio_visual"]) == "audio_visual"
    assert joint_of(["audio", "visual"]) is None
    active = {"audio": np.array([True, True]), "visual": np.array([True, False])}
    assert with_joint(active, ["audio", "visual"])["audio_visual"].tolist() == [True, False]


@given(st.integers(0, 50), st.integers(1, 50), st.sampled_from([0.5, 1.0, 2.0]))
def test_whole_segments_are_taken_as_they_stand(start, length, segment):
    assert segment_span(start * segment, (start + length) * segment, segment) == (start, start + length)


@pytest.mark.parametrize(
    ("onset", "offset", "span"),
    [
        (0.4, 2.6, (0, 3)),
        (0.6, 2.4, (1, 2)),
        (1.2, 1.3, (1, 2)),
        (2.0, 2.0, (0, 0)),
        (3.0, 1.0, (0, 0)),
        (0.5, 1.5, (1, 2)),
    ],
)
def test_fractional_seconds(onset, offset, span):
    assert segment_span(onset, offset, 1.0) == span


@given(st.integers(0, 2**24 - 1))
def test_events_are_those_of_the_loop(bits):
    active = np.array([bits >> n & 1 for n in range(24)], dtype=bool).reshape(2, 4, 3)
    expected = []
    for clip in range(2):
        for label in range(3):
            t = 0
            while t < 4:
                if active[clip, t, label]:
                    start = t
                    while t < 4 and active[clip, t, label]:
                        t += 1
                    expected.append((clip, label, start, t))
                t += 1
    found = event_spans(ActiveSegments.of(active))
    assert list(zip(found.clip, found.label, found.start, found.stop, strict=True)) == expected
