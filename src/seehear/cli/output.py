"""What a command prints, on any machine: in any encoding and width, to a terminal, a file, or a pipe that closes early.

The work of a command is done when its result is printed. So nothing that happens to the output may hide the result:
signs that the output can't encode are written in ASCII, and a failed write is reported with the exit code 1.
"""

from __future__ import annotations

import codecs
import errno
import io
import json
import logging
import os
import shutil
import sys
from contextlib import suppress
from typing import Any

from rich.console import Console

from seehear.errors import SeehearError

MIN_WIDTH, MAX_WIDTH = 20, 200  # columns of help texts; with fewer, rich never ends breaking their lines
READABLE = "seehear.readable"  # how streams encode what they can't, see `_readable`
# Signs that seehear itself prints. Others, as in names of files, are escaped, so that no two become one.
SIGNS = {
    "×": "x", "…": "...", "τ": "tau", "·": ".", "−": "-", "α": "alpha", "λ": "lambda", "–": "-", "²": "^2", "β": "beta",
    "≤": "<=", "≥": ">=", "→": "->", "±": "+-", "σ": "sigma", "’": "'",
}  # fmt: skip


def prepare() -> None:
    """Let standard output and standard error take any text, and give help texts a width in which they can be set."""
    for number in range(3):  # else the next file that is opened takes the number, and what libraries print
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    codecs.register_error(READABLE, _readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not in a notebook
            with suppress(OSError, ValueError):  # closed already
                stream.reconfigure(errors=READABLE)
    # It warns of each home folder that can't be written, where it works as well, a second slower.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    columns = shutil.get_terminal_size().columns
    if "COLUMNS" in os.environ or columns < MIN_WIDTH:
        os.environ["COLUMNS"] = str(min(max(columns, MIN_WIDTH), MAX_WIDTH))


def consoles() -> tuple[Console, Console]:
    """Return the consoles on which cyclopts prints help texts, and wrong usage."""
    return _Console(), _Console(stderr=True)


def show(text: str) -> str:
    """Print text on standard output. Return why it can't be printed; an empty string if it is or nobody reads it."""
    if sys.stdout is None:  # closed, as by `>&-`
        return ""
    try:
        print(text, flush=True)
    except (OSError, ValueError) as error:
        discard(sys.stdout)
        return "" if _has_closed(error) else _reason(error)
    return ""


def show_line(text: str) -> bool:
    """Print a line on standard output at once. Return whether somebody reads it.

    Raises:
        SeehearError: If it can't be printed.
    """
    if sys.stdout is None:
        return False
    try:
        print(text, flush=True)
    except (OSError, ValueError) as error:
        discard(sys.stdout)
        if not _has_closed(error):
            raise SeehearError(f"a line can't be printed ({_reason(error)})") from None
        return False
    return True


def as_json(value: Any) -> str:
    """Return a value as JSON that standard output can encode: in ASCII where it can't encode the texts themselves."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # also half of a pair of surrogates, from the name of a file that is not in UTF-8
        return json.dumps(value, indent=1)
    return text


def discard(stream: Any) -> None:
    """Lead a stream that can't be written to nowhere: else Python writes the rest, and fails, when it ends."""
    with suppress(OSError, ValueError, AttributeError):  # no file behind it
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def settle() -> None:
    """Write what is left of standard output, or discard it."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        discard(sys.stdout)


class _Console(Console):
    """A console whose reader may close."""

    def print(self, *objects: Any, **options: Any) -> None:
        try:
            super().print(*objects, **options)
        except (OSError, ValueError):
            if not self.stderr:
                raise
            discard(self.file)  # the exit code still tells what happened

    def on_broken_pipe(self) -> None:
        """Print nothing more. Rich itself would end the program with exit code 1."""
        self.quiet = True
        discard(self.file)


def _has_closed(error: Exception) -> bool:
    """Return whether the reader of a pipe has closed it, as `head` does."""
    closed = isinstance(error, BrokenPipeError)
    return closed or (os.name == "nt" and isinstance(error, OSError) and error.errno == errno.EINVAL)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _readable(error: UnicodeError) -> tuple[str, int]:
    """Encode signs that an encoding lacks: seehear's own as they are written in ASCII, others with a backslash."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    known = (SIGNS.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in signs)
    return "".join(known), error.end
