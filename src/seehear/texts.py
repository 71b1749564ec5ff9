"""Text files and JSON, read within bounds: a file may be of another kind, cut off, or made to do harm."""

from __future__ import annotations

import codecs
import json
import os
import re
from pathlib import Path
from typing import IO, Any

from seehear.errors import SeehearError

LINE_END = re.compile(r"\r\n|\r|\n")
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
HEAD = 1 << 16  # bytes that show whether a file is text
PIECE = 1 << 20  # bytes that are read at once
MAX_TEXT, MAX_JSON = 1 << 30, 1 << 28  # bytes of a file that is read as a whole
MAX_NESTING = 60  # lists and objects in each other in JSON; seehear writes fewer than ten
MAX_DIGITS = 20  # of an integer in JSON: 64 bits with a sign
# Of something elsewhere. A pathlib.Path keeps one of two slashes; a drive of Windows has one letter.
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/+[^/]")
USER = re.compile(r"(?<=:/)(/?)[^/@\s?#]*@")  # `user:password@` in an address
SECRET = re.compile(r"(?<=:/)(/?)(?!\[)[^/@\s?#:]*:(?!\d+(?:[/?#\s]|$))\S*@")  # the same, with signs such as /
# From ? or # on; the names of objects in storage may have such signs.
QUERY = re.compile(r"((?<![\w+.-])(?!(?:s3|gs|memory):)[A-Za-z][\w+.-]+:/[^\s?#]*)[?#]\S*?(?=:?(?:\s|$))")
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # a surrogate, of which two make a character


def read_text(path: Path, most: int = MAX_TEXT, kind: str = "text", *, wide: bool = True, remedy: str = "") -> str:
    """Return a text file's content, line ends as they are: UTF-8, or UTF-16 as spreadsheets save "Unicode text".

    Args:
        path: The file.
        most: Bytes that it may have.
        kind: Of the file, for the message.
        wide: Whether it may be in UTF-16.
        remedy: What to do about a file that is no text, for the message; by default to save it as such.

    Raises:
        SeehearError: If the file can't be read, is larger, or is no text in one of these encodings.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
            _decoded(path, head, kind, wide, remedy, whole=False)  # so that no film is read whole
            data = head + _up_to(stream, most + 1 - len(head))
        if len(data) > most:
            raise SeehearError(f"{path}: is larger than {most >> 20} MiB")
        return _decoded(path, data, kind, wide, remedy, whole=True)
    except FileNotFoundError:
        raise SeehearError(f"{without_credentials(str(path))}: {_absent(path)}") from None
    except IsADirectoryError:
        raise SeehearError(f"{path}: is a folder; name a file") from None
    except (OSError, ValueError) as error:  # a path with a NUL is no value
        raise SeehearError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None


def _up_to(stream: IO[bytes], most: int) -> bytes:
    """Return what is left of a file, at most so many bytes. `read` alone would make room for all of them at once."""
    pieces: list[bytes] = []
    while most > 0 and (piece := stream.read(min(most, PIECE))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _absent(path: Path) -> str:
    return "is elsewhere: copy it to this machine first" if is_url(path) else "no such file"


def is_url(value: object) -> bool:
    """Return whether a text or a path is the address of something elsewhere, such as `s3://bucket/key`."""
    return isinstance(value, str | os.PathLike) and ADDRESS.match(os.fspath(value)) is not None


def without_credentials(text: str) -> str:
    """Return a text without the user names, passwords and queries of the addresses in it: queries may be signed."""
    text = USER.sub(r"\1", SECRET.sub(r"\1", text))
    return QUERY.sub(r"\1", text)


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file, whether line feeds, carriage returns or both end them. Raises as `read_text`."""
    return LINE_END.split(read_text(path))


def _decoded(path: object, data: bytes, kind: str, wide: bool, remedy: str, *, whole: bool) -> str:
    """Return bytes as text. whole: whether a character may not be cut off at the end."""
    encoding = "utf-16" if wide and data.startswith(UTF_16) else "utf-8-sig"
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError as error:
        line = 1 if encoding == "utf-16" else len(LINE_END.split(data[: error.start].decode("utf-8", "ignore")))
        remedy = remedy or "if it is text, such as a table of a spreadsheet, save it again as UTF-8"
        raise SeehearError(
            f"{path}:{line}: not a {kind} file in UTF-8 ({error.reason} at byte {error.start}); {remedy}"
        ) from None
    if "\0" in LINE_END.split(text, maxsplit=1)[0]:
        remedy = remedy or f"give a {kind} file"
        raise SeehearError(f"{path}:1: not a {kind} file in UTF-8 (it begins with NUL bytes); {remedy}")
    return text


def read_json(path: Path, remedy: str = "") -> Any:
    """Return the JSON value in a file.

    Args:
        path: The file.
        remedy: What to do about a file that is no JSON, for the message.

    Raises:
        SeehearError: Naming the file, if it can't be read.
    """
    return parse_json(read_text(path, MAX_JSON, "JSON", wide=False, remedy=remedy), path, remedy)


def parse_json(text: str, where: object, remedy: str = "") -> Any:
    """Return the JSON value in a text.

    NaN and infinity are read as numbers, since older files have them; who needs a number checks it.

    Args:
        text: The text.
        where: Its place, for the message.
        remedy: What to do about a text that is no JSON, for the message.

    Raises:
        SeehearError: If it is no JSON, is nested too deeply, or holds integers of more than 64 bits or half characters.
    """
    advice = f"; {remedy}" if remedy else ""
    try:
        value = json.loads(text, parse_int=_integer)
        if _too_deep(value):
            raise RecursionError
        if HALF_CHARACTER.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise SeehearError(f"{where}: can't be read as JSON: {nesting_fault()}{advice}") from None
    except UnicodeEncodeError:
        raise SeehearError(f"{where}: can't be read as JSON: a text in it holds half of a character{advice}") from None
    except ValueError as error:
        problem = error if text.strip() else "the file is empty"
        raise SeehearError(f"{where}: can't be read as JSON: {problem}{advice}") from None
    return value


def json_of(data: bytes, where: object, remedy: str = "") -> Any:
    """Return the JSON value in the bytes of a file, which `where` names. Raises as `read_json`."""
    return parse_json(_decoded(where, data, "JSON", wide=False, remedy=remedy, whole=True), where, remedy)


def nesting_fault() -> str:
    """Say that a file is nested too deeply."""
    return f"it is nested more than {MAX_NESTING} levels deep"


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"it holds an integer of {len(digits)} digits")
    return int(digits)


def _too_deep(value: Any) -> bool:
    """Return whether lists and objects are nested deeper than MAX_NESTING."""
    level = [value]
    for _ in range(MAX_NESTING):
        inner = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
        if not level:
            return False
    return True
