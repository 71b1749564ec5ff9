"""Files are whole or absent."""

import errno
import os
import subprocess
import sys

import pytest

from seehear.errors import SeehearError
from seehear.files import DiskFullError, atomic, atomic_json, read_json, sweep


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
        ".DEAD-0123ABCD",
        ".DEAD-0123abcd.tar.gz",
        ".DEAD-0123abcde",
        "DEAD-0123abcd.json",
        ".0-0123abcd",
        ".20240131-0123abcd.txt",
    ],
)
def test_hidden_files_of_the_user_are_not_swept(tmp_path, dead_pid, name):
    file = tmp_path / name.replace("DEAD", str(dead_pid))
    file.write_text("mine")
    sweep(tmp_path)
    assert file.read_text() == "mine"


def test_a_folder_or_a_link_is_not_swept(tmp_path, dead_pid):
    (tmp_path / ".a-b").mkdir()
    (tmp_path / f".{dead_pid}-0123abcd").mkdir()
    (tmp_path / f".{dead_pid}-0123abce").symlink_to(tmp_path / ".a-b")
    before = sorted(tmp_path.iterdir())
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("suffix", ["", ".json", ".safetensors"])
def test_temporaries_are_swept_once_their_process_has_ended(tmp_path, dead_pid, suffix):
    left = tmp_path / f".{dead_pid}-0123abcd{suffix}"
    left.write_text("half")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        written = tmp_path / f".{other.pid}-0123abcd{suffix}"
        written.write_text("half")
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [written]
        other.communicate(b"\n")
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_this_process_is_writing_is_not_swept(tmp_path):
    with atomic(tmp_path / "f.json") as temporary:
        temporary.write_text("whole")
        sweep(tmp_path)
    assert (tmp_path / "f.json").read_text() == "whole"
    (tmp_path / f".{os.getpid()}-0123abcd").write_text("half")  # of an earlier process of the same number
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
