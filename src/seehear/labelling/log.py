"""The log of changes, one line of JSON each: OUT/changes.jsonl. A change is saved once its line is on the disk.

A process that is killed while it writes leaves a line without its end. Nobody was told that it is saved, and the next
writer removes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from seehear.errors import SeehearError
from seehear.files import explained, flush_folder
from seehear.labelling.records import Change
from seehear.texts import parse_json

FILE = "changes.jsonl"
MAX_LINE = 1 << 20  # bytes of a change: thousands of events
MAX_LOG = 1 << 30  # bytes of the log


class Log:
    """The changes in a file, read as far as other processes have written them."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self.path = path
        self._offset = 0  # bytes that were read, whole lines
        self._lines = 0

    def read(self) -> Iterator[Change]:
        """Yield the changes that were not read before.

        Raises:
            SeehearError: If the file can't be read, became shorter, or a line is no change, naming it.
        """
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size < self._offset:
            raise SeehearError(f"{self.path}: became shorter while it was open: restore it, and start again")
        if size > MAX_LOG:
            raise SeehearError(f"{self.path}: is larger than {MAX_LOG >> 20} MiB: begin a new folder with its tables")
        if size == self._offset:
            return
        with self.path.open("rb") as stream:
            stream.seek(self._offset)
            while (line := stream.readline(MAX_LINE + 1)).endswith(b"\n"):
                where = f"{self.path}:{self._lines + 1}"
                if line.strip():
                    yield _change(line, where)
                self._offset += len(line)
                self._lines += 1
        if len(line) > MAX_LINE:
            raise SeehearError(f"{self.path}:{self._lines + 1}: is longer than {MAX_LINE} bytes: delete the line")

    def append(self, change: Change) -> None:
        """Write a change and wait until it is on the disk. Every line must have been read, and the folder locked.

        Raises:
            SeehearError: If the change is too long, the disk is full, or the file can't be written.
        """
        line = json.dumps(change.as_json(), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if len(line) > MAX_LINE:
            raise SeehearError(f"{self.path}: a change of {len(line)} bytes is too long; nothing was saved")
        is_new = not self.path.exists()
        with explained(self.path):
            opened = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o666)
            try:
                os.ftruncate(opened, self._offset)  # what a killed process left
                os.lseek(opened, self._offset, os.SEEK_SET)
                _write_all(opened, line)
                os.fsync(opened)
            except BaseException:
                os.ftruncate(opened, self._offset)
                raise
            finally:
                os.close(opened)
        if is_new:
            flush_folder(self.path.parent)


def _write_all(opened: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(opened, view) :]


def _change(line: bytes, where: str) -> Change:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise SeehearError(f"{where}: is not in UTF-8: correct the line, or delete it") from None
    return Change.from_json(parse_json(text, where, "correct the line, or delete it"), where)
