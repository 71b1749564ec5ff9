"""Corrected annotations as dense tables to evaluate against."""

import re

import pympi
import pytest
from hypothesis import HealthCheck, assume, given, settings

from formats.clips import DOG, clip, event, parsed_clips, written
from seehear import labels
from seehear.errors import SeehearError
from seehear.labels import read_dense

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def tables(report):
    return {
        name: [(e.clip, e.onset, e.offset, e.label) for e in read_dense(path).events]
        for name, path in report.files.items()
    }


@pytest.mark.parametrize("name", ["elan", "audacity", "webvtt", "csv", "activitynet"])
@few
@given(parsed=parsed_clips())
def test_exported_clips_are_imported_as_tables(name, parsed, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    files = written(name, parsed, folder)
    assume(name != "audacity" or "touch" not in parsed.modalities)  # a track's name tells of no others than usual
    assume(name != "csv" or parsed.events)
    report = labels.import_annotations(files, out=folder / "truth")
    assert all("the modality 'touch'" in note for note in report.notes)
    imported = tables(report)
    for modality in parsed.modalities:
        expected = {(e.label, round(e.onset * 1000), round(e.offset * 1000)) for e in parsed.of(modality)}
        if "_" in modality:
            assert modality not in imported
        else:
            rows = imported.get(modality, [])
            assert {(label, round(on * 1000), round(off * 1000)) for _, on, off, label in rows} == expected


def test_corrected_in_elan(tmp_path):
    (file,) = written(
        "elan", clip(*DOG, event("Cat", "audio", 1, 4), modalities=("audio", "visual", "audio_visual")), tmp_path
    )
    eaf = pympi.Elan.Eaf(str(file))
    eaf.remove_annotation("heard", 100)  # Dog, from 0 to 5
    eaf.add_annotation("heard", 6000, 7000, "Cat")
    eaf.add_annotation("heard 2", 3500, 6000, "Cat")  # overlaps one and touches another
    eaf.add_annotation("seen", 8000, 8250, "Bird, Tree")
    eaf.add_tier("remarks")
    eaf.add_annotation("remarks", 0, 1000, "windy")
    eaf.to_file(str(file))
    report = labels.import_annotations([file], out=tmp_path / "truth")
    assert tables(report) == {
        "audio": [("clip", 1.0, 7.0, "Cat")],
        "visual": [("clip", 2.0, 3.0, "Dog"), ("clip", 8.0, 8.25, "Bird"), ("clip", 8.0, 8.25, "Tree")],
    }
    assert (report.clips, report.as_json()["events"], report.exit_code) == (1, {"audio": 1, "visual": 3}, 0)
    remarks, both = report.notes
    assert "'remarks'" in remarks
    assert "clip: 1 events of audio_visual are not within audio and visual and were left out, the first 'Dog'" in both
    assert "on tier 'both'" in both


@few
@given(parsed=parsed_clips())
def test_both_counts_for_modalities_that_no_file_covers(parsed, tmp_path_factory):
    """Tracks of both alone, or of both and heard."""
    assume(parsed.modalities == ("audio", "visual", "audio_visual"))
    folder = tmp_path_factory.mktemp("both")
    heard, _, both = written("audacity", parsed, folder)
    joint = [("clip", round(e.onset, 3), round(e.offset, 3), e.label) for e in parsed.of("audio_visual")]
    alone = tables(labels.import_annotations([both], out=folder / "alone"))
    assert {name: sorted(rows) for name, rows in alone.items()} == {"audio": sorted(joint), "visual": sorted(joint)}
    together = tables(labels.import_annotations([heard, both], out=folder / "together"))
    assert sorted(together["visual"]) == sorted(joint)
    assert len(together["audio"]) == len(parsed.of("audio"))


def test_both_outside_of_heard_is_left_out(tmp_path):
    (tmp_path / "a.heard.txt").write_text("0\t2\tDog\n4\t6\tDog\n")
    (tmp_path / "a.both.txt").write_text("1\t3\tDog\n0\t1\tCat\n4.5\t5.5\tDog\n")
    (tmp_path / "b.both.txt").write_text("1\t2\tDog\n")
    report = labels.import_annotations(sorted(tmp_path.glob("*.txt")), out=tmp_path)
    assert tables(report) == {
        "audio": [("a", 0.0, 2.0, "Dog"), ("a", 4.0, 6.0, "Dog"), ("b", 1.0, 2.0, "Dog")],
        "visual": [("a", 4.5, 5.5, "Dog"), ("b", 1.0, 2.0, "Dog")],
    }
    (note,) = report.notes
    assert note.startswith(
        "a: 2 events of audio_visual are not within audio and were left out, the first 'Dog' both from 1 to 3 s"
    )


def test_an_empty_track_makes_an_empty_table(tmp_path):
    (tmp_path / "a.heard.txt").write_text("")
    report = labels.import_annotations([tmp_path / "a.heard.txt"], out=tmp_path)
    assert tables(report) == {"audio": []}
    assert "audio.csv: 0 events" in report.text()


def test_events_that_no_table_can_hold_are_all_named(tmp_path):
    file = tmp_path / "a.heard.txt"
    file.write_text("0\t1\tDog\n2\t2\tCat\n3\t4\t\n5\t6\tDog,\n7\t8\t Fox \n")
    with pytest.raises(SeehearError) as error:
        labels.import_annotations([file], out=tmp_path / "truth")
    for place in (
        "a.heard.txt:2: 'Cat' heard from 2 to 2 s",
        "a.heard.txt:3: the class ''",
        "a.heard.txt:4: the class ''",
    ):
        assert place in str(error.value)
    assert "3 events" in str(error.value)
    assert not (tmp_path / "truth").exists()


def test_two_files_that_cover_one_modality(tmp_path):
    for name in ("a.heard.txt", "a.audio.txt"):
        (tmp_path / name).write_text("0\t1\tDog\n")
    with pytest.raises(SeehearError, match=r"a\.audio\.txt: has audio events of 'a', and so has .*a\.heard\.txt"):
        labels.import_annotations([tmp_path / "a.heard.txt", tmp_path / "a.audio.txt"], out=tmp_path)


def test_many_clips_make_one_table_per_modality(tmp_path):
    files = []
    for name in ("b", "a"):
        files += written("audacity", clip(event("Dog", "audio", 1, 2), name=name, modalities=("audio",)), tmp_path)
    report = labels.import_annotations(files, out=tmp_path)
    assert tables(report) == {"audio": [("a", 1.0, 2.0, "Dog"), ("b", 1.0, 2.0, "Dog")]}
    assert report.as_json()["tables"] == {"audio": str(tmp_path / "audio.csv")}


def test_a_file_whose_modality_is_given(tmp_path):
    file = tmp_path / "birds.txt"
    file.write_text("1\t2\tBird\n")
    assert tables(labels.import_annotations(file, out=tmp_path, modality="heard")) == {
        "audio": [("birds", 1.0, 2.0, "Bird")]
    }
    (tmp_path / "empty.csv").write_text("label,onset,offset\n")
    with pytest.raises(SeehearError, match="none of the files"):
        labels.import_annotations([tmp_path / "empty.csv"], out=tmp_path)


def test_events_of_other_clips_are_kept(tmp_path):
    both = [clip(*DOG, name=name) for name in ("one", "other")]
    files = [file for each in both for file in written("elan", each, tmp_path)]
    labels.import_annotations(files, out=tmp_path / "truth")
    (again,) = written("elan", clip(event("Cat", "audio", 1, 2), name="one"), tmp_path)
    report = labels.import_annotations([again], out=tmp_path / "truth")
    assert tables(report)["audio"] == [("one", 1.0, 2.0, "Cat"), ("other", 0.0, 5.0, "Dog")]
    assert tables(report)["visual"] == [("other", 2.0, 3.0, "Dog")]
    assert f"{tmp_path / 'truth' / 'audio.csv'}: 1 events of 1 other clips are kept" in report.text()


def test_tables_of_parsed_clips_are_not_overwritten(tmp_path):
    (file,) = written("elan", clip(*DOG), tmp_path)
    (tmp_path / "parsed").mkdir()
    (tmp_path / "parsed" / ".parsed").touch()
    with pytest.raises(SeehearError, match="parsed: holds parsed clips"):
        labels.import_annotations([file], out=tmp_path / "parsed")


def test_tables_in_memory(tmp_path):
    (tmp_path / "a.heard.txt").write_text("0\t2\tDog\n4\t6\tDog\n")
    result = labels.import_annotations(str(tmp_path / "a.heard.txt"))
    assert [(e.clip, e.onset, e.offset, e.label) for e in result.tables["audio"].events] == [
        ("a", 0.0, 2.0, "Dog"),
        ("a", 4.0, 6.0, "Dog"),
    ]
    assert (result.files, [file.name for file in tmp_path.iterdir()]) == ({}, ["a.heard.txt"])
    assert result.tables["audio"].array(["a"], ["Dog"], 6)[0, :, 0].tolist() == [True, True, False, False, True, True]
    assert repr(result) == "ImportedAnnotations(1 clips, 2 audio events, 0 notes)"
    assert result.text() == "audio: 2 events\n1 clips"
    pytest.importorskip("pandas")
    assert result.to_frame().to_numpy().tolist()[1] == ["a", "audio", "Dog", 4.0, 6.0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.heard.txt", "9\t8\tDog\n"),
        ("a.csv", "modality,label,onset,offset\nheard,Dog,9,8\n"),
        ("audio.csv", "filename\tonset\toffset\tevent_labels\na\t9\t8\tDog\n"),
        ("a.json", '{"results": {"a": [{"label": "Dog", "segment": [9, 8], "score": 1, "modality": "heard"}]}}'),
    ],
)
@pytest.mark.parametrize(("times", "message"), [("98", "ends before it begins"), ("99", "has no length")])
def test_events_that_end_before_they_begin(tmp_path, name, text, times, message):
    file = tmp_path / name
    file.write_text(text.replace("8", times[1]))
    with pytest.raises(SeehearError, match=rf"'Dog' heard from 9 to {times[1]} s: {message}") as error:
        labels.import_annotations([file], out=tmp_path / "truth")
    assert "1000000" not in str(error.value)


