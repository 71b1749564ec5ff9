"""Digital silence: found in the samples, kept in the store, and known to a data set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file

import seehear as sh
from make_media import movie, tone, write
from seehear.data import Dataset
from seehear.features.extraction import extract
from seehear.features.packed import Packed, pack, silence_of
from seehear.features.segments import SILENCE, Settings, silent_segments
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.media.reader import Media
from seehear.media.span import Span

RATE = 8000


@sh.network(name="level", modality="audio", width=2, rate=RATE, window=1.0)
def level(waves):
    return np.stack([np.abs(waves).max(axis=1), waves.std(axis=1)], axis=1)


@sh.network(name="wide", modality="audio", width=1, rate=RATE, window=3.0)
def wide(waves):
    return waves.std(axis=1)[:, None]


@sh.network(name="colours", modality="visual", width=3, size=16)
def colours(frames):
    return frames.mean(axis=(1, 2)) / 255


def loop(sound: np.ndarray, segment: float, count: int) -> list[bool]:
    """The oracle: segment by segment, sample by sample."""
    silent = [True] * count
    for n, sample in enumerate(sound.tolist()):
        t = int(n / (RATE * segment))
        if t < count and abs(sample) > 2**-15:
            silent[t] = False
    return silent


def gaps(seconds: float, *silent: tuple[float, float]) -> np.ndarray:
    """A tone without a sample of 0, with exact silence in spans of seconds."""
    sound = tone(300, seconds, RATE) + 0.45
    for start, stop in silent:
        sound[round(start * RATE) : round(stop * RATE)] = 0
    return sound


@given(st.lists(st.sampled_from([0.0, 2.0**-15, -(2.0**-15), 2.0**-14, -0.5]), min_size=5, max_size=5), st.data())
def test_silence_is_the_loop(levels, data):
    sound = np.zeros(5 * RATE, np.float32)
    for second, value in enumerate(levels):
        sound[second * RATE + data.draw(st.integers(0, RATE - 1))] = value
    start, margin = data.draw(st.integers(0, 2)), 0.5
    padded = np.pad(sound, RATE)
    waveform = padded[round((start + 1 - margin) * RATE) : round((5 + 1 + margin) * RATE)]
    span = Span(start, 5, {}, np.zeros(0), waveform, RATE, margin)
    for segment in (0.5, 1.0):
        expected = loop(sound[start * RATE :], segment, round((5 - start) / segment))
        assert silent_segments(span, Settings(segment=segment)).tolist() == expected


def test_one_step_of_16_bits_is_silent():
    assert SILENCE == 1 / 32768


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A clip of several spans, one that begins in silence, and one that is never silent."""
    folder = tmp_path_factory.mktemp("clips")
    sounds = {
        "long": gaps(21.5, (2, 4.2), (7.5, 10), (20, 21.5)),
        "short": gaps(3, (0, 1)),
        "loud": gaps(4),
    }
    for name, sound in sounds.items():
        movie(folder / f"{name}.mkv", len(sound) / RATE, fps=4, sound=sound, rate=RATE, sound_codec="flac")
    return folder, sounds


def found(clips, name: str, segment: float = 1.0) -> list[bool]:
    folder, sounds = clips
    return loop(sounds[name], segment, Media(folder / f"{name}.mkv").segments(segment))


@pytest.mark.parametrize("segment", [1.0, 0.5])
def test_features_in_memory_and_in_a_store_know_it(clips, tmp_path, segment):
    folder, _ = clips
    options = {"segment": segment, "progress": False}
    memory = extract(folder, [colours, level, wide], **options)
    stored = extract(folder, [colours, level, wide], store=tmp_path / "store", **options)
    again = extract(folder, [colours, level, wide], store=tmp_path / "store", **options)
    assert again.unchanged == 9
    store = Store(tmp_path / "store")
    for name in ("long", "short", "loud"):
        expected = found(clips, name, segment)
        assert any(expected) == (name != "loud")
        for result in (memory, stored, again):
            assert result[name].silent.tolist() == expected
        for network in ("level", "wide"):
            assert store.silent(network, name).tolist() == expected
            assert len(store.read(network, name)) == len(expected)
        assert store.silent("colours", name) is None
    assert extract(folder / "long.mkv", colours, progress=False).silent is None


