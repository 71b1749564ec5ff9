"""The command line on clips as people have them: broken, odd, killed half-way, on a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape

import commands
from make_media import ODD, clicks, damage, movie, numbered, rotate, tone, with_tracks, write
from seehear.cli import main
from seehear.features.store import Store
from seehear.parsing.clip import ParsedClip

NETWORKS = '''
import os, time
import numpy as np
from seehear.networks import network


@network(name="level", modality="audio", width=2, rate=8000, window=1.0)
def level(waves):
    """How loud, and how high: crossings of zero a sample."""
    return np.stack([np.abs(waves).max(axis=1), (np.diff(np.sign(waves), axis=1) != 0).mean(axis=1)], axis=1)


@network(name="colour", modality="visual", width=12, size=16)
def colour(pictures):
    """The mean colour of each quarter."""
    return (pictures.reshape(-1, 2, 8, 2, 8, 3).mean(axis=(2, 4)) / 255).reshape(-1, 12)


@network(name="picky", modality="visual", width=1, size=16)
def picky(pictures):
    if pictures[0].mean() > 250:
        raise ValueError("too bright for me")
    return pictures.mean(axis=(1, 2, 3))[:, None]


@network(name="slow", modality="audio", width=3, rate=8000)
def slow(waves):
    time.sleep(0.15)
    return np.stack([waves.max(axis=1), waves.min(axis=1), waves.std(axis=1)], axis=1)


@network(name="wide", modality="audio", width=4096, rate=8000)
def wide(waves):
    return np.repeat(np.abs(waves).max(axis=1)[:, None], 4096, axis=1)
'''


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """A file of small networks."""
    path = tmp_path_factory.mktemp("networks") / "nets.py"
    path.write_text(NETWORKS)
    return path


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def call(capsys) -> Callable[..., Answer]:
    """Run a command line."""

    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        return Answer(left.value.code, *capsys.readouterr())

    return run


def extraction(store: Path, own: Path, clips: Sequence[Path], names: str = "level colour", *more: str) -> list[object]:
    networks = [f"{own}:{name}" for name in names.split()]
    return ["extract", "--store", store, "--networks", *networks, *more, "--json", "--clips", *clips]


def start(arguments: Sequence[object]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "seehear", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def written(store: Path) -> dict[Path, int]:
    """The finished features in a store, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in store.glob("*/??/[!.]*.safetensors")}


def test_the_real_networks_end_to_end(tmp_path, call):
    from seehear import networks
    from seehear.errors import SeehearError
    from seehear.networks.samples import sample, sample_waveform

    names = ["yamnet", "efficientnet-lite0"]
    try:
        ear, eye = (networks.load(networks.get(name), "cpu") for name in names)
    except SeehearError as error:
        if str(error).startswith("can't get the weights"):
            pytest.skip(str(error))
        raise
    bark = sample_waveform(16000)[: 3 * 16000]
    cat = sample(networks.get("efficientnet-lite0").input, 1)[0]
    path = write(
        tmp_path / "clip.mkv",
        times=np.arange(30) / 10,
        fps=10,
        picture=lambda n: cat,
        codec="ffv1",
        pixels="yuv444p",
        sound=bark,
        sound_codec="flac",
    )
    answer = call("extract", path, "--networks", ",".join(names), "--store", tmp_path / "s", "--fps", 2, "--json")
    assert (answer.code, answer.json["made"], answer.json["failed"]) == (0, 2, {})
    store = Store(tmp_path / "s")
    padded = np.pad(bark, 16000)
    heard = networks.get("yamnet").input
    each = round(1 / heard.hop)  # windows a second, evenly centred in it
    centres = [t + (n + 0.5) / each for t in range(3) for n in range(each)]
    first = [16000 + round((centre - heard.window / 2) * 16000) for centre in centres]
    every = ear.features(np.stack([padded[n : n + heard.samples] for n in first]))
    expected = every.reshape(3, each, -1).mean(axis=1)
    np.testing.assert_allclose(store.read("yamnet", "clip"), expected, atol=0.02 * np.abs(expected).max())
    seen = store.read("efficientnet-lite0", "clip")
    expected = eye.features(cat[None])
    assert seen.shape == (3, 1280)
    correlation = [np.corrcoef(row, expected[0])[0, 1] for row in seen]
    assert min(correlation) > 0.99  # colours are rounded on their way through the film


