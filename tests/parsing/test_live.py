"""Streams: their events are those of the same recording, told with bounded delay and in bounded memory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from make_media import tone, write
from seehear.parsing.live_events import Begun, Ended, Finished, Started
from seehear.parsing.parser import load

RATE = 16000
SECONDS = 31.4


def changing(path: Path, seconds: float = SECONDS, **settings: object) -> Path:
    """A recording whose loudness and brightness change every few seconds."""
    rng = np.random.default_rng(3)
    levels = np.repeat(rng.uniform(0, 1, 200), 3)  # one per second
    shades = np.repeat(rng.integers(0, 255, 200), 4)
    sound = tone(400, seconds, RATE) * levels[(np.arange(round(seconds * RATE)) / RATE).astype(int)]
    times = np.arange(int(seconds * 5)) / 5

    def picture(n: int) -> np.ndarray:
        return np.full((16, 16, 3), shades[int(n / 5)], np.uint8)

    options = {"times": times, "fps": 5, "picture": picture, "sound": sound, "rate": RATE, **settings}
    return write(path, **options)  # type: ignore[arg-type]


def shown(events):
    return sorted((each.modality, each.label, each.onset, each.offset) for each in events)


@pytest.fixture(scope="session")
def parser(place):
    return load(place.run / "seed-3", device="cpu", trust_code=True)


FORMATS = {
    "ts": {},
    "mkv": {"codec": "ffv1", "pixels": "yuv444p", "sound_codec": "flac"},
    "mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}},
    "wav": {"times": (), "sound_codec": "pcm_s16le"},
    "webm": {"codec": "libvpx", "sound": None},
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kind", ["seed", "ensemble"])
def test_the_events_are_those_of_the_recording(tmp_path, place, parser, suffix, kind):
    file = changing(tmp_path / f"clip.{suffix}", **FORMATS[suffix])
    parser = parser if kind == "seed" else load(place.run, ensemble=True, device="cpu", trust_code=True)
    whole = parser.parse(file)
    assert len(whole.events) > 3
    with file.open("rb") as stream:
        told = list(parser.follow(stream))
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
