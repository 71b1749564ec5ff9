"""Users' machines: output of any encoding and width, streams that are absent or fail, folders as people keep them."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from seehear import names, progress
from seehear.cli import main, output
from seehear.cli.app import COMMANDS, GROUP_COMMANDS
from seehear.errors import SeehearError
from seehear.media import clips as searching
from seehear.media.clips import find_clips
from seehear.media.suffixes import AUDIO_SUFFIXES, SUFFIXES, VIDEO_SUFFIXES
from seehear.networks import weights
from seehear.parsing import folder as parsed_folder

ENCODINGS = ["ascii", "cp1252", "shift-jis", "utf-8", "utf-16"]
LISTINGS = [["recipes"], ["networks", "list"]]
HELPS = [[name, "--help"] for name, *_ in COMMANDS] + [[group, name, "--help"] for group, name, *_ in GROUP_COMMANDS]


class Full(io.RawIOBase):
    """A file on a disk without room, or a pipe that nobody reads, by the error that a write raises."""

    def __init__(self, error: OSError):
        self.error = error

    def writable(self):
        return True

    def write(self, data):
        raise self.error


def ended(arguments, out=None, err=None) -> int:
    """The exit code of a command line whose standard streams are these objects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", os.environ.get("COLUMNS", "80"))  # restored afterwards
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
    return left.value.code or 0


def encoded(arguments, encoding) -> tuple[int, str]:
    """The exit code and the text of a command line whose output has an encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    code = ended(arguments, stream, stream)
    stream.flush()
    return code, raw.getvalue().decode(encoding)


@pytest.fixture
def labels(tmp_path):
    """A weak table with a class that few encodings have."""
    table = tmp_path / "labels.csv"
    table.write_text("filename\tevent_labels\na\tGlocke → 鐘\na\té −\n", "utf-8")
    return table


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("arguments", LISTINGS, ids=" ".join)
def test_lists_in_every_encoding(arguments, encoding):
    code, text = encoded(arguments, encoding)
    assert code == 0
    assert len(text.splitlines()) > 3
    code, text = encoded([*arguments, "--json"], encoding)
    assert code == 0
    assert json.loads(text) == json.loads(encoded([*arguments, "--json"], "utf-8")[1])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_classes_and_errors_in_every_encoding(labels, encoding):
    code, text = encoded(["labels", "check", labels], encoding)
    assert code == 1
    assert "error: a has other labels" in text
    assert code == encoded(["labels", "check", labels, "--json"], encoding)[0]
    code, text = encoded(["labels", "check", labels.with_name("鐘.csv")], encoding)
    assert code == 1
    assert "no such file" in text


def test_what_ascii_lacks_is_written_so_that_it_can_be_read(labels):
    assert "mixup" in encoded(["recipes"], "ascii")[1]
    assert "lambda ~ Beta(alpha, alpha)" in encoded(["recipes"], "ascii")[1]
    assert "λ ~ Beta(α, α)" in encoded(["recipes"], "utf-8")[1]
    absent = labels.with_name("Glocke → 鐘 é −.csv")
    assert "Glocke -> \\u9418 \\xe9 -.csv" in encoded(["labels", "check", absent], "ascii")[1]
    assert "Glocke -> \\u9418 é -.csv" in encoded(["labels", "check", absent], "cp1252")[1]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_half_a_pair_of_surrogates(encoding, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    value = {"file": "caf\udce9 → 鐘 \U0001f514"}
    assert json.loads(output.as_json(value)) == value
    output.prepare()
    assert output.show(output.as_json(value)) == ""
    assert output.show(value["file"]) == ""
    assert "\\udce9" in raw.getvalue().decode(encoding)


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["sing"]], ids=" ".join)
@pytest.mark.parametrize("columns", ["0", "1", "20", "wide", "²", "99999"])
def test_help_in_every_width(arguments, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    code, text = encoded(arguments, "utf-8")
    assert code == (2 if arguments == ["sing"] else 0)
    width = max(map(len, text.splitlines()))
    assert width <= (200 if columns == "99999" else 80)
    assert width >= 15


@pytest.mark.parametrize("arguments", HELPS, ids=" ".join)
def test_every_help_in_ascii(arguments):
    code, text = encoded(arguments, "ascii")
    assert code == 0
    assert text.isascii()
    assert "Usage: seehear" in text


RUNS = [(["recipes"], 0), (["recipes", "--json"], 0), (["--help"], 0), (["train", "--help"], 0), (["--version"], 0)]
RUNS += [(["sing"], 2), (["labels", "check", "none.csv"], 1)]


@pytest.mark.parametrize(("arguments", "usual"), RUNS, ids=str)
def test_streams_that_fail_or_are_absent(arguments, usual):
    def to(error):
        return io.TextIOWrapper(io.BufferedWriter(Full(error), 64), encoding="utf-8", write_through=True)

    full, closed = OSError(28, "No space left on device"), BrokenPipeError(32, "Broken pipe")
    err = io.StringIO()
    assert ended(arguments, to(full), err) == (usual or 1)
    assert "No space left" in err.getvalue() or usual
    assert ended(arguments, to(closed), io.StringIO()) == usual
    assert ended(arguments, io.StringIO(), to(full)) == usual
    assert ended(arguments, io.StringIO(), to(closed)) == usual
    assert ended(arguments, to(closed), to(closed)) == usual
    shut = io.StringIO()
    shut.close()
    assert ended(arguments, io.StringIO(), shut) == usual
    out = io.StringIO()
    assert ended(arguments, out, None) == usual
    assert usual == 0 or not out.getvalue()  # what belongs to standard error does not go to standard output
    assert ended(arguments, None, io.StringIO()) == usual
    assert ended(arguments, None, None) == usual


class Plain:
    """What some environments put in place of standard error: something with `write`."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.mark.parametrize("stream", [None, Plain(), object(), io.StringIO()], ids=["none", "plain", "object", "text"])
