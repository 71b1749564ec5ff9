"""Streams: their events are those of the same recording, told with bounded delay and in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from parsing.streams import RATE, SECONDS, Levels, recording, windowed
from seehear.decoding import ByModality, Decoding
from seehear.errors import SeehearError
from seehear.media.child import open_clip
from seehear.media.stream_source import Ending
from seehear.modality import with_joint
from seehear.networks.samples import sample_image, sample_waveform
from seehear.parsing.class_scores import without_parents
from seehear.parsing.clip import Origin, parsed_events
from seehear.parsing.live_events import Begun, Ended, Finished, Started, Tracker, Withdrawn
from seehear.parsing.parser import load
from seehear.parsing.reach import Reach
from seehear.parsing.untrained import Untrained

FORMATS = {
    "ts": {},
    "mkv": {"codec": "ffv1", "pixels": "yuv444p", "sound_codec": "flac"},
    "mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}},
    "wav": {"times": (), "sound_codec": "pcm_s16le"},
    "webm": {"codec": "libvpx", "sound": None},
    "flv": {"codec": "flv1"},
    "h264": {"sound": None},  # whose packets have no times
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


def in_the_middle(parser, film):
    """A decoding by which half of the segments of each class are active before the clip filter."""
    features, _ = parser.reader.read(open_clip(film))
    packs = {modality: [features[name] for name in names] for modality, names in parser.collocation.items()}
    found = parser._of_packs(packs)
    of_modality = dict(zip(parser.modalities, np.median(found.segment[0], axis=0).tolist(), strict=True))  # (C,) each
    thresholds = {name: dict(zip(parser.classes, each, strict=True)) for name, each in of_modality.items()}
    return Decoding("global", ByModality(thresholds), float(np.median(found.clip)))


@pytest.mark.parametrize("kind", ["seed", "ensemble", "package"])
def test_trained_parsers(film, place, kind, tmp_path):
    parser = load(place.run if kind == "ensemble" else place.run / "seed-3", ensemble=kind == "ensemble",
                  device="cpu", trust_code=True)  # fmt: skip
    if kind == "package":
        parser = parser.package(tmp_path / "model.seehear")
    decoding = in_the_middle(parser, film)
    whole = parser.parse(film, decoding=decoding)
    assert len(whole.events) > 3
    with film.open("rb") as stream:
        told_like(list(parser.follow(stream, decoding=decoding)), whole)


@pytest.mark.parametrize("words", [["Dog", "Cat", "Speech"], None])
def test_untrained(tmp_path, words):
    """In the built-in vocabulary, an event gives way to more specific ones: also if that shows only later."""
    sound = np.tile(sample_waveform(RATE)[: 4 * RATE], 4)
    pictures = [np.full((64, 64, 3), 90, np.uint8), sample_image(64)]
    options = {"times": np.arange(32) / 2, "fps": 2, "picture": lambda n: pictures[n // 5 % 2], "sound": sound}
    file = recording(tmp_path / "film.mkv", 16, **options, sound_codec="flac")
    parser = Untrained(words, networks={"audio": "yamnet", "visual": "efficientnet-lite0"}, device="cpu")
    decoding = Decoding("none", 0.03)
    whole = parser.parse(file, decoding=decoding)
    assert len(whole.events) > 4
    told = list(parser.follow(file, decoding=decoding, stall=0.1))
    finished = [each.parsed() for each in told if isinstance(each, Finished)]
    assert shown(finished) == shown(whole.events)
    assert {each.origin for each in finished} == {Origin.UNTRAINED}
    assert told[-1].reason is Ending.IDLE
    with pytest.raises(SeehearError, match="the clip filter 'global' needs the whole clip"):
        parser.follow(file, decoding=Decoding("global"))


def test_trained_and_untrained_in_one(film, place):
    words = Untrained(["Music", "High", "Sky"], networks={"audio": "yamnet", "visual": "efficientnet-lite0"},
                      decoding=Decoding("none", 0.02), device="cpu")  # fmt: skip
    trained = load(place.run / "seed-3", device="cpu", trust_code=True)
    both, decoding = trained.with_untrained(words), in_the_middle(trained, film)
    with film.open("rb") as stream:
        told = list(both.follow(stream, decoding=decoding))
    whole = both.parse(film, decoding=decoding)
    finished = [each.parsed() for each in told if isinstance(each, Finished)]
    assert shown(finished) == shown(whole.events)
    assert {each.label: each.origin for each in finished} == {each.label: each.origin for each in whole.events}
    assert len({each.origin for each in finished}) == 2
    assert told[0].origins == (Origin.TRAINED, Origin.UNTRAINED)


def test_a_parser_of_whole_clips_says_so(film):
    with pytest.raises(SeehearError, match="needs whole clips"):
        Levels(None).follow(film)


# Tracker


@pytest.mark.parametrize("seed", range(20))
def test_events_are_followed_as_they_are_found_in_a_whole(seed):
    """Runs of random segments, and kinds that give way to more specific classes, in pieces of any size."""
    rng = np.random.default_rng(seed)
    length, below = 40, {0: [1, 2], 3: [4]}
    probabilities = rng.random((length, 2, 5), dtype=np.float32)
    active = {name: rng.random((1, length, 5)) < 0.6 for name in ("audio", "visual")}
    tracks = {name: without_parents(array, below) for name, array in with_joint(active, ("audio", "visual")).items()}
    duration = length - 0.4
    expected = parsed_events(tracks, probabilities[None], "ABCDE", 1.0, duration)
    tracker, told = Tracker("ABCDE", ("audio", "visual"), 1.0, Origin.TRAINED, below), []
    for start, stop in pairwise([0, *sorted(rng.integers(0, length, 6).tolist()), length]):
        part = {name: array[0, start:stop] for name, array in active.items()}
        told += tracker.add(part, probabilities[start:stop], [0.0] * (stop - start))
    told += tracker.close(duration)
    finished = [each.parsed() for each in told if isinstance(each, Finished)]
    assert shown(finished) == shown(expected)
    begun = Counter((each.modality, each.label, each.onset) for each in told if isinstance(each, Begun))
    ended = Counter((each.modality, each.label, each.onset) for each in told if isinstance(each, Finished | Withdrawn))
    assert begun == ended
    assert set(begun.values()) == {1}


# Delay and memory


class Tap:
    """A stream of which only so many bytes can be had, until more are let through."""

    name = "tap"

    def __init__(self, data: bytes) -> None:
        self._data, self._place, self._open = data, 0, 0
        self._more = threading.Condition()

    def let(self, count: int) -> None:
        with self._more:
            self._open = min(count, len(self._data))
            self._more.notify()

    def read(self, size: int) -> bytes:
        with self._more:
            self._more.wait_for(lambda: self._place < self._open or self._place == len(self._data))
            piece = self._data[self._place : min(self._open, self._place + size)]
            self._place += len(piece)
            return piece


def test_events_are_told_within_the_stated_delay(tmp_path):
    file = recording(tmp_path / "clip.wav", **FORMATS["wav"])
    data = file.read_bytes()
    header, per_second = len(data) - round(SECONDS * RATE) * 2, RATE * 2
    tap = Tap(data)
    tap.let(header + 6 * per_second)  # FFmpeg looks at the first seconds before it tells what tracks there are
    live = Levels().follow(tap)
    assert next(live) == live.started
    expected = sorted(
        [(each.onset, Begun) for each in Levels().parse(file).events]
        + [(each.offset, Finished) for each in Levels().parse(file).events],
        key=lambda each: (each[0], each[1] is Begun),
    )
    for moment, kind in expected:
        tap.let(header + round((moment + live.started.delay) * per_second))  # and nothing behind it
        told = next(live)
        assert isinstance(told, kind)
        assert (told.onset if kind is Begun else told.offset) == moment
    assert isinstance(next(live), Ended)


MEMORY = """
import io, sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from parsing.streams import Levels
from seehear.parsing.live_events import Finished, Restarted

