"""Label tracks, tables and JSON: their very text, and files of others."""

import json
from dataclasses import replace

import pytest

from formats.clips import DOG, clip, clip_of, event, written
from seehear.errors import ClipError, SeehearError
from seehear.formats import REGISTRY, activitynet, audacity, csv, dense, get, of_file
from seehear.formats.spec import LocatedEvent, check_writable, merged
from seehear.labels import read_dense
from seehear.parsing.clip import Origin


def test_label_tracks(tmp_path):
    files = written("audacity", clip(*DOG, event("Cat & mouse", "audio", 0.25, 1.5)), tmp_path)
    assert {file.name: file.read_bytes() for file in files} == {
        "clip.heard.txt": b"0.000000\t5.000000\tDog\n0.250000\t1.500000\tCat & mouse\n",
        "clip.seen.txt": b"2.000000\t3.000000\tDog\n",
        "clip.both.txt": b"2.000000\t3.000000\tDog\n",
    }


def test_a_label_track_from_audacity(tmp_path):
    file = tmp_path / "a.b.seen.txt"
    file.write_bytes(b"0.5\t2.25\tDog\r\n\\\t100.0\t3000.5\r\n3\t4\tCat\r\n")
    assert audacity.read(file).events("a.b") == [event("Dog", "visual", 0.5, 2.25), event("Cat", "visual", 3, 4)]


def test_label_tracks_of_other_names(tmp_path):
    file = tmp_path / "a.birds.txt"
    file.write_text("0\t1\tDog\n")
    assert audacity.read(file, "audio").events("a.birds") == [event("Dog", "audio", 0, 1)]
    with pytest.raises(SeehearError, match=r"name it a\.birds\.heard\.txt .* or give --modality"):
        audacity.read(file)


@pytest.mark.parametrize("line", ["0\t1", "0 1 Dog", "x\t1\tDog", "-1\t1\tDog", "nan\t1\tDog", "0\t1\tDog\tmore"])
def test_lines_that_are_no_labels(line, tmp_path):
    file = tmp_path / "a.heard.txt"
    file.write_text(f"0\t1\tDog\n{line}\n")
    with pytest.raises(SeehearError, match=r"a\.heard\.txt:2: error"):
        audacity.read(file)


def test_one_table(tmp_path):
    said = replace(event('say "hi", you\nall', "audio", 0, 1 / 3, 0.5), origin=Origin.UNTRAINED)
    parsed = clip(said, event("Dog", "visual", 1, 2), name="a,b")
    (file,) = written("csv", parsed, tmp_path)
    assert file.name == "events.csv"
    assert file.read_bytes().decode() == (  # RFC 4180
        "clip,modality,label,onset,offset,confidence,origin\r\n"
        '"a,b",audio,"say ""hi"", you\nall",0.0,0.3333333333333333,0.5,untrained\r\n'
        '"a,b",visual,Dog,1.0,2.0,1.0,\r\n'
    )


def test_tables_written_by_hand(tmp_path):
    file = tmp_path / "kitchen.csv"
    file.write_text("\ufeff onset, offset ,label,note\n0,1.5,Dog,\n\n2,3,Cat,loud\n")
    reading = csv.read(file, "heard")
    assert reading.events("kitchen") == [event("Dog", "audio", 0, 1.5), event("Cat", "audio", 2, 3)]
    file.write_text("clip,modality,label,onset,offset\na,heard,Dog,0,1\nb,visual,Cat,0,1\n")
    assert {clip: list(of_clip) for clip, of_clip in csv.read(file).by_clip.items()} == {
        "a": ["audio", "visual"],  # what the table has a modality for, it tells of every clip
        "b": ["visual", "audio"],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,onset\nDog,1\n", "x.csv:1: the header lacks offset"),
        (
            "filename,start,end,event_labels\na,0,1,Dog\n",
            "x.csv:1: the header lacks onset, offset and holds 'filename', 'start', 'end', 'event_labels'",
        ),
        ("", "x.csv:1: the header lacks label, onset, offset"),
        ("modality,label,onset,offset\naudio,Dog,0,1\naudio,Dog,x,1\n", "x.csv:3: error: onset 'x' is not a number"),
        ('modality,label,onset,offset\naudio,"a\nb",0,1\naudio,Dog,0,-1\n', "x.csv:4: error: offset '-1'"),
        ("modality,label,onset,offset\naudio,Dog,0\n", "x.csv:2: error: 3 fields where the header has 4"),
        ("label,onset,offset\nDog,0,1\n", "x.csv:2: error: names no modality"),
    ],
)
def test_tables_that_cant_be_read(text, message, tmp_path):
    file = tmp_path / "x.csv"
    file.write_text(text)
    with pytest.raises(SeehearError) as error:
        csv.read(file)
    assert message in str(error.value)


