"""Spellings, units and lengths: what reads without a fault and is wrong all the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    scan_weak,
    segments_of,
    spellings,
    write_dense,
)
from seehear.labels.defects import one_slip
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
        with pytest.raises(SeehearError, match=r"write .* for .*: a clip is named by its file's stem"):
            score_tables({"audio": predicted}, {"audio": truth}, labels)
    found = check(labels, clips={other: tmp_path / "x.mp4"}).defects
    (defect,) = found
    assert (defect.kind, defect.fatal) == (DefectKind.NO_CLIP_FITS, True)
    assert "none of its 1 clip is among the 1 clip file; write" in defect.message
    assert not clip_hint(["clip_b", "clip_a.5"], ["clip_a"])


@pytest.mark.parametrize("suffix", [".mp4", ".WAV", ".webm"])
@pytest.mark.parametrize("dense_too", [False, True])
def test_labels_of_which_none_has_a_clip(tmp_path, suffix, dense_too):
    """The rows name files instead of clips."""
    names = [f"train_{n:03}" for n in range(3)]
    weak_table = weak(tmp_path / "w.csv", **{name + suffix: "Dog" for name in names})
    dense_table = dense(tmp_path / "d.csv", *((name + suffix, 0, 2) for name in names))
    files = {name: tmp_path / f"{name}{suffix}" for name in (*names, "other")}
    result = check(dense_table if dense_too else weak_table, clips=files)
    (defect,) = result.defects
    assert (defect.kind, result.exit_code) == (DefectKind.NO_CLIP_FITS, 1)
    assert f"none of its 3 clips is among the 4 clip files; write 'train_000' for 'train_000{suffix}'" in str(defect)


def test_labels_and_clips_of_other_data(tmp_path):
    (defect,) = check(weak(tmp_path / "w.csv", a="Dog"), clips={"x1": tmp_path / "x1.mp4"}).defects
    assert "it names a, the files x1, for example" in defect.message
    train, val = weak(tmp_path / "t.csv", a="Dog"), weak(tmp_path / "v.csv", b="Dog")
    result = check([train, val], clips={"a": tmp_path / "a.mp4"})
    assert ([defect.kind for defect in result.defects], result.exit_code) == ([DefectKind.NO_CLIP_FILE], 0)


# Several classes in one name


@pytest.mark.parametrize("sign", [";", "; ", " | ", "|", "/", " / ", "；", "、"])
@pytest.mark.parametrize("given", [None, ["Dog", "Cat", "Cow"]])
def test_classes_that_no_comma_separates(tmp_path, sign, given):
    path = weak(tmp_path / "w.csv", a="Dog", b="Cat,Cow", c=f"Dog{sign}Cat", d="Cow", e=f"Dog{sign}cow,Cat")
    dense_path = tmp_path / "d.csv"
    write_dense(dense_path, [Event("a", 0, 1, "Dog"), Event("a", 0, 1, "Cat"), Event("b", 0, 1, f"Cat{sign}Dog")])
    for table, rows in (
        (scan_weak(path, given), {4: "Dog,Cat", 6: "Dog,cow"}),
        (scan_dense(dense_path, given), {4: "Cat,Dog"}),
    ):
        found = {defect.line: defect for defect in table.defects}
        assert found.keys() == rows.keys()
        for line, instead in rows.items():
            assert found[line].kind == DefectKind.JOINED_CLASSES
            assert found[line].message.endswith(f"commas separate classes: write {instead}")
    with pytest.raises(SeehearError, match=r"w\.csv:4: error"):
        read_weak(path, given)


@pytest.mark.parametrize("name", ["Male speech/Man speaking", "Dog/Bark", "AC/DC", "Cat/", "Speech;quiet"])
def test_signs_in_the_name_of_a_class(tmp_path, name):
    path = weak(tmp_path / "w.csv", a="Dog", b="Cat", c=name, d="Rock'n'roll", e="Sandstorm")
    assert not check(path).defects
    (tmp_path / "c.txt").write_text("Dog\nDog;Cat\nDog/Cat\nCat\n", "utf-8")
    assert not check(weak(tmp_path / "v.csv", a="Dog;Cat", b="Dog/Cat", c="Dog"), tmp_path / "c.txt").defects


@pytest.mark.parametrize("between", [" and ", " & ", "+", " AND "])
def test_classes_that_perhaps_no_comma_separates(tmp_path, between):
    (defect,) = check(weak(tmp_path / "w.csv", a="Dog", b="Cat", c=f"Dog{between}Cat", d=f"Dog{between}Bird")).defects
    assert (defect.kind, defect.fatal, defect.line) == (DefectKind.LIKELY_JOINED, False, 4)
    assert defect.message.endswith("is perhaps 2 classes; if so, write Dog,Cat")


@pytest.mark.parametrize("sign", [";", "|"])
def test_a_separator_in_many_classes_is_named_once(tmp_path, sign):
    path = weak(tmp_path / "w.csv", a=f"Dog{sign}Cat", b=f"Cow{sign}Bird", c=f"Dog{sign}Bird", d="Fox")
    (defect,) = check(path).defects
    assert (defect.kind, defect.fatal) == (DefectKind.LIKELY_JOINED, False)
    assert f"3 classes have {sign!r} in their names, such as 'Cow{sign}Bird'" in defect.message


# Slips within one table


def many(path, **counts):
    return weak(path, **{f"{name}{n}": name for name, count in counts.items() for n in range(count)})


def test_a_class_that_other_tables_have_as_well_is_no_slip(tmp_path):
    tables = [many(tmp_path / f"{n}.csv", Car=20, Cat=2) for n in range(2)]
    assert [defect.kind for defect in check(tables[0]).defects] == [DefectKind.LIKELY_MISSPELLING]
    assert DefectKind.LIKELY_MISSPELLING not in {defect.kind for defect in check(tables).defects}


@pytest.mark.parametrize("slip", ["Dgo", "Dug", "Dogg", "Doog", "dgo", "oDg", "Dogs"])
@pytest.mark.parametrize("rare", [1, 2])
def test_a_rare_class_beside_a_frequent_one(tmp_path, slip, rare):
    (defect,) = check(many(tmp_path / "w.csv", Dog=10 * rare, **{slip: rare}, Telephone=9)).defects
    assert (defect.kind, defect.fatal, defect.line) == (DefectKind.LIKELY_MISSPELLING, False, 2 + 10 * rare)
    assert f"{slip} is here far rarer than Dog: did you mean Dog?" in defect.message


@pytest.mark.parametrize(
    "counts",
    [
        {"Cat": 20, "Car": 20},
        {"Cat": 20, "Car": 3},
        {"Dog": 9, "Dgo": 1},
        {"Dog": 50, "Dgoo": 1},
        {"kick1": 50, "kick2": 1},
        {"Do": 50, "Dx": 1},
        {"Dog": 50, "Fox": 1},
    ],
)
def test_rare_classes_of_their_own(tmp_path, counts):
    assert not check(many(tmp_path / "w.csv", **counts)).defects


def test_a_rare_class_of_the_list_is_no_slip(tmp_path):
    table = many(tmp_path / "w.csv", Cat=50, Car=1)
    (tmp_path / "c.txt").write_text("Cat\nCar\n")
    assert check(table).defects
    assert not check(table, tmp_path / "c.txt").defects


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_one_slip_is_one_edit(name, other):
    letters = "abc"
    edits = {name[:n] + name[n + 1 :] for n in range(len(name))}
    edits |= {name[:n] + letter + name[n:] for n in range(len(name) + 1) for letter in letters}
    edits |= {name[:n] + letter + name[n + 1 :] for n in range(len(name)) for letter in letters}
    edits |= {name[:n] + name[n + 1] + name[n] + name[n + 2 :] for n in range(len(name) - 1)}
    assert one_slip(name, other) == (other != name and other in edits and min(len(name), len(other)) >= 3)


def test_score_names_what_is_doubtful(tmp_path):
    labels = weak(tmp_path / "w.csv", a="Dog;Cat", b="Cow;Bird")
    write_dense(tmp_path / "truth.csv", [Event("a", 0, 2, "Dog")])
    tables = {"audio": tmp_path / "truth.csv"}
    notes = score_tables(tables, tables, labels).notes
    assert any("'Dog;Cat' is perhaps 2 classes" in note for note in notes)
    assert any("2 classes have ';'" in note for note in notes)
