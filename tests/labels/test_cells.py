"""Label tables as spreadsheets and people write them: read as they are meant, or refused by file and line."""

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seehear.errors import SeehearError
from seehear.labels import (
    DefectKind,
    Event,
    check,
    is_dense,
    read_classes,
    read_dense,
    read_weak,
    scan_dense,
    scan_weak,
    write_dense,
    write_weak,
)
from seehear.labels.cells import SEPARATORS

WEAK = [["filename", "event_labels"], ["a b", "Speech,Blender"], ["Vögel", "Dog"], ["quiet", ""]]
DENSE = [["filename", "onset", "offset", "event_labels"], ["Vögel", "0.5", "2", 'say "hi"'], ["a", "1", "3.25", "Dog"]]
LABELS = {"a b": ("Speech", "Blender"), "Vögel": ("Dog",), "quiet": ()}
EVENTS = [Event("Vögel", 0.5, 2.0, 'say "hi"'), Event("a", 1.0, 3.25, "Dog")]


def saved(rows, separator="\t", quoting=csv.QUOTE_MINIMAL, end="\n"):
    """The text of a table as a spreadsheet saves it. It quotes commas too, whatever the separator."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end)
    for row in rows:
        writer.writerow(row)
    text = stream.getvalue()
    return re.sub(r'(?<!")Speech,Blender', '"Speech,Blender"', text)


@pytest.mark.parametrize("separator", "\t;,")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_tables_of_spreadsheets(tmp_path, separator, end, encoding, quoting):
    (tmp_path / "w.csv").write_bytes(saved(WEAK, separator, quoting, end).encode(encoding))
    (tmp_path / "d.csv").write_bytes(saved(DENSE, separator, quoting, end).encode(encoding))
    assert read_weak(tmp_path / "w.csv").labels == LABELS
    assert list(read_dense(tmp_path / "d.csv").events) == EVENTS
    assert (is_dense(tmp_path / "w.csv"), is_dense(tmp_path / "d.csv")) == (False, True)
    assert check([tmp_path / "w.csv", tmp_path / "d.csv"]).exit_code == 0


@pytest.mark.parametrize(
    "header", ["Filename\tEvent_Labels", " FILENAME \t event labels ", "\u200bfilename\tEvent\xa0Labels"]
)
def test_headers_in_other_spellings(tmp_path, header):
    (tmp_path / "w.csv").write_text(f"{header}\na\tDog\n", encoding="utf-8")
    assert read_weak(tmp_path / "w.csv").labels == {"a": ("Dog",)}


@pytest.mark.parametrize("separator", "\t;,")
def test_empty_columns_and_rows_at_the_end(tmp_path, separator):
    lines = ["filename,event_labels,,", "a,Dog,,", ",,,", "b,Cat", '"","",,', "  ", ""]
    (tmp_path / "w.csv").write_text("\n".join(lines).replace(",", separator))
    assert read_weak(tmp_path / "w.csv").labels == {"a": ("Dog",), "b": ("Cat",)}


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        ('a\t"Speech', DefectKind.QUOTES, "write it on one line"),  # the rest stands on the next line
        ('a\t"Speech"x', DefectKind.QUOTES, "write it on one line"),
        ('"a\tSpeech', DefectKind.QUOTES, "write it on one line"),
        ('a\t"' + "x" * 140_000 + '"', DefectKind.QUOTES, "field larger than"),
        ("a\t" + "x" * 140_000, DefectKind.INVALID_CLASS, "140000 characters"),
        ("x" * 140_000 + "\tDog", DefectKind.INVALID_NAME, "longer than"),
        ('a\t"""Male speech, man speaking"",Dog"', DefectKind.INVALID_CLASS, "class with a comma within quotes"),
        ("a\tDo\x00g", DefectKind.INVALID_CLASS, "can't stand in a line"),
        ("a\tDo\x85g", DefectKind.INVALID_CLASS, "can't stand in a line"),
        ("a\tDo\u2028g", DefectKind.INVALID_CLASS, "can't stand in a line"),
        ("a\x1cb\tDog", DefectKind.INVALID_NAME, "control character"),
        ("../a\tDog", DefectKind.INVALID_NAME, "path separator"),
        ('"..\\a"\tDog', DefectKind.INVALID_NAME, "path separator"),
        (".a\tDog", DefectKind.INVALID_NAME, "begins with a dot"),
    ],
)
def test_rows_that_cant_be_read_are_named(tmp_path, row, kind, message):
    path = tmp_path / "w.csv"
    path.write_text(f"filename\tevent_labels\nb\tCat\n{row}\n", encoding="utf-8")
    first = scan_weak(path).defects[0]
    assert (first.line, first.kind) == (3, kind)
    assert message in first.message
    assert len(first.message) < 400
    with pytest.raises(SeehearError, match=r"w\.csv:3: error: "):
        read_weak(path)
    cells = row.rsplit("\t", 1)
    path.write_text(f"filename\tonset\toffset\tevent_labels\nb\t0\t1\tCat\n{cells[0]}\t0\t1\t{cells[1]}\n", "utf-8")
    assert (3, kind) in [(defect.line, defect.kind) for defect in scan_dense(path).defects]


