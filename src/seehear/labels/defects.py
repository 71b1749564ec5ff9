"""What can be wrong in label tables and annotation files: each defect with its kind, file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from seehear.errors import SeehearError
from seehear.names import normal, spelling

MAX_LISTED = 20  # fatal defects that an error names one by one
SHORTEST_WORD = 3  # characters; one slip makes other names of shorter ones


class DefectKind(Enum):
    """A kind of defect: its name for one and for several, and whether it makes a table unusable."""

    HEADER = ("header without a needed column", "headers without a needed column", True)
    FIELD_COUNT = ("row with the wrong number of fields", "rows with the wrong number of fields", True)
    EMPTY_FILENAME = ("row without a filename", "rows without a filename", True)
    INVALID_NAME = ("row with a clip name that no file can have", "rows with a clip name that no file can have", True)
    NO_ROW = ("table without a row", "tables without a row", True)
    UNKNOWN_CLASS = ("class that is not in the list of classes", "classes that are not in the list of classes", True)
    CONTRADICTION = ("row that contradicts another", "rows that contradict another", True)
    INVALID_TIME = ("row with an invalid time", "rows with an invalid time", True)
    INVALID_CONFIDENCE = ("row with an invalid confidence", "rows with an invalid confidence", True)
    QUOTES = ("row with a quote that is not closed", "rows with a quote that is not closed", True)
    INVALID_CLASS = ("class that can't stand in a table", "classes that can't stand in a table", True)
    NO_CLASS = ("event without a class", "events without a class", True)
    UNREADABLE = ("line or annotation that can't be read", "lines or annotations that can't be read", True)
    EMPTY_LABEL = ("empty label between commas", "empty labels between commas", False)
    NO_LABEL = ("clip without a label", "clips without a label", False)
    REPEATED_LABEL = ("label that its clip lists twice", "labels that their clips list twice", False)
    FRACTIONAL_NAME = (
        "clip with a fractional time in its name",
        "clips with a fractional time in their names",
        False,
    )
    REPEATED_ROW = ("row that repeats another", "rows that repeat another", False)
    SEVERAL_CLASSES = ("event of several classes", "events of several classes", False)
    EMPTY_EVENT = ("event whose onset is not before its offset", "events whose onset is not before their offset", False)
    OVERLAP = ("event that overlaps another of its class", "events that overlap another of their class", False)
    CONTACT = ("event that touches another of its class", "events that touch another of their class", False)
    SHARED_CLIPS = ("table that shares clips with another", "tables that share clips with another", False)
    UNTRAINED_CLASS = ("class that no training clip has", "classes that no training clip has", False)
    LIKELY_MISSPELLING = (
        "class with a name close to another's",
        "classes with names close to others'",
        False,
    )
    JOINED_CLASSES = ("name of several classes without commas", "names of several classes without commas", True)
    LIKELY_JOINED = (
        "class that is perhaps several, without a comma between them",
        "classes that are perhaps several, without commas between them",
        False,
    )
    SPELLINGS = ("class that is also spelt in another way", "classes that are also spelt in another way", False)
    LIKELY_UNIT = (
        "table or event with times that are perhaps not in seconds",
        "tables or events with times that are perhaps not in seconds",
        False,
    )
    PAST_END = ("event that ends after its clip", "events that end after their clip", True)
    PART_PAST_FILE = ("clip that is a part which its file lacks", "clips that are parts which their files lack", True)
    ROUNDED_END = (
        "event that ends up to a second after its clip",
        "events that end up to a second after their clip",
        False,
    )
    CLIP_IN_NO_SPLIT = ("event of a clip that is in no split", "events of clips that are in no split", False)
    WEAK_DENSE_MISMATCH = (
        "clip whose weak labels are not those of its events",
        "clips whose weak labels are not those of their events",
        False,
    )
    STRAY_CLASS = (
        "label of a class that the data set does not have",
        "labels of classes that the data set does not have",
        False,
    )
    RENAMED_CLASS = (
        "class whose name has commas, which separate classes in tables",
        "classes whose names have commas, which separate classes in tables",
        False,
    )
    UNUSED_CLASS = ("class of the list that no clip has", "classes of the list that no clip has", False)
    SEVERAL_ROWS = ("clip with several rows", "clips with several rows", False)
    CUT_END = (
        "event that ends far after its clip and is cut",
        "events that end far after their clip and are cut",
        False,
    )
    WRONG_SPLIT = ("table of none of its split's clips", "tables of none of their split's clips", True)
    OTHER_SPLITS = ("table that names clips of other splits", "tables that name clips of other splits", False)
    FEW_CLIPS = (
        "table that lacks most labelled clips of its split",
        "tables that lack most labelled clips of their split",
        False,
    )
    NO_CLIP_FILE = ("label without a clip file", "labels without a clip file", False)
    NO_CLIP_FITS = (
        "table of whose clips none has a file",
        "tables of whose clips none has a file",
        True,
    )
    UNLABELLED_FILE = ("clip file without a label", "clip files without a label", False)

    def __init__(self, singular: str, plural: str, fatal: bool) -> None:
        self.singular = singular
        self.plural = plural
        self.fatal = fatal

    def __repr__(self) -> str:
        return f"DefectKind.{self.name}"

    @property
    def slug(self) -> str:
        """The name in JSON and data frames, as `weak-dense-mismatch`."""
        return self.name.lower().replace("_", "-")

    def counted(self, number: int) -> str:
        """Return the description for `number` defects of this kind, without the number."""
        return self.singular if number == 1 else self.plural


@dataclass(frozen=True)
class Defect:
    """Something wrong in a file. A fatal defect makes the file unusable; others are tolerated as the message says.

    Attributes:
        path: The file.
        line: In the file, from 1; 0 for the file as a whole.
        kind: What kind of defect it is.
        message: What is wrong, and how it is handled.
    """

    path: Path
    line: int
    kind: DefectKind
    message: str

    @property
    def fatal(self) -> bool:
        """Whether the file can't be used."""
        return self.kind.fatal

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {'error: ' if self.fatal else ''}{self.message}"


