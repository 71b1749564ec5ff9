"""Notes on clips: as JSON, by track, and as lists that stay short."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.media.notes import EXAMPLES, MOST, Note, NoteKind, about, any_missing, listed_notes, merged

NOTES = st.builds(Note, st.sampled_from(NoteKind), st.sampled_from(["", "audio", "visual"]), st.integers(0, 9))
SILENT, DAMAGED = Note(NoteKind.SILENT, "audio"), Note(NoteKind.DAMAGED, "visual", 1.5)


@given(NOTES)
def test_a_note_goes_through_json(note):
    assert Note.from_json(note.as_json()) == note
    assert "{" not in str(note)
    assert "  " not in str(note)


@pytest.mark.parametrize(
    "damaged",
    [
        *({**DAMAGED.as_json(), "kind": kind} for kind in ("unknown", None, [], {})),
        *({**DAMAGED.as_json(), "amount": amount} for amount in (None, "much", [], float("nan"), float("inf"))),
        *({key: value for key, value in DAMAGED.as_json().items() if key != one} for one in DAMAGED.as_json()),
        *(None, 3, "damaged", [], ["kind"]),
    ],
)
def test_what_is_no_note_is_refused(damaged):
    with pytest.raises(SeehearError, match="is no note on a clip"):
        Note.from_json(damaged)


@given(st.lists(NOTES, max_size=8))
def test_merged_and_about_are_the_loops(notes):
    expected = []
    for kind in NoteKind:
        for modality in ("", "audio", "visual"):
            amounts = [note.amount for note in notes if note.kind is kind and note.modality == modality]
            if amounts:
                expected.append(Note(kind, modality, max(amounts)))
    assert merged(notes) == tuple(expected)
    heard = []
    for note in notes:
        if note.modality == "audio" or not note.modality:
            heard.append(note)
    assert about(notes, "audio") == tuple(heard)
    assert about(notes, "audio", "visual") == tuple(notes)
    assert any_missing({"a": [], "b": notes}) == any(
        note.kind in (NoteKind.DAMAGED, NoteKind.CUT_OFF, NoteKind.UNREAD) for note in notes
    )


def test_few_notes_are_listed_one_by_one():
    assert listed_notes({}) == listed_notes({"a": ()}) == ""
    assert listed_notes({"a": (SILENT,), "b": (), "c": (DAMAGED, SILENT)}).splitlines() == [
        "2 clips with notes; content of 1 is missing:",
        "  a: its audio track is digital silence",
        "  c: 1.5 s of its video can't be decoded: it is damaged",
        "  c: its audio track is digital silence",
    ]
    assert listed_notes({"a": (SILENT,)}).startswith("1 clip with notes:\n")


def test_many_notes_are_grouped_and_no_kind_is_hidden():
    notes = {f"c{n}": (SILENT,) for n in range(10_000)} | {"rare": (DAMAGED, SILENT)}
    assert listed_notes(notes).splitlines() == [
        "10001 clips with notes; content of 1 is missing:",
        "  damaged, 1 clip:",
        "    rare: 1.5 s of its video can't be decoded: it is damaged",
        "  silent, 10001 clips:",
        *(f"    c{n}: its audio track is digital silence" for n in range(EXAMPLES)),
        f"    … and {10_001 - EXAMPLES} more",
    ]
    every = {f"c{n}": [Note(kind, "audio", 1) for kind in NoteKind] for n in range(MOST)}
    assert len(listed_notes(every).splitlines()) == 1 + len(NoteKind) * (EXAMPLES + 2)


def test_a_notebook_shows_a_note_in_a_few_words():
    assert repr(DAMAGED) == "Note(damaged, visual, 1.5)"
    assert repr([SILENT, Note(NoteKind.CUT_OFF, amount=3.98)]) == "[Note(silent, audio), Note(cut-off, 3.98)]"
    assert repr(NoteKind.CUT_OFF) == "NoteKind.CUT_OFF"


def test_every_kind_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    for kind in NoteKind:
        assert f"`{kind.slug}`" in text, kind
