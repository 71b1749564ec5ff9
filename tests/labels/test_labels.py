"""Label tables: what is read, and every defect that is named."""

import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.labels import (
    DefectKind,
    Event,
    check,
    classes_of,
    cross_check,
    read_classes,
    read_dense,
    read_weak,
    scan_dense,
    scan_weak,
    write_dense,
    write_weak,
)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def weak(path: Path, *rows: str) -> Path:
    return write(path, "filename\tevent_labels", *rows)


def dense(path: Path, *rows: str) -> Path:
    return write(path, "filename\tonset\toffset\tevent_labels", *rows)


def test_weak_table(tmp_path):
    table = read_weak(weak(tmp_path / "w.csv", "a\tDog,Cat", "b b\tDog", "c\t"))
    assert table.labels == {"a": ("Dog", "Cat"), "b b": ("Dog",), "c": ()}
    assert classes_of([table]) == ("Cat", "Dog")
    np.testing.assert_array_equal(table.array(["c", "a"], ["Cat", "Dog"]), [[0, 0], [1, 1]])


def test_a_misspelt_class_gets_a_suggestion(tmp_path):
    train = scan_weak(weak(tmp_path / "train.csv", "a\tSpeech"))
    val = scan_weak(weak(tmp_path / "val.csv", "b\tSpeech", "c\tSpeach"))
    (defect,) = check([train, val]).defects
    assert (defect.line, defect.fatal, defect.kind) == (3, False, DefectKind.UNTRAINED_CLASS)
    assert "did you mean Speech?" in defect.message


def test_a_dense_row_of_two_classes_is_two_events(tmp_path):
    table = scan_dense(dense(tmp_path / "d.csv", "a\t0\t2\tDog,Cat"), ["Cat", "Dog"])
    assert [event.label for event in table.events] == ["Dog", "Cat"]
    (defect,) = table.defects
    assert "several classes" in defect.message
    assert not defect.fatal


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    path = tmp_path / "w.csv"
    path.write_bytes("\ufefffilename\tevent_labels\r\na\tDog\r\n".encode())
    assert read_weak(path).labels == {"a": ("Dog",)}


def test_dense_table_as_segments(tmp_path):
    table = read_dense(dense(tmp_path / "d.csv", "a\t0\t2\tDog", "a\t1\t3\tDog", "b\t3\t3\tDog", "b\t4\t2\tDog"))
    active = table.array(["b", "a"], ["Cat", "Dog"], 4)
    assert active.shape == (2, 4, 2)
    np.testing.assert_array_equal(active[1, :, 1], [True, True, True, False])
    assert not active[0].any()  # onset not before offset marks nothing
    assert table.last_segment() == 3


@pytest.mark.parametrize(
    ("rows", "line", "message", "kind"),
    [
        (["a\tDog", "a\tDog"], 3, "repeats line 2", DefectKind.REPEATED_ROW),
        (["a\tDog", "a\tCat"], 3, "other labels", DefectKind.CONTRADICTION),
        (["a\tDog,Dog"], 2, "lists Dog twice", DefectKind.REPEATED_LABEL),
        (["a\t"], 2, "no label", DefectKind.NO_LABEL),
        (["a Dog"], 2, "1 field where the header has 2; fields are separated by tabs", DefectKind.FIELD_COUNT),
        (["a\tDog,,Cat"], 2, "empty label", DefectKind.EMPTY_LABEL),
        (["a_1.5_11.5\tDog"], 2, "fractional", DefectKind.FRACTIONAL_NAME),
        (["a\tFish"], 2, "'Fish' is not in the list", DefectKind.UNKNOWN_CLASS),
        (["\tDog"], 2, "filename is empty", DefectKind.EMPTY_FILENAME),
        (["a\tDog\tmore"], 2, "3 fields", DefectKind.FIELD_COUNT),
        ([], 1, "names no clip", DefectKind.NO_ROW),
    ],
)
def test_defects_of_weak_tables(tmp_path, rows, line, message, kind):
    path = weak(tmp_path / "w.csv", *rows)
    (defect,) = scan_weak(path, ["Cat", "Dog"]).defects
    assert (defect.line, defect.kind) == (line, kind)
    assert message in defect.message
    assert str(defect).startswith(f"{path}:{line}: ")
    if defect.fatal:
        with pytest.raises(SeehearError, match=f"w.csv:{line}: error"):
            read_weak(path, ["Cat", "Dog"])
    else:
        read_weak(path, ["Cat", "Dog"])


