"""Streams: their events are those of the same recording, told with bounded delay and in bounded memory."""

from __future__ import annotations

import json

import numpy as np
import pytest

from parsing.streams import SECONDS, Levels, recording, windowed
from seehear.decoding import ByModality, Decoding
from seehear.media.child import open_clip
from seehear.parsing.live_events import Begun, Ended, Finished, Started
from seehear.parsing.parser import load
from seehear.parsing.reach import Reach

FORMATS = {
    "ts": {},
    "mkv": {"codec": "ffv1", "pixels": "yuv444p", "sound_codec": "flac"},
    "mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}},
    "wav": {"times": (), "sound_codec": "pcm_s16le"},
    "webm": {"codec": "libvpx", "sound": None},
}


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    return recording(tmp_path_factory.mktemp("streams") / "film.ts")


def shown(events):
    return sorted((each.modality, each.label, round(each.onset, 3), round(each.offset, 3)) for each in events)


def told_like(told, whole):
    """Check that a stream is told as the parse of the same recording has it."""
    assert isinstance(told[0], Started)
    assert told[-1] == Ended("ended", pytest.approx(whole.duration, abs=1e-3))
    finished = [each.parsed() for each in told if isinstance(each, Finished)]
    assert shown(finished) == shown(whole.events)
    confidence = {(each.modality, each.label, each.onset): each.confidence for each in whole.events}
    for each in finished:
        assert each.confidence == pytest.approx(confidence[each.modality, each.label, each.onset], abs=2e-4)
    begun = [(each.modality, each.label, each.onset) for each in told if isinstance(each, Begun)]
    assert sorted(begun) == sorted(confidence)
    for each in told:
        json.dumps(each.as_json())


# The same as of the recording


@pytest.mark.parametrize("window", range(1, 9))
def test_what_is_final_is_what_the_whole_clip_gives(window):
    values = np.random.default_rng(window).random((40, 2))
    reach = Reach.of_windows(window)
    for length in range(1, 40):
        whole = windowed(values[:length], window)
        done = 0
        for count in range(1, length + 1):
            stop = length if count == length else count - reach.after
            if stop <= done:
                continue
            first = reach.begin(done)
            part = windowed(values[first:count], window)
            for name in ("segment", "clip", "modality_clip"):
                final = getattr(part, name)[0, done - first : stop - first]
                assert np.allclose(final, getattr(whole, name)[0, done:stop], atol=1e-6)
            done = stop


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_events_are_those_of_the_recording(tmp_path, suffix):
    file = recording(tmp_path / f"clip.{suffix}", **FORMATS[suffix])
    whole = Levels().parse(file)
    assert len(whole.events) > 2
    with file.open("rb") as stream:
        told_like(list(Levels().follow(stream)), whole)


@pytest.mark.parametrize("seconds", [0.1, 0.6, 1.0, 5.05, 6.0, 6.2, 7.0, 12.0, 13.5])
def test_lengths_around_windows(tmp_path, seconds):
    file = recording(tmp_path / "clip.mkv", seconds, **FORMATS["mkv"])
    decoding = Decoding("none", 0.5)
    with file.open("rb") as stream:
        told_like(list(Levels().follow(stream, decoding=decoding)), Levels().parse(file, decoding=decoding))


@pytest.mark.parametrize("ensemble", [False, True])
def test_trained_parsers(film, place, ensemble):
    path = place.run if ensemble else place.run / "seed-3"
    parser = load(path, ensemble=ensemble, device="cpu", trust_code=True)
    features, _ = parser.reader.read(open_clip(film))
    packs = {modality: [features[name] for name in names] for modality, names in parser.collocation.items()}
    found = parser._of_packs(packs)
    middle = np.median(found.segment[0], axis=0)  # (M, C)
    thresholds = ByModality(
        {
            name: dict(zip(parser.classes, map(float, middle[m]), strict=True))
            for m, name in enumerate(parser.modalities)
        }
    )
    decoding = Decoding("global", thresholds, float(np.median(found.clip)))
    whole = parser.parse(film, decoding=decoding)
    assert len(whole.events) > 3
    with film.open("rb") as stream:
        told_like(list(parser.follow(stream, decoding=decoding)), whole)


def test_a_clip_filter_that_needs_the_whole_clip_is_refused(film): ...


assert SECONDS