def test_a_cell_with_commas_among_commas_must_be_quoted(tmp_path):
    (tmp_path / "w.csv").write_text("filename,event_labels\na,Speech,Dog\n")
    with pytest.raises(SeehearError, match=r"w\.csv:2: error: 3 fields .* by commas; .* must stand in quotes"):
        read_weak(tmp_path / "w.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"w\.csv:1: error: the file is empty"),
        (b"\n\r\n  \n", r"w\.csv:1: error: the file is empty"),
        (b"\xef\xbb\xbf", r"w\.csv:1: error: the file is empty"),
        (b"filename\tevent_labels\n", r"w\.csv:1: error: the table names no clip"),
        (b"filename\tfilename\tevent_labels\na\tb\tDog\n", r"w\.csv:1: error: the header holds filename twice"),
        ("filename\tevent_labels\nVögel\tDog\n".encode("cp1252"), r"w\.csv:2: not a text file in UTF-8 .* as UTF-8"),
        ("filename\tevent_labels\n".encode("utf-16-le"), r"w\.csv:1: not a text file .* NUL"),
        ("\ufefffilename\tevent_labels\n".encode("utf-16-le")[:-1], r"w\.csv:1: not a text file"),
        (b"\x00" * 5000, r"w\.csv:1: not a text file .* NUL"),
        (b"\x00\x00\x00\x20ftypisom", r"w\.csv:1: not a text file .* NUL"),
        (b"\x1aE\xdf\xa3\x01\x00\x00" * 40_000, r"w\.csv:1: not a text file"),
        (b"PK\x03\x04\x14\x00\x06\x00", r"w\.csv:1: not a text file"),  # .xlsx
    ],
)
@pytest.mark.parametrize("read", [read_weak, read_dense, read_classes])
def test_files_that_are_no_tables(tmp_path, content, message, read):
    path = tmp_path / "w.csv"
    path.write_bytes(content)
    with pytest.raises(SeehearError, match=message if read is read_weak else r"w\.csv"):
        read(path)


def test_a_folder_is_no_table(tmp_path):
    for read in (read_weak, read_dense, read_classes, is_dense, check):
        with pytest.raises(SeehearError, match="is a folder; name a file"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("0,5", "write 0.5"),
        ("00:01:02.5", "write 62.5"),
        ("1:02", "write 62"),
        ("-1", "before the clip's start"),
        ("nan", "not a number"),
        ("inf", "not a number"),
        ("1e308", "milliseconds or frames"),
        ("1e400", "milliseconds or frames"),
        ("9" * 5000, "milliseconds or frames"),
        ("1_000", "not a number"),
        ("٣", "not a number"),
        ("0x10", "not a number"),
        ("", "not a number"),
        ("12 s", "not a number"),
    ],
)
@pytest.mark.parametrize("column", [0, 1])
def test_times_that_cant_be(tmp_path, time, message, column):
    times = ["0", "0"]
    times[column] = time
    path = tmp_path / "d.csv"
    path.write_text(f"filename\tonset\toffset\tevent_labels\na\t{times[0]}\t{times[1]}\tDog\n", encoding="utf-8")
    (defect,) = scan_dense(path).defects
    assert (defect.line, defect.kind) == (2, DefectKind.INVALID_TIME)
    assert message in defect.message
    assert len(defect.message) < 400


def test_other_ways_to_write_a_number(tmp_path):
    (tmp_path / "d.csv").write_text("filename\tonset\toffset\tevent_labels\na\t+.5\t1.\tDog\na\t-0\t1e1\tCat\n")
    assert [(e.onset, e.offset) for e in read_dense(tmp_path / "d.csv").events] == [(0.5, 1.0), (0.0, 10.0)]


def test_clips_are_compared_in_one_normal_form(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Vögel é") for form in ("NFC", "NFD"))
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / f"{decomposed}.mp4").write_bytes(b"")
    for name in (composed, decomposed):
        (tmp_path / "w.csv").write_text(f"filename\tevent_labels\n{name}\tDog\n", encoding="utf-8")
        assert list(read_weak(tmp_path / "w.csv").labels) == [composed]
        assert not check(tmp_path / "w.csv", clips=tmp_path / "clips").defects
    (tmp_path / "w.csv").write_text(f"filename\tevent_labels\n{composed}\tDog\n{decomposed}\tCat\n", encoding="utf-8")
    (defect,) = scan_weak(tmp_path / "w.csv").defects
    assert defect.kind == DefectKind.CONTRADICTION