def test_errors_alike_share_a_line(tmp_path):
    """A table whose rows have spaces for tabs is one mistake, however many rows it has."""
    path = weak(tmp_path / "w.csv", *(f"clip{n} Dog" for n in range(19)), "a\tFish", "", "b Dog", "c\tDog,Dog")
    found = check(path, classes=("Dog",))
    lines = found.text().splitlines()
    assert sum("field where the header has" in line for line in lines) == 1
    assert lines[0].startswith(f"{path}:2: error: 1 field where the header has 2")
    assert lines[0].endswith("; the same in 19 more lines, up to line 23")
    assert len(found.as_json()["defects"]) == len(found.to_frame()) == 22
    with pytest.raises(SeehearError, match="19 more lines") as error:
        read_weak(path, ["Dog"])
    assert len(str(error.value).splitlines()) == 2
    two = weak(tmp_path / "two.csv", "a Dog", "b Dog")
    assert "; the same in line 3" in check(two).text()


@pytest.mark.parametrize(
    ("rows", "line", "message", "kind", "fatal"),
    [
        (["a\tx\t2\tDog"], 2, "must be seconds", DefectKind.INVALID_TIME, True),
        (["a\t-1\t2\tDog"], 2, "must be seconds", DefectKind.INVALID_TIME, True),
        (["a\tnan\t2\tDog"], 2, "must be seconds", DefectKind.INVALID_TIME, True),
        (["a\t3\t2\tDog"], 2, "fills no segment", DefectKind.EMPTY_EVENT, False),
        (["a\t0\t2\tDog", "a\t0\t2\tDog"], 3, "repeats line 2", DefectKind.REPEATED_ROW, False),
        (["a\t0\t2\tDog", "a\t1\t3\tDog"], 3, "overlaps line 2", DefectKind.OVERLAP, False),
        (["a\t0\t2\tDog", "a\t2\t3\tDog"], 3, "touches line 2", DefectKind.CONTACT, False),
        (["a\t0\t2\tFish"], 2, "'Fish' is not in the list", DefectKind.UNKNOWN_CLASS, True),
        (["a\t0\t2\t"], 2, "without a class", DefectKind.NO_CLASS, True),
        (["a\t0\t2"], 2, "3 fields", DefectKind.FIELD_COUNT, True),
        (["a 0\t2\tDog"], 2, "3 fields where the header has 4", DefectKind.FIELD_COUNT, True),
    ],
)
def test_defects_of_dense_tables(tmp_path, rows, line, message, kind, fatal):
    (defect,) = scan_dense(dense(tmp_path / "d.csv", *rows), ["Dog"]).defects
    assert (defect.line, defect.kind, defect.fatal) == (line, kind, fatal)
    assert message in defect.message


def test_kinds_of_defects_have_one_description_each():
    assert len({kind.singular for kind in DefectKind}) == len({kind.plural for kind in DefectKind}) == len(DefectKind)
    assert DefectKind.OVERLAP.counted(1) == "event that overlaps another of its class"
    assert DefectKind.OVERLAP.counted(2).startswith("events that overlap")
    assert DefectKind.WEAK_DENSE_MISMATCH.slug == "weak-dense-mismatch"


