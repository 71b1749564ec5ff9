"""Networks that compute a map of a whole clip, of which each segment takes its part."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

import seehear as sh
from make_media import write
from seehear.errors import ClipError, SeehearError
from seehear.features.maps import MapReader, segments_of_map
from seehear.features.store import Store
from seehear.media.reader import Span
from seehear.networks import AudioMapInput, Network, NetworkSpec, get

HOP = 0.25  # seconds
RATE = 16000  # samples per second, of files
SLOW = 1000  # samples per second
STEP = 250  # samples
DECLARED = AudioMapInput(SLOW, window=3.0, hop=HOP, context=0.75, margin=0.4)


class Levels(Network):
    """A feature every 0.25 s: the mean size of the 0.5 s around, the mean square, and how long the waveform was."""

    def __init__(self, rate: int) -> None:
        self.step = round(rate * HOP)

    def features(self, batch):
        return self.feature_map(batch).mean(axis=1)

    def feature_map(self, waves):
        assert waves.shape[1] >= self.step
        return np.stack([self._rows(wave) for wave in waves])

    def _rows(self, wave):
        rows = []
        for centre in range(0, len(wave), self.step):
            around = wave[max(0, centre - self.step) : centre + self.step]
            rows.append([np.abs(around).mean(), np.square(around).mean(), len(wave)])
        return np.array(rows, np.float32)


def spec_of(declared: AudioMapInput, network: Network, name: str = "levels") -> NetworkSpec:
    return NetworkSpec(name, declared, 3, "none", "none", "none", "none", load=lambda paths, device: network)


LEVELS = spec_of(DECLARED, Levels(SLOW))


def noise(seconds: float, rate: int = SLOW) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.uniform(-0.9, 0.9, round(seconds * rate)) * np.linspace(0.1, 1, round(seconds * rate))).astype("f4")


def in_spans(wave: np.ndarray, length: float, margin: float = 0.25) -> Iterator[Span]:
    padded = np.pad(wave, round(margin * SLOW) + 1)[1:]
    for n in range(max(1, math.ceil(len(wave) / SLOW / length - 1e-9))):
        start, stop = n * length, min((n + 1) * length, len(wave) / SLOW)
        cut = padded[round(start * SLOW) : round((stop + 2 * margin) * SLOW)]
        yield Span(start, stop, {}, np.zeros(0), cut, SLOW, margin)


def read(wave: np.ndarray, length: float, network: Network | None = None) -> MapReader:
    reader = MapReader(DECLARED, (network or Levels(SLOW)).feature_map, "levels", 3)
    for span in in_spans(wave, length):
        reader.add(span)
    return reader


@pytest.mark.parametrize("seconds", [0.05, 0.2, 1, 2.9, 3.0, 3.1, 4.6, 7.3, 20])
def test_windows_give_the_map_of_the_whole_clip(seconds):
    """This network looks 0.25 s around, so it shows where windows are joined, whatever the length of spans."""
    wave = noise(seconds)
    whole = Levels(SLOW).feature_map(np.pad(wave, (0, max(0, STEP - len(wave))))[None])[0]
    for length in (1.0, 2.5, 8.0):
        rows = read(wave, length).rows()
        assert len(rows) == math.ceil(len(wave) / STEP)
        np.testing.assert_allclose(rows[:, :2], whole[:, :2], rtol=1e-5)
        assert rows[:, 2].max() <= 3 * SLOW  # samples at once


def test_a_clip_of_one_window_is_computed_whole():
    assert set(read(noise(3), 1.0).rows()[:, 2]) == {3 * SLOW}
    assert set(read(noise(2.5), 1.0).rows()[:, 2]) == {2.5 * SLOW}


@pytest.mark.parametrize(("seconds", "segment"), [(0.1, 1.0), (3.2, 1.0), (10, 1.0), (10, 0.1), (9.9, 2.5), (2, 5.0)])
def test_segments_average_what_is_centred_in_them_or_near(seconds, segment):
    rows = np.random.default_rng(0).normal(size=(math.ceil(seconds / HOP), 4)).astype(np.float32)
    n_segments = max(1, math.ceil(seconds / segment - 0.1))
    found = segments_of_map(rows, DECLARED, segment, n_segments)
    assert found.shape == (n_segments, 4)
    for t in range(n_segments):
        inside = [
            row for j, row in enumerate(rows) if t * segment - 0.4 - 1e-9 <= j * HOP < (t + 1) * segment + 0.4 - 1e-9
        ]
        np.testing.assert_allclose(found[t], np.mean(inside, axis=0), rtol=1e-5, atol=1e-6)


def test_a_segment_past_the_map_takes_its_end():
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert segments_of_map(rows, DECLARED, 1.0, 5)[-1].tolist() == [7]


@pytest.mark.parametrize("seconds", [0.3, 1.0, 10.0])
@pytest.mark.parametrize("segment", [1.0, 0.4])
def test_extraction_gives_what_a_waveform_gives(tmp_path, seconds, segment):
    """At the file's rate, so that nothing is resampled."""
    declared = AudioMapInput(RATE, window=3.0, hop=HOP, context=0.75, margin=0.4)
    spec = spec_of(declared, Levels(RATE))
    wave = noise(seconds, RATE)
    file = write(tmp_path / "noise.wav", sound=wave, rate=RATE, sound_codec="pcm_s16le")
    features = sh.extract(file, spec, segment=segment, progress=False)["levels"]
    assert features.shape == (max(1, math.ceil(seconds / segment - 0.1)), 3)
    given = sh.load_network(spec)(wave, RATE, segment=segment)
    np.testing.assert_allclose(features, given, atol=2e-4)


