"""The form of a parsed clip's file: what is written is of it, and nothing else."""

import json
from dataclasses import fields, replace
from importlib.resources import files

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.clips import DOG, clip, parsed_clips
from seehear.media.notes import Note, NoteKind
from seehear.parsing import folder as folder_of_clips
from seehear.parsing.clip import ParsedEvent

SCHEMA = json.loads(files("seehear").joinpath("schemas/parse-2.schema.json").read_text(encoding="utf-8"))
FORM = jsonschema.Draft202012Validator(SCHEMA)
NOTES = [Note(kind, modality, 1.5) for kind in NoteKind for modality in ("", "audio", "visual")]
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
names = names.filter(lambda name: name not in {".", ".."} and len(name.encode()) < 200)
classes = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


def content(parsed, folder, **facts):
    return json.loads(folder_of_clips.write(parsed, folder, **facts).read_text(encoding="utf-8"))


def test_the_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:seehear:parse:2"
    assert SCHEMA["properties"]["format"]["const"] == folder_of_clips.FORMAT


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(parsed=parsed_clips(classes, names), known=st.booleans(), data=st.data())
def test_written_files_are_valid(parsed, known, data, tmp_path_factory):
    truth = tuple(replace(event, confidence=1.0) for event in parsed.events) if known else None
    probability = st.floats(0, 1, width=32)
    chances = {
        modality: {event.label: data.draw(st.lists(probability, max_size=3)) for event in parsed.events}
        for modality in parsed.modalities
    }
    notes = tuple(data.draw(st.lists(st.sampled_from(NOTES), max_size=3)))
    parsed = replace(parsed, truth=truth, probabilities=chances, classes=tuple(chances[parsed.modalities[0]]))
    parsed = replace(parsed, notes=notes, audio_track=data.draw(st.sampled_from([None, 1, 3])))
    FORM.validate(content(parsed, tmp_path_factory.mktemp("parsed"), made_by="abc"))


def test_the_schema_names_every_field():
    assert set(SCHEMA["properties"]) == {"format", "made_by", *clip(*DOG).as_json()}
    later = {"absent", "notes", "audio_track", "origins", "meanings", "highest"}
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) - {"made_by", *later}
    note = SCHEMA["$defs"]["note"]
    assert set(note["properties"]) == set(note["required"]) == {field.name for field in fields(Note)}
    event = SCHEMA["$defs"]["event"]
    assert set(event["properties"]) == {*event["required"], "origin"} == {field.name for field in fields(ParsedEvent)}


def whole(tmp_path):
    chances = {"audio": {"Dog": [0.5, 1.0]}, "visual": {"Dog": [0.0, 0.25]}}
    whole = replace(clip(*DOG), probabilities=chances, truth=DOG, notes=NOTES[:1], audio_track=2)
    return content(whole, tmp_path, made_by="abc")


def put(value, *keys):
    def damage(facts):
        for key in keys[:-1]:
            facts = facts[key]
        facts[keys[-1]] = value

    return damage


DAMAGES = {
    **{f"without {key}": lambda facts, key=key: facts.pop(key) for key in SCHEMA["required"]},
    **{f"an event without {key}": lambda facts, key=key: facts["events"][0].pop(key) for key in ("label", "onset")},
    "another format": put("seehear-parse-1", "format"),
    "a fact that is no text": put(1, "other"),
    "more of an event": put("x", "events", 0, "other"),
    "a negative onset": put(-0.1, "events", 0, "onset"),
    "a negative offset": put(-1, "truth", 0, "offset"),
    "a confidence past 1": put(1.01, "events", 0, "confidence"),
    "a probability past 1": put(1.5, "probabilities", "audio", "Dog", 0),
    "a probability of nothing": put(None, "probabilities", "audio", "Dog", 0),
    "no list of probabilities": put(0.5, "probabilities", "audio", "Dog"),
    "no duration": put(0, "duration"),
    "a duration in words": put("10 s", "duration"),
    "no modality": put([], "modalities"),
    "a modality twice": put(["audio", "audio"], "modalities"),
    "a class that is a number": put(3, "events", 0, "label"),
    "no class": put("", "events", 0, "label"),
    "events by name": put({}, "events"),
    "a truth that is none": put(False, "truth"),
    "a clip without a name": put("", "clip"),
    "no file": put(None, "file"),
    "a number for a decoding": put(1, "decoding"),
    "a class twice": put(["Dog", "Dog"], "classes"),
    "no segment": put(-1.0, "segment"),
    "a note that is a text": put("damaged", "notes", 0),
    "a note without a kind": lambda facts: facts["notes"][0].pop("kind"),
    "more of a note": put("x", "notes", 0, "other"),
    "an amount in words": put("1 s", "notes", 0, "amount"),
    "audio track 0": put(0, "audio_track"),
    "an audio track by name": put("commentary", "audio_track"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_invalid(damage, tmp_path):
    facts = whole(tmp_path)
    FORM.validate(facts)
    DAMAGES[damage](copy := json.loads(json.dumps(facts)))
    assert not FORM.is_valid(copy)
