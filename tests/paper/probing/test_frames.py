"""Which segments have one known class, compared with loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seehear.paper.probing.frames import labelled_frames

SHAPE = CLIPS, SEGMENTS, CLASSES = 3, 5, 2


@given(arrays(bool, SHAPE, elements=st.integers(0, 4).map(lambda number: number == 0)))
def test_frames(active):
    frames = labelled_frames(active)
    expected = []
    for n in range(CLIPS):
        classes = {c for t in range(SEGMENTS) for c in range(CLASSES) if active[n, t, c]}
        if len(classes) == 1:
            (label,) = classes
            expected += [(n, t, label) for t in range(SEGMENTS) if active[n, t, label]]
    assert list(zip(frames.clip, frames.segment, frames.label, strict=True)) == expected
    assert len(frames) == len(expected)


def test_a_clip_with_several_classes_is_left_out():
    active = np.zeros((2, 3, 2), dtype=bool)
    active[0, 0, 0] = active[0, 2, 1] = active[1, 1:, 1] = True
    frames = labelled_frames(active)
    assert frames.clip.tolist() == [1, 1]
    assert frames.segment.tolist() == [1, 2]
    assert frames.label.tolist() == [1, 1]
