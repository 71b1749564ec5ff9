"""What was repaired in a clip, is ambiguous or missing, is kept with its features, and listed each time."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest

import seehear as sh
from make_media import damage, movie, tone, with_tracks
from seehear.errors import ClipError, SeehearError
from seehear.features.arrays import Extraction
from seehear.features.extraction import extract
from seehear.features.packed import pack
from seehear.features.store import NetworkInfo, Origin, Store
from seehear.media.notes import Note, NoteKind

RATE = 16000
SILENT, DAMAGED = Note(NoteKind.SILENT, "audio"), Note(NoteKind.DAMAGED, "visual", 1.5)
RESET = Note(NoteKind.CLOCK_RESET, "", 1)


@sh.network(name="level", modality="audio", width=2, rate=RATE, window=1.0)
def level(waves):
    return np.stack([np.abs(waves).max(axis=1), np.diff(waves > 0, axis=1).mean(axis=1)], axis=1)


@sh.network(name="again", modality="audio", width=1, rate=RATE, window=1.0)
def again(waves):
    return waves.std(axis=1)[:, None]


@sh.network(name="colours", modality="visual", width=3, size=16)
def colours(frames):
    return frames.mean(axis=(1, 2)) / 255


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """A clip without notes, one whose audio is silent, and one that is damaged in the middle."""
    folder = tmp_path_factory.mktemp("clips")
    movie(folder / "plain.mkv", 3, sound_codec="flac")
    movie(folder / "silent.mkv", 3, sound=np.zeros(3 * RATE, np.float32), sound_codec="flac")
    damage(movie(folder / "torn.ts", 6, options={"g": "5"}), 0.4, 0.6)
    return folder


def kinds(notes, modality=None):
    return {(note.kind, note.modality) for note in notes if modality in (None, note.modality)}


def metadata(file):
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])["__metadata__"]


def put(file, notes):
    """Write notes, as JSON, into a file of features."""
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["origin"] = header["__metadata__"]["origin"].removesuffix("}") + f', "notes": {notes}}}'
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def test_in_memory_in_a_store_and_on_a_rerun(clips, tmp_path):
    memory = extract(clips, [level, again, colours], progress=False)
    first = extract(clips, [level, again, colours], store=tmp_path / "store", progress=False)
    second = extract(clips, [level, again, colours], store=tmp_path / "store", progress=False)
    assert (second.made, second.unchanged) == (0, 9)
    store = Store(tmp_path / "store")
    for result in (memory, first, second):
        assert {kind for kind, _ in kinds(result.clip_notes["torn"])} == {NoteKind.DAMAGED}
        assert kinds(result.clip_notes["silent"]) == {(NoteKind.SILENT, "audio")}
        assert "plain" not in result.clip_notes
        assert result.clip_notes == memory.clip_notes
        assert {clip: features.notes for clip, features in result.items()} == {"plain": (), **memory.clip_notes}
        assert result.exit_code == 1
        lines = result.text().splitlines()
        assert "2 clips with notes; content of 1 is missing:" in lines
        assert "  silent: its audio track is digital silence" in lines
        as_json = json.loads(json.dumps(result.as_json()))["clip_notes"]
        assert {clip: tuple(map(Note.from_json, notes)) for clip, notes in as_json.items()} == memory.clip_notes
    for network, modality in (("level", "audio"), ("again", "audio"), ("colours", "visual")):
        kept = store.notes(network, "torn")
        assert kinds(kept) == kinds(memory.clip_notes["torn"], modality)
    assert kinds(store.notes("level", "silent")) == {(NoteKind.SILENT, "audio")}
    assert store.notes("colours", "silent") == store.notes("level", "plain") == ()
    assert metadata(store.file("level", "plain")).keys() == {"origin"}  # as before notes were kept


def test_a_network_of_one_modality_has_the_notes_on_its_track(clips):
    heard, seen = (extract(clips, network, progress=False) for network in (level, colours))
    assert kinds(seen.clip_notes["torn"]) == {(NoteKind.DAMAGED, "visual")}
    assert "silent" not in seen.clip_notes
    assert kinds(heard.clip_notes["silent"]) == {(NoteKind.SILENT, "audio")}
    one = extract(clips / "silent.mkv", level, progress=False)
    assert kinds(one.notes) == {(NoteKind.SILENT, "audio")}


def test_notes_alone_are_no_failure(clips, tmp_path):
    result = extract([clips / "silent.mkv", clips / "plain.mkv"], level, store=tmp_path / "store", progress=False)
    assert (result.exit_code, list(result.clip_notes)) == (0, ["silent"])


def test_a_data_frame_has_them(clips):
    pytest.importorskip("pandas")
    table = extract(clips, level, progress=False).to_frame()
    assert table.loc["silent", "notes"] == "its audio track is digital silence"
    assert table.loc["plain", "notes"] == table.loc["silent", "problems"] == ""


def test_notes_of_a_network_that_is_added_later_join_those_that_are_kept(tmp_path):
    store = Store(tmp_path / "store", create=True)
    for network, notes in (("ears", (SILENT, RESET)), ("eyes", (DAMAGED, RESET)), ("other", ())):
        store.register(NetworkInfo(network, "audio", 2, "made"))
        store.write(network, Origin("a", "made", "x"), np.zeros((1, 2), np.float32), notes=notes)
        assert store.notes(network, "a") == notes
    extraction = Extraction(("ears", "eyes"), kept=store)
    for network in extraction.networks:
        extraction.add("a", network, None, notes=store.notes(network, "a"))
    extraction.add("a", "eyes", None, notes=(replace(DAMAGED, amount=1.0),))
    assert extraction.clip_notes == {"a": (DAMAGED, RESET, SILENT)}
    assert extraction["a"].notes == (DAMAGED, RESET, SILENT)


def test_ten_thousand_clips_with_a_note_are_a_few_lines():
    extraction = Extraction(("ears",))
    for n in range(10_000):
        extraction.add(f"c{n}", "ears", np.zeros((1, 1), np.float32), 1.0, notes=(SILENT,))
    assert len(extraction.text().splitlines()) < 10
    assert extraction.exit_code == 0


@pytest.mark.parametrize("damaged", ["[", "{}", "3", "null", '[{"kind": "no kind"}]', '["damaged"]', "[[]]"])
def test_damaged_notes_are_made_again(clips, tmp_path, damaged):
    files = [clips / "silent.mkv", clips / "plain.mkv"]
    first = extract(files, level, store=tmp_path / "store", progress=False)
    store = Store(tmp_path / "store")
    put(store.file("level", "silent"), damaged)
    if damaged != "{}":  # no note at all
        with pytest.raises(SeehearError, match=r"silent\.safetensors: its notes are damaged .*extract again"):
            store.notes("level", "silent")
        second = extract(files, level, store=tmp_path / "store", progress=False)
        assert (second.made, second.unchanged) == (1, 1)
        assert second.clip_notes == first.clip_notes
    np.testing.assert_array_equal(store.read("level", "silent"), first["silent"]["level"])


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A low tone, and a high one that players choose; and a clip of one track."""
    folder = tmp_path_factory.mktemp("tracks")
    with_tracks(folder / "two.mkv", [tone(300, 3), tone(3000, 3)], default=1)
    movie(folder / "one.mkv", 3, sound=tone(1000, 3), sound_codec="flac")
    return folder


