"""What was repaired in a clip, is ambiguous or missing, in every view of its parse, and of one that was done before."""

import json
from dataclasses import replace

import numpy as np
import pytest

import commands
from make_media import damage, movie, tone, with_tracks
from seehear.decoding import Decoding
from seehear.errors import ClipError, SeehearError
from seehear.media.notes import Note, NoteKind
from seehear.parsing.batch import ParsedFolder, parse_clips
from seehear.parsing.clip import ParsedClip
from seehear.parsing.folder import read, read_folder
from seehear.parsing.parser import load

RATE = 16000
SILENT, DAMAGED = Note(NoteKind.SILENT, "audio"), Note(NoteKind.DAMAGED, "visual", 1.5)
LOW = Decoding("none", 1e-6)  # what has any probability is active


@pytest.fixture(scope="module")
def parser(place):
    return load(place.run / "seed-3", device="cpu", trust_code=True)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noted")
    movie(folder / "plain.mkv", 3, sound_codec="flac")
    movie(folder / "silent.mkv", 3, sound=np.zeros(3 * RATE, np.float32), sound_codec="flac")
    movie(folder / "mute.mkv", 3, sound=None)
    damage(movie(folder / "torn.ts", 6, options={"g": "5"}), 0.4, 0.6)
    return folder


def kinds(notes):
    return {(note.kind, note.modality) for note in notes}


def test_every_view_of_a_parse_has_them_also_of_one_that_was_done_before(place, clips, tmp_path):
    def run():
        return commands.parse(
            place.run / "seed-3", [clips], out=tmp_path, figures=["html"], trust_code=True, device="cpu"
        )

    first, second = run(), run()
    assert (first.unchanged, second.unchanged) == (0, 4)
    for result in (first, second):
        assert list(result.clip_notes) == ["silent", "torn"]
        assert kinds(result.clip_notes["silent"]) == {(NoteKind.SILENT, "audio")}
        assert {kind for kind, _ in kinds(result.clip_notes["torn"])} == {NoteKind.DAMAGED}
        lines = result.text().splitlines()
        assert lines[lines.index("silent") + 1] == "  note: its audio track is digital silence"
        at = lines.index("2 clips with notes; content of 1 is missing:")
        assert lines[at + 1] == "  silent: its audio track is digital silence"
        assert result.exit_code == 1
        of_clip = {clip["clip"]: clip["notes"] for clip in json.loads(json.dumps(result.as_json()))["clips"]}
        assert of_clip["silent"] == [SILENT.as_json() | {"amount": of_clip["silent"][0]["amount"]}]
        assert of_clip["plain"] == of_clip["mute"] == []  # a track that is absent is not silent
    kept = {clip.clip: clip.notes for clip in read_folder(tmp_path)[0]}
    assert kept == {clip.clip: clip.notes for clip in first.clips}
    assert "its audio track is digital silence." in (tmp_path / "silent.html").read_text()
    assert 'class="notes"' not in (tmp_path / "plain.html").read_text()
    index = (tmp_path / "index.html").read_text()
    assert "with notes (2)" in index
    assert index.count("<li>its audio track is digital silence</li>") == 1


def test_nothing_is_missing_in_silence(parser, clips, tmp_path):
    result = parse_clips(parser, clips / "silent.mkv", out=tmp_path, figures=[], decoding=LOW, progress=False)
    assert result.exit_code == 0
    (parsed,) = result.clips
    assert (parsed.absent, parsed.of("audio")) == ((), [])
    assert parsed.of("visual")


def test_the_exit_code_follows_what_is_missing(tmp_path):
    clip = ParsedClip("a", "a.mp4", 2.0, 1.0, ("audio",), "global", (), {})
    codes = [
        ParsedFolder(tmp_path, [replace(clip, notes=notes)]).exit_code
        for notes in ((), (SILENT,), (DAMAGED,), (SILENT, DAMAGED))
    ]
    assert codes == [0, 0, 1, 1]


def test_a_clip_of_an_earlier_version_stays_as_it_is(parser, clips, tmp_path):
    options = {"out": tmp_path, "figures": [], "progress": False}
    parse_clips(parser, clips / "silent.mkv", **options)
    file = tmp_path / "silent.json"
    facts = json.loads(file.read_text())
    file.write_text(json.dumps({key: value for key, value in facts.items() if key not in ("notes", "audio_track")}))
    again = parse_clips(parser, clips / "silent.mkv", **options)
    assert (again.unchanged, again.clip_notes, again.exit_code) == (1, {}, 0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("notes", 3), ("notes", None), ("notes", ["damaged"]), ("notes", [{"kind": "x"}]), ("notes", [None])]
    + [("audio_track", value) for value in (0, "1", [], 1.5)],
)
def test_what_is_no_note_names_its_file(parser, clips, tmp_path, key, value):
    parse_clips(parser, clips / "plain.mkv", out=tmp_path, figures=[], progress=False)
    file = tmp_path / "plain.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(SeehearError, match=r"plain\.json: "):
        read(file)


def test_the_audio_track_is_chosen(parser, place, tmp_path):
    """Each track parses as a file that has it alone; the other one is not taken for done."""
    sounds = [tone(300, 3) * 0.3, tone(1200, 3)]
    both = with_tracks(tmp_path / "clips" / "both.mkv", sounds, default=1)
    found = {}
    for track in (None, 1, 2):
        (parsed,) = parse_clips(
            parser, both, out=tmp_path / "out", audio_track=track, figures=[], decoding=LOW, progress=False
        ).clips
        assert parsed == read(tmp_path / "out" / "both.json") == parser.parse(both, audio_track=track, decoding=LOW)
        assert parsed.audio_track == track
        assert ((NoteKind.SEVERAL_TRACKS, "audio") in kinds(parsed.notes)) == (track is None)
        found[track] = parsed
    for track, sound in enumerate(sounds, 1):
        alone = with_tracks(tmp_path / f"alone{track}.mkv", [sound])
        assert found[track].probabilities == parser.parse(alone, decoding=LOW).probabilities
    assert found[None].probabilities == found[2].probabilities != found[1].probabilities
    loud, quiet = (found[track]._seen() for track in (2, 1))
    assert not np.array_equal(loud.spectrogram, quiet.spectrogram)
    reread = read(tmp_path / "out" / "both.json")
    assert reread.overview is None
    np.testing.assert_array_equal(replace(reread, audio_track=1)._seen().spectrogram.shape, quiet.spectrogram.shape)


def test_a_clip_with_fewer_tracks_is_named(parser, clips, tmp_path):
    with pytest.raises(ClipError, match=r"plain\.mkv: .*2"):
        parser.parse(clips / "plain.mkv", audio_track=2)
    result = parse_clips(parser, clips, out=tmp_path, audio_track=2, figures=[], progress=False)
    assert {"plain", "silent", "torn"} <= set(result.failed)
    assert result.exit_code == 1
    with pytest.raises(SeehearError, match="audio tracks are numbered from 1"):
        parse_clips(parser, clips, out=tmp_path, audio_track=0)
