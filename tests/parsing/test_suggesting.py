"""Runs that suggest labels, and are scored on clips that people labelled."""

from __future__ import annotations

from pathlib import Path

from seehear.labelling import Choice, ClipLabels, ParseSuggester, Session
from seehear.parsing.parser import load


def test_a_run_suggests_what_it_parses(place, tmp_path):
    session = Session(tmp_path / "labels", place.clips, every=1)
    for clip in session.clips:
        session.change(clip, ClipLabels({"Low": None}, True), choice=Choice.RANDOM)
    run = place.run / "seed-3"
    own = ParseSuggester.of_run(run, device="cpu", trust_code=True)
    gain = session.rounds.add(own, progress=False)
    parser = load(run, device="cpu", trust_code=True)
    (found,) = session.rounds
    for clip, file in session.files.items():
        events = parser.parse(Path(file)).events
        assert set(found.found[clip].labels) == {event.label for event in events}
    assert gain.score.clips == 6
    both = ParseSuggester.of_run(place.run, device="cpu", trust_code=True)
    assert both.name != own.name
    assert ParseSuggester.of_run(parser).name == own.name
    assert str(session.rounds.add(both, progress=False)).startswith("last round: ")
