"""What is likely wrong in label tables though each row can be read: spellings, units of time, ends of clips."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from seehear.labels.defects import Defect, DefectKind, one_slip
from seehear.labels.joined import by_separator, by_spelling, perhaps_joined, surely_joined
from seehear.labels.tables import DenseTable, WeakTable, classes_of
from seehear.names import spelling

MAX_OVERHANG = 1.0  # seconds that an event may end after its clip: lengths are rounded to whole seconds
OTHER_UNIT = 20.0  # times that are this many times as large as others are in another unit: frames, milliseconds
FAR_BEYOND = 100.0  # an event that ends at this many times the end of the median clip
FILE_SUFFIX = re.compile(r"\.(?=\w*[A-Za-z])\w{2,4}$", re.ASCII)
RARE, FAR_MORE = 2, 10  # times that a misspelt class occurs at most; how many times as often the one that is meant
SHORTEST = 1.0  # seconds, least end of the median clip for the comparison


def doubts(weak: Sequence[WeakTable], dense: Sequence[DenseTable] = (), classes: Sequence[str] = ()) -> list[Defect]:
    """Return what is likely wrong in the classes and times of tables that are used together; all of it is tolerated.

    Args:
        weak: The weak tables.
        dense: The dense tables.
        classes: The classes that are right, if they are known.
    """
    tables: list[WeakTable | DenseTable] = [*weak, *dense]
    of_classes = (spellings, joined_classes, misspellings)
    return [*(defect for find in of_classes for defect in find(tables, classes)), *units(dense)]


def spellings(tables: Sequence[WeakTable | DenseTable], classes: Sequence[str] = ()) -> list[Defect]:
    """Return a defect for each class that is spelt otherwise elsewhere: these count as different classes.

    Neither case, spaces, `_` and `-`, dots at the end, invisible characters nor Unicode's forms tell classes apart.

    Args:
        tables: The tables that are used together; the first spelling counts as the right one.
        classes: The spellings that are right, if they are known.
    """
    known = {spelling(name): (name, "the list of classes") for name in reversed(classes)}
    defects = []
    for table in tables:
        for name in classes_of([table]):
            first, place = known.setdefault(spelling(name), (name, ""))
            if not place:
                known[spelling(name)] = name, f"{table.path}:{table.first_line(name)}"
            elif name != first:
                one, other = _told_apart(name, first)
                message = f"class {one} is {other} at {place}; they count as two classes, so write one name everywhere"
                defects.append(Defect(table.path, table.first_line(name), DefectKind.SPELLINGS, message))
    return defects


def misspellings(tables: Sequence[WeakTable | DenseTable], classes: Sequence[str] = ()) -> list[Defect]:
    """Return a defect for each class that a table has once or twice, one slip from a class that it has far more often.

    Args:
        tables: The tables, each on its own. A class that all have more often is no slip.
        classes: The classes that are spelt right, if they are known.
    """
    defects = []
    counts = Counter(name for table in tables for name in _classes_in(table))
    for table in tables:
        for name, other in misspelt(table, classes).items():
            if counts[name] > RARE:  # it is rare here, and occurs in other tables
                continue
            message = f"{name} is here far rarer than {other}: did you mean {other}?"
            defects.append(Defect(table.path, table.first_line(name), DefectKind.LIKELY_MISSPELLING, message))
    return defects


def misspelt(table: WeakTable | DenseTable, classes: Sequence[str] = ()) -> dict[str, str]:
    """Return rare class -> the frequent class that is likely meant. Arguments as in `misspellings`."""
    counts = Counter(_classes_in(table))
    frequent = [name for name, count in counts.most_common() if count >= FAR_MORE]
    meant = {}
    for name in sorted(name for name, count in counts.items() if count <= RARE and name not in classes):
        often = [other for other in frequent if counts[other] >= FAR_MORE * counts[name]]
        if other := next((other for other in often if one_slip(name.casefold(), other.casefold())), ""):
            meant[name] = other
    return meant


def _classes_in(table: WeakTable | DenseTable) -> list[str]:
    """Return the class of each label or event."""
    if isinstance(table, WeakTable):
        return [name for names in table.labels.values() for name in names]
    return [event.label for event in table.events]


def joined_classes(tables: Sequence[WeakTable | DenseTable], classes: Sequence[str] = ()) -> list[Defect]:
    """Return a defect for each class, and for each separator, that perhaps stands for several: commas separate classes.

    Args:
        tables: The tables that are used together. Names that their reading refuses are left out.
        classes: The classes that are right, if they are known.
    """
    known = by_spelling([*classes_of(tables), *classes])
    defects = []
    for table in tables:
        own = classes_of([table])
        spelt = by_spelling(own)
        left = sorted({name for name in own if not surely_joined(name, spelt)}.difference(classes))
        for name in left:
            if parts := surely_joined(name, known) or perhaps_joined(name, known):
                message = f"class {name!r} is perhaps {len(parts)} classes; if so, write {','.join(parts)}"
                defects.append(Defect(table.path, table.first_line(name), DefectKind.LIKELY_JOINED, message))
        for sign, names in by_separator(left).items():
            if len(names) > 1:
                message = f"{len(names)} classes have {sign!r} in their names, such as {names[0]!r}; "
                message += "if these are several classes each, write commas between them"
                defects.append(Defect(table.path, table.first_line(names[0]), DefectKind.LIKELY_JOINED, message))
    return defects


def repeated_files(tables: Mapping[str, WeakTable | DenseTable]) -> list[str]:
    """Return a note on each file that is given for several modalities. tables: modality -> its table."""
    names: dict[Path, list[str]] = {}
    for name, each in tables.items():
        names.setdefault(each.path.resolve(), []).append(name)
    return [
        f"{tables[of[0]].path}: is given for {' and for '.join(of)}: all that it names counts in each"
        for of in names.values()
        if len(of) > 1
    ]


def clip_hint(names: Iterable[str], known: Iterable[str] | dict[str, str]) -> str:
    """Return what to append to a message about unknown clips: a known one that is nearly called the same, or nothing.

    Args:
        names: The unknown clips.
        known: The known ones; of those that `by_bare_name` returns, many calls are fast.
    """
    alike = known if isinstance(known, dict) else by_bare_name(known)
    for name in names:
        if other := alike.get(_bare(name)):
            one, two = _told_apart(name, other)
            return f"; write {two} for {one}: a clip is named by its file's stem, in the same spelling everywhere"
    return ""


def by_bare_name(clips: Iterable[str]) -> dict[str, str]:
    """Return the clips by what their spellings share, to look up many by `clip_hint`."""
    return {_bare(clip): clip for clip in clips}


def _bare(clip: str) -> str:
    """Return what the spellings of a clip's name share, without the suffix of a file."""
    return spelling(FILE_SUFFIX.sub("", clip))


