"""Folders of many parsed clips: read when looked up, written in a stream, in memory that does not grow with them."""

import json
import re
import tracemalloc

import numpy as np
import pytest

from seehear.decoding import Decoding
from seehear.errors import SeehearError
from seehear.labels import read_dense
from seehear.media.notes import Note, NoteKind
from seehear.modality import kinds
from seehear.names import clip_name
from seehear.pages import folder as index
from seehear.parsing.base import FileParser
from seehear.parsing.batch import ParsedFolder, parse_clips
from seehear.parsing.clip import parsed_clip, truth_of
from seehear.parsing.folder import ParsedFiles, read, read_folder

CLASSES = tuple(f"Class {c}" for c in range(12))
MODALITIES = ("audio", "visual")


class MadeUp(FileParser):
    """Parses without networks: events by the clip's number. The fifth clips have a note, the third lack audio."""

    classes, segment, decoding, identity, reader = CLASSES, 1.0, Decoding(), "made up", None

    @property
    def collocation(self):
        return {name: [name] for name in MODALITIES}

    def parse(self, file, *, truth=None, decoding=None, audio_track=None):
        number = int(clip_name(file).removeprefix("c"))
        probabilities = np.random.default_rng(number).random((1, 10, 2, len(CLASSES)), dtype=np.float32)
        active = {name: probabilities[:, :, m] > 0.8 for m, name in enumerate(MODALITIES)}
        absent = ("audio",) if number % 3 == 2 else ()
        for name in absent:
            active[name] = np.zeros_like(active[name])
        return parsed_clip(
            active,
            probabilities,
            CLASSES,
            1.0,
            Decoding(),
            clip=clip_name(file),
            file=file,
            duration=10.0,
            truth=truth_of(clip_name(file), truth, MODALITIES, 1.0) if truth else None,
            absent=absent,
            notes=(Note(NoteKind.SILENT, "audio"),) * (number % 5 == 0),
            overview=object(),
        )

    def _parsed(self, features, decoding, **facts):
        raise NotImplementedError


def parse(place, count, **options):
    """Parse so many empty files into PLACE/out, without pages and figures unless they are there."""
    if not (place / "clips").exists():  # else they would look changed
        (place / "clips").mkdir()
        for n in range(count):
            (place / "clips" / f"c{n:04}.mp4").touch()
    options = {"figures": (), "progress": False, **options}
    return parse_clips(MadeUp(), place / "clips", out=place / "out", **options)


def with_pages(place, count, **options):
    """Parse again, with an index of empty pages."""
    for n in range(count):
        (place / "out" / f"c{n:04}.html").touch()
    return parse(place, count, figures=("html",), **options)


def test_clips_are_read_when_they_are_looked_up(tmp_path):
    result = parse(tmp_path, 6)
    files = result.clips
    assert isinstance(files, ParsedFiles)
    assert (len(files), files.names) == (6, [f"c{n:04}" for n in range(6)])
    assert list(files) == [MadeUp().parse(tmp_path / "clips" / f"{name}.mp4") for name in files.names]
    assert list(files[1:3]) == [files[1], files[2]]
    assert files[-1] == read(tmp_path / "out" / "c0005.json")
    assert list(result.clip_notes) == ["c0000", "c0005"]
    assert result.notes == ["2 clips have no audio track, for example c0002: they are parsed by what they have"]
    (tmp_path / "out" / "c0001.json").unlink()
    with pytest.raises(SeehearError, match=r"c0001\.json: no such file"):
        files[1]
    with pytest.raises(IndexError):
        files[6]


@pytest.mark.parametrize("kept", [True, False])
def test_clips_that_come_in_any_order_are_sorted(tmp_path, kept):
    """As several processes parse them."""
    names = [f"c{n:04}" for n in range(9)]
    parse(tmp_path, 9)
    result = ParsedFolder(tmp_path / "out", ParsedFiles(tmp_path / "out") if kept else [])
    for name in names[::-1]:
        result.add(read(tmp_path / "out" / f"{name}.json"))
    result.sort(names)
    assert [clip.clip for clip in result.clips] == names
    assert list(result.clip_notes) == ["c0000", "c0005"]
    assert result.lacking == {"audio": ["c0002", "c0005", "c0008"]}


def test_figures_are_named_without_reading_clips(tmp_path):
    result = parse(tmp_path, 3)
    result.drawn = ("png", "svg")
    for file in (tmp_path / "out").glob("c*.json"):
        file.unlink()
    assert result.figures == [tmp_path / "out" / f"c{n:04}.{suffix}" for n in range(3) for suffix in ("png", "svg")]


