"""What a model suggests, and how suggestions are kept."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from seehear.errors import SeehearError
from seehear.labelling import Session, of_parsed
from seehear.labelling.suggestions import NOTHING_FOUND, Suggestions, suggestions_of, uncertainty_of
from seehear.parsing.clip import ParsedClip, ParsedEvent
from seehear.parsing.folder import write

from .made import clips, parsed, suggester

EVENTS = (
    ParsedEvent("Dog", "audio", 1.0, 2.0, 0.6),
    ParsedEvent("Cat", "visual", 0.0, 5.0, 0.95),
    ParsedEvent("Dog", "visual", 1.0, 4.0, 0.7),
    ParsedEvent("Dog", "audio_visual", 1.0, 2.0, 0.55),
    ParsedEvent("Rain", "audio", 4.0, 9.0, 0.8),
)


def test_suggestions_come_by_confidence_with_their_modality(tmp_path):
    clip = parsed(tmp_path / "a.mp4", {})
    found = suggestions_of(ParsedClip(**{**vars(clip), "events": EVENTS}))
    assert [(one.label, one.modality, one.confidence) for one in found] == [
        ("Cat", "visual", 0.95), ("Rain", "audio", 0.8), ("Dog", "audio_visual", 0.7)
    ]  # fmt: skip
    assert found[2].events == (EVENTS[0], EVENTS[2])


def test_what_no_model_was_trained_on_is_called_so(tmp_path):
    events = tuple(replace(event, origin="untrained") for event in EVENTS[:1]) + EVENTS[1:2]
    found = suggestions_of(ParsedClip(**{**vars(parsed(tmp_path / "a.mp4", {})), "events": events}))
    assert {one.label: one.untrained for one in found} == {"Dog": True, "Cat": False}


def test_uncertainty_is_largest_near_a_half(tmp_path):
    rng = np.random.default_rng(0)
    for _ in range(20):
        p = {label: float(rng.random()) for label in "abc"}
        expected = 0.0
        for value in p.values():
            expected = max(expected, 1 - 2 * abs(value - 0.5))
        assert uncertainty_of(parsed(tmp_path / "a.mp4", p)) == pytest.approx(expected)
    assert uncertainty_of(parsed(tmp_path / "a.mp4", {})) == NOTHING_FOUND


def test_parsed_clips_in_a_folder_suggest(tmp_path):
    place = clips(tmp_path / "clips", 3)
    for n, p in ((0, 0.9), (1, 0.5)):
        write(parsed(place / f"clip_00{n}.mp4", {"Dog": p}), tmp_path / "parsed")
    session = Session(tmp_path / "labels", place, suggester=of_parsed(tmp_path / "parsed"))
    assert session.suggestions.compute("clip_000").suggestions[0].label == "Dog"
    assert session.suggestions.compute("clip_001").uncertainty == 1
    with pytest.raises(SeehearError, match=r"clip_002\.json: no such file"):
        session.suggestions.compute("clip_002")
    with pytest.raises(SeehearError, match="no such folder"):
        of_parsed(tmp_path / "none")


def test_suggestions_are_kept_and_computed_again_for_another_file_or_model(tmp_path):
    place = clips(tmp_path / "clips", 1)
    files = {"clip_000": place / "clip_000.mp4"}

    def compute(p, name="model"):
        own = suggester({"clip_000": {"Dog": p}}, name)
        return Suggestions(own, files, tmp_path / "kept").compute("clip_000").suggestions[0].confidence

    assert [compute(0.9), compute(0.8), compute(0.7, "other"), compute(0.6)] == [0.9, 0.9, 0.7, 0.9]
    files["clip_000"].write_bytes(b"another")
    assert compute(0.6) == 0.6
    (kept,) = [file for file in (tmp_path / "kept").glob("*/*.json") if json.loads(file.read_text())["size"] == 7]
    kept.write_text("{")
    assert compute(0.5) == 0.5


def test_an_unexpected_failure_costs_one_clip(tmp_path):
    files = {name: tmp_path / f"{name}.mp4" for name in ("a", "b")}
    for file in files.values():
        file.touch()
    own = suggester({"a": {"Dog": 0.9}, "b": {"Dog": 0.9}})
    parse = own._parse
    own._parse = lambda clip: 1 / 0 if clip.stem == "a" else parse(clip)
    suggestions = Suggestions(own, files)
    suggestions.start()
    suggestions._thread.join()
    assert "ZeroDivisionError" in suggestions.failed["a"]
    assert suggestions.known("b").suggestions[0].label == "Dog"
    assert suggestions.known("a") is None


def test_a_run_that_can_not_be_used_is_named_once(tmp_path, capsys):
    files = {name: tmp_path / f"{name}.mp4" for name in ("a", "b")}
    own = suggester({})

    def parse(clip):
        raise SeehearError("RUN: was trained on features of another version")

    own._parse = parse
    suggestions = Suggestions(own, files)
    suggestions.start()
    suggestions._thread.join()
    assert suggestions.failed == {}
    assert suggestions.problem == "there are no suggestions: RUN: was trained on features of another version"
    assert capsys.readouterr().err.count("another version") == 1
