"""Networks and features as a notebook uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import seehear as sh
from make_media import movie, tone, write
from seehear.errors import ClipError, SeehearError
from seehear.media.reader import Media
from seehear.networks import ClipInput, network

RATE = 16000
NETWORKS = ["yamnet", "efficientnet-lite0"]


@network(name="level", modality="audio", width=2, rate=RATE, window=1.5, hop=0.5)
def level(waves):
    return np.stack([waves.std(axis=1), waves[:, waves.shape[1] // 2]], axis=1)


@network(name="colour", modality="visual", width=3, size=8)
def colour(frames):
    return frames.mean(axis=(1, 2))


@network(name="broken", modality="visual", width=1, size=8)
def broken(frames):
    raise ValueError("no idea")


OWN = [level, colour]


@pytest.fixture
def clips(tmp_path) -> Path:
    folder = tmp_path / "clips"
    for name, seconds in (("one", 3.0), ("two", 2.4)):
        movie(folder / f"{name}.mp4", seconds, sound=tone(440, seconds))
    movie(folder / "mute.mp4", 2.0, sound=None)
    return folder


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_networks_are_listed():
    assert sh.list_networks()[:2] == ["yamnet", "aisfx"]
    assert set(sh.list_networks("audio")) | set(sh.list_networks("visual")) == set(sh.list_networks())
    assert "yamnet" in sh.list_networks("audio")
    assert "yamnet" not in sh.list_networks("visual")
    with pytest.raises(SeehearError, match="'vidual': did you mean visual"):
        sh.list_networks("vidual")


@pytest.mark.parametrize("first", ["sh.list_networks()", "sh.networks.AudioInput", "sh.extract", "sh.network"])
def test_networks_stays_the_package(first):
    code = f"import seehear as sh; {first}; print(sh.networks.__name__, 'yamnet' in sh.networks.REGISTRY)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["seehear.networks", "True"]


def test_one_file_gives_its_features_and_writes_nothing(clips, monkeypatch):
    before = files_below(clips.parent)
    monkeypatch.chdir(clips.parent)
    for file in (clips / "one.mp4", str(clips / "one.mp4"), "clips/one.mp4"):
        features = sh.extract(file, OWN, device="cpu", progress=False)
        assert isinstance(features, sh.Features)
        assert list(features) == ["level", "colour"]
        assert (features["level"].shape, features["colour"].shape) == ((3, 2), (3, 3))
        assert features["colour"].dtype == np.float32
        assert (features.clip, features.segment) == ("one", 1.0)
        assert features.duration == pytest.approx(3, abs=0.1)
        assert repr(features).startswith("Features('one', 3")
        assert repr(features).endswith("s: level (3, 2), colour (3, 3))")
    assert files_below(clips.parent) == before


def test_options_of_one_file(clips):
    fine = sh.extract(clips / "one.mp4", colour, segment=0.5, fps=4)
    assert isinstance(fine, sh.Features)
    assert (fine["colour"].shape, fine.segment) == ((6, 3), 0.5)
    for wrong in ({"fps": 0}, {"segment": 0}, {"shard": "3/2"}, {"networks": []}, {"networks": "yamnettt"}):
        with pytest.raises(SeehearError):
            sh.extract(clips / "one.mp4", **({"networks": colour} | wrong))


def test_a_string_is_one_path_and_never_walked(tmp_path):
    with pytest.raises(SeehearError, match=r"clip\.mp4: no such file"):
        sh.extract("/a/clip.mp4", NETWORKS)
    with pytest.raises(SeehearError, match="a path is empty"):
        sh.extract("", NETWORKS)


def test_a_file_that_cannot_be_used(clips):
    (clips / "empty.mp4").touch()
    with pytest.raises(ClipError, match=r"empty\.mp4: is empty"):
        sh.extract(clips / "empty.mp4", OWN)
    with pytest.raises(ClipError, match=r"mute\.mp4: has no audio track: no features of level"):
        sh.extract(clips / "mute.mp4", OWN)
    with pytest.raises(ClipError, match=r"one\.mp4: broken failed with ValueError: no idea"):
        sh.extract(clips / "one.mp4", [level, broken])


@pytest.mark.parametrize("given", ["folder", "list", "one in a list"])
def test_many_files_give_an_extraction_in_memory(clips, given):
    files = {"folder": str(clips), "list": sorted(clips.iterdir()), "one in a list": [str(clips / "one.mp4")]}
    before = files_below(clips.parent)
    extraction = sh.extract(files[given], OWN, device="cpu", progress=False)
    assert isinstance(extraction, sh.Extraction)
    assert files_below(clips.parent) == before
    assert extraction.store is None
    assert extraction.networks == ("level", "colour")
    assert extraction["one"]["level"].shape == (3, 2)
    assert extraction.seconds > 0
    if given == "one in a list":
        assert (list(extraction), extraction.made, extraction.failed, extraction.exit_code) == (["one"], 2, {}, 0)
        return
    assert sorted(extraction) == ["mute", "one", "two"]
    assert (extraction.made, extraction.unchanged, extraction.exit_code) == (5, 0, 1)
    assert list(extraction["mute"]) == ["colour"]
    assert extraction.failed == {"mute": [f"{clips / 'mute.mp4'}: has no audio track: no features of level"]}
    assert repr(extraction) == "Extraction(3 clips × 2 networks in memory: 5 made, 0 unchanged, 1 clips failed)"
    assert "has no audio track" in extraction._repr_html_()


def test_a_store_keeps_the_same_features(clips, tmp_path):
    store = tmp_path / "store"
    memory = sh.extract(clips, OWN, device="cpu")
    first = sh.extract(clips, OWN, store=store, device="cpu")
    again = sh.extract(str(clips), OWN, store=str(store), device="cpu")
    assert (first.made, first.unchanged, again.made, again.unchanged) == (5, 0, 0, 5)
    assert first.store == again.store == store
    for extraction in (first, again):
        assert list(extraction) == list(memory)
        for clip, features in extraction.items():
            assert list(features) == list(memory[clip])
            for name, array in features.items():
                np.testing.assert_array_equal(array, memory[clip][name])
            assert features.duration == pytest.approx(memory[clip].duration, abs=0.7)
    assert f"in {str(store)!r}" in repr(again)
    one = sh.extract(clips / "one.mp4", OWN, store=store)
    assert (list(one), one.unchanged) == (["one"], 2)
    with pytest.raises(KeyError):
        one["two"]
    with pytest.raises(SeehearError, match="has segments of 1 s, not 2 s"):
        sh.extract(clips, OWN, store=store, segment=2)


def test_a_clip_whose_features_are_out_of_date_is_not_among_the_results(clips, tmp_path):
    store = tmp_path / "store"
    sh.extract(clips, OWN, store=store)
    (clips / "one.mp4").write_bytes(b"damaged")
    extraction = sh.extract(clips, OWN, store=store)
    assert sorted(extraction) == ["mute", "two"]
    assert set(extraction.failed) == {"mute", "one"}


def test_frames_for_pandas(clips):
    pd = pytest.importorskip("pandas")
    features = sh.extract(clips / "two.mp4", OWN, segment=0.5)
    table = features.to_frame("level")
    assert table.index.tolist() == [0, 0.5, 1, 1.5, 2]
    np.testing.assert_array_equal(table.to_numpy(), features["level"])
    table = sh.extract(clips, OWN).to_frame()
    assert isinstance(table, pd.DataFrame)
    assert table.loc["mute", ["level", "colour"]].tolist() == [0, 2]
    assert "no audio track" in table.loc["mute", "problems"]
    report = sh.check_network(level, "cpu").to_frame()
    assert report["passed"].all()


def test_progress_can_be_silenced(clips, capsys):
    sh.extract(clips, OWN, progress=False)
    assert capsys.readouterr() == ("", "")
    sh.extract(clips, OWN)
    answer = capsys.readouterr()
    assert answer.out == ""
    assert "skipped: " not in answer.err  # mute has features of the other network
    assert "mute.mp4: has no audio track" in answer.err
    assert "extracting: 3 of 3" in answer.err


def test_a_loaded_network_takes_waveforms(tmp_path):
    seconds = 10.3  # more than one span
    waveform = np.random.default_rng(0).uniform(-0.9, 0.9, round(seconds * RATE)).astype(np.float32)
    net = sh.load_network(level, device="cpu")
    file = write(tmp_path / "clip.wav", sound=waveform, rate=RATE, sound_codec="pcm_s16le")
    expected = sh.extract(file, level)["level"]
    assert expected.shape == (11, 2)
    waveform = np.concatenate([span.waveform for span in Media(file).spans(8, audio=True)])
    np.testing.assert_array_equal(net(waveform, RATE), expected)
    stereo = np.stack([waveform, np.zeros_like(waveform)])
    for form in (stereo, stereo.T, stereo.astype(np.float64)):
        np.testing.assert_allclose(net(form, RATE), expected / 2, atol=1e-4)
    other_rate = net(tone(100, 3, 44100), 44100)
    assert other_rate.shape == (3, 2)
    assert other_rate[1, 0] == pytest.approx(0.4 / 2**0.5, rel=0.01)
    assert net(waveform[:100], RATE).shape == (1, 2)
    assert net(waveform, RATE, segment=2.0).shape == (6, 2)


def test_a_loaded_network_takes_frames_of_any_size(tmp_path):
    net = sh.load_network(colour)
    frames = np.zeros((2, 48, 64, 3), np.uint8)
    frames[1, ..., 0] = 200
    assert net(frames).tolist() == [[0, 0, 0], [200, 0, 0]]
    assert net(frames[:0]).shape == (0, 3)
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    picture = np.stack([np.tile(ramp, (48, 1)), np.tile(ramp[::-1], (48, 1)), np.full((48, 64), 90, np.uint8)], axis=2)
    path = movie(tmp_path / "clip.mkv", 2, picture=lambda n: picture)
    np.testing.assert_allclose(net(picture[None]), sh.extract(path, colour)["colour"][:1], atol=4)


def test_a_loaded_network_takes_clips_of_frames():
    from dataclasses import replace

    @network(name="brightness", modality="visual", width=4, size=8)
    def brightness(clips):
        return clips[:, :, 0, 0, 0]

    net = sh.load_network(replace(brightness, input=ClipInput(size=8, frames=4)))
    frames = np.broadcast_to(np.arange(8, dtype=np.uint8)[:, None, None, None], (8, 16, 16, 3))
    assert net(frames).tolist() == [[0, 2, 4, 6]]
    assert net(np.stack([frames, frames + 1])).tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_arrays_of_another_form_are_refused():
    audio, visual = sh.load_network(level), sh.load_network(colour)
    waveform, frames = tone(440, 1), np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(SeehearError, match="a waveform and its rate"):
        audio(waveform)
    with pytest.raises(SeehearError, match="divide 16-bit samples by 32768"):
        audio((waveform * 32767).astype(np.int16), RATE)
    with pytest.raises(SeehearError, match="not finite"):
        audio(np.full(RATE, np.nan), RATE)
    with pytest.raises(SeehearError, match=r"not \(0,\)"):
        audio(waveform[:0], RATE)
    with pytest.raises(SeehearError, match="frames, which have no rate"):
        visual(frames, RATE)
    for wrong in (frames.astype(np.float32), frames[0], frames[..., :1]):
        with pytest.raises(SeehearError, match="takes frames"):
            visual(wrong)
    with pytest.raises(SeehearError, match="has no classifier"):
        visual.classify(frames)
    with pytest.raises(SeehearError, match="has no classifier"):
        visual.classifier()


def test_a_network_of_the_registry(tmp_path):
    try:
        net = sh.load_network("yamnet", device="cpu")
    except SeehearError as error:
        pytest.skip(str(error))
    assert repr(net).startswith("LoadedNetwork('yamnet': audio, ")
    assert "1024" in repr(net)
    assert (net.name, net.modality, net.width) == ("yamnet", "audio", 1024)
    waveform = tone(440, 3)
    assert net(waveform, RATE).shape == (3, 1024)
    scores = net.classify(waveform, RATE)
    assert scores.shape == (3, len(net.class_names)) == (3, 521)
    classifier = net.classifier()
    np.testing.assert_allclose(classifier(net(waveform, RATE)), scores, rtol=1e-3, atol=1e-3)
    assert classifier.names == net.class_names
    file = write(tmp_path / "tone.wav", sound=waveform, rate=RATE, sound_codec="pcm_s16le")
    (span,) = Media(file).spans(8, audio=True)
    np.testing.assert_array_equal(net(span.waveform, RATE), sh.extract(file, "yamnet", device="cpu")["yamnet"])


def test_a_network_is_checked():
    report = sh.check_network(level, device="cpu")
    assert report.passed
    assert repr(report).startswith("CheckReport('level': passed 6 checks, ")
    assert report.text() in report._repr_html_().replace("&lt;", "<")
    with pytest.raises(SeehearError, match="did you mean yamnet"):
        sh.check_network("yamnett")


def test_features_are_exported_and_imported_again(clips, tmp_path):
    made = sh.extract(clips, OWN, store=tmp_path / "store", progress=False)
    written = sh.export_features(tmp_path / "npy", store=tmp_path / "store", network="colour", progress=False)
    assert (written.count, written.failed) == (3, {})
    assert repr(written) == f"Transfer(3 clips written to {tmp_path / 'npy'}, 0 failed)"
    labels = tmp_path / "labels.csv"
    labels.write_text("filename\tevent_labels\none\tDog\nabsent\tDog\n")
    options = {"store": str(tmp_path / "other"), "network": "colour2", "modality": "visual", "progress": False}
    for given in (labels, str(labels), [labels]):
        taken = sh.import_features(str(tmp_path / "npy"), labels=given, **options)
        assert (taken.count, list(taken.failed)) == (1, ["absent"])
    assert sh.import_features(tmp_path / "npy", **options).count == 3
    again = sh.export_features(tmp_path / "again", store=tmp_path / "other", network="colour2", progress=False)
    assert again.count == 3
    np.testing.assert_array_equal(np.load(tmp_path / "again" / "two.npy"), made["two"]["colour"])
