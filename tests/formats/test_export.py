"""seehear export: folders of parsed clips in, files for other tools out."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from formats.clips import DOG, clip, event
from make_media import ODD
from seehear.errors import SeehearError
from seehear.formats import REGISTRY, elan, export, import_annotations, write_clip
from seehear.parsing import folder as folder_of_clips

TRUTH = (event("Dog", "audio", 1, 4),)


@pytest.fixture
def folder(tmp_path):
    """Two parsed clips, one with its truth known."""
    folder_of_clips.write(clip(*DOG, name="a", truth=TRUTH), tmp_path / "parsed")
    folder_of_clips.write(clip(event("Cat", "visual", 0, 1, 0.5), name="b"), tmp_path / "parsed")
    return tmp_path / "parsed"


def names(out):
    return {file.name for file in out.iterdir()} - {".exported"}


def test_every_format(folder, tmp_path):
    formats = ["webvtt,audacity", "elan", "csv", "dense", "activitynet", "edl", "otio", "label-studio"]
    report = export([folder], out=tmp_path / "out", formats=formats, frame_rate=25)
    assert (report.clips, report.failed, report.exit_code) == (2, [], 0)
    assert list(report.files) == list(REGISTRY)
    modalities = ("audio", "visual", "audio_visual")
    assert names(tmp_path / "out") == {
        *(f"{name}.{suffix}" for name in "ab" for suffix in ("vtt", "eaf", "heard.txt", "seen.txt", "both.txt")),
        "events.csv",
        *(f"{modality}.csv" for modality in modalities),
        *(f"activitynet.{modality}.json" for modality in modalities),
        *(f"{name}.{suffix}" for name in "ab" for suffix in ("heard.edl", "seen.edl", "both.edl", "otio")),
        *(f"label-studio.video.{suffix}" for suffix in ("json", "xml")),
    }
    assert "elan: " in report.text()
    assert "2 clips exported" in report.text()
    assert len(report.as_json()["files"]["audacity"]) == 6


def test_a_single_clip_in_the_default_formats(folder, tmp_path):
    report = export(folder / "a.json", out=tmp_path / "out")
    assert list(report.files) == ["webvtt", "audacity", "elan", "csv"]
    assert names(tmp_path / "out") == {"a.vtt", "a.heard.txt", "a.seen.txt", "a.both.txt", "a.eaf", "events.csv"}


def test_elan_offers_every_class_of_the_model(folder, tmp_path):
    some = folder_of_clips.read(folder / "a.json")
    folder_of_clips.write(replace(some, classes=("Oboe", "Dog")), folder)
    export([folder], out=tmp_path / "out", formats=["elan"])
    offered = re.findall(r"<CVE_VALUE[^>]*>(.*)</CVE_VALUE>", (tmp_path / "out" / "b.eaf").read_text())
    assert offered == ["Oboe", "Dog", "Cat"]


def test_the_ground_truth(folder, tmp_path):
    report = export([folder], out=tmp_path / "out", formats=["elan", "webvtt"], truth=True)
    assert names(tmp_path / "out") == {"a.eaf", "a.vtt"}
    assert elan.read(tmp_path / "out" / "a.eaf").by_clip["a"].keys() == {"audio"}  # of what is seen, nothing is known
    assert elan.read(tmp_path / "out" / "a.eaf").events("a") == list(TRUTH)
    assert "1 clips skipped: their ground truth is unknown" in report.text()
    assert (report.clips, report.exit_code) == (1, 0)
    with pytest.raises(SeehearError, match="holds ground truth, and these are predictions"):
        export([folder], out=tmp_path / "out")
    with pytest.raises(SeehearError, match="no clip's ground truth is known"):
        export([folder / "b.json"], out=tmp_path / "other", truth=True)


@pytest.mark.parametrize("name", ODD)
def test_odd_names(name, tmp_path):
    folder_of_clips.write(replace(clip(*DOG, name=name), file=str(tmp_path / f"{name}.mp4")), tmp_path / "parsed")
    report = export([tmp_path / "parsed"], out=tmp_path / "out", formats=list(REGISTRY), frame_rate=25)
    assert report.failed == []
    assert (tmp_path / "out" / f"{name}.vtt").exists()
    assert elan.read(tmp_path / "out" / f"{name}.eaf").events(name) == sorted(DOG, key=lambda each: each.modality)


def test_clips_that_a_format_cant_hold_are_left_out(folder, tmp_path):
    folder_of_clips.write(clip(event("two\nlines", "audio", 0, 1), name="c"), folder)
    folder_of_clips.write(clip(event("bell\x07", "audio", 0, 1), name="d"), folder)
    folder_of_clips.write(clip(event("Dog", "audio", 0, float("nan")), name="e"), folder)
    report = export([folder], out=tmp_path / "out", formats=["webvtt", "elan", "csv"])
    assert report.exit_code == 1
    assert names(tmp_path / "out") == {"a.vtt", "b.vtt", "a.eaf", "b.eaf", "c.eaf", "events.csv"}
    assert {line.partition(": the")[0] for line in report.failed} >= {"c: webvtt", "d: webvtt"}
    assert len(report.failed) == 4
    assert any(line.startswith("d: elan: 'bell") for line in report.failed)
    assert any("e.json: is damaged (events.0.offset is nan" in line for line in report.failed)
    assert "4 left out" in report.text()
    table = (tmp_path / "out" / "events.csv").read_text()
    assert "\x07" in table
    assert "\ne," not in table


def test_corrected_files_are_kept(folder, tmp_path):
    out = tmp_path / "out"
    export([folder], out=out, formats=["audacity", "webvtt"])
    before = (out / "b.vtt").stat().st_mtime_ns
    (out / "a.seen.txt").write_text("2\t4\tDog\n")
    (out / "a.both.txt").unlink()
    folder_of_clips.write(clip(event("Fox", "audio", 0, 1, 0.5), name="a"), folder)  # parsed anew
    report = export([folder], out=out, formats=["audacity", "webvtt"])
    assert (out / "a.seen.txt").read_text() == "2\t4\tDog\n"
    assert "Fox" in (out / "a.heard.txt").read_text()
    assert (out / "a.both.txt").read_text() == ""
    assert "Fox" in (out / "a.vtt").read_text()
    assert (out / "b.vtt").stat().st_mtime_ns == before
    (kept,) = report.failed
    assert kept.startswith(f"{out / 'a.seen.txt'}: was changed since it was exported and is kept")
    assert report.exit_code == 1
    again = export([folder], out=out, formats=["audacity"])
    assert len(again.failed) == 1  # whatever was exported meanwhile


def test_a_killed_export_knows_its_files_again(folder, tmp_path):
    """It is killed after any number of files, is run again on other events, and is killed again."""
    from seehear.formats import writing

    out = tmp_path / "out"
    for count, label in enumerate(("Fox", "Cow", "Owl", "Hen")):
        with pytest.MonkeyPatch.context() as patch:
            written, write = [], writing.atomic_bytes

            def die(*arguments, written=written, write=write, count=count, **options):
                if len(written) == count:
                    raise KeyboardInterrupt
                written.append(write(*arguments, **options))

            patch.setattr(writing, "atomic_bytes", die)
            folder_of_clips.write(clip(event(label, "audio", 0, 1, 0.5), name="a"), folder)
            with pytest.raises(KeyboardInterrupt):
                export([folder], out=out, formats=["audacity", "webvtt"])
    report = export([folder], out=out, formats=["audacity", "webvtt"])
    assert not report.failed
    assert "Hen" in (out / "a.vtt").read_text()
    assert json.loads((out / ".exported").read_text()).keys() == {"what", "files"}


@pytest.mark.parametrize("left", [b"", bytes(4096)])
def test_files_that_a_loss_of_power_left_empty_are_made_again(folder, tmp_path, left):
    out = tmp_path / "out"
    export([folder], out=out, formats=["webvtt"])
    before = (out / "a.vtt").read_bytes()
    (out / "a.vtt").write_bytes(left)
    assert not export([folder], out=out, formats=["webvtt"]).failed
    assert (out / "a.vtt").read_bytes() == before


def test_files_of_others_are_kept(folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "events.csv").write_text("mine\n")
    assert len(export([folder], out=tmp_path / "out", formats=["csv"]).failed) == 1
    assert (tmp_path / "out" / "events.csv").read_text() == "mine\n"


def test_mistakes(folder, tmp_path):
    with pytest.raises(SeehearError, match=r"no format is called 'webvt': did you mean webvtt"):
        export([folder], out=tmp_path / "out", formats=["elan", "webvt"])
    with pytest.raises(SeehearError, match="no format: choose from"):
        export([folder], out=tmp_path / "out", formats=[])
    with pytest.raises(SeehearError, match="choose another --out"):
        export([folder / "a.json"], out=folder)
    with pytest.raises(SeehearError, match="no such folder"):
        export([tmp_path / "none"], out=tmp_path / "out")
    folder_of_clips.write(clip(name="a"), tmp_path / "second")
    with pytest.raises(SeehearError, match=r"a\.mp4 in .*second and .*a\.mp4 in .*parsed are one clip, 'a'"):
        export([folder, tmp_path / "second"], out=tmp_path / "out")
    (tmp_path / "x.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(SeehearError, match="is no parsed clip"):
        export([tmp_path / "x.json"], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_clips_and_those_of_another_version_are_named(folder, tmp_path):
    facts = json.loads((folder / "a.json").read_text())
    (folder / "old.json").write_text(json.dumps({**facts, "format": "seehear-parse-1"}))
    (folder / "cut.json").write_text((folder / "a.json").read_text()[:100])
    report = export([folder], out=tmp_path / "out", formats=["csv"])
    assert (report.clips, report.exit_code) == (2, 1)
    assert "old.json: is of format seehear-parse-1, not seehear-parse-2; parse the clip again" in report.text()
    assert "cut.json: can't be read as JSON" in report.text()


def test_parsed_clips_in_memory(tmp_path):
    clips = [clip(*DOG, name="a", truth=TRUTH), clip(event("Cat", "visual", 0, 1, 0.5), name="b")]
    result = export(clips, out=tmp_path / "out", formats="csv,elan")
    assert names(tmp_path / "out") == {"events.csv", "a.eaf", "b.eaf"}
    assert repr(result) == f"Exported({tmp_path / 'out'}: 2 clips, 1 csv, 2 elan files, 0 left out)"
    assert export(clips[0], out=str(tmp_path / "one"), formats="webvtt").clips == 1
    with pytest.raises(SeehearError, match=r"a\.mp4 and .*a\.mp4 are one clip, 'a'"):
        export([clips[0], clips[0]], out=tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("new.eaf", ["new.eaf"]),
        ("new.VTT", ["new.VTT"]),
        ("new.csv", ["new.csv"]),
        ("new.txt", ["new.heard.txt", "new.seen.txt", "new.both.txt"]),
        ("new.json", ["new.heard.json", "new.seen.json", "new.both.json"]),
        ("new.edl", ["new.heard.edl", "new.seen.edl", "new.both.edl"]),
        ("new.otio", ["new.otio"]),
    ],
)
def test_one_clip_in_the_format_of_the_suffix(name, files, tmp_path):
    parsed = clip(*DOG, name="new", truth=TRUTH)
    written = write_clip(parsed, str(tmp_path / "deeper" / name), frame_rate=25)
    assert written == [tmp_path / "deeper" / file for file in files]
    tables = import_annotations(written).tables
    assert {modality: len(table.events) for modality, table in tables.items()} == {"audio": 1, "visual": 1}
    assert write_clip(parsed, tmp_path / "deeper" / name, frame_rate=25) == written  # the same again
    written[0].write_text("corrected")
    with pytest.raises(SeehearError, match="already exists with other content"):
        write_clip(parsed, tmp_path / "deeper" / name, frame_rate=25)
    write_clip(parsed, tmp_path / "deeper" / name, overwrite=True, frame_rate=25)
    assert written[0].read_text() != "corrected"


def test_one_clip_in_a_format_by_name(tmp_path):
    parsed = clip(*DOG, name="new", truth=TRUTH)
    files = write_clip(parsed, tmp_path / "new.csv", format="dense", truth=True)
    assert files == [tmp_path / "new.heard.csv"]
    (table,) = import_annotations(files).tables.values()
    assert [(one.clip, one.onset, one.offset, one.label) for one in table.events] == [("new", 1.0, 4.0, "Dog")]
    with pytest.raises(SeehearError, match=r"new\.csv: files of the format elan end in \.eaf"):
        write_clip(parsed, tmp_path / "new.csv", format="elan")
    with pytest.raises(SeehearError, match=r"new\.srt: events are written to files that end in \.vtt"):
        write_clip(parsed, tmp_path / "new.srt")
    with pytest.raises(SeehearError, match="no clip's ground truth is known"):
        write_clip(clip(*DOG), tmp_path / "new.eaf", truth=True)


def test_writing_captions_draws_nothing():
    code = "import sys, seehear.formats; print([m for m in ('matplotlib', 'torch', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