def test_dense_tables(tmp_path):
    files = written("dense", clip(*DOG), tmp_path)
    assert [file.name for file in files] == ["audio.csv", "visual.csv", "audio_visual.csv"]
    assert [(e.clip, e.onset, e.offset, e.label) for e in read_dense(files[0]).events] == [("clip", 0.0, 5.0, "Dog")]
    for parsed in (clip(event("Dog,Cat", "audio", 0, 1)), clip(name="a\tb"), clip(name=" a")):
        with pytest.raises(ClipError):
            written("dense", parsed, tmp_path)


def test_a_dense_table_of_another_name(tmp_path):
    file = tmp_path / "eval_audio.csv"
    file.write_text("filename\tonset\toffset\tevent_labels\na\t0\t1\tDog\n")
    assert of_file(file).name == "dense"
    assert dense.read(file, "audio").events("a") == [event("Dog", "audio", 0, 1)]
    with pytest.raises(SeehearError, match="names no modality"):
        dense.read(file)


def test_results_and_annotations_for_temporal_detection(tmp_path):
    first, *_ = written("activitynet", clip(*DOG), tmp_path)
    assert first.name == "activitynet.audio.json"
    predictions = json.loads(first.read_text())
    assert set(predictions) == {
        "version",
        "results",
        "external_data",
    }  # what ActivityNet's evaluation asks of a prediction
    dog = {"label": "Dog", "segment": [0.0, 5.0], "modality": "audio"}
    assert predictions["results"] == {"clip": [{**dog, "score": 0.9312}]}
    first, *_ = written("activitynet", clip(*DOG, duration=9.5), tmp_path, true=True)
    truth = json.loads(first.read_text())
    assert set(truth) == {"version", "taxonomy", "database"}  # and of a ground truth
    assert truth["database"] == {"clip": {"duration": 9.5, "subset": "validation", "annotations": [dog]}}
    assert activitynet.read(first).events("clip") == [event("Dog", "audio", 0, 5)]


def test_clips_share_a_file(tmp_path):
    clips = [clip_of(clip(*DOG, name=name), tmp_path) for name in "ab"]
    for name in ("csv", "dense", "activitynet"):
        form = REGISTRY[name]
        files = form.join([form.encode(one) for one in clips])
        for file, content in files.items():
            (tmp_path / file).write_bytes(content)
        read = [form.read(tmp_path / file, None) for file in files]
        for one in "ab":
            events = [each for reading in read for each in reading.events(one)]
            assert {(each.modality, each.onset) for each in events} == {(d.modality, d.onset) for d in DOG}


@pytest.mark.parametrize(
    "content",
    [
        '{"results": {"a": [{"label": "Dog"}]}}',
        "[]",
        '{"results": []}',
        "{}",
        '{"results": {"a": [{"label": 1, "segment": [0, 1]}]}}',
    ],
)
def test_json_of_another_form(content, tmp_path):
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(SeehearError, match=r"x\.json.*is not of ActivityNet's form"):
        activitynet.read(file)


@pytest.mark.parametrize(
    "parsed",
    [
        clip(event("Dog", "audio", float("nan"), 1)),
        clip(event("Dog", "audio", 0, float("inf"))),
        clip(event("Dog", "audio", 2, 1)),
        clip(event("Dog", "audio", -1, 1)),
        clip(event("Dog", "audio", 0, 1, float("nan"))),
        clip(event("Dog", "touch", 0, 1)),
        clip(modalities=("heard",)),
        clip(modalities=("au/dio",)),
        clip(name="../a"),
        clip(name=".."),
        clip(name=""),
        clip(name="\ud800"),
    ],
)
def test_clips_that_no_file_can_hold(parsed):
    with pytest.raises(ClipError):
        check_writable(parsed)


def test_joined_events_have_the_lowest_confidence():
    spans = [(3, 4, 0.9), (0, 1, 0.5), (1, 3, 0.7), (6, 9, 0.2), (7, 8, 0.1)]
    parts = [LocatedEvent(event("Dog", "audio", *span), f"line {n}") for n, span in enumerate(spans)]
    whole = [
        LocatedEvent(event("Dog", "audio", 0, 4, 0.5), "line 1"),
        LocatedEvent(event("Dog", "audio", 6, 9, 0.1), "line 3"),
    ]
    assert merged(parts) == whole


def test_names_of_formats(tmp_path):
    assert get("elan") is REGISTRY["elan"]
    with pytest.raises(SeehearError, match=r"'webvvt': did you mean webvtt\?"):
        get("webvvt")
    with pytest.raises(SeehearError, match=r"a\.srt: events are read from files that end in \.vtt, \.txt"):
        of_file(tmp_path / "a.srt")
    with pytest.raises(SeehearError, match="no such file"):
        of_file(tmp_path / "a.eaf").read(tmp_path / "a.eaf", None)