def test_progress_wherever_standard_error_leads(stream, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.Progress("extracting", 2) as bar:
        bar.advance("a")
        bar.say("skipped: caf\udce9")
    with weights._progress("file", 10) as advance, weights._waiting("file", 10):
        advance(10)
    assert capsys.readouterr().out == ""
    if isinstance(stream, Plain):
        assert "extracting: 1 of 2" in stream.text


@pytest.mark.skipif(os.name == "nt" or not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("line", "code", "lines"),
    [
        ("recipes | head -1", 0, 0),
        ("--help > /dev/full", 1, 1),
        ("recipes >&- 2>&- <&-", 0, 0),
        ("sing > /dev/full 2> /dev/full", 2, 0),
    ],
)
def test_in_a_shell(line, code, lines):
    command = f'set -o pipefail; "{sys.executable}" -m seehear {line}'
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (code, lines), done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a folder in use can't be removed there")
def test_a_current_folder_that_was_deleted(tmp_path, monkeypatch, capsys):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(SystemExit) as left:
        main(["recipes"])
    assert left.value.code == 1
    assert "the current folder does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "some/folder"), "seehear: some/folder: Permission denied\n"),
        (OSError(5, "Input/output error"), "seehear: input or output: Input/output error\n"),
        (UnicodeEncodeError("ascii", "é.csv", 0, 1, "ordinal not in range"), "PYTHONUTF8=1"),
        (MemoryError(), "out of memory"),
        (KeyboardInterrupt(), "rerun the same command to resume"),
    ],
)
def test_what_a_machine_can_do_to_any_command(error, said, monkeypatch, capsys):
    from seehear.cli import recipes

    def fail():
        raise error

    monkeypatch.setattr(recipes, "recipes", fail)
    with pytest.raises(SystemExit) as left:
        main(["recipes"])
    assert left.value.code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    answer = capsys.readouterr()
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1