@pytest.mark.parametrize(("content", "line"), [("Dog\nD\x00og\n", 2), ("Dog\n\nD\u2028og\n", 3), ("a" * 2000, 1)])
def test_lists_of_classes_hold_classes(tmp_path, content, line):
    (tmp_path / "c.txt").write_text(content)
    with pytest.raises(SeehearError, match=rf"c\.txt:{line}: error: the class"):
        read_classes(tmp_path / "c.txt")


quotes = st.text(st.sampled_from("\"'a ;"), min_size=1, max_size=6).filter(lambda text: text == text.strip())


@settings(max_examples=60, deadline=None)
@given(clip=quotes, label=quotes)
def test_quotes_written_read_back(tmp_path_factory, clip, label):
    folder = tmp_path_factory.mktemp("q")
    labels = (label,) if label.count('"') % 2 else (label, "Dog")
    write_weak(folder / "w.csv", {clip: labels})
    assert dict(read_weak(folder / "w.csv").labels) == {clip: labels}
    write_dense(folder / "d.csv", [Event(clip, 0.0, 1.0, label)])
    assert read_dense(folder / "d.csv").events == (Event(clip, 0.0, 1.0, label),)


# Headers


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("filename start end event_labels", "call 'start' onset and 'end' offset, in seconds"),
        ("filename Start Stop event_labels", "call 'start' onset and 'stop' offset"),
        ("filename begin until event_labels", "call 'begin' onset and 'until' offset"),
        ("filename tmin tmax event_labels", "call 'tmin' onset and 'tmax' offset"),
        ("event_labels filename ONSET_S offset_s", "call 'onset_s' onset and 'offset_s' offset"),
        ("filename onset(ms) offset(ms) event_labels", "call 'onset(ms)' onset and 'offset(ms)' offset"),
        ("filename start_time end_time event_labels", "call 'start_time' onset and 'end_time' offset"),
        ("filename onset event_labels", "'onset'"),
        ("filename offset event_labels", "'offset'"),
        ("filename onset duration event_labels", "the offset, which is the onset plus the duration"),
        ("filename onset end event_labels", "call 'end' offset, in seconds"),
    ],
)
@pytest.mark.parametrize("separator", SEPARATORS)
def test_times_in_a_weak_table(tmp_path, header, hint, separator):
    columns = header.split()
    rows = [columns, [{"filename": "a", "event_labels": "Dog"}.get(name, str(n)) for n, name in enumerate(columns)]]
    path = tmp_path / "w.csv"
    path.write_text("\n".join(map(separator.join, [*rows, rows[1]])) + "\n")
    assert not is_dense(path)
    (defect,) = scan_weak(path).defects
    assert (defect.kind, defect.line, defect.fatal) == (DefectKind.HEADER, 1, True)
    assert hint in defect.message
    (defect,) = scan_dense(path).defects
    assert defect.kind == DefectKind.HEADER
    assert f"and holds {', '.join(repr(name.lower()) for name in columns)}" in defect.message
    assert hint in defect.message


def test_a_dense_table_is_no_weak_one(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("filename\tonset\toffset\tevent_labels\na\t0\t1\tDog\n")
    with pytest.raises(SeehearError, match="this is a dense table"):
        read_weak(path)


@pytest.mark.parametrize("name", ["note", "split", "gender", "weekend", "annotator", "backend", "trend", "frames"])
def test_columns_that_are_no_times(tmp_path, name):
    path = tmp_path / "w.csv"
    path.write_text(f"filename\t{name}\tevent_labels\na\tx\tDog\n")
    assert read_weak(path).labels == {"a": ("Dog",)}


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("first", ["sep={}", '"sep={}"', "SEP={}", "sep={}{}"])
def test_the_line_that_excel_writes_above_the_header(tmp_path, separator, first):
    path = tmp_path / "w.csv"
    line = first.format(separator, separator)
    path.write_text("\r\n".join([line, f"filename{separator}event_labels", f"a{separator}Dog", f"{separator}Cat"]))
    table = scan_weak(path)
    assert table.labels == {"a": ("Dog",)}
    assert [defect.line for defect in table.defects] == [4]
    path.write_text(f"{line}\nfilename{separator}labels\n")
    with pytest.raises(
        SeehearError, match=r"w\.csv:2: error: the header lacks event_labels and holds 'filename', 'labels'"
    ):
        read_weak(path)
