"""One process at a time changes what several may change."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from seehear.errors import SeehearError
from seehear.locks import LOCK, locked

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")

ADD = """
import sys
from pathlib import Path
from seehear.locks import locked

file = Path(sys.argv[1])
for _ in range(50):
    with locked(file.parent):
        file.write_text(str(int(file.read_text()) + 1))
"""
HOLD = """
import sys
from pathlib import Path
from seehear.locks import locked

with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    input()
"""


def test_no_update_is_lost(tmp_path):
    file = tmp_path / "count"
    file.write_text("0")
    writers = [subprocess.Popen([sys.executable, "-c", ADD, file]) for _ in range(3)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    assert file.read_text() == "150"
    assert list(tmp_path.iterdir()) == [file]


def test_a_lock_ends_with_its_process(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"
    waits, entered = threading.Event(), threading.Event()

    def enter() -> None:
        with locked(tmp_path, waits.set):
            entered.set()

    thread = threading.Thread(target=enter)
    thread.start()
    assert waits.wait(60)
    assert not entered.is_set()
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert entered.wait(60)
    thread.join()
    assert not list(tmp_path.iterdir())


def test_a_file_of_the_name_of_the_lock_is_kept(tmp_path):
    (tmp_path / LOCK).write_text("mine")
    with locked(tmp_path):
        pass
    assert (tmp_path / LOCK).read_text() == "mine"


def test_a_folder_that_vanishes(tmp_path):
    import shutil

    with locked(tmp_path / "folder"):
        shutil.rmtree(tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_a_place_that_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SeehearError, match="file: can't be written"), locked(Path(tmp_path / "file")):
        pass