def test_defects_between_tables(tmp_path):
    train = scan_weak(weak(tmp_path / "train.csv", "t\tDog"))
    val = scan_weak(weak(tmp_path / "val.csv", "a\tDog", "b\tCat", "t\tDog"))
    truth = scan_dense(dense(tmp_path / "d.csv", "a\t0\t1\tDog", "b\t0\t1\tDog", "x\t0\t1\tDog", "t\t0\t1\tDog"))
    files = {clip: Path(f"clips/{clip}.mp4") for clip in ("a", "b", "z")}
    found = check([train, val, truth], clips=files).defects
    for kind, text in (
        (DefectKind.SHARED_CLIPS, "val.csv:4: t is also in"),
        (DefectKind.UNTRAINED_CLASS, "val.csv:3: Cat does not occur in"),
        (DefectKind.CLIP_IN_NO_SPLIT, "d.csv:4: x is in no weak table"),
        (DefectKind.WEAK_DENSE_MISMATCH, "val.csv:3: b has the weak labels Cat, its events the classes Dog"),
        (DefectKind.NO_CLIP_FILE, "train.csv:2: t has a label but no clip file"),
        (DefectKind.UNLABELLED_FILE, "clips/z.mp4: the clip has no label"),
    ):
        (defect,) = (defect for defect in found if defect.kind == kind)
        assert text in str(defect)
    assert len(found) == 6


def test_an_event_that_ends_after_its_clip(tmp_path):
    truth = scan_dense(dense(tmp_path / "d.csv", "a\t0\t10\tDog", "b\t8\t12.5\tCat"))
    (defect,) = cross_check([], [truth], length=lambda clip: 10.0)
    assert (defect.kind, defect.line) == (DefectKind.PAST_END, 3)
    assert "Cat ends at 12.5 s, after the end of its clip at 10 s" in defect.message


def test_check_takes_files_in_every_form(tmp_path):
    train = weak(tmp_path / "train.csv", "a\tDog", "b\tCat")
    truth = dense(tmp_path / "d.csv", "a\t0\t1\tDog", "a\t1\t2\tDog")
    (tmp_path / "classes.txt").write_text("Dog\n")
    whole = check([train, str(truth)], classes=str(tmp_path / "classes.txt"))
    assert (whole.clips, whole.events, whole.classes, whole.exit_code) == (2, 2, ("Cat", "Dog"), 1)
    kinds = [DefectKind.UNKNOWN_CLASS, DefectKind.CONTACT, DefectKind.WEAK_DENSE_MISMATCH]
    assert [defect.kind for defect in whole.defects] == kinds
    assert repr(whole) == "LabelCheck(2 clips, 2 events, 2 classes: 1 fatal defect, 2 tolerated)"
    assert whole.text().splitlines()[-1] == "2 clips, 2 events, 2 classes: 1 fatal defect, 2 tolerated"
    assert whole.as_json()["defects"][0] == {
        "path": str(train),
        "line": 3,
        "kind": "unknown-class",
        "fatal": True,
        "message": "class 'Cat' is not in the list of classes",
    }
    assert check(train).defects == check(str(train), classes=["Cat", "Dog"]).defects == []
    assert repr(check(train)).endswith("no defect)")
    assert "<pre>" in whole._repr_html_()
    with pytest.raises(SeehearError, match="no such file"):
        check(tmp_path / "none.csv")


def test_tables_have_a_repr_and_a_frame(tmp_path):
    train = read_weak(weak(tmp_path / "w.csv", "a\tDog,Cat", "b\t"))
    truth = read_dense(dense(tmp_path / "d.csv", "a\t0\t1\tDog", "a\t1.5\t2\tCat"))
    assert repr(train) == f"WeakTable({tmp_path / 'w.csv'}: 2 clips, 2 classes)"
    assert repr(truth) == f"DenseTable({tmp_path / 'd.csv'}: 2 events in 1 clip, 2 classes)"
    pytest.importorskip("pandas")
    assert train.to_frame().to_numpy().tolist() == [["a", "Dog"], ["a", "Cat"]]
    assert truth.to_frame().to_numpy().tolist() == [["a", "Dog", 0.0, 1.0], ["a", "Cat", 1.5, 2.0]]
    assert check([train, truth]).to_frame().columns.tolist() == ["path", "line", "kind", "fatal", "message"]


@pytest.mark.parametrize("content", [b"", b"clip,labels\na,Dog\n", b"\xff\xfe\x00"])
def test_files_that_are_no_tables(tmp_path, content):
    path = tmp_path / "w.csv"
    path.write_bytes(content)
    with pytest.raises(SeehearError, match=r"w\.csv"):
        read_weak(path)


def test_missing_table(tmp_path):
    with pytest.raises(SeehearError, match=r"none\.csv: no such file"):
        read_weak(tmp_path / "none.csv")