def test_audio_that_ends_before_the_video_is_silent_then(tmp_path):
    path = write(tmp_path / "a.mkv", times=np.arange(50) / 10, fps=10, sound=gaps(2.5), rate=RATE, sound_codec="flac")
    assert extract(path, level, progress=False).silent.tolist() == [False, False, False, True, True]


def test_a_data_set_has_it_in_its_order(clips, tmp_path):
    folder, _ = clips
    store = tmp_path / "store"
    extract(folder, [colours, level, wide], store=store, progress=False)
    (tmp_path / "weak.csv").write_text("filename\tevent_labels\nloud\tDog\nabsent\tDog\nlong\tCat\nshort\t\n")
    data = Dataset.from_tables(tmp_path / "weak.csv", store=store)
    expected = np.zeros((4, 22), bool)
    for n, name in enumerate(data.clips):
        if name != "absent":
            of_clip = found(clips, name)
            expected[n, : len(of_clip)] = of_clip
    assert data.silent.tolist() == expected.tolist()
    assert expected.sum() > 5
    part = data.subset(["short", "absent", "long"])
    assert part.silent.tolist() == expected[[3, 1, 2]].tolist()
    assert data[3:].silent.tolist() == [[True, False, False]]
    seen = data.with_networks({"visual": "colours"})
    assert not seen.silent.any()
    index = load_file(next((store / "packed").glob("level-*.safetensors")))
    assert len(index["silent"]) == expected.sum()


def test_what_is_not_known_is_not_silent(clips, tmp_path):
    """A store of an earlier version, and features that came as arrays."""
    folder, _ = clips
    kept = Store(tmp_path / "store", create=True)
    kept.register(NetworkInfo("level", "audio", 2, "made"))
    for name in ("long", "short"):
        kept.write("level", Origin(name, "made", name), extract(folder / f"{name}.mkv", level, progress=False)["level"])
    assert kept.silent("level", "long") is None
    (tmp_path / "weak.csv").write_text("filename\tevent_labels\nlong\tDog\nshort\tDog\n")
    data = Dataset.from_tables(tmp_path / "weak.csv", store=kept)
    assert data.silent.shape == (2, 22)
    assert not data.silent.any()
    assert not pack(kept, "level", ["long", "short"]).silent.any()
    assert not Dataset.from_tables(tmp_path / "weak.csv", store=kept).silent.any()
    arrays = Dataset.from_arrays({"audio": np.zeros((2, 3, 4)), "visual": np.zeros((2, 3, 1))})
    assert arrays.silent.tolist() == [[False] * 3] * 2


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.data())
def test_packs_keep_it_through_cuts_and_subsets(lengths, data):
    rows = sum(lengths)
    silent = np.array(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    known = Packed(np.zeros((rows, 1), np.float32), offsets, "", silent)
    unknown = Packed(np.zeros((rows, 1), np.float32), offsets, "")
    clips = [silent[offsets[n] : offsets[n + 1]].tolist() for n in range(len(lengths))]
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(clips)), st.integers(0, len(clips)))))
    chosen = data.draw(st.lists(st.integers(0, len(clips) - 1), min_size=1, max_size=6))
    views = {
        tuple(range(start, stop)): lambda pack: pack.cut(slice(start, stop)),
        tuple(chosen): lambda pack: pack.subset(np.array(chosen)),
    }
    for numbers, view in views.items():
        assert view(known).silent.tolist() == [value for n in numbers for value in clips[n]]
        assert view(unknown).silent is None
        table = silence_of([view(known), view(unknown)])
        for row, n in zip(table, numbers, strict=True):
            assert row[: lengths[n]].tolist() == clips[n]
        assert table.sum() == sum(sum(clips[n]) for n in numbers)
        assert not silence_of([view(unknown)]).any()
