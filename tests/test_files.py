"""Files are whole or absent."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seehear import files
from seehear.errors import SeehearError
from seehear.files import ABANDONED, DiskFullError, _host, atomic, atomic_bytes, atomic_json, check_folder, claim, sweep
from seehear.texts import read_json

ELSEWHERE = "0" * 8  # another host, or container


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail_half_way() -> None:
        with atomic(path) as part:
            part.write_bytes(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_made_and_the_suffix_is_kept(tmp_path):
    with atomic(tmp_path / "a" / "b.npy") as part:
        assert part.suffix == ".npy"  # numpy and safetensors go by it
        part.write_bytes(b"x")
    assert (tmp_path / "a" / "b.npy").read_bytes() == b"x"


def test_a_full_disk_is_named(tmp_path):
    def fill() -> None:
        with atomic(tmp_path / "f"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFullError, match="make room"):
        fill()


def test_half_written_files_are_swept_and_no_others(tmp_path):
    with atomic(tmp_path / "f.json") as temporary:
        temporary.write_text("half")
        left = temporary.name
    (tmp_path / left).write_text("half")
    (tmp_path / ".hidden").write_text("whole")
    sweep(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".hidden", "f.json"]


@pytest.fixture
def dead_pid():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


@pytest.mark.parametrize(
    "name",
    [
        ".pre-commit-config.yaml",
        ".env-local",
        ".DEAD-notes.txt",
        ".DEAD-0123abcd",
        ".DEAD-HOST-0123ABCD",
        ".DEAD-HOST-0123abcd.tar.gz",
        ".DEAD-HOST-0123abcde",
        "DEAD-HOST-0123abcd.json",
        ".0-HOST-0123abcd",
        ".20240131-HOST-0123abcd.txt",
    ],
)
def test_hidden_files_of_the_user_are_not_swept(tmp_path, dead_pid, name):
    file = tmp_path / name.replace("DEAD", str(dead_pid)).replace("HOST", _host())
    file.write_text("mine")
    os.utime(file, (0, 0))
    sweep(tmp_path)
    assert file.read_text() == "mine"


def test_a_folder_or_a_link_is_not_swept(tmp_path, dead_pid):
    (tmp_path / ".a-b").mkdir()
    (tmp_path / f".{dead_pid}-{_host()}-0123abcd").mkdir()
    (tmp_path / f".{dead_pid}-{_host()}-0123abce").symlink_to(tmp_path / ".a-b")
    before = sorted(tmp_path.iterdir())
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("suffix", ["", ".json", ".safetensors"])
def test_temporaries_are_swept_once_their_process_has_ended(tmp_path, dead_pid, suffix):
    left = tmp_path / f".{dead_pid}-{_host()}-0123abcd{suffix}"
    left.write_text("half")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        written = tmp_path / f".{other.pid}-{_host()}-0123abcd{suffix}"
        written.write_text("half")
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [written]
        other.communicate(b"\n")
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_temporaries_of_another_host_are_swept_once_they_are_abandoned(tmp_path, dead_pid, monkeypatch):
    left = tmp_path / f".{dead_pid}-{ELSEWHERE}-0123abcd.json"
    left.write_text("half")
    sweep(tmp_path)
    assert left.exists()  # whether that process runs can't be known
    monkeypatch.setattr("seehear.files.ABANDONED", -1.0)
    with atomic(tmp_path / "f.json") as own:
        own.write_text("whole")
        sweep(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["f.json"]
    assert ABANDONED > 3600


def test_the_first_write_into_a_folder_sweeps_it(tmp_path, dead_pid):
    (tmp_path / f".{dead_pid}-{_host()}-0123abcd.json").write_text("half")
    atomic_bytes(tmp_path / "f", b"whole")
    assert [file.name for file in tmp_path.iterdir()] == ["f"]


def test_a_temporary_file_may_lie_in_another_folder(tmp_path):
    with pytest.raises(SeehearError, match="can't be written"), atomic(tmp_path / "a/b/f", through=tmp_path / "a"):
        pass
    assert not (tmp_path / "a").exists()  # it may be unmounted: it is not made
    (tmp_path / "a").mkdir()
    with atomic(tmp_path / "a" / "b" / "f", through=tmp_path / "a") as temporary:
        assert temporary.parent == tmp_path / "a"
        temporary.write_text("whole")
    assert (tmp_path / "a" / "b" / "f").read_text() == "whole"


@pytest.mark.parametrize("durable", [True, False])
def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch, durable):
    steps = []
    replace = os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: steps.append("flush"))
    monkeypatch.setattr(os, "replace", lambda *paths: (steps.append("rename"), replace(*paths)))
    atomic_bytes(tmp_path / "f", b"whole", durable=durable)
    assert steps == ["flush", "rename"][not durable :]


def test_the_first_claim_of_a_file_wins(tmp_path, monkeypatch):
    marker = tmp_path / "new" / "marker.json"
    assert claim(marker, {"a": 1}) == {"a": 1}
    assert claim(marker, {"a": 2}) == {"a": 1}
    monkeypatch.setattr(Path, "exists", lambda path: False)  # another process wrote it just now
    assert claim(marker, {"a": 3}) == {"a": 1}
    assert [file.name for file in marker.parent.iterdir()] == ["marker.json"]


def test_a_claim_without_hard_links(tmp_path, monkeypatch):
    def refuse(*paths: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert claim(tmp_path / "marker.json", {"a": 1}) == {"a": 1}
    assert claim(tmp_path / "marker.json", {"a": 2}) == {"a": 1}


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EROFS, errno.EFBIG, errno.EACCES])
def test_a_place_that_is_lost_is_named(tmp_path, number):
    with pytest.raises(SeehearError, match=r"/f: can't be written \("), atomic(tmp_path / "f"):
        raise OSError(number, os.strerror(number))


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for path in (file, file / "a", file / "a" / "b"):
        with pytest.raises(SeehearError, match=f"{file}: is a file, not a folder"):
            check_folder(path)
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "folder")


def test_a_file_that_this_process_is_writing_is_not_swept(tmp_path):
    with atomic(tmp_path / "f.json") as temporary:
        temporary.write_text("whole")
        sweep(tmp_path)
    assert (tmp_path / "f.json").read_text() == "whole"
    (tmp_path / f".{os.getpid()}-{_host()}-0123abcd").write_text("half")  # of an earlier process of the same number
    sweep(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["f.json"]


def test_json_goes_round(tmp_path):
    value = {"a": [1, 2.5, None], "ü": "–"}
    atomic_json(tmp_path / "v.json", value)
    assert read_json(tmp_path / "v.json") == value


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_what_is_no_json_is_named(tmp_path, content):
    path = tmp_path / "v.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SeehearError, match=r"v\.json"):
        read_json(path)


def test_a_folder_that_is_away_is_waited_for(tmp_path, monkeypatch):
    pauses, marker = [], tmp_path / "store/marker"

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            marker.parent.mkdir()
            marker.touch()

    monkeypatch.setattr(files.time, "sleep", sleep)
    tries = []

    def write():
        tries.append(marker.exists())
        if len(tries) == 1:  # it vanishes meanwhile
            marker.unlink()
            marker.parent.rmdir()
            pauses.clear()
            raise SeehearError("no such folder")
        return "written"

    assert files.while_there(marker, write) == "written"
    assert tries == [True, True]
    assert tuple(pauses) == files.AWAY_PAUSES[:3]


def test_a_folder_that_is_away_in_the_middle_of_a_write_keeps_nothing_of_it(tmp_path):
    store, away = tmp_path / "store", tmp_path / "away"
    atomic_bytes(store / "earlier", b"earlier")

    def write_while_it_goes() -> None:
        with atomic(store / "file", through=store) as part:
            part.write_bytes(b"half")
            store.rename(away)

    with pytest.raises(SeehearError, match="can't be written"):
        write_while_it_goes()
    away.rename(store)
    atomic_bytes(store / "file", b"whole", through=store)
    assert sorted(file.name for file in store.iterdir()) == ["earlier", "file"]


def test_a_folder_that_stays_away(tmp_path, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(files.time, "sleep", pauses.append)
    with pytest.raises(SeehearError, match="was deleted or unmounted meanwhile"):
        files.while_there(tmp_path / "store/marker", lambda: pytest.fail("it is not there"))
    assert 30 <= sum(pauses) < 35
    (tmp_path / "marker").touch()
    with pytest.raises(SeehearError, match="another reason"):
        files.while_there(tmp_path / "marker", raised)


def raised():
    raise SeehearError("another reason")