def test_class_list(tmp_path):
    assert read_classes(write(tmp_path / "c.txt", "Dog", "", "Cat")) == ("Dog", "Cat")
    with pytest.raises(SeehearError, match="Dog"):
        read_classes(write(tmp_path / "c.txt", "Dog", "Dog"))


events = st.lists(
    st.builds(
        lambda clip, start, length, label: Event(clip, float(start), float(start + length), label),
        st.sampled_from(["a", "b"]),
        st.integers(0, 9),
        st.integers(1, 9),
        st.sampled_from(["Cat", "Dog"]),
    ),
    min_size=1,
)


@given(events)
def test_written_tables_read_back(tmp_path_factory, some):
    path = tmp_path_factory.mktemp("t") / "d.csv"
    write_dense(path, some)
    assert list(read_dense(path).events) == some


@given(events)
def test_dense_array_is_the_loop(tmp_path_factory, some):
    path = tmp_path_factory.mktemp("t") / "d.csv"
    write_dense(path, some)
    expected = np.zeros((2, 20, 2), dtype=bool)
    for event in some:
        for t in range(20):
            if event.onset <= t < event.offset:
                expected["ab".index(event.clip), t, ["Cat", "Dog"].index(event.label)] = True
    np.testing.assert_array_equal(read_dense(path).array("ab", ["Cat", "Dog"], 20), expected)


LLP = Path(__file__).parents[3] / "shared" / "llp"


@pytest.mark.skipif(not LLP.is_dir(), reason="LLP's label tables are not on this machine")
def test_known_defects_of_llp_are_named_and_tolerated():
    weak = [LLP / f"AVVP_{split}.csv" for split in ("train", "val_pd", "test_pd")]
    dense = [LLP / f"AVVP_eval_{name}.csv" for name in ("audio", "visual")]
    found = check([*weak, *dense]).defects
    assert not any(defect.fatal for defect in found)

    def count(kind: DefectKind, table: str = "") -> int:
        return sum(defect.kind == kind and table in defect.path.name for defect in found)

    assert [len(scan_weak(table).clips) for table in weak] == [10000, 649, 1200]
    assert len(classes_of(scan_weak(table) for table in weak)) == 25
    assert (count(DefectKind.EMPTY_EVENT), count(DefectKind.REPEATED_ROW, "audio")) == (6, 8)
    assert count(DefectKind.OVERLAP, "audio") + count(DefectKind.REPEATED_ROW, "audio") == 23
    assert count(DefectKind.CONTACT, "audio") == 11
    assert (count(DefectKind.REPEATED_LABEL, "test_pd"), count(DefectKind.FRACTIONAL_NAME, "train")) == (1, 5)
    mismatches = [count(DefectKind.WEAK_DENSE_MISMATCH, split) for split in ("test_pd", "val_pd")]
    assert mismatches == [51, 30]
    unknown = {
        name: {
            defect.message.split()[0]
            for defect in found
            if defect.kind == DefectKind.CLIP_IN_NO_SPLIT and name in defect.path.name
        }
        for name in ("audio", "visual")
    }
    assert {name: len(clips) for name, clips in unknown.items()} == {"audio": 8, "visual": 7}


def test_a_class_of_training_clips_alone_that_is_nearly_spelt_like_another(tmp_path):
    train = weak(tmp_path / "train.csv", "a\tSpeach", "b\tSpeech", "c\tDog", "d\tOboe")
    val = weak(tmp_path / "val.csv", "e\tSpeech", "f\tDog")
    (found,) = check([train, val]).defects
    assert found.kind == DefectKind.LIKELY_MISSPELLING
    assert str(found) == f"{train}:2: Speach occurs in no other table: did you mean Speech?"


# Confidences, which pseudo-labels have


def scored(path: Path, *rows: str) -> Path:
    return write(path, "filename\tonset\toffset\tevent_labels\tconfidence", *rows)