def highest(process):
    lines = Path(f"/proc/{{process}}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

class Again(io.RawIOBase):
    def __init__(self, data, times):
        self.data, self.times, self.place = data, times, 0
    def read(self, size):
        if self.place >= len(self.data):
            self.times, self.place = self.times - 1, 0
        if not self.times:
            return b""
        piece = self.data[self.place : self.place + size]
        self.place += len(piece)
        return piece

data = open({film!r}, "rb").read()
for times in (2, 2, 20):
    live = Levels().follow(Again(data, times))
    kept, restarts, events = 0, 0, 0
    (process,) = live._stream._decoder.children
    for told in live:
        if told.type == "event":
            child = highest(process.process.pid)
        kept = max(kept, max(len(rows) for rows in live._recent._rows.values()))
        restarts += isinstance(told, Restarted)
        events += isinstance(told, Finished)
    print(times, round(told.duration), restarts, events, kept, highest("self"), child)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_memory_does_not_grow_with_the_stream(film):
    """Ten minutes of video whose clock starts anew every half a minute take no more than one."""
    code = MEMORY.format(tests=str(Path(__file__).parent.parent), film=str(film))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    _, short, long = ([int(each) for each in line.split()] for line in done.stdout.splitlines())
    assert (long[0], long[2]) == (20, 19)  # one clock in each
    assert long[1] == pytest.approx(20 * SECONDS, abs=10)
    assert long[3] > 5 * short[3]
    assert short[4] == long[4] < 30  # segments
    for n in (5, 6):  # of both processes
        assert long[n] < short[n] + 8 * 1024  # KiB
