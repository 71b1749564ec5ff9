"""The cells of label tables, as people and spreadsheets write them: separators, quotes, headers and times."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from seehear.labels.defects import DefectKind
from seehear.names import plain
from seehear.results import counted

SEPARATORS = {"\t": "tabs", ";": "semicolons", ",": "commas"}  # of columns
QUOTE = '"'
LONGEST_TIME = 1e6  # seconds, over eleven days: a larger number is no time in a clip
MAX_SHOWN = 80  # characters of a cell that a message shows

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_SEPARATOR_LINE = re.compile(r'\s*"?sep=.?"?[;,\s]*', re.IGNORECASE)  # Excel's, above the header
# Words in the names of columns that hold times, under the names that they should have.
_TIME_WORDS = {
    "onset": re.compile(r"onset|start|begin(?:ning)?|from|tmin|xmin|t0"),
    "offset": re.compile(r"offset|end|stop|until|^to$|tmax|xmax|t1"),
    "duration": re.compile(r"duration|dur|length"),
}
_TIME_UNITS = r"|ed|s|t|times?|timestamps?|secs?|seconds?|ms|msecs?|milliseconds?|frames?|event|label|segment"
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:[.,]\d{1,9})?)", re.ASCII)


class CellError(ValueError):
    """A line of a table can't be split into cells. `kind` says why."""

    def __init__(self, kind: DefectKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Header:
    """The first line of a table.

    Attributes:
        columns: Their names, in lower case, as `event_labels`.
        separator: What stands between them.
        line: Its line in the file, from 1.
    """

    columns: tuple[str, ...]
    separator: str
    line: int = 1

    @staticmethod
    def read(lines: Sequence[str], known: Collection[str]) -> Header:
        """Read a header. The separator is the one that makes most of its columns known ones, then most columns.

        Args:
            lines: Of the table, at least two where there are so many: `sep=;` may stand above the header.
            known: Names of columns.
        """
        at = 1 if len(lines) > 1 and _SEPARATOR_LINE.fullmatch(lines[0]) else 0
        headers = [Header(_columns(_split(lines[at], each, strict=False)), each, at + 1) for each in SEPARATORS]
        return max(headers, key=lambda header: (len(set(known).intersection(header.columns)), len(header.columns)))

    @property
    def repeated(self) -> list[str]:
        """The names that several columns have."""
        return sorted({name for name in self.columns if name and self.columns.count(name) > 1})

    def lacking(self, needed: Iterable[str]) -> str:
        """Return which of the needed columns are missing, and what there is instead; nothing if they are there."""
        missing = [name for name in needed if name not in self.columns]
        if not missing:
            return ""
        found = ", ".join(shown(name) for name in self.columns if name) or "no column"
        return f"the header lacks {', '.join(missing)} and holds {found}{self.time_hint()}"

    def times(self) -> dict[str, str]:
        """Return the columns that hold times by their names -> onset, offset or duration."""
        return {name: meaning for name in self.columns if (meaning := _time_meaning(name))}

    def time_hint(self) -> str:
        """Return what to call the columns with times, for a message; nothing if they are called so."""
        times = self.times()
        names = [f"{shown(name)} {of}" for name, of in times.items() if of not in ("duration", *self.columns)]
        hint = f": call {' and '.join(names)}, in seconds" if names else ""
        if "duration" in times.values() and "offset" not in times.values():
            hint += "; write the offset, which is the onset plus the duration"
        return hint

    def cells(self, line: str) -> list[str]:
        """Return the cells of a line, without quotes and spaces around them, and without empty ones too many.

        Raises:
            CellError: If a quote is not closed on the line, or there are more or fewer cells than columns.
        """
        return self.fitted([cell.strip() for cell in _split(line, self.separator)])

    def rows(self, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Yield the lines below the header that have content, each with its number in the file."""
        empty = {"", f"{QUOTE}{QUOTE}"}
        for number, line in enumerate(lines[self.line :], start=self.line + 1):
            if line[:1].isalnum() or not {cell.strip() for cell in line.split(self.separator)} <= empty:
                yield number, line

    def fitted(self, cells: list[str]) -> list[str]:
        """Return the cells without empty ones past the last column, which spreadsheets add.

        Raises:
            CellError: If there are more or fewer cells than columns.
        """
        count = len(self.columns)
        if len(cells) > count and not any(map(str.strip, cells[count:])):
            return cells[:count]
        if len(cells) != count:
            hint = ""
            if self.separator == "," and len(cells) > count:
                hint = "; a cell that holds commas must stand in quotes"
            if len(cells) == 1 and count > 1:
                hint = f"; after them, an empty cell may stand as {QUOTE}{QUOTE}, as that of a clip without a class"
            message = f"{counted(len(cells), 'field')} where the header has {count}; "
            message += f"fields are separated by {SEPARATORS[self.separator]}{hint}"
            raise CellError(DefectKind.FIELD_COUNT, message)
        return cells


def _columns(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns as seehear writes them, `event_labels` for ` Event Labels`; none for empty ones."""
    names = ["_".join(plain(cell).casefold().split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _time_meaning(column: str) -> str:
    """Return whether a column holds onset, offset or duration by its name, as `start_time` or `end (s)`; else ''."""
    for meaning, word in _TIME_WORDS.items():
        rest, found = word.subn("_", column)
        if found == 1 and all(re.fullmatch(_TIME_UNITS, part) for part in re.split(r"[\W_]+", rest)):
            return meaning
    return ""


def classes_in(cell: str) -> list[str]:
    """Return the classes in a cell, which commas separate; empty texts where there is nothing between them.

    Raises:
        CellError: If quotes in the cell hold a class that has a comma itself, which no table can hold.
    """
    names = [name.strip() for name in cell.split(",")]
    if len(names) > 1 and QUOTE in cell and any(name.count(QUOTE) % 2 for name in names):
        message = f"{shown(cell)} has a class with a comma within quotes; commas separate classes, so rename it"
        raise CellError(DefectKind.INVALID_CLASS, message)
    return names


def quoted(cell: str) -> str:
    """Return the cell as it is written in a line: in quotes if it begins with one."""
    return f'"{cell.replace(QUOTE, QUOTE * 2)}"' if cell.startswith(QUOTE) else cell


def shown(cell: str) -> str:
    """Return a cell for a message, in quotes and cut off if it is long."""
    return repr(cell) if len(cell) <= MAX_SHOWN else f"{cell[:MAX_SHOWN]!r}… ({len(cell)} characters)"


def seconds(cell: str) -> float:
    """Return a number of seconds from the clip's start.

    Raises:
        ValueError: Saying what is wrong with it, and what to write instead.
    """
    text = cell.strip()
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{shown(cell)} is not a number of seconds{_instead(text)}")
    value = float(text)
    if value < 0:
        raise ValueError(f"{shown(cell)} is before the clip's start")
    if value > LONGEST_TIME:
        raise ValueError(f"{shown(cell)} is more than {LONGEST_TIME:.0f} s; is it in milliseconds or frames?")
    return value + 0.0  # no -0


def _instead(text: str) -> str:
    """Return what to write instead of a time in another form, for a message."""
    if _DECIMAL_COMMA.fullmatch(text):
        return f": write {text.replace(',', '.')}, with a point"
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, rest = clock.groups()
        total = int(hours or 0) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))
        return f": if it is {'hours:' if hours else ''}minutes:seconds, write {total:g}"
    return ""


def _split(line: str, separator: str, *, strict: bool = True) -> list[str]:
    """Return the cells of one line. Quotes count at the start of a cell, and doubled within, as in CSV (RFC 4180)."""
    if QUOTE not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True, strict=strict))
    except csv.Error as error:
        message = f"a cell can't be read ({error}): write it on one line, a quote in it doubled, nothing after the last"
        raise CellError(DefectKind.QUOTES, message) from None