def test_the_frame_has_a_row_per_event(tmp_path):
    result = parse(tmp_path, 4)
    frame, events = result.to_frame(), [(clip.clip, event) for clip in result.clips for event in clip.events]
    assert list(frame["clip"]) == [clip for clip, _ in events]
    for column in ("modality", "label", "onset", "offset", "confidence", "origin"):
        assert list(frame[column]) == [getattr(event, column) for _, event in events]
    assert len(result.to_frame(true=True)) == 0


@pytest.mark.parametrize("part", [3, 1000])
def test_tables_and_index_are_those_of_a_loop_over_all_clips(tmp_path, monkeypatch, part):
    """Clips of an earlier call, and a damaged file, included."""
    monkeypatch.setattr(index, "PART", part)
    parse(tmp_path, 8)
    out = tmp_path / "out"
    (out / "broken.json").write_text('{"format": "seehear-parse-2"')
    (tmp_path / "clips" / "c0000.mp4").unlink()
    result = with_pages(tmp_path, 8)
    clips, damaged = read_folder(out)
    assert [clip.clip for clip in clips] == [f"c{n:04}" for n in range(8)]
    assert result.notes[-1:] == damaged
    for modality in kinds(MODALITIES):
        lines = ["filename\tonset\toffset\tevent_labels"]
        for clip in clips:
            for event in clip.events:
                if event.modality == modality:
                    lines.append(f"{clip.clip}\t{event.onset:g}\t{event.offset:g}\t{event.label}")
        assert (out / f"{modality}.csv").read_text() == "\n".join(lines) + "\n"
    pages = sorted((out / "index").glob("*.html")) if part < 8 else []
    rows = [row for page in [out / "index.html", *pages] for row in listed(page)]
    assert [row[0] for row in rows] == [clip.clip for clip in clips]
    assert [row[1] for row in rows] == [("" if n < part else "../") + f"c{n:04}.html" for n in range(8)]
    for clip, (_, _, duration, events, *_) in zip(clips, rows, strict=True):
        assert duration == "10.0 s"
        assert events == [[e.label, e.modality, e.onset, e.offset] for e in clip.events]


def listed(page):
    """The rows of an index page, with the names of classes and modalities in place of their numbers."""
    data = json.loads(re.search(r'id="data">(.*)</script>', page.read_text())[1])
    for row in data["clips"]:
        row[3] = [[data["classes"][c], kinds(MODALITIES)[m], onset, offset] for c, m, onset, offset in row[3]]
    return data["clips"]


def test_ground_truth_of_a_clip_is_that_of_the_whole_tables(tmp_path):
    tables = {}
    for m, name in enumerate(MODALITIES):
        rows = [f"c{n:04}\t{n + m}\t{n + m + 2}\tClass {n % 3}" for n in range(5)] * 2
        (tmp_path / f"{name}.csv").write_text("\n".join(["filename\tonset\toffset\tevent_labels", *rows]) + "\n")
        tables[name] = read_dense(tmp_path / f"{name}.csv")
    result = parse(tmp_path, 6, truth={name: tmp_path / f"{name}.csv" for name in MODALITIES})
    for clip in result.clips:
        assert list(clip.truth) == truth_of(clip.clip, tables, MODALITIES, 1.0)
    assert result.clips[5].truth == ()  # known to be empty
    again = parse(tmp_path, 6, truth={name: tmp_path / f"{name}.csv" for name in MODALITIES})
    assert again.unchanged == 6


def test_times_that_can_not_be_are_refused_before_anything_is_parsed(tmp_path):
    (tmp_path / "audio.csv").write_text("filename\tonset\toffset\tevent_labels\nc0000\t0\t1e6\tA\n")
    rows = "".join(f"x\t0\t1\tClass {n}\n" for n in range(400))
    with (tmp_path / "audio.csv").open("a") as stream:
        stream.write(rows)
    with pytest.raises(SeehearError, match="more than fits into memory"):
        parse(tmp_path, 1, truth={"audio": tmp_path / "audio.csv"})
    assert not (tmp_path / "out").exists()


def test_memory_does_not_grow_with_the_number_of_clips(tmp_path, monkeypatch):
    """A parsed clip takes 50 kB; of each, names remain."""
    monkeypatch.setattr(index, "PART", 25)
    monkeypatch.setattr(index, "LISTED", 10)
    peaks = {}
    for count in (50, 150):
        place = tmp_path / str(count)
        place.mkdir()
        parse(place, count)
        with_pages(place, count)  # imports what is needed
        tracemalloc.start()
        result = with_pages(place, count)
        assert "more clips" in result.text()
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (result.unchanged, len(result.clips)) == (count, count)
    assert (peaks[150] - peaks[50]) / 100 < 4000  # bytes per clip: paths, and names
