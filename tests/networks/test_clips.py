"""Clips of frames: which frames of a segment a network is given, against loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from make_media import number_of, write
from seehear.features.jobs import Job, run_jobs
from seehear.features.segments import Settings, segment_features
from seehear.media.span import Span
from seehear.networks import ClipInput, NetworkSpec, load, network

SIZE = 16
PER_SECOND, SECONDS = 20, 4.4


def numbers_of(frames: int) -> NetworkSpec:
    """A network whose features are the numbers of the frames that it is given, in order."""

    @network(name="numbers", modality="visual", width=frames, size=SIZE)
    def numbers(clips):
        assert clips.shape[1:] == (frames, SIZE, SIZE, 3)
        return np.array([[number_of(picture) for picture in clip] for clip in clips])

    return replace(numbers, input=ClipInput(size=SIZE, frames=frames))


def chosen(there: list[int], frames: int) -> list[int]:
    """The oracle: frame f stands for the f-th of as many equal parts, and is the frame on show as the part begins."""
    return [there[math.floor(f * len(there) / frames)] for f in range(frames)]


def span(at: list[float], start: float, stop: float) -> Span:
    """Frames 0, 1, 2, … at these seconds, each as bright as its number."""
    brightness = np.arange(len(at), dtype=np.uint8)[:, None, None, None]
    pictures = np.broadcast_to(brightness, (len(at), SIZE, SIZE, 3))
    return Span(start, stop, {SIZE: pictures}, np.array(at), np.zeros(0, np.float32), 0, 0.0)


def bright(frames: int) -> NetworkSpec:
    @network(name="bright", modality="visual", width=frames, size=SIZE)
    def bright(clips):
        return clips[:, :, 0, 0, 0]

    return replace(bright, input=ClipInput(size=SIZE, frames=frames))


@pytest.mark.parametrize("start", [0.0, 16.0])
def test_segments_of_eight_of_three_and_of_no_frames(start):
    eight = [start + (n + 0.5) / 8 for n in range(8)]
    three = [start + 2.1, start + 2.4, start + 2.9]
    there = span(eight + three, start, start + 3)
    spec = bright(8)
    made = segment_features(there, spec, load(spec), Settings())
    assert made[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert np.isnan(made[1]).all()
    assert made[2].tolist() == [8, 8, 8, 9, 9, 9, 10, 10] == chosen([8, 9, 10], 8)
    spec = bright(4)  # fewer than there are
    assert segment_features(there, spec, load(spec), Settings())[0].tolist() == [0, 2, 4, 6]
    spec = bright(16)  # each twice
    assert segment_features(there, spec, load(spec), Settings())[0].tolist() == sorted([*range(8), *range(8)])


def test_a_span_without_frames():
    spec = bright(4)
    made = segment_features(span([], 8.0, 10.0), spec, load(spec), Settings())
    assert made.shape == (2, 4)
    assert np.isnan(made).all()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Numbered frames."""
    path = tmp_path_factory.mktemp("clips") / "clip.mkv"
    return write(path, times=np.arange(round(SECONDS * PER_SECOND)) / PER_SECOND, fps=PER_SECOND)


def seen(fps: float, segment: float, frames: int) -> np.ndarray:
    """The oracle: the numbers on show at each sample time of a segment; where it has none, those of the one before."""
    times = [(n + 0.5) / fps for n in range(math.ceil(SECONDS * fps)) if (n + 0.5) / fps < SECONDS - 1e-9]
    rows: list[list[int] | None] = []
    for t in range(max(1, math.ceil(SECONDS / segment - 0.1))):
        mine = [math.floor(time * PER_SECOND + 1e-5) for time in times if t <= time / segment + 1e-9 < t + 1]
        rows.append(chosen(mine, frames) if mine else rows[-1] if rows else None)
    first = next(row for row in rows if row is not None)
    return np.array([row or first for row in rows])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fps=st.sampled_from([0.3, 0.5, 1, 2.5, 3, 8, 20]),
    segment=st.sampled_from([0.2, 0.5, 1.0, 2.0]),
    frames=st.sampled_from([1, 2, 3, 8, 16]),
)
def test_clips_of_a_file(clip, fps, segment, frames):
    spec = numbers_of(frames)
    (done,) = run_jobs([Job("clip", clip, (spec.name,))], [(spec, load(spec))], Settings(fps=fps, segment=segment))
    assert done.problems == ()
    np.testing.assert_array_equal(done.features["numbers"], seen(fps, segment, frames))


def test_input_decides_the_fingerprint():
    assert numbers_of(8).input.described == "8 × 16 px"
    spec = numbers_of(8)
    longer = replace(spec, input=ClipInput(size=SIZE, frames=16))
    assert len({spec.fingerprint, longer.fingerprint}) == 2
