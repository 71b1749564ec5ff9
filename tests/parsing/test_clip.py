"""Events of a clip against a loop over its segments."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.decoding import Decoding
from seehear.labels import read_dense
from seehear.media.notes import Note, NoteKind
from seehear.parsing.clip import ParsedClip, ParsedEvent, parsed_clip, parsed_events, true_events

CLASSES, MODALITIES = ("Cat", "Dog"), ("audio", "visual")


@given(st.integers(0, 999), st.sampled_from([0.5, 1.0]))
def test_events_are_the_loop(seed, segment):
    rng = np.random.default_rng(seed)
    p = rng.random((1, 6, 2, 2)).astype(np.float32)
    duration = 6 * segment - 0.25
    found = parsed_events({name: p[:, :, m] >= 0.5 for m, name in enumerate(MODALITIES)}, p, CLASSES, segment, duration)
    covered = set()
    for event in found:
        assert event.onset < event.offset <= duration
        start, stop = round(event.onset / segment), int(np.ceil(event.offset / segment))
        c = CLASSES.index(event.label)
        probability = (
            p[0, :, :, c].min(1) if event.modality == "audio_visual" else p[0, :, MODALITIES.index(event.modality), c]
        )
        assert event.confidence == pytest.approx(probability[start:stop].mean(), abs=1e-4)
        covered |= {(event.modality, event.label, t) for t in range(start, stop)}
    expected = set()
    for t in range(6):
        for c, label in enumerate(CLASSES):
            on = [p[0, t, m, c] >= 0.5 for m in range(2)]
            for modality, active in zip((*MODALITIES, "audio_visual"), (*on, all(on)), strict=True):
                if active:
                    expected.add((modality, label, t))
    assert covered == expected


def test_a_parsed_clip_has_probabilities_of_what_is_found_or_there():
    p = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2) / 16  # (1, T, M, C)
    active = {"audio": np.array([[[0, 0], [0, 1], [0, 1]]], bool), "visual": np.zeros((1, 3, 2), bool)}
    where = {"clip": "a", "file": Path("a.mp4"), "duration": 2.90004}
    parsed = parsed_clip(active, p, CLASSES, 1.0, Decoding(), **where)
    assert (parsed.clip, parsed.file, parsed.duration, parsed.segment) == ("a", "a.mp4", 2.9, 1.0)
    assert parsed.modalities == (*MODALITIES, "audio_visual")
    assert parsed.decoding == str(Decoding())
    assert parsed.events == parsed_events(active, p, CLASSES, 1.0, 2.90004)
    rows = {"audio": [0.0625, 0.3125, 0.5625], "visual": [0.1875, 0.4375, 0.6875]}
    for name, row in rows.items():
        assert parsed.probabilities[name]["Dog"] == pytest.approx(row, abs=1e-4)
    assert parsed.truth is None
    assert [list(of) for of in parsed.probabilities.values()] == [["Dog"], ["Dog"]]
    truth = [ParsedEvent("Cat", "visual", 0.0, 1.0, 1.0), ParsedEvent("Yeti", "audio", 0.0, 1.0, 1.0)]
    known = parsed_clip(active, p, CLASSES, 1.0, Decoding(), **where, truth=truth)
    assert known.truth == tuple(truth)
    assert [list(of) for of in known.probabilities.values()] == [["Dog", "Cat"]] * 2  # of the Yeti nothing is known


def test_a_parsed_clip_goes_through_json():
    active = {name: np.ones((1, 2, 2), bool) for name in MODALITIES}
    events = parsed_events(active, np.ones((1, 2, 2, 2), np.float32), CLASSES, 1.0, 2.0)
    joint, probabilities = (*MODALITIES, "audio_visual"), {"audio": {"Cat": [1.0, 1.0]}}
    parsed = ParsedClip("a", "a.mp4", 2.0, 1.0, joint, "global", events, probabilities)
    assert ParsedClip.from_json(parsed.as_json()) == parsed
    known = replace(parsed, truth=events[:1])
    assert ParsedClip.from_json(known.as_json()) == known
    mute = replace(parsed, absent=("audio",))
    assert ParsedClip.from_json(mute.as_json()) == mute
    assert repr(mute).endswith("; without audio)")
    assert (mute.no_events("audio"), mute.no_events("visual")) == ("no audio", "no event")
    assert replace(mute, absent=("audio", "visual")).without == "without audio and video"
    noted = replace(parsed, notes=(Note(NoteKind.DAMAGED, "visual", 1.5), Note(NoteKind.CLOCK_RESET)), audio_track=2)
    assert ParsedClip.from_json(noted.as_json()) == noted
    assert repr(noted).endswith("; 2 notes)")
    later = ("absent", "notes", "audio_track")
    earlier = {key: value for key, value in parsed.as_json().items() if key not in later}
    assert ParsedClip.from_json(earlier) == parsed


def test_true_events(tmp_path):
    tables = {}
    rows_of = {"audio": ["a\t0\t3\tDog", "b\t0\t9\tDog"], "visual": ["a\t2\t4\tDog", "a\t2\t4\tCat"]}
    for modality, rows in rows_of.items():
        path = tmp_path / f"{modality}.csv"
        path.write_text("\n".join(["filename\tonset\toffset\tevent_labels", *rows]) + "\n")
        tables[modality] = read_dense(path)
    found = true_events("a", tables, MODALITIES, 1.0)
    spans = {name: [(event.label, event.onset, event.offset) for event in events] for name, events in found.items()}
    assert spans == {
        "audio": [("Dog", 0.0, 3.0)],
        "visual": [("Cat", 2.0, 4.0), ("Dog", 2.0, 4.0)],
        "audio_visual": [("Dog", 2.0, 3.0)],
    }
    assert list(true_events("a", {"audio": tables["audio"]}, MODALITIES, 1.0)) == ["audio"]


@pytest.mark.parametrize("damage", ["events", "file", "classes", "truth"])
def test_a_damaged_parse_is_named(tmp_path, damage):
    import json

    from seehear.errors import SeehearError
    from seehear.parsing.folder import read, write

    file = write(ParsedClip("a", str(tmp_path / "a.mp4"), 2.0, 1.0, ("audio",), "global", (), {}), tmp_path)
    assert read(file).clip == "a"
    facts = json.loads(file.read_text())
    for damaged in ({name: value for name, value in facts.items() if name != damage}, {**facts, damage: 3}):
        file.write_text(json.dumps(damaged))
        with pytest.raises(SeehearError, match=r"a\.json: is damaged .*; parse the clip again"):
            read(file)


def test_a_clip_that_is_a_link_keeps_its_name(tmp_path):
    from seehear.parsing.folder import link

    (tmp_path / "blob").touch()
    (tmp_path / "clip.mp4").symlink_to(tmp_path / "blob")
    assert link(tmp_path / "clip.mp4", tmp_path / "parsed") == "../clip.mp4"