def _told_apart(one: str, other: str) -> tuple[str, str]:
    """Return two names for a message in which their difference can be seen."""
    same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    return (ascii(one), ascii(other)) if same else (repr(one), repr(other))


def past_end(
    dense: Sequence[DenseTable], length: Callable[[str], float | None], overhang: float = MAX_OVERHANG
) -> Iterator[Defect]:
    """Yield the events that end after their clip.

    Args:
        dense: The tables.
        length: Returns the length of a clip in seconds, or None if it is unknown.
        overhang: Seconds past the end that are rounding, and not fatal.
    """
    for table in dense:
        for event in table.events:
            seconds = length(event.clip)
            last = max(event.onset, event.offset)
            if seconds is None or last <= seconds:
                continue
            message = f"{event.label} ends at {event.offset:g} s, after the end of its clip at {seconds:g} s"
            if last > seconds + overhang:
                message += f"; times are seconds from the start of {event.clip}"
                message += ", which is a part of its file" if event.clip in table.lengths else ""
                yield Defect(table.path, event.line, DefectKind.PAST_END, message)
            else:
                yield Defect(table.path, event.line, DefectKind.ROUNDED_END, message)


def units(dense: Sequence[DenseTable]) -> list[Defect]:
    """Return a defect for each table, or else each event, with times far larger than those of other clips and tables.

    Milliseconds and frames can be recognised only so where the clips' lengths are not known.
    """
    ends = {n: _ends(table) for n, table in enumerate(dense)}
    typical = {n: max(SHORTEST, median(of_table.values())) for n, of_table in ends.items() if of_table}
    if not typical:
        return []
    least = min(typical, key=typical.__getitem__)
    defects = []
    for n, seconds in typical.items():
        table = dense[n]
        if seconds >= OTHER_UNIT * typical[least]:
            message = f"clips end at {seconds:g} s, and at {typical[least]:g} s in {dense[least].path} (medians): "
            message += "are these milliseconds or frames? Times are seconds"
            defects.append(Defect(table.path, 0, DefectKind.LIKELY_UNIT, message))
            continue
        for event in table.events:
            if event.offset >= FAR_BEYOND * seconds:
                message = f"{event.label} ends at {event.offset:g} s, and half of the clips by {seconds:g} s: "
                message += "is that a slip, or in milliseconds? Times are seconds"
                defects.append(Defect(table.path, event.line, DefectKind.LIKELY_UNIT, message))
    return defects


def _ends(table: DenseTable) -> dict[str, float]:
    """Return clip -> the end of its last event, seconds."""
    ends: dict[str, float] = {}
    for event in table.events:
        ends[event.clip] = max(event.offset, ends.get(event.clip, 0.0))
    return ends