@pytest.mark.parametrize(
    ("modality", "hint"), [("smelt", ""), ("herd", "heard"), ("Visaul", "visual"), ("bth", "both")]
)
def test_an_unknown_modality_is_noted(tmp_path, modality, hint):
    file = tmp_path / "a.csv"
    file.write_text(f"modality,label,onset,offset\n{modality},Dog,0,1\nheard,Dog,0,1\nseen,Dog,0,1\nboth,Dog,0,1\n")
    (note,) = (note for note in labels.import_annotations([file]).notes if "its own table" in note)
    assert note.startswith(f"{file}: the modality {modality!r} is none of audio, heard, visual, seen, both,")
    assert note.endswith(f": did you mean {hint}?" if hint else "its own table")


@pytest.mark.parametrize(
    ("suffix", "message"),
    [(".srt", "save them as WebVTT"), (".SRT", "WebVTT"), (".xlsx", ".csv"), (".tsv", "call it .csv")],
)
def test_files_that_are_not_read_but_can_be_converted(tmp_path, suffix, message):
    file = tmp_path / f"a{suffix}"
    file.write_text("1\n00:00:01,000 --> 00:00:02,000\nheard: Dog\n")
    with pytest.raises(SeehearError, match=rf"a{re.escape(suffix)}: events are read from files .*{re.escape(message)}"):
        labels.import_annotations([file])


def test_a_table_of_excel_with_the_separator_above(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("sep=;\nmodality;label;onset;offset\nheard;Dog;0;1\nheard;Cat;x;1\n")
    with pytest.raises(SeehearError, match=r"a\.csv:4: error: onset 'x'"):
        labels.import_annotations([file])
    file.write_text("sep=;\nmodality;label;onset;offset\nheard;Dog;0;1\n")
    assert tables(labels.import_annotations([file], out=tmp_path / "truth")) == {"audio": [("a", 0.0, 1.0, "Dog")]}
    file.write_text("sep=;\nmodality;label;start;end\nheard;Dog;0;1\n")
    with pytest.raises(SeehearError, match=r"a\.csv:2: .*lacks onset, offset .*call 'start' onset and 'end' offset"):
        labels.import_annotations([file])