def test_odd_but_good_clips(tmp_path, own, call):
    clips = {
        "short": (movie(tmp_path / "short.mp4", 0.4), 1),
        "ten": (movie(tmp_path / "ten.mp4", 10.03), 10),
        "three minutes": (movie(tmp_path / "three minutes.mp4", 180, fps=2), 180),
        "surround": (movie(tmp_path / "surround.mp4", 3, sound=np.tile(tone(440, 3), (6, 1)), layout="5.1"), 3),
        "telephone": (movie(tmp_path / "telephone.mp4", 3, sound=tone(440, 3, 8000), rate=8000), 3),
        "studio": (movie(tmp_path / "studio.mkv", 3, sound=tone(440, 3, 96000), rate=96000, sound_codec="flac"), 3),
        "varying": (
            movie(tmp_path / "varying.mp4", times=[0, 0.1, 2.0, 2.1, 3.9], sound=tone(440, 4), options={"bf": "0"}),
            4,
        ),
        "webm": (
            movie(
                tmp_path / "webm.webm",
                codec="libvpx-vp9",
                options={"cpu-used": "8", "deadline": "realtime"},
                sound=tone(440, 3, 48000),
                rate=48000,
                sound_codec="libopus",
            ),
            3,
        ),
        "avi": (movie(tmp_path / "avi.avi", codec="mpeg4", sound_codec="libmp3lame"), 3),
    }
    store = tmp_path / "store"
    answer = call(*extraction(store, own, [path for path, _ in clips.values()]))
    assert (answer.code, answer.json["failed"], answer.json["made"]) == (0, {}, 2 * len(clips))
    for name, (_, segments) in clips.items():
        level, colour = Store(store).read("level", name), Store(store).read("colour", name)
        assert level.shape == (segments, 2), name
        assert colour.shape == (segments, 12), name
        assert 0.2 < level[0, 0] < 0.7, name  # the tone is heard, and as loud in all


