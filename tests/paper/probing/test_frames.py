"""Which segments have one known class, against loops."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from seehear.labels import DenseTable, Event
from seehear.probing.frames import labelled_frames

CLIPS, CLASSES, SEGMENTS = ("a", "b", "c"), ("Cat", "Dog"), 5

events = st.builds(
    Event,
    clip=st.sampled_from([*CLIPS, "elsewhere"]),
    onset=st.integers(0, 6).map(float),
    offset=st.integers(0, 7).map(float),
    label=st.sampled_from([*CLASSES, "Cow"]),
)


@given(st.lists(events, max_size=8))
def test_frames(found):
    table = DenseTable(Path("table.csv"), tuple(found))
    frames = labelled_frames(table, CLIPS, CLASSES, SEGMENTS)
    expected = []
    for n, clip in enumerate(CLIPS):
        its = [event for event in found if event.clip == clip and event.onset < event.offset]
        if len({event.label for event in its}) != 1 or its[0].label not in CLASSES:
            continue
        for t in range(SEGMENTS):
            if any(event.onset <= t < event.offset for event in its):
                expected.append((n, t, CLASSES.index(its[0].label)))
    assert list(zip(frames.clip, frames.segment, frames.label, strict=True)) == expected
    assert len(frames) == len(expected)


def test_segments_of_another_length():
    table = DenseTable(Path("table.csv"), (Event("b", 1.0, 2.0, "Dog"),))
    frames = labelled_frames(table, CLIPS, CLASSES, 10, segment=0.5)
    assert list(frames.segment) == [2, 3]
    assert set(frames.clip) == {1}
    assert set(frames.label) == {1}