def test_extraction_to_a_store_beside_other_networks(tmp_path):
    """A clip without audio lacks this network alone; silence is still known; a rerun finds all."""
    wave = noise(4, RATE)
    wave[RATE : 3 * RATE] = 0
    write(tmp_path / "clips" / "heard.mkv", times=np.arange(80) / 20, fps=20, sound=wave, rate=RATE, sound_codec="flac")
    write(tmp_path / "clips" / "mute.mkv", times=np.arange(80) / 20, fps=20)

    @sh.network(name="colour", modality="visual", width=3, size=8)
    def colour(frames):
        return frames.mean(axis=(1, 2))

    for made, unchanged in ((3, 0), (0, 3)):
        done = sh.extract(tmp_path / "clips", [LEVELS, colour], store=tmp_path / "store", progress=False)
        assert (done.made, done.unchanged) == (made, unchanged)
        assert list(done.lacking["levels"]) == ["mute"]
    store = Store(tmp_path / "store")
    assert store.read("levels", "heard").shape == (4, 3)
    assert store.clips("levels") == {"heard"}
    assert store.clips("colour") == {"heard", "mute"}
    assert store.silent("levels", "heard").tolist() == [False, True, True, False]


def test_what_a_network_gives_is_checked():
    class Wrong(Levels):
        def feature_map(self, waves):
            return super().feature_map(waves)[..., :2]

    class Infinite(Levels):
        def feature_map(self, waves):
            return super().feature_map(waves) / np.float32(0)

    with pytest.raises(SeehearError, match=r"levels: gave a map of shape \(1, 4, 2\), not \(1, steps, 3\)"):
        read(noise(1), 1.0, Wrong(SLOW)).rows()
    with np.errstate(all="ignore"), pytest.raises(ClipError, match="levels gave numbers that are not finite"):
        read(noise(1), 1.0, Infinite(SLOW)).rows()


@pytest.mark.parametrize("seconds", [1, 10])
def test_a_failing_network_is_named(tmp_path, seconds):
    class Failing(Levels):
        def feature_map(self, waves):
            raise ValueError("no idea")

    file = write(tmp_path / "noise.wav", sound=noise(seconds, RATE), rate=RATE, sound_codec="pcm_s16le")
    with pytest.raises(ClipError, match="levels failed with ValueError: no idea"):
        sh.extract(file, spec_of(DECLARED, Failing(SLOW)), progress=False)
    with pytest.raises(NotImplementedError):
        Network.feature_map(Levels(SLOW), noise(1)[None])


@pytest.mark.parametrize(
    "wrong",
    [{"hop": 0.0}, {"hop": 0.3}, {"window": 3.1}, {"context": 0.8}, {"context": 1.5}, {"margin": -1.0}, {"rate": 1001}],
)
def test_a_map_that_can_not_be_joined_is_refused(wrong):
    with pytest.raises(SeehearError, match="needs a window"):
        AudioMapInput(**{"rate": SLOW, "window": 3.0, "hop": HOP, "context": 0.75, "margin": 0.4} | wrong)


def test_fingerprint_covers_how_a_map_is_read():
    specs = [LEVELS, *(spec_of(declared, Levels(SLOW)) for declared in (_with(margin=0.5), _with(context=0.5)))]
    assert len({spec.fingerprint for spec in specs}) == 3


def _with(**changes: float) -> AudioMapInput:
    return AudioMapInput(**{"rate": SLOW, "window": 3.0, "hop": HOP, "context": 0.75, "margin": 0.4} | changes)


def test_a_network_of_the_registry(tmp_path):
    try:
        net = sh.load_network("efficientat-mn04", device="cpu")
    except SeehearError as error:
        pytest.skip(str(error))
    wave = noise(12.3, RATE)
    assert "whole clip at 32 kHz" in repr(net)
    features, scores = net(wave, RATE), net.classify(wave, RATE)
    assert (features.shape, scores.shape) == ((13, 384), (13, 527))
    np.testing.assert_allclose(net.classifier()(features), scores)
    assert get("efficientat-mn04").input.seconds_per_item == pytest.approx(5.12)