def test_a_clip_filmed_on_its_side(tmp_path, own, call):
    def lit_at_the_top_left(n: int) -> np.ndarray:
        picture = np.zeros((64, 96, 3), np.uint8)
        picture[:32, :48] = 230
        return picture

    for clockwise in (0, 90, 180, 270):
        path = movie(tmp_path / f"{clockwise}.mp4", 1, picture=lit_at_the_top_left)
        if clockwise:
            rotate(path, clockwise)
    store = tmp_path / "store"
    assert call(*extraction(store, own, sorted(tmp_path.glob("*.mp4")), "colour")).code == 0
    lit = {clip: int(Store(store).read("colour", clip)[0].argmax()) // 3 for clip in ("0", "90", "180", "270")}
    assert lit == {"0": 0, "90": 1, "180": 3, "270": 2}  # quarters: top left, top right, bottom left, bottom right


def make_bad(folder: Path) -> dict[str, str]:
    """Clips that can't be used, and what must be said of each."""
    movie(folder / "mute.mp4", sound=None)
    movie(folder / "blind.wav", times=(), sound_codec="pcm_s16le")
    (folder / "zero.mp4").touch()
    (folder / "letter.mp4").write_text("Dear all, this is no film.\n" * 100)
    movie(folder / "half.mp4")
    data = (folder / "half.mp4").read_bytes()
    (folder / "half.mp4").write_bytes(data[: len(data) // 2])
    movie(folder / "bright.mp4", picture=lambda n: np.full((64, 64, 3), 255, np.uint8))
    return {
        "mute": "has no audio track: no features of level",
        "blind": "has no video track: no features of picky",
        "zero": "is empty (0 bytes)",
        "letter": "is not a media file",
        "half": "its start or end is missing",
        "bright": "picky failed with ValueError: too bright for me",
    }


def test_bad_clips_never_stop_the_rest(tmp_path, own, call):
    folder, store = tmp_path / "clips", tmp_path / "store"
    bad = make_bad(folder)
    movie(folder / "aaa.mp4")
    movie(folder / "zzz.mp4")
    damage(movie(folder / "scratched.ts", 4, options={"g": "5"}), 0.45, 0.5)
    answer = call(*extraction(store, own, [folder], "level picky"))
    assert answer.code == 1
    failed = answer.json["failed"]
    assert failed.keys() == bad.keys()
    for clip, message in bad.items():
        (said,) = failed[clip]
        (path,) = folder.glob(f"{clip}.*")
        assert said.startswith(f"{path}: ")
        assert message in said
        skipped = "skipped: " if clip in ("zero", "letter", "half") else ""  # the others have features of a network
        assert f"{skipped}{said}" in answer.err.splitlines()  # also at once, while it runs
    good = {"aaa", "zzz", "scratched"}
    assert Store(store).clips("level") == good | {"blind", "bright"}
    assert Store(store).clips("picky") == good | {"mute"}
    # Told at the end to people, too; what is there is not made again.
    text = [str(argument) for argument in extraction(store, own, [folder], "level picky") if argument != "--json"]
    answer = call(*text)
    assert answer.code == 1
    assert answer.out.startswith("0 features made, 9 unchanged")
    assert f"{len(bad)} clips with something left out:" in answer.out
    assert all(message in answer.out for message in bad.values())
    at = {clip: answer.out.index(message) for clip, message in bad.items()}
    order = sorted(at, key=lambda clip: at[clip])  # clips without any features first, missing tracks last
    assert [set(order[:3]), order[3], set(order[4:])] == [{"half", "letter", "zero"}, "bright", {"blind", "mute"}]


def make_noted(folder: Path) -> None:
    """Clips that can be used, three of which are not as they should be."""
    movie(folder / "good.mp4")
    movie(folder / "silent.wav", times=(), sound=np.zeros(48000, np.float32), sound_codec="pcm_s16le")
    with_tracks(folder / "tracks.mkv", [tone(300, 3), tone(3000, 3)])
    damage(movie(folder / "torn.ts", 6, options={"g": "5"}), 0.4, 0.6)


NOTED = {"silent": "silent", "tracks": "several-tracks", "torn": "damaged"}  # clip -> kind of note


def test_notes_on_clips_are_listed_each_time(tmp_path, own, call):
    folder, store = tmp_path / "clips", tmp_path / "store"
    make_noted(folder)
    for made in (4, 0):
        answer = call(*extraction(store, own, [folder], "level"))
        assert (answer.code, answer.json["made"], answer.json["failed"]) == (1, made, {})
        notes = answer.json["clip_notes"]
        assert {clip: {note["kind"] for note in of_clip} for clip, of_clip in notes.items()} == {
            clip: {kind} for clip, kind in NOTED.items()
        }
        assert all(note.keys() == {"kind", "modality", "amount"} for of_clip in notes.values() for note in of_clip)
    text = [str(argument) for argument in extraction(store, own, [folder], "level") if argument != "--json"]
    lines = call(*text).out.splitlines()
    at = lines.index("3 clips with notes; content of 1 is missing:")
    assert sorted(line.split(":")[0].strip() for line in lines[at + 1 :]) == sorted(NOTED)
    (folder / "torn.ts").unlink()  # what is left was repaired, and nothing is missing
    assert call(*text).code == 0


def test_an_audio_track_that_a_clip_lacks_is_named(tmp_path, own, call):
    folder = tmp_path / "clips"
    make_noted(folder)
    answer = call(*extraction(tmp_path / "store", own, [folder], "level", "--audio-track", "2"))
    assert answer.code == 1
    assert answer.json["failed"].keys() == {"good", "silent", "torn"}
    assert all(clip in problem for clip, (problem,) in answer.json["failed"].items())
    assert "tracks" not in answer.json["clip_notes"]  # it was chosen
    none = call(*extraction(tmp_path / "store", own, [folder], "level", "--audio-track", "0"))
    assert (none.code, "numbered from 1" in none.err) == (1, True)
    assert call(*extraction(tmp_path / "store", own, [folder], "level", "--audio-track", "x")).code == 2


def test_names_with_every_sign(tmp_path, own, call):
    folder, store = tmp_path / "clips", tmp_path / "store"
    for name in ODD:
        movie(folder / f"{name}.mkv", 1)
    answer = call(*extraction(store, own, [folder]))
    assert (answer.code, answer.json["made"]) == (0, 2 * len(ODD))
    assert Store(store).clips("level") == set(ODD)
    assert Store(store).read("colour", "$HOME & co; `x` $x$").shape == (1, 12)
    assert call(*extraction(store, own, [folder])).json["unchanged"] == 2 * len(ODD)


def test_a_name_with_a_colon_from_its_own_folder(tmp_path, own, call, monkeypatch):
    movie(tmp_path / "talk:1.mkv", 1)
    monkeypatch.chdir(tmp_path)
    answer = call(*extraction(tmp_path / "store", own, [Path("talk:1.mkv")], "level"))
    assert (answer.code, answer.json["made"]) == (0, 1)


def test_two_files_of_one_stem(tmp_path, own, call):
    movie(tmp_path / "clips/same.mp4", 1)
    movie(tmp_path / "clips/same.mkv", 1)
    answer = call(*extraction(tmp_path / "store", own, [tmp_path / "clips"]))
    assert answer.code == 1
    assert "same.mp4" in answer.err
    assert "same.mkv" in answer.err
    assert "rename one" in answer.err


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('{"format": 999, "segment": 1.0}', "a store of format 999, this seehear reads formats 1 and 2"),
        ('{"format": 1, "segment": 2.0}', "has segments of 2 s, not 1 s"),
        ("{", "can't be read as JSON"),
    ],
)
def test_a_store_that_does_not_fit(tmp_path, own, call, marker, message):
    clip = movie(tmp_path / "clip.mp4", 1)
    store = tmp_path / "store"
    store.mkdir()
    (store / "store.json").write_text(marker)
    answer = call(*extraction(store, own, [clip], "level", "--segment", "1"))
    assert answer.code == 1
    assert answer.err.startswith(f"seehear: {store}")
    assert message in answer.err
    assert (store / "store.json").read_text() == marker


def test_a_folder_that_is_no_store(tmp_path, own, call):
    clip = movie(tmp_path / "clip.mp4", 1)
    answer = call(*extraction(tmp_path, own, [clip], "level"))
    assert answer.code == 1
    assert "holds other files; choose a new folder for the store" in answer.err
    answer = call(*extraction(clip / "store", own, [clip], "level"))
    assert answer.code == 1
    assert f"{clip}: is a file, not a folder; name the folder of a store" in answer.err


def test_only_what_changed_is_made_again(tmp_path, own, call):
    clips = [movie(tmp_path / f"clips/{name}.mp4", 2) for name in ("a", "b", "c")]
    store = tmp_path / "store"
    assert call(*extraction(store, own, clips)).json["made"] == 6
    first = written(store)
    assert len(first) == 6

    def changed() -> set[str]:
        now = written(store)
        found = {f"{path.parts[-3]} {path.stem}" for path in now if first.get(path) != now[path]}
        first.clear()
        first.update(now)
        return found

    answer = call(*extraction(store, own, clips)).json
    assert (answer["made"], answer["unchanged"], changed()) == (0, 6, set())

    os.utime(clips[0], ns=(1, 1))  # touched, its bytes the same
    assert call(*extraction(store, own, clips)).json["made"] == 0
    assert changed() == set()

    movie(clips[1], 2, hertz=880)
    assert call(*extraction(store, own, clips)).json["made"] == 2
    assert changed() == {"level b", "colour b"}

    assert call(*extraction(store, own, clips, "level colour", "--fps", "4")).json["made"] == 3
    assert changed() == {"colour a", "colour b", "colour c"}

    moved = clips[2].rename(tmp_path / "c.mp4")
    assert call(*extraction(store, own, [*clips[:2], moved], "level colour", "--fps", "4")).json["made"] == 0

    file = Store(store).file("level", "a")
    file.write_bytes(file.read_bytes()[:20])  # as an older system left it after a power cut
    first[file] = file.stat().st_mtime_ns
    assert call(*extraction(store, own, [*clips[:2], moved], "level colour", "--fps", "4")).json["made"] == 1
    assert changed() == {"level a"}
    assert Store(store).read("level", "a").shape == (2, 2)


def test_two_processes_fill_one_store(tmp_path, own, call):
    names = [f"clip {n}" for n in range(6)]
    clips = [movie(tmp_path / f"clips/{name}.mp4", 1, hertz=200 + 100 * n) for n, name in enumerate(names)]
    store = tmp_path / "store"
    both = [start(extraction(store, own, clips[::step], "slow colour")) for step in (1, -1)]
    for process in both:
        _, err = process.communicate(timeout=100)
        assert process.returncode == 0, err.decode()
    alone = tmp_path / "alone"
    assert call(*extraction(alone, own, clips, "slow colour")).code == 0
    for network in ("slow", "colour"):
        assert Store(store).clips(network) == set(names)
        for name in names:
            np.testing.assert_array_equal(Store(store).read(network, name), Store(alone).read(network, name))
    assert not [path for path in store.rglob("*") if path.name.startswith(".")]
    assert call(*extraction(store, own, clips, "slow colour")).json["made"] == 0


def test_a_store_that_another_process_is_just_making(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    (store / ".123-abcd.json").touch()  # on its way to become store.json
    assert Store(store, create=True).segment == 1.0


def test_killed_and_started_again(tmp_path, own, call):
    names = [f"{n}" for n in range(8)]
    clips = [movie(tmp_path / f"clips/{name}.mp4", 1) for name in names]
    store = tmp_path / "store"
    process = start(extraction(store, own, clips, "slow colour"))
    give_up = time.monotonic() + 100
    while len(written(store)) < 5 and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL  # it had not ended by itself
    before = written(store)
    assert 5 <= len(before) < 16
    for path in before:
        assert len(Store(store).read(path.parts[-3], path.stem)) == 1
    answer = call(*extraction(store, own, clips, "slow colour"))
    assert (answer.code, answer.json["unchanged"], answer.json["made"]) == (0, len(before), 16 - len(before))
    after = written(store)
    assert len(after) == 16
    assert {path: after[path] for path in before} == before


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk with room for a few features."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", place], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk(tmp_path, own, call, small_disk):
    clips = [movie(tmp_path / f"clips/{n}.mp4", 3) for n in range(6)]  # 48 KiB of features each
    store = small_disk / "store"
    answer = call(*extraction(store, own, clips, "wide"))
    assert answer.code == 1
    assert "the disk is full. What was finished is kept: make room and run the same command again" in answer.err
    assert str(store) in answer.err
    assert "Traceback" not in answer.err
    before = written(store)
    assert len(before) in (1, 2, 3)
    assert not list(store.rglob(".*"))  # nothing half-written takes up room
    for path in before:
        assert Store(store).read("wide", path.stem).shape == (3, 4096)
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    answer = call(*extraction(store, own, clips, "wide"))
    assert (answer.code, answer.json["made"]) == (0, 6 - len(before))
    assert {path: written(store)[path] for path in before} == before


@pytest.fixture(scope="module")
def run(tmp_path_factory, own) -> Path:
    """A tiny model, trained on loud red and quiet green clips of three seconds."""
    folder = tmp_path_factory.mktemp("run")
    rows = ["filename\tevent_labels"]
    for n in range(8):
        red = n % 2 == 0
        fill = (220, 20, 20) if red else (20, 220, 20)
        path = folder / f"clips/train {n}.mp4"
        movie(
            path, sound=tone(440 if red else 1760, 3), picture=lambda n, fill=fill: np.full((64, 64, 3), fill, np.uint8)
        )
        rows.append(f"train {n}\t{'Dog' if red else 'Cat,Bird song'}")
    labels = folder / "weak.csv"
    labels.write_text("\n".join(rows) + "\n")
    commands.extract([folder / "clips"], networks=[f"{own}:level,{own}:colour"], store=folder / "store")
    commands.train(
        store=folder / "store",
        labels=labels,
        collocation=["audio=level", "visual=colour"],
        out=folder / "run",
        set=["width=8", "feed_forward=8", "epochs=2", "batch=4"],
        device="cpu",
    )
    return folder / "run"


def test_parse_leaves_bad_clips_out(tmp_path, run, call):
    folder, out = tmp_path / "clips", tmp_path / "out"
    bad = make_bad(folder)
    del bad["bright"]  # whose colour this run's networks can bear
    del bad["mute"], bad["blind"]  # which are parsed by what they have
    movie(folder / "aaa.mp4")
    damage(movie(folder / "scratched.ts", 4, options={"g": "5"}), 0.45, 0.5)
    drawn = ["--pictures", "html", "png", "svg"]
    answer = call("parse", run, folder, "--out", out, "--device", "cpu", *drawn, "--json")
    assert answer.code == 1
    assert answer.json["failed"].keys() == bad.keys()
    for clip, message in bad.items():
        said = answer.json["failed"][clip]
        (path,) = folder.glob(f"{clip}.*")
        assert said.startswith(f"{path}: ")
        assert message in said
        assert said in answer.err
    good = ["aaa", "blind", "bright", "mute", "scratched"]
    assert sorted(clip["clip"] for clip in answer.json["clips"]) == good
    for suffix in ("json", "html", "png", "svg"):
        assert {path.stem for path in out.glob(f"*.{suffix}")} - {"index"} == {*good}
    for modality in ("audio", "visual", "audio_visual"):
        assert (out / f"{modality}.csv").read_text().startswith("filename\tonset\toffset\tevent_labels\n")


def test_parse_of_clips_without_a_track(tmp_path, run, call):
    """A clip is parsed by what it has, and every view of it says what it lacks."""
    folder, out = tmp_path / "clips", tmp_path / "out"
    movie(folder / "mute.mp4", sound=None)
    movie(folder / "blind.wav", times=(), sound_codec="pcm_s16le")
    movie(folder / "whole.mp4")
    everything = ["--threshold", "0", "--clip-threshold", "0", "--device", "cpu"]
    answer = call("parse", run, folder, "--out", out, *everything)
    assert answer.code == 0
    for line in (
        "mute (without audio)",
        "blind (without video)",
        "1 clip has no audio track, for example mute: they are parsed by what they have",
        "1 clip has no video track, for example blind: they are parsed by what they have",
        "3 clips parsed (0 already done)",
    ):
        assert line in answer.out
    lacks = {"mute": ["audio"], "blind": ["visual"], "whole": []}
    for clip, absent in lacks.items():
        parsed = ParsedClip.from_json(json.loads((out / f"{clip}.json").read_text()))
        assert list(parsed.absent) == absent
        for modality in ("audio", "visual"):
            confidences = [event.confidence for event in parsed.of(modality)]
            assert all(confidence == 0 for confidence in confidences) == (modality in absent)
        page = (out / f"{clip}.html").read_text()
        assert ("Parsed without audio." in page) == (clip == "mute")
        assert ("Parsed without video." in page) == (clip == "blind")
    again = call("parse", run, folder, "--out", out, *everything)
    assert (again.code, "3 clips parsed (3 already done)" in again.out) == (0, True)
    assert "1 clip has no audio track, for example mute" in again.out
    official = call("parse", run, folder, "--out", tmp_path / "official", "--device", "cpu", "--json")
    assert not any(
        event["modality"] in ("audio", "audio_visual")
        for clip in official.json["clips"]
        for event in clip["events"]
        if clip["clip"] == "mute"
    )
    index = (tmp_path / "official" / "index.html").read_text()
    assert index.count("<dd>no audio</dd>") == index.count("<dd>no video</dd>") == 1
    assert '<span class="none">no audio</span>' in (tmp_path / "official" / "mute.html").read_text()


def test_parse_lists_notes_each_time_and_shows_them(tmp_path, run, call):
    folder, out = tmp_path / "clips", tmp_path / "out"
    make_noted(folder)
    command = ["parse", run, folder, "--out", out, "--device", "cpu", "--figures", "html"]
    for done in (0, 4):
        answer = call(*command)
        assert answer.code == 1
        assert f"4 clips parsed ({done} already done)" in answer.out
        assert "3 clips with notes; content of 1 is missing:" in answer.out
        assert "  tracks: of its 2 audio tracks" in answer.out
    parsed = {clip["clip"]: clip["notes"] for clip in call(*command, "--json").json["clips"]}
    assert {clip: {note["kind"] for note in notes} for clip, notes in parsed.items() if notes} == {
        clip: {kind} for clip, kind in NOTED.items()
    }
    for clip in ("good", *NOTED):
        assert ('<ul class="notes"' in (out / f"{clip}.html").read_text()) == (clip in NOTED)
    other = call("parse", run, folder / "tracks.mkv", "--out", out, "--device", "cpu", "--audio-track", "1", "--json")
    assert (other.code, other.json["clips"][0]["audio_track"], other.json["clips"][0]["notes"]) == (0, 1, [])
    assert "audio track 1" in (out / "tracks.html").read_text()


def test_a_clip_without_the_only_modality_of_a_run(tmp_path, run, own, call):
    train = run.parent
    options = ["--store", train / "store", "--labels", train / "weak.csv", "--collocation", "audio=level"]
    small = ["--set", "width=8", "feed_forward=8", "epochs=1", "--device", "cpu"]
    assert call("train", *options, *small, "--out", tmp_path / "run").code == 0
    mute = movie(tmp_path / "clips" / "mute.mp4", sound=None)
    movie(tmp_path / "clips" / "blind.wav", times=(), sound_codec="pcm_s16le")
    answer = call("parse", tmp_path / "run", tmp_path / "clips", "--out", tmp_path / "out", "--device", "cpu", "--json")
    assert answer.code == 1
    assert answer.json["failed"] == {"mute": f"{mute}: has no audio track, which level needs"}
    (blind,) = answer.json["clips"]
    assert blind["absent"] == []  # the run has no other modality


def test_parse_when_nothing_can_be_decoded(tmp_path, run, call):
    from make_media import damage_packets

    path = damage_packets(movie(tmp_path / "clip.mp4", 3), "video")
    answer = call("parse", run, path, "--out", tmp_path / "out", "--device", "cpu")
    assert answer.code == 1
    assert f"{path}: none of its frames can be decoded" in answer.out


def test_parse_of_a_long_clip(tmp_path, run, call):
    path = movie(tmp_path / "long.mp4", 180, fps=2)
    out = tmp_path / "out"
    everything = ["--threshold", "0", "--clip-threshold", "0"]
    answer = call("parse", run, path, "--out", out, "--device", "cpu", *everything, "--figures", "png", "--json")
    assert answer.code == 0
    (parsed,) = answer.json["clips"]
    assert parsed["duration"] == pytest.approx(180, abs=0.1)
    found = {(event["modality"], event["label"]) for event in parsed["events"]}
    assert found == {(m, c) for m in ("audio", "visual", "audio_visual") for c in ("Bird song", "Cat", "Dog")}
    assert all(event["onset"] == 0 and 179.9 < event["offset"] <= parsed["duration"] for event in parsed["events"])
    rows = json.loads((out / "long.json").read_text())["probabilities"]
    assert {len(row) for of_modality in rows.values() for row in of_modality.values()} == {180}
    assert (out / "long.png").stat().st_size > 5000


def test_parse_of_odd_clips_and_names(tmp_path, run, call):
    folder, out = tmp_path / "clips", tmp_path / "out"
    for name in ODD:
        movie(folder / f"{name}.mkv", 0.4, picture=lambda n: numbered(n, 36, 64))
    command = ["parse", run, folder, "--out", out, "--device", "cpu", "--pictures", "html", "png", "svg", "--json"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nobody wants to be told of each sign that a font lacks
        answer = call(*command)
    assert answer.code == 0
    assert [clip["clip"] for clip in answer.json["clips"]] == sorted(ODD, key=lambda name: f"{name}.mkv")
    for name in ODD:
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (out / f"{name}.svg").read_text().startswith("<?xml")
        assert json.loads((out / f"{name}.json").read_text())["clip"] == name
        assert f"<h1>{escape(name)}</h1>" in (out / f"{name}.html").read_text()
    assert (out / "index.html").read_text().count('class="card"') == len(ODD)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    assert call(*command).code == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.png")} == before


def test_parse_draws_again_when_the_truth_changes(tmp_path, run, call):
    path = movie(tmp_path / "clip.mp4")
    truth = tmp_path / "truth.csv"
    command = ["parse", run, path, "--out", tmp_path / "out", "--device", "cpu", "--dense-audio", truth]
    command += ["--figures", "html", "png"]
    drawn = []
    for row in ("clip\t0\t1\tDog", "clip\t0\t1\tDog", "clip\t1\t3\tCat"):
        truth.write_text(f"filename\tonset\toffset\tevent_labels\n{row}\n")
        assert call(*command).code == 0
        drawn.append((tmp_path / "out/clip.png").read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_pages_are_made_as_asked(tmp_path, run, call):
    path, out = movie(tmp_path / "clip.mp4", 1), tmp_path / "out"
    command = ["parse", run, path, "--out", out, "--device", "cpu"]
    assert "index.html" not in call(*command, "--pictures", "png").out
    assert {file.suffix for file in out.glob("[!.]*")} == {".json", ".csv", ".png"}
    answer = call(*command)
    assert f"open {out / 'index.html'} in a browser, or run: seehear view {out}" in answer.out
    linked = (out / "clip.html").read_text()
    assert 'src="../clip.mp4"' in linked
    assert call(*command, "--embed").code == 0
    embedded = (out / "clip.html").read_text()
    assert b64encode(path.read_bytes()).decode() in embedded
    assert 'src="../clip.mp4"' not in embedded


def test_tables_that_parse_did_not_write_are_not_overwritten(tmp_path, run, call):
    truth = tmp_path / "truth" / "audio.csv"
    truth.parent.mkdir()
    truth.write_text("filename\tonset\toffset\tevent_labels\n")
    answer = call("parse", run, movie(tmp_path / "clip.mp4", 1), "--out", truth.parent, "--device", "cpu")
    assert answer.code == 1
    assert f"{truth}: already exists and was not written by `parse`; choose another --out" in answer.err
    assert list(truth.parent.iterdir()) == [truth]


def test_a_parse_is_where_its_clip_is_and_moves_with_it(tmp_path, run, call, monkeypatch):
    from seehear.parsing.folder import read_folder

    movie(tmp_path / "here/clips/clip.mp4", 1)
    monkeypatch.chdir(tmp_path / "here")
    assert call("parse", run, "clips", "--out", "parsed", "--device", "cpu").code == 0
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").rename(tmp_path / "there")
    (parsed,), _ = read_folder(Path("there/parsed"))
    assert Path(parsed.file) == Path("there/clips/clip.mp4")


def test_tables_and_index_of_a_folder_hold_every_clip_in_it(tmp_path, run, call):
    everything = ["--threshold", "0", "--clip-threshold", "0"]
    command = ["parse", run, "--out", tmp_path / "out", "--device", "cpu", *everything]
    for name in ("one", "other"):
        assert call(*command, "--clips", movie(tmp_path / f"{name}.mp4", 1)).code == 0
    rows = (tmp_path / "out/audio.csv").read_text().splitlines()[1:]
    assert {row.split("\t")[0] for row in rows} == {"one", "other"}
    assert (tmp_path / "out/index.html").read_text().count('class="card"') == 2


def test_a_folder_is_parsed_into_by_one_run_and_decoding(tmp_path, run, call):
    path = movie(tmp_path / "clip.mp4", 1)
    command = ["parse", run, path, "--out", tmp_path / "out", "--device", "cpu"]
    assert call(*command).code == 0
    before = (tmp_path / "out/audio.csv").read_text()
    answer = call(*command, "--threshold", "0.1")
    assert answer.code == 1
    assert "holds clips that another run or decoding parsed; choose another --out, or delete it" in answer.err
    assert (tmp_path / "out/audio.csv").read_text() == before


def test_truth_of_other_clips_is_told(tmp_path, run, call):
    truth = tmp_path / "truth.csv"
    truth.write_text("filename\tonset\toffset\tevent_labels\nstranger\t0\t1\tDog\n")
    path = movie(tmp_path / "clip.mp4", 1)
    answer = call("parse", run, path, "--out", tmp_path / "out", "--device", "cpu", "--dense-audio", truth)
    assert answer.code == 0
    assert f"{truth}: name none of these clips" in answer.out


def test_parse_names_the_clip_that_a_network_fails_on(tmp_path, own, call):
    labels = tmp_path / "weak.csv"
    labels.write_text("filename\tevent_labels\na\tDog\nb\tCat\n")
    clips = [movie(tmp_path / f"{name}.mp4", 1) for name in "ab"]
    commands.extract(clips, networks=[f"{own}:level,{own}:picky"], store=tmp_path / "store")
    settings = ["width=8", "feed_forward=8", "epochs=1"]
    where = {"store": tmp_path / "store", "labels": labels, "out": tmp_path / "run"}
    commands.train(**where, collocation=["audio=level", "visual=picky"], set=settings, device="cpu")
    bright = movie(tmp_path / "bright.mp4", 1, picture=lambda n: np.full((64, 64, 3), 255, np.uint8))
    answer = call("parse", tmp_path / "run", clips[0], bright, "--out", tmp_path / "out", "--device", "cpu", "--json")
    assert answer.code == 1
    message = "picky failed with ValueError: too bright for me"
    assert answer.json["failed"] == {"bright": f"{bright}: {message}"}
    assert [clip["clip"] for clip in answer.json["clips"]] == ["a"]


def test_what_features_were_made_with_stays_with_them(tmp_path, own, call):
    path, store = movie(tmp_path / "clip.mp4", 1), tmp_path / "store"
    assert call(*extraction(store, own, [path], "level colour", "--fps", "2")).code == 0
    moved = tmp_path / "moved.py"
    moved.write_text(own.read_text())
    answer = call(*extraction(store, moved, [path], "level"))
    assert (answer.json["made"], answer.json["unchanged"]) == (0, 1)
    assert Store(store).network("level").fps == 2
    assert Store(store).network("level").reference == f"{moved}:level"


def test_clicks_are_kept_through_the_command_line(tmp_path, own, call):
    path = movie(tmp_path / "clip.mp4", 5, sound=clicks([3.5], 5, 16000), hertz=0)
    assert call(*extraction(tmp_path / "store", own, [path], "level")).code == 0
    assert Store(tmp_path / "store").read("level", "clip")[:, 0].argmax() == 3


@pytest.mark.parametrize("below", ["", "folder"])
def test_a_file_in_the_place_of_a_folder(tmp_path, run, own, call, below):
    """It is named before anything is computed, and stays as it is."""
    file = tmp_path / "file"
    file.write_text("mine")
    out, train = file / below, run.parent
    clip, of_store = movie(tmp_path / "clip.mp4", 1), ["--store", train / "store"]
    labelled = [*of_store, "--labels", train / "weak.csv"]
    both = ["--collocation", "audio=level", "visual=colour"]
    marks = tmp_path / "clip.heard.txt"
    marks.write_text("0.0\t1.0\tDog\n")
    truth = tmp_path / "truth.csv"
    truth.write_text("filename\tonset\toffset\tevent_labels\ntrain 0\t0\t1\tDog\n")
    parsed = tmp_path / "parsed"
    assert call("parse", run, clip, "--out", parsed, "--device", "cpu").code == 0
    for command in (
        ["parse", run, clip, "--out", out],
        ["train", *labelled, *both, "--out", out],
        ["select", *labelled, "--out", out],
        ["labels", "import", marks, "--out", out],
        ["labels", "refine", *labelled, *both, "--out", out],
        ["features", "export", out, *of_store, "--network", "level"],
        ["evaluate", run, *labelled, "--dense-audio", truth, "--dense-visual", truth, "--out", out],
        ["export", parsed, "--out", out],
        extraction(out, own, [clip], "level"),
    ):
        answer = call(*command)
        assert answer.code == 1, command
        assert f"{file}" in answer.err, command
        assert answer.err.startswith("seehear: "), command
    assert file.read_text() == "mine"