def lines_of(defects: Iterable[Defect]) -> list[str]:
    """Return a line per defect. Fatal ones of one file with the same message share a line, which names the first."""
    alike: dict[object, list[Defect]] = {}
    for defect in defects:
        shared = (defect.path, defect.kind, defect.message)
        alike.setdefault(shared if defect.fatal and defect.line else len(alike), []).append(defect)
    return [str(own[0]) if len(own) == 1 else f"{own[0]}; {_also(own[1:])}" for own in alike.values()]


def _also(others: Sequence[Defect]) -> str:
    """Return in how many further lines a defect is."""
    if len(others) == 1:
        return f"the same in line {others[0].line}"
    return f"the same in {len(others)} more lines, up to line {others[-1].line}"


def raise_fatal(defects: Iterable[Defect]) -> None:
    """Raise a SeehearError that names the fatal defects, if there are any."""
    if fatal := lines_of(defect for defect in defects if defect.fatal):
        shown = "\n".join(fatal[:MAX_LISTED])
        hidden = len(fatal) - MAX_LISTED
        raise SeehearError(shown + (f"\n… and {hidden} more: `seehear labels check` lists all" if hidden > 0 else ""))


def one_slip(name: str, other: str) -> bool:
    """Return whether one letter too many, too few or wrong, or two in the wrong order, make one name of the other.

    Names of up to two characters, and names that digits tell apart, are other names.
    """
    if name == other or min(len(name), len(other)) < SHORTEST_WORD or abs(len(name) - len(other)) > 1:
        return False
    at = next((n for n, pair in enumerate(zip(name, other, strict=False)) if len(set(pair)) > 1), -1)
    at = at if at >= 0 else min(len(name), len(other))
    name, other = name[at:], other[at:]
    swapped = name[:2] == other[1::-1] and name[2:] == other[2:]
    return (name[:1] + other[:1]).isalpha() and (swapped or other[1:] in (name, name[1:]) or name[1:] == other)


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return what to append to a message about an unknown name: the known name closest to it, or nothing."""
    same = spelling(name)
    for other in known:
        if spelling(other) == same:
            return f": did you mean {other if normal(other).isascii() else ascii(other)}?"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.75) or [
        each for each in known if sorted(each) == sorted(name) and one_slip(name, each)
    ]
    return f": did you mean {close[0]}?" if close else ""
