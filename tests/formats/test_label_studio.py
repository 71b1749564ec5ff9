"""Label Studio's tasks as text, and its exports as people get them."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from formats.clips import DOG, clip, clip_of, event, parsed_clips, written
from make_media import ODD
from seehear.errors import ClipError, SeehearError
from seehear.formats import REGISTRY, export, import_annotations, label_studio, of_file, write_clip
from seehear.formats.label_studio_export import read
from seehear.formats.timecode import COMMON, FrameRate

few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
# Of the documentation: tasks.html (the JSON to import), and the tags TimelineLabels and Labels with Audio.
NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
FRAMES = {
    "type": "object",
    "properties": {"start": {"type": "integer", "minimum": 1}, "end": {"type": "integer", "minimum": 1}},
    "required": ["start", "end"],
}
VALUES = {
    "timelinelabels": {
        "type": "object",
        "properties": {"ranges": {"type": "array", "items": FRAMES, "minItems": 1}, "timelinelabels": NAMES},
        "required": ["ranges", "timelinelabels"],
    },
    "labels": {
        "type": "object",
        "properties": {"start": {"type": "number"}, "end": {"type": "number"}, "labels": NAMES},
        "required": ["start", "end", "labels"],
    },
}
RESULT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "from_name", "to_name")}
    | {"score": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["id", "from_name", "to_name", "type", "value"],
    "oneOf": [{"properties": {"type": {"const": kind}, "value": value}} for kind, value in VALUES.items()],
}
MADE = {"type": "object", "properties": {"result": {"type": "array", "items": RESULT}}, "required": ["result"]}
TASK = {
    "type": "object",
    "properties": {
        "data": {"type": "object"},
        "predictions": {"type": "array", "items": {**MADE, "required": ["result", "model_version"]}},
        "annotations": {"type": "array", "items": MADE},
    },
    "required": ["data"],
    "additionalProperties": False,
}
TASKS = jsonschema.Draft202012Validator({"type": "array", "items": TASK})


def minimal(tasks):
    """Tasks as JSON-MIN has them: an object per annotation, its regions under the names of their tags."""
    records = []
    for number, task in enumerate(tasks, start=1):
        for made in task["annotations"]:
            record = {**task["data"], "id": number}
            for result in made["result"]:
                record.setdefault(result["from_name"], []).append(result["value"])
            dates = {"created_at": made.get("created_at"), "updated_at": made.get("updated_at"), "lead_time": 4.2}
            records.append({**record, "annotator": made.get("completed_by"), "annotation_id": number, **dates})
    return records


@few
@given(parsed=parsed_clips(), rate=st.sampled_from(COMMON), silent=st.booleans(), true=st.booleans())
def test_tasks_fit_the_documented_form_and_their_interface(parsed, rate, silent, true, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    parsed = replace(parsed, absent=("visual",) if silent else ())
    tasks_file, interface = written("label-studio", parsed, folder, true, FrameRate.of(rate))
    kind = "audio" if silent else "video"
    assert [tasks_file.name, interface.name] == [f"label-studio.{kind}.json", f"label-studio.{kind}.xml"]
    tasks = json.loads(tasks_file.read_text())
    TASKS.validate(tasks)
    view = ET.fromstring(interface.read_text())
    (medium,) = (each for each in view if "value" in each.attrib and each.tag != "Header")
    assert (medium.tag, medium.get("value")) == (kind.capitalize(), f"${kind}")
    for task in tasks:
        assert task["data"][kind] == f"/data/local-files/?d={str(folder.cwd())[1:]}/clips/clip.mp4"
        assert silent or medium.get("frameRate") == "$fps"
        assert silent or task["data"]["fps"] == float(FrameRate.of(rate).fps)
        for made in task.get("predictions", []) + task.get("annotations", []):
            for result in made["result"]:
                (tag,) = (each for each in view if each.get("name") == result["from_name"])
                assert tag.tag.lower() == result["type"]
                assert tag.get("toName") == result["to_name"] == medium.get("name")
                assert result["value"][result["type"]][0] in [label.get("value") for label in tag]


@few
@given(parsed=parsed_clips(), silent=st.booleans())
def test_annotations_come_back_in_both_forms(parsed, silent, tmp_path_factory):
    assume(parsed.events)
    folder = tmp_path_factory.mktemp("tasks")
    parsed = replace(parsed, absent=("visual",) if silent else ())
    file, _ = written("label-studio", parsed, folder, true=True)
    first = read(file)
    file.write_text(json.dumps(minimal(json.loads(file.read_text()))))
    assert of_file(file) is REGISTRY["label-studio"]
    second = read(file)
    assert first.events("clip") == second.events("clip")
    assert set(first.by_clip["clip"]) == set(second.by_clip["clip"]) == set(parsed.modalities)
    assert first.notes == second.notes == []


def test_frames_count_from_one_and_the_last_is_included(tmp_path):
    file, _ = written("label-studio", clip(event("Dog", "audio", 0, 1), event("Dog", "visual", 2, 2.04)), tmp_path)
    (task,) = json.loads(file.read_text())
    ranges = [result["value"]["ranges"] for result in task["predictions"][0]["result"]]
    assert ranges == [[{"start": 1, "end": 25}], [{"start": 51, "end": 51}]]


def tasks(tmp_path, *items):
    (tmp_path / "project.json").write_text(json.dumps(items))
    return tmp_path / "project.json"


def frames(tag, start, end, *labels):
    value = {"ranges": [{"start": start, "end": end}], "timelinelabels": list(labels)}
    return {"id": "x", "from_name": tag, "to_name": "video", "type": "timelinelabels", "value": value}


def span(tag, start, end, *labels):
    value = {"start": start, "end": end, "channel": 0, "labels": list(labels)}
    return {"id": "x", "from_name": tag, "to_name": "audio", "type": "labels", "original_length": 10, "value": value}


def task(data, *annotations, **more):
    return {"id": 7, "data": data, "annotations": list(annotations), "meta": {}, "predictions": [], **more}


def by(person, *results, **more):
    return {"id": 1, "completed_by": person, "result": list(results), "was_cancelled": False, **more}


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"video": "/data/upload/3/0f9e8d7c-my%20clip.mp4"}, "my clip"),
        ({"video": "/data/local-files/?d=clips/a%20b.mp4"}, "a b"),
        ({"url": "s3://bucket/clips/a.b.mp4"}, "a.b"),
        ({"audio": "https://host/x/V%C3%B6gel.wav?sig=1#t"}, "Vögel"),
        ({"text": "hello", "sound": "clips/100%25.flac"}, "100%25"),
        ({"video": "C:\\clips\\a b.mp4"}, "a b"),
        ({"note": "no file at all"}, "upload"),
        ({"video": "/x/other.mp4", "seehear_clip": "own"}, "own"),
    ],
)
def test_the_clip_of_a_task(data, name, tmp_path):
    file = tasks(tmp_path, task(data, by(1, span("heard", 0.5, 2, "Dog")), file_upload="0a1b2c3d-upload.mp4"))
    assert read(file).events(name) == [event("Dog", "audio", 0.5, 2)]


def test_a_project_of_somebody_else(tmp_path):
    box = {
        "from_name": "box",
        "to_name": "video",
        "type": "videorectangle",
        "value": {"sequence": [], "labels": ["Dog"]},
    }
    choice = {"from_name": "scene", "to_name": "video", "type": "choices", "value": {"choices": ["Kitchen"]}}
    relation = {"type": "relation", "from_id": "x", "to_id": "y", "direction": "right"}
    text = {
        "from_name": "ner",
        "to_name": "t",
        "type": "labels",
        "value": {"start": 0, "end": 5, "text": "A", "labels": ["X"]},
    }
    two = frames("Seen", 25, 50, "Cat", "<b>Ü, & 鳥</b>")
    two["value"]["ranges"].append({"start": 75, "end": None})
    unlabelled = span("heard", 0, 1)
    results = (box, choice, relation, text, two, span("HEARD", 0, 1.5, "Dog"), unlabelled)
    file = tasks(
        tmp_path,
        task({"video": "a.mp4", "frameRate": "25"}, by(1, *results)),
        task({"video": "b.mp4"}),
        task({"video": "c.mp4"}, by(1, was_cancelled=True)),
    )
    reading = read(file)
    assert reading.events("a") == [
        event("Dog", "audio", 0, 1.5),
        event("<b>Ü, & 鳥</b>", "visual", 0.96, 2),
        event("Cat", "visual", 0.96, 2),
        event("<b>Ü, & 鳥</b>", "visual", 2.96, 3),
        event("Cat", "visual", 2.96, 3),
    ]
    assert list(reading.by_clip) == ["a"]
    assert reading.notes == [
        f"{file}: 2 tasks without an annotation were skipped",
        *(
            f"{file}: 1 of {kind} were skipped: only timelinelabels and labels have times"
            for kind in ("videorectangle", "choices", "relation", "labels", "labels without a label")
        ),
    ]


def test_several_annotators(tmp_path):
    old = by({"id": 1, "email": "a@b.c"}, span("heard", 0, 1, "Dog"), updated_at="2026-01-01T10:00:00Z")
    new = by(2, span("heard", 0, 2, "Dog"), updated_at="2026-01-02T10:00:00Z")
    file = tasks(tmp_path, task({"audio": "a.wav"}, new, old))
    reading = read(file)
    assert reading.events("a") == [event("Dog", "audio", 0, 2)]
    (note,) = reading.notes
    assert note.startswith(f"{file}: 'a' has 2 annotations (by 2, a@b.c); the one that was changed last counts, by 2")
    file = tasks(tmp_path, task({"audio": "a.wav"}, new, {**old, "ground_truth": True}))
    assert read(file).events("a") == [event("Dog", "audio", 0, 1)]
    assert read(file).notes == []
    file = tasks(tmp_path, *minimal([task({"audio": "a.wav"}, new, old)]))
    assert read(file).events("a") == [event("Dog", "audio", 0, 2)]
    file = tasks(tmp_path, task({"audio": "a.wav"}, old), task({"audio": "a.wav"}, new))  # imported twice
    assert read(file).events("a") == [event("Dog", "audio", 0, 2)]


def test_what_nobody_has_labelled_yet_is_not_taken_from_the_model(tmp_path):
    predicted = {"model_version": "m", "result": [span("heard", 0, 1, "Dog")]}
    file = tasks(tmp_path, task({"audio": "a.wav"}, predictions=[predicted]))
    with pytest.raises(SeehearError, match="none of the files names a clip"):
        import_annotations(file)
    file = tasks(tmp_path, task({"audio": "a.wav"}, by(1, span("heard", 2, 3, "Cat")), predictions=[predicted]))
    assert read(file).events("a") == [event("Cat", "audio", 2, 3)]


def test_a_region_that_was_deleted_does_not_come_back(tmp_path):
    file, _ = written("label-studio", clip(*DOG), tmp_path, true=True)
    (content,) = json.loads(file.read_text())
    del content["annotations"][0]["result"][0]
    file.write_text(json.dumps([content]))
    result = import_annotations(file)
    assert {name: len(table.events) for name, table in result.tables.items()} == {"audio": 0, "visual": 1}


NO_RATE = "counts frames, and the task's data name no frame rate: add fps"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([3], "task 1 is no object"),
        ([{"data": 3}], "task 1: is damaged (data is 3"),
        ([{"data": {}, "annotations": [{"result": 3}]}], "task 1: is damaged (annotations.0.result is 3"),
        ([task({"text": "a"}, by(1))], "task 1 names no clip; add seehear_clip to its data"),
        ([task({"video": "a.mp4"}, by(1, frames("seen", 1, 2, "Dog")))], f"region 1 of 'a', {NO_RATE}"),
        ([task({"video": "a.mp4", "fps": "1/0"}, by(1, frames("seen", 1, 2, "Dog")))], NO_RATE),
        ([task({"video": "a.mp4", "fps": [25]}, by(1, frames("seen", 1, 2, "Dog")))], NO_RATE),
        ([task({"video": "a.mp4", "fps": 25}, by(1, frames("seen", "1", 2, "Dog")))], "ranges.0.start is '1'"),
        ([task({"video": "a.mp4", "fps": 25}, by(1, frames("seen", -1, 2, "Dog")))], "ranges.0.start is -1"),
        ([task({"audio": "a.wav"}, by(1, span("heard", 0, 1e9, "Dog")))], "end is 1000000000.0"),
        ([task({"audio": "a.wav"}, by(1, span("heard", 0, 1, 5)))], "labels.0 is 5"),
        ([task({"audio": "a.wav"}, by(1, span("label", 0, 1, "Dog")))], "its tag 'label' names no modality"),
    ],
)
def test_exports_that_cant_be_read(content, message, tmp_path):
    with pytest.raises(SeehearError) as error:
        import_annotations(tasks(tmp_path, *content))
    assert message in str(error.value)
    assert "project.json" in str(error.value)


def test_a_class_with_a_comma_is_not_split(tmp_path):
    file = tasks(tmp_path, task({"audio": "a.wav"}, by(1, span("heard", 0, 1, "Speech, male", "Dog"))))
    assert [one.label for one in read(file).events("a")] == ["Dog", "Speech, male"]
    with pytest.raises(SeehearError, match=r"region 1 of 'a': the class 'Speech, male' has a comma"):
        import_annotations(file)


def test_a_modality_for_other_tags(tmp_path):
    file = tasks(tmp_path, task({"audio": "a.wav"}, by(1, span("label", 0, 1, "Dog"))))
    assert read(file, "heard").events("a") == [event("Dog", "audio", 0, 1)]


@pytest.mark.parametrize("label", ["$name", "", " ", "\x01", "\ufffe"])
def test_classes_that_an_interface_cant_hold(label, tmp_path):
    with pytest.raises(ClipError, match="is empty, begins with"):
        written("label-studio", clip(event(label, "audio", 0, 1)), tmp_path)


def test_several_clips_of_both_kinds(tmp_path):
    clips = [clip(*DOG, name=name, truth=DOG) for name in ODD]
    clips.append(replace(clip(event("Owl", "audio", 0, 1), name="sound"), absent=("visual",)))
    report = export(clips, out=tmp_path / "out", formats="label-studio", frame_rate="29.97")
    assert report.failed == []
    files = report.files["label-studio"]
    assert sorted(file.name for file in files) == [
        *(f"label-studio.{kind}.{suffix}" for kind in ("audio", "video") for suffix in ("json", "xml")),
    ]
    reading = import_annotations([file for file in files if file.suffix == ".json"])
    assert reading.clips == len(clips)
    offered = ET.fromstring((tmp_path / "out" / "label-studio.audio.xml").read_text())
    assert [label.get("value") for label in offered.findall("Labels[@name='seen']/Label")] == ["Dog", "Owl"]


def test_one_clip_with_its_interface(tmp_path):
    parsed = clip(*DOG, name="new")
    files = write_clip(parsed, tmp_path / "mine.json", format="label-studio", frame_rate=25)
    assert files == [tmp_path / "mine.json", tmp_path / "mine.xml"]
    assert len(import_annotations(files[0]).tables) == 2
    (tmp_path / "mine.xml").write_text("<View/>")
    with pytest.raises(SeehearError, match=r"mine\.xml: already exists"):
        write_clip(parsed, tmp_path / "mine.json", format="label-studio", frame_rate=25)


def test_lists_are_label_studios_and_objects_activitynets(tmp_path):
    for text, name in (("\ufeff [\n]", "label-studio"), ('{"results": {}}', "activitynet"), ("", "activitynet")):
        (tmp_path / "x.json").write_text(text, encoding="utf-8")
        assert of_file(tmp_path / "x.json").name == name
    assert label_studio.FORMAT.encode(clip_of(clip(), tmp_path)).kind == "video"
