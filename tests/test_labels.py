"""Label tables: what is read, and every defect that is named."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.labels import (
    Event,
    check,
    classes_of,
    read_classes,
    read_dense,
    read_weak,
    scan_dense,
    scan_weak,
    write_dense,
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


def test_a_misspelt_class_is_pointed_out(tmp_path):
    train = scan_weak(weak(tmp_path / "train.csv", "a\tSpeech"))
    val = scan_weak(weak(tmp_path / "val.csv", "b\tSpeech", "c\tSpeach"))
    (defect,) = check([train, val], [])
    assert (defect.line, defect.fatal) == (3, False)
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
    ("rows", "line", "message", "fatal"),
    [
        (["a\tDog", "a\tDog"], 3, "repeats line 2", False),
        (["a\tDog", "a\tCat"], 3, "other labels", True),
        (["a\tDog,Dog"], 2, "lists Dog twice", False),
        (["a\t"], 2, "no label", False),
        (["a Dog"], 2, "1 fields where the header has 2; fields are separated by tabs", True),
        (["a\tDog,,Cat"], 2, "empty label", False),
        (["a_1.5_11.5\tDog"], 2, "fractional", False),
        (["a\tFish"], 2, "'Fish' is not in the list", True),
        (["\tDog"], 2, "filename is empty", True),
        (["a\tDog\tmore"], 2, "3 fields", True),
        ([], 1, "names no clip", True),
    ],
)
def test_defects_of_weak_tables(tmp_path, rows, line, message, fatal):
    path = weak(tmp_path / "w.csv", *rows)
    (defect,) = scan_weak(path, ["Cat", "Dog"]).defects
    assert (defect.line, defect.fatal) == (line, fatal)
    assert message in defect.message
    assert str(defect).startswith(f"{path}:{line}: ")
    if fatal:
        with pytest.raises(SeehearError, match=f"w.csv:{line}: error"):
            read_weak(path, ["Cat", "Dog"])


@pytest.mark.parametrize(
    ("rows", "line", "message", "fatal"),
    [
        (["a\tx\t2\tDog"], 2, "must be seconds", True),
        (["a\t-1\t2\tDog"], 2, "must be seconds", True),
        (["a\tnan\t2\tDog"], 2, "must be seconds", True),
        (["a\t3\t2\tDog"], 2, "marks nothing", False),
        (["a\t0\t2\tDog", "a\t0\t2\tDog"], 3, "repeats line 2", False),
        (["a\t0\t2\tDog", "a\t1\t3\tDog"], 3, "overlaps line 2", False),
        (["a\t0\t2\tDog", "a\t2\t3\tDog"], 3, "touches line 2", False),
        (["a\t0\t2\tFish"], 2, "'Fish' is not in the list", True),
        (["a\t0\t2\t"], 2, "without a class", True),
        (["a\t0\t2"], 2, "3 fields", True),
        (["a 0\t2\tDog"], 2, "3 fields where the header has 4; fields are separated by tabs", True),
    ],
)
def test_defects_of_dense_tables(tmp_path, rows, line, message, fatal):
    (defect,) = scan_dense(dense(tmp_path / "d.csv", *rows), ["Dog"]).defects
    assert (defect.line, defect.fatal) == (line, fatal)
    assert message in defect.message


def test_defects_between_tables(tmp_path):
    train = scan_weak(weak(tmp_path / "train.csv", "t\tDog"))
    val = scan_weak(weak(tmp_path / "val.csv", "a\tDog", "b\tCat", "t\tDog"))
    truth = scan_dense(dense(tmp_path / "d.csv", "a\t0\t1\tDog", "b\t0\t1\tDog", "x\t0\t1\tDog", "t\t0\t1\tDog"))
    files = {clip: Path(f"clips/{clip}.mp4") for clip in ("a", "b", "z")}
    found = [str(defect) for defect in check([train, val], [truth], files)]
    for part in (
        "val.csv:4: t stands in",
        "val.csv:3: Cat does not occur in",
        "d.csv:4: x stands in no weak table",
        "val.csv:3: b has weak labels Cat but dense ones Dog",
        "train.csv:2: t has a label but no clip",
        "clips/z.mp4: is a clip without a label",
    ):
        assert any(part in line for line in found), (part, found)
    assert not any("a has weak labels" in line for line in found)


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


LLP = Path(__file__).parents[2] / "shared" / "llp"


@pytest.mark.skipif(not LLP.is_dir(), reason="LLP's label tables are not on this machine")
def test_known_defects_of_llp_are_told_and_tolerated():
    weak = [scan_weak(LLP / f"AVVP_{split}.csv") for split in ("train", "val_pd", "test_pd")]
    dense = [scan_dense(LLP / f"AVVP_eval_{name}.csv") for name in ("audio", "visual")]
    found = [defect for table in (*weak, *dense) for defect in table.defects] + list(check(weak, dense))
    assert not any(defect.fatal for defect in found)

    def count(part: str, table: str = "") -> int:
        return sum(part in defect.message and table in defect.path.name for defect in found)

    assert [len(table.clips) for table in weak] == [10000, 649, 1200]
    assert len(classes_of(weak)) == 25
    assert (count("marks nothing"), count("repeats line", "audio")) == (6, 8)
    assert count("overlaps line", "audio") + count("repeats line", "audio") == 23
    assert count("touches line", "audio") == 11
    assert (count("lists", "test_pd"), count("fractional", "train")) == (1, 5)
    assert (count("but dense ones", "test_pd"), count("but dense ones", "val_pd")) == (51, 30)
    strangers = {
        name: {d.message.split()[0] for d in found if "no weak table" in d.message and name in d.path.name}
        for name in ("audio", "visual")
    }
    assert {name: len(clips) for name, clips in strangers.items()} == {"audio": 8, "visual": 7}


def test_a_class_of_training_clips_alone_that_is_nearly_spelt_like_another(tmp_path):
    train = weak(tmp_path / "train.csv", "a\tSpeach", "b\tSpeech", "c\tDog", "d\tOboe")
    val = weak(tmp_path / "val.csv", "e\tSpeech", "f\tDog")
    (found,) = check([scan_weak(train), scan_weak(val)], [])
    assert str(found) == f"{train}:2: Speach occurs in no other table: did you mean Speech?"
