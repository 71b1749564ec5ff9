"""Spellings, units and lengths: what reads without a fault and is wrong all the same."""

import unicodedata

import pytest

from make_media import movie
from seehear.errors import SeehearError
from seehear.evaluation import score_tables
from seehear.labels import (
    DefectKind,
    DenseTable,
    Event,
    check,
    clip_hint,
    read_weak,
    scan_dense,
    segments_of,
    spellings,
    write_dense,
)
from seehear.names import spelling

PAIRS = [
    ("Dog", "dog"),
    ("Dog", "DOG"),
    ("Straße", "STRASSE"),
    ("Vögel", unicodedata.normalize("NFD", "Vögel")),
    ("Lawn mower", "Lawn\xa0mower"),
    ("Lawn mower", "Lawn  mower"),
    ("Lawn mower", "Lawn_mower"),
    ("Lawn mower", "lawn-mower"),
    ("Dog", "Dog\u200b"),
    ("Dog", "\ufeffDog"),
    ("Dog", "Do\xadg"),
    ("Dog", "Dog."),
    ("Dog", "Ｄｏｇ"),
    ("it's", "it’s"),
]


def weak(path, **labels):
    path.write_text("filename\tevent_labels\n" + "".join(f"{c}\t{name}\n" for c, name in labels.items()), "utf-8")
    return path


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_one_class_in_two_spellings(tmp_path, one, other):
    assert spelling(one) == spelling(other)
    path = weak(tmp_path / "w.csv", a=one, b="Cat", c=other)
    (defect,) = check(path).defects
    assert (defect.kind, defect.fatal) == (DefectKind.SPELLINGS, False)
    assert "count as two classes" in defect.message
    first, second = defect.message.split(" is ")
    assert first.split("class ")[1] != second.split(" at ")[0]  # the difference can be seen
    assert str(defect).isprintable()


def test_other_classes_are_no_spellings(tmp_path):
    path = weak(tmp_path / "w.csv", a="Dog", b="Dogs", c="Car", d="Cat", e="-", f="_", g="C", h="C#", i="Do.g")
    assert not spellings([read_weak(path)])


def test_a_list_of_classes_says_what_is_right(tmp_path):
    path = weak(tmp_path / "w.csv", a="dog")
    (tmp_path / "c.txt").write_text("Dog\nCat\n")
    assert "did you mean Dog?" in check(path, tmp_path / "c.txt").text()


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_score_says_why_it_is_zero(tmp_path, one, other):
    labels = weak(tmp_path / "w.csv", a=one)
    write_dense(tmp_path / "truth.csv", [Event("a", 0, 2, one)])
    write_dense(tmp_path / "system.csv", [Event("a", 0, 2, other)])
    result = score_tables({"audio": tmp_path / "system.csv"}, {"audio": tmp_path / "truth.csv"}, labels)
    assert [note for note in result.notes if "system.csv:2" in note and "count as two classes" in note]


def dense(path, *rows):
    write_dense(path, [Event(clip, float(onset), float(offset), "Dog") for clip, onset, offset in rows])
    return path


SECONDS = [(f"clip{n}", 0, 8 + n % 3) for n in range(9)]


def test_milliseconds_beside_seconds(tmp_path):
    right = dense(tmp_path / "audio.csv", *SECONDS)
    wrong = dense(tmp_path / "visual.csv", *((clip, on * 1000, off * 1000) for clip, on, off in SECONDS))
    for tables in ([right, wrong], [wrong, right]):
        (defect,) = check(tables).defects
        assert (defect.kind, defect.path) == (DefectKind.LIKELY_UNIT, wrong)
        assert "milliseconds or frames" in defect.message
    assert not check([right]).defects


def test_one_time_far_beyond_the_others(tmp_path):
    table = dense(tmp_path / "audio.csv", *SECONDS, ("clip4", 9000, 10000))
    (defect,) = check(table).defects
    assert (defect.kind, defect.line) == (DefectKind.LIKELY_UNIT, 11)


def test_a_time_that_would_fill_the_memory_is_named(tmp_path):
    truth = dense(tmp_path / "truth.csv", *SECONDS)
    system = dense(tmp_path / "system.csv", *((f"clip{n}", 0, 1) for n in range(1000)), ("clip0", 0, 400_000))
    labels = weak(tmp_path / "w.csv", **{f"clip{n}": "Dog" for n in range(1000)})
    with pytest.raises(SeehearError, match=r"system\.csv:1002: Dog ends at 400000 s, .* milliseconds or frames"):
        score_tables({"audio": system}, {"audio": truth}, labels)


def test_segments_of_tables():
    table = DenseTable(None, (Event("a", 0, 2.5, "Dog"), Event("b", 1, 4, "Dog")))
    assert [segments_of([table], 2, 1), segments_of([table], 2, 1, 0.5), segments_of([], 2, 1)] == [4, 8, 1]


def test_events_past_the_end_of_their_clip(tmp_path):
    clips = {"a": movie(tmp_path / "a.mp4", 3), "b": movie(tmp_path / "b.mp4", 2)}
    rows = [("a", 0, 3), ("a", 1, 3.9), ("b", 0, 2000), ("b", 5, 4), ("c", 0, 99)]
    found = check(dense(tmp_path / "d.csv", *rows), clips=[tmp_path / "a.mp4", tmp_path / "b.mp4"])
    kinds = {(defect.line, defect.kind) for defect in found.defects}
    assert {(3, DefectKind.ROUNDED_END), (4, DefectKind.PAST_END), (5, DefectKind.PAST_END)} <= kinds
    assert found.exit_code == 1
    assert not {line for line, kind in kinds if kind in (DefectKind.ROUNDED_END, DefectKind.PAST_END)} & {2, 6}
    clips["a"].write_bytes(b"no film")  # a clip that can't be read has no known length
    assert check(dense(tmp_path / "d.csv", *rows[:2]), clips={"a": clips["a"]}).exit_code == 0
    assert scan_dense(tmp_path / "d.csv").events


@pytest.mark.parametrize("other", ["Clip_A", "clip a", "clip_a.mp4", "clip_a.wav", "clip\u200b_a"])
def test_clips_under_nearly_the_right_name(tmp_path, other):
    labels = weak(tmp_path / "w.csv", clip_a="Dog")
    right, wrong = (dense(tmp_path / f"{n}.csv", (clip, 0, 2)) for n, clip in enumerate(["clip_a", other]))
    for predicted, truth in ((wrong, right), (right, wrong)):
        with pytest.raises(SeehearError, match=r"is .* the clip .* named by its file's stem"):
            score_tables({"audio": predicted}, {"audio": truth}, labels)
    found = check(labels, clips={other: tmp_path / "x.mp4"}).defects
    assert "the clip" in next(defect.message for defect in found if defect.kind == DefectKind.NO_CLIP_FILE)
    assert not clip_hint(["clip_b", "clip_a.5"], ["clip_a"])