def test_confidences_are_read(tmp_path):
    path = scored(tmp_path / "p.csv", "a\t0\t1\tDog\t0.25", "a\t2\t3\tDog\t", "a\t4\t5\tDog\t1")
    first, second, third = (event.confidence for event in read_dense(path).events)
    assert (first, third) == (0.25, 1.0)
    assert math.isnan(second)
    assert [event.confidence for event in read_dense(dense(tmp_path / "d.csv", "a\t0\t1\tDog")).events] == [1.0]


def test_the_columns_may_come_in_any_order(tmp_path):
    path = write(tmp_path / "p.csv", "confidence\tevent_labels\tfilename\toffset\tonset", "0.5\tDog\ta\t2\t1")
    (event,) = read_dense(path).events
    assert (event, event.confidence) == (Event("a", 1.0, 2.0, "Dog"), 0.5)


@pytest.mark.parametrize("text", ["1.01", "-0.5", "nan", "inf", "likely"])
def test_a_bad_confidence_is_fatal_and_named(tmp_path, text):
    path = scored(tmp_path / "p.csv", "a\t0\t1\tDog\t1", f"a\t2\t3\tDog\t{text}")
    table = scan_dense(path)
    (defect,) = table.defects
    assert (defect.line, defect.kind, defect.fatal) == (3, DefectKind.INVALID_CONFIDENCE, True)
    assert len(table.events) == 1
    with pytest.raises(SeehearError, match=rf"p\.csv:3: error: confidence '{text}' must be a number from 0 to 1"):
        read_dense(path)
    assert check([path]).exit_code == 1


def test_confidences_written_read_back(tmp_path):
    events = [Event("a", 0.0, 1.0, "Dog", confidence=0.1234), Event("b", 0.5, 2.0, "Cat", confidence=math.nan)]
    write_dense(tmp_path / "p.csv", events, confidence=True)
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[1:] == ["a\t0\t1\tDog\t0.123", "b\t0.5\t2\tCat\t"]
    assert read_dense(tmp_path / "p.csv").events == tuple(events)
    write_dense(tmp_path / "plain.csv", events)
    assert "confidence" not in (tmp_path / "plain.csv").read_text()


def test_weak_tables_written_read_back(tmp_path):
    labels = {"a": ("Dog", "Cat"), "b": (), "c": ("Cat",)}
    write_weak(tmp_path / "w.csv", labels)
    table = read_weak(tmp_path / "w.csv")
    assert dict(table.labels) == labels
    assert not [defect for defect in table.defects if defect.fatal]


def test_clips_without_a_label_share_a_line_and_are_read(tmp_path):
    """They are negatives, of which a table may have many; an editor may have cut the empty cell off."""
    path = weak(tmp_path / "w.csv", "a\tDog", "b\t", "c d\t", 'e\t""')
    found = check(path)
    assert found.text().splitlines() == [
        f"{path}:3: this is the first of 3 clips without a label; they count as clips without events",
        "4 clips, 0 events, 1 class: 0 fatal defects, 3 tolerated",
    ]
    assert [defect.line for defect in found.defects] == [3, 4, 5]
    assert read_weak(path).labels == {"a": ("Dog",), "b": (), "c d": (), "e": ()}
    with pytest.raises(SeehearError, match=r'2: error: 1 field .* an empty cell may stand as ""'):
        read_weak(weak(tmp_path / "bare.csv", "a"))


def test_a_row_of_a_table_takes_little_memory(tmp_path):
    """Rows are cut into cells one by one, and equal classes and times are kept once."""
    rows = [f"clip{n // 3:06}\t{n % 7}\t{n % 7 + 2}\tClass {n % 25}" for n in range(6000)]
    dense, weak = tmp_path / "dense.csv", tmp_path / "weak.csv"
    dense.write_text("\n".join(["filename\tonset\toffset\tevent_labels", *rows]))
    rows = [f"clip{n:06}\tClass {n % 25},Class {n % 24}" for n in range(6000)]
    weak.write_text("\n".join(["filename\tevent_labels", *rows]))
    for read, file, kept, peak in [(read_dense, dense, 160, 600), (read_weak, weak, 240, 500)]:
        read(file)
        tracemalloc.start()
        table = read(file)
        now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (now / 6000 < kept, most / 6000 < peak) == (True, True), (now / 6000, most / 6000)
        assert len(table.clips) == (2000 if read is read_dense else 6000)