def pitch(features) -> float:
    """Hz, from the share of samples at which the sign changes."""
    return float(features["level"][1, 1]) * RATE / 2


def test_the_audio_track_is_chosen(two):
    for track, hertz in ((None, 3000), (1, 300), (2, 3000)):
        features = extract(two / "two.mkv", level, audio_track=track, progress=False)
        assert pitch(features) == pytest.approx(hertz, rel=0.02)
        several = (NoteKind.SEVERAL_TRACKS, "audio") in kinds(features.notes)
        assert several == (track is None)
    with pytest.raises(ClipError, match=r"one\.mkv: .*2"):
        extract(two / "one.mkv", level, audio_track=2, progress=False)


def test_the_audio_track_is_part_of_what_a_feature_was_made_from(two, tmp_path):
    def run(track=None, files=two):
        return extract(files, [level, colours], store=tmp_path / "store", audio_track=track, progress=False)

    first = run()
    store = Store(tmp_path / "store")
    assert "audio_track" not in json.loads(metadata(store.file("level", "two"))["origin"])
    before = pack(store, "level", ["one", "two"]).contents
    chosen = run(1, two / "two.mkv")
    assert (first.made, chosen.made, chosen.unchanged) == (4, 1, 1)  # what is seen does not depend on it
    assert pitch(chosen["two"]) == pytest.approx(300, rel=0.02)
    assert "for example two, were made from another audio track" in chosen.notes[0]
    origin = store.origin("level", "two")
    assert (origin.audio_track, store.origin("colours", "two").audio_track) == (1, None)
    packed = pack(store, "level", ["one", "two"])  # clips may differ in it
    assert packed.contents != before
    assert run(1, two / "two.mkv").unchanged == 2
    back = run()
    assert (back.made, back.unchanged, len(back.notes)) == (1, 3, 1)
    assert pack(store, "level", ["one", "two"]).contents == before


@pytest.mark.parametrize("track", [0, -1, True, 1.5, "1"])
def test_audio_tracks_are_numbered_from_1(two, track):
    with pytest.raises(SeehearError, match="audio tracks are numbered from 1"):
        extract(two / "two.mkv", level, audio_track=track, progress=False)


def test_a_clip_with_fewer_tracks_is_named_and_the_others_go_on(two, tmp_path):
    result = extract(two, [level, colours], store=tmp_path / "store", audio_track=2, progress=False)
    assert list(result) == ["two"]
    assert list(result.failed) == ["one"]
    assert "one.mkv: " in result.failed["one"][0]
    assert result.exit_code == 1