def test_no_home(monkeypatch, tmp_path):
    for name in ("SEEHEAR_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a number without a user
    with pytest.raises(SeehearError, match="set SEEHEAR_CACHE to a folder"):
        weights.cache_folder()
    monkeypatch.setenv("SEEHEAR_CACHE", "~nobody-here/weights")
    assert weights.cache_folder() == Path("~nobody-here/weights")


# Folders of clips


def touch(folder: Path, *files: str) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def linked(link: Path, target: Path | str) -> None:
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no links on this system")


def test_every_suffix_of_media_is_found_and_nothing_else(tmp_path):
    touch(tmp_path, *(f"clip{n}{suffix.upper()}" for n, suffix in enumerate(sorted(SUFFIXES))))
    touch(tmp_path, "thumb.jpg", "thumb.PNG", "notes.txt", "table.csv", "page.html", "x.srt", "x.json")
    found = find_clips(tmp_path)
    assert {file.suffix.lower() for file in found.values()} == SUFFIXES
    assert not found.problems
    wanted = ".vob .mxf .asf .gif .webp .h264 .apng .y4m .dv .rm .f4v .divx"
    assert set(wanted.split()) <= VIDEO_SUFFIXES
    assert set([".oga", ".mka", ".amr", ".ac3", ".caf", ".wv", ".tta", ".mpc", ".au", ".w64"]) <= AUDIO_SUFFIXES
    assert not SUFFIXES & searching.BESIDE_CLIPS
    assert not VIDEO_SUFFIXES & AUDIO_SUFFIXES


def test_what_a_search_passes_over_is_counted(tmp_path):
    touch(tmp_path, "a.mp4", "b.xyz", "c.XYZ", "LICENSE", "d.jpg", ".hidden.xyz", ".git/e.mp4")
    found = find_clips(tmp_path)
    assert list(found) == ["a"]
    (note,) = found.notes
    assert "passed over 3 files" in note
    assert "2 .xyz, 1 without a suffix" in note
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(SeehearError, match=r"no media files in this folder.*2 \.xyz"):
        find_clips(tmp_path)


def test_links_are_followed_without_end(tmp_path):
    place, far = tmp_path / "clips", tmp_path / "far"
    touch(place, "a.mp4", "sub/deep/b.mp4")
    touch(far, "c.mp4", "more/d.wav")
    linked(place / "away", far)
    linked(place / "again", far / "more")
    linked(place / "sub/up", "..")
    linked(place / "sub/top", tmp_path)
    linked(far / "back", place)
    linked(place / "e.mp4", far / "c.mp4")  # a clip under another name
    linked(place / "B.mp4", place / "sub/deep/b.mp4")
    found = find_clips(place)
    assert set(found) == {"a", "b", "c", "d", "e", "B"}
    assert found["b"] == place / "sub/deep/b.mp4"  # by its own path, not through a link
    assert "differ in the case" in found.notes[0]


def test_links_that_lead_nowhere_and_what_is_no_file(tmp_path):
    touch(tmp_path, "a.mp4")
    linked(tmp_path / "broken.mp4", "nowhere")
    linked(tmp_path / "folder", "nowhere")
    linked(tmp_path / "self", "self")
    linked(tmp_path / "notes.txt", "nowhere")
    os.mkfifo(tmp_path / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket.mp4"))
        found = find_clips(tmp_path)
    assert list(found) == ["a"]
    assert {Path(path).name for path in found.unusable} == {"broken.mp4", "folder", "self", "pipe.wav", "socket.mp4"}
    for name in ("pipe.wav", "broken.mp4", "self", "/dev/null"):
        with pytest.raises(SeehearError, match=r"device|exist|Too many"):
            find_clips(tmp_path / name)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="every folder can be read")
def test_a_folder_that_cannot_be_read(tmp_path):
    touch(tmp_path, "a.mp4", "locked/b.mp4")
    (tmp_path / "locked").chmod(0)
    found = find_clips(tmp_path)
    (tmp_path / "locked").chmod(0o700)
    assert list(found) == ["a"]
    assert "can't be searched" in found.unusable[str(tmp_path / "locked")]


def test_a_folder_that_fails_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "a.mp4", "locked/b.mp4")
    real = Path.iterdir

    def iterdir(folder):
        if folder.name == "locked":
            raise PermissionError(13, "Permission denied", str(folder))
        return real(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    found = find_clips(tmp_path)
    assert list(found) == ["a"]
    assert found.unusable == {str(tmp_path / "locked"): f"{tmp_path / 'locked'}: can't be searched (Permission denied)"}


GIF = b"GIF89a" + b"\x21\xf9\x04\x00\x00\x00\x00\x00,"
WEBP = b"RIFF\x00\x00\x00\x00WEBP"


def test_pictures_that_do_not_move_are_no_clips(tmp_path):
    contents = {
        "still.gif": GIF,
        "film.gif": GIF * 2,
        "lossy.webp": WEBP + b"VP8 " + bytes(9),
        "lossless.webp": WEBP + b"VP8L" + bytes(9),
        "plain.webp": WEBP + b"VP8X" + bytes(9),
        "moving.webp": WEBP + b"VP8X" + bytes(4) + b"\x02" + bytes(9),
        "thumb.webp": WEBP + b"VP8X" + bytes(4) + b"\x02" + bytes(9),
        "thumb.mkv": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert {file.name for file in find_clips(tmp_path).values()} == {"film.gif", "moving.webp", "thumb.mkv"}
    assert set(find_clips(tmp_path / "still.gif")) == {"still"}  # what is named is used


def test_patterns_and_tildes_that_no_shell_expanded(tmp_path, monkeypatch):
    touch(tmp_path, "a.mp4", "b.mp4", "c[1].mp4", "deep/d.mp4")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert set(find_clips(str(tmp_path / "?.mp4"))) == {"a", "b"}
    assert set(find_clips(str(tmp_path / "**/d.mp4"))) == {"d"}
    assert set(find_clips(tmp_path / "c[1].mp4")) == {"c[1]"}
    assert set(find_clips("~/a.mp4")) == {"a"}
    assert set(find_clips(f"{tmp_path}{os.sep}")) == {"a", "b", "c[1]", "d"}
    with pytest.raises(SeehearError, match="is named like this"):
        find_clips(str(tmp_path / "*.nix"))


@pytest.mark.parametrize(
    "pair", [("A.mp4", "a.mp4"), ("\u00c9cole.mp4", "e\u0301cole.mp4"), ("STRASSE.wav", "straße.wav")]
)
def test_clips_that_some_systems_take_for_one(tmp_path, monkeypatch, pair):
    touch(tmp_path, f"one/{pair[0]}", f"two/{pair[1]}")
    (note,) = find_clips(tmp_path).notes
    assert all(str(tmp_path / folder) in note for folder in ("one", "two"))
    monkeypatch.setattr(searching, "CASELESS", True)
    with pytest.raises(SeehearError, match="would overwrite the other"):
        find_clips(tmp_path)


@pytest.mark.parametrize("name", ["con", "NUL", "aux.2024", "COM1", "a:b", "what?", "a*", "trailing.", "trailing "])
def test_names_that_windows_takes_for_something_else(name, monkeypatch):
    assert names.valid_clip_name(name) == name
    monkeypatch.setattr(names, "WINDOWS", True)
    with pytest.raises(SeehearError, match="rename it"):
        names.valid_clip_name(name)
    assert names.valid_clip_name("console") == "console"
    with pytest.raises(SeehearError, match="device"):
        names.valid_modality_name("aux")


@pytest.mark.skipif(os.name == "nt", reason="simulates what came from there")
def test_parsed_clips_from_windows(tmp_path):
    touch(tmp_path, "clips/a.mp4")
    (tmp_path / "parsed").mkdir()
    find = parsed_folder._media_file
    assert find("..\\clips\\a.mp4", tmp_path / "parsed") == str(tmp_path / "clips/a.mp4")
    assert find("../clips/a.mp4", tmp_path / "parsed") == str(tmp_path / "clips/a.mp4")
    assert find("D:/clips/a.mp4", tmp_path / "parsed") == "D:/clips/a.mp4"
    assert find("\\\\server\\share\\a.mp4", tmp_path / "parsed") == "\\\\server\\share\\a.mp4"
