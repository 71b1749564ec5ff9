"""Annotations of other tools, such as ELAN and Audacity, imported as dense tables of ground truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.arguments import Paths, paths
from seehear.errors import ClipError, SeehearError
from seehear.files import check_folder
from seehear.formats.registry import of_file
from seehear.formats.spec import FileEvents, LocatedEvent, described, merged, milliseconds, name_of
from seehear.labels import DenseTable, Event, read_dense, suggestion, write_dense
from seehear.labels.cells import LONGEST_TIME, CellError, classes_in
from seehear.labels.plausible import MAX_OVERHANG
from seehear.locks import locked
from seehear.modality import JOINT, NAMES, joint_of
from seehear.names import spelling, valid_clip_name, valid_line, valid_modality_name
from seehear.parsing.clip import ParsedEvent
from seehear.results import Result, import_pandas, listed
from seehear.storage.parts import named

if TYPE_CHECKING:
    import pandas as pd

PARSE_MARKER = ".parsed"  # in a folder that `seehear parse` wrote


@dataclass(repr=False)
class ImportedAnnotations(Result):
    """Annotations as dense tables.

    Attributes:
        tables: Modality -> its events.
        files: Modality -> the file of its table; empty if nothing was written.
        clips: Number of clips in the annotations.
        notes: What was skipped or kept.
    """

    tables: dict[str, DenseTable] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    clips: int = 0
    notes: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        events = ", ".join(f"{len(table.events)} {modality}" for modality, table in self.tables.items())
        return f"ImportedAnnotations({self.clips} clips, {events or 'no'} events, {len(self.notes)} notes)"

    def text(self) -> str:
        """Return lines for people."""
        lines = [f"{self.files.get(name, name)}: {len(table.events)} events" for name, table in self.tables.items()]
        return "\n".join([*self.notes, *lines, f"{self.clips} clips"])

    def as_json(self) -> Any:
        """Return a value that `json.dumps` takes."""
        return {
            "tables": {modality: str(path) for modality, path in self.files.items()},
            "events": {modality: len(table.events) for modality, table in self.tables.items()},
            "clips": self.clips,
            "notes": self.notes,
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per event, with the columns clip, modality, label, onset and offset (seconds)."""
        pd = import_pandas()

        columns = ["clip", "modality", "label", "onset", "offset"]
        rows = [
            (event.clip, modality, event.label, event.onset, event.offset)
            for modality, table in self.tables.items()
            for event in table.events
        ]
        return pd.DataFrame(rows, columns=columns)


def import_annotations(
    files: Paths, *, out: str | Path | None = None, modality: str | None = None
) -> ImportedAnnotations:
    """Turn annotations from ELAN, Audacity, Label Studio, cutting programs, captions or tables into dense tables.

    Events of one class that overlap or touch become one; one annotation may hold several classes, separated by commas.
    Times are kept to the millisecond. Events in the joint modality (`both`) count for the modalities that the files
    don't cover. One that is not within the events of a modality that they do cover is left out with a note: perhaps it
    was forgotten when these were corrected.

    Args:
        files: ELAN's .eaf, Audacity's .txt, captions as .vtt, tables as .csv, ActivityNet's and Label Studio's .json,
            edit lists as .edl, timelines as .otio.
        out: Folder to write audio.csv, visual.csv and so on into; created if needed. Tables in it keep their events of
            other clips. Nothing is written if omitted.
        modality: Of files and lines that name none, such as a label track that isn't called `CLIP.heard.txt`.

    Returns:
        The tables, and notes about what was skipped.

    Raises:
        SeehearError: If a file can't be read, two files cover one modality of a clip, or no file names a clip. If a
            dense table can't hold some events: the message names each.
    """
    events = _read(paths(files), modality)
    result = ImportedAnnotations(clips=len(events.by_clip), notes=events.notes)
    rows: dict[str, list[Event]] = {}
    for clip, by_modality in sorted(_cleaned(events).items()):
        for name, located in _without_joint(clip, by_modality, result.notes).items():
            of_clip = [Event(clip, one.event.onset, one.event.offset, one.event.label) for one in located]
            rows.setdefault(name, []).extend(sorted(of_clip, key=lambda row: (row.onset, row.label)))
    if out is None:
        result.tables = {name: DenseTable(Path(f"{name}.csv"), tuple(of)) for name, of in rows.items()}
        return result
    folder = Path(out)
    check_folder(folder)
    if (folder / PARSE_MARKER).exists():
        raise SeehearError(f"{folder}: holds parsed clips, tables among them; choose another --out")
    with locked(folder):  # another import must not read the tables before these events are in them
        for name, of_modality in rows.items():
            file = folder / f"{name}.csv"
            kept = _events_of_other_clips(file, events)
            if kept:
                clips = len({event.clip for event in kept})
                result.notes.append(f"{file}: {len(kept)} events of {clips} other clips are kept")
            table = sorted([*kept, *of_modality], key=lambda row: (row.clip, row.onset, row.label))
            write_dense(file, table)
            result.files[name] = file
            result.tables[name] = DenseTable(file, tuple(table))
    return result


def _read(files: list[Path], modality: str | None) -> FileEvents:
    """Return the events of all files. Raises SeehearError if two files cover one modality of a clip."""
    if modality:
        valid_modality_name(modality)
    events = FileEvents()
    source: dict[tuple[str, str], Path] = {}
    for path in files:
        of_one_file = of_file(path).read(path, modality)
        events.notes += of_one_file.notes
        _check_names(path, of_one_file)
        for clip, by_modality in of_one_file.by_clip.items():
            for name, located in by_modality.items():
                if (first := source.setdefault((clip, name), path)) is not path:
                    raise SeehearError(f"{path}: has {name} events of {clip!r}, and so has {first}; give one of them")
                events.entry(clip, name).extend(located)
    if not events.by_clip:
        raise SeehearError(f"{', '.join(map(str, files[:3])) or 'no file'}: none of the files names a clip")
    events.notes += [*_unknown_modalities(source), *_past_parts(events)]
    spelt: dict[str, str] = {}
    for name in dict.fromkeys(name for _, name in source):
        if (other := spelt.setdefault(spelling(name), name)) != name:
            one, two = (next(file for (_, each), file in source.items() if each == which) for which in (other, name))
            raise SeehearError(f"{two}: has the modality {name!r}, and {one} has {other!r}; write one name in both")
    return events


def _unknown_modalities(source: Mapping[tuple[str, str], Path]) -> list[str]:
    """Return a note for each modality that is none of those that people know. source: clip and modality -> file."""
    known = list(dict.fromkeys(name for names in NAMES.items() for name in names if name != JOINT))
    present = dict.fromkeys(name for _, name in source)
    joint = joint_of(list(present))
    notes = []
    for name in present:
        if name not in NAMES and name != joint:
            file = next(path for (_, each), path in source.items() if each == name)
            hint = suggestion(name.casefold(), known)
            notes.append(f"{file}: the modality {name!r} is none of {', '.join(known)}, so it gets its own table{hint}")
    return notes


def _past_parts(events: FileEvents) -> list[str]:
    """Return a note on each clip that is a part of a file by its name, and has events past the end of the part."""
    notes = []
    for clip, by_modality in events.by_clip.items():
        if (seconds := named(clip)) is None or math.isinf(seconds[2]) or seconds[1] >= seconds[2]:
            continue
        stem, start, stop = seconds
        past = [one for of in by_modality.values() for one in of if one.event.offset > stop - start + MAX_OVERHANG]
        if past:
            first = described(past[0].event)
            notes.append(
                f"{past[0].place}: {clip} lasts {stop - start:g} s by its name, and {len(past)} of its events end "
                f"later, the first {first}: if these are times of the whole file, put back what the export wrote of "
                f"the part, such as #t={start:g},{stop:g}, or subtract {start:g} s, and import it again; or call the "
                f"file {stem} if the clip is the whole file"
            )
    return notes


def _check_names(path: Path, events: FileEvents) -> None:
    """Raise a SeehearError naming the clips and modalities of a file that dense tables can't hold."""
    problems: dict[str, None] = {}
    for clip, by_modality in events.by_clip.items():
        for check, name in [(valid_clip_name, clip), *((name_of, modality) for modality in by_modality)]:
            try:
                check(name)
            except ClipError as error:
                problems[f"{path}: {error}"] = None
    if problems:
        raise SeehearError(listed(list(problems), f"{len(problems)} names that dense tables can't hold"))


def _events_of_other_clips(file: Path, events: FileEvents) -> list[Event]:
    table = read_dense(file).events if file.exists() else ()
    return [event for event in table if event.clip not in events.by_clip]


def _cleaned(events: FileEvents) -> dict[str, dict[str, list[LocatedEvent]]]:
    """Return the events as dense tables hold them: single classes, milliseconds, no overlap within a class.

    Raises:
        SeehearError: Naming every event that a dense table can't hold.
    """
    cleaned: dict[str, dict[str, list[LocatedEvent]]] = {}
    problems: list[str] = []
    for clip, by_modality in events.by_clip.items():
        for modality, of_modality in by_modality.items():
            by_class: dict[str, list[LocatedEvent]] = {}
            for located in of_modality:
                try:
                    valid_line(clip, "clip")
                    onset, offset = _within_clip(located.event)
                    if located.is_single and "," in located.event.label:
                        label = located.event.label
                        raise ClipError(f"the class {label!r} has a comma, which separates classes; rename it there")
                    for label in map(valid_line, classes_in(located.event.label)):
                        event = replace(located.event, label=label, onset=onset / 1000, offset=offset / 1000)
                        by_class.setdefault(label, []).append(LocatedEvent(event, located.place))
                except (ClipError, CellError) as error:
                    problems.append(f"{located.place}: {error}")
            cleaned.setdefault(clip, {})[modality] = [one for same in by_class.values() for one in merged(same)]
    if problems:
        raise SeehearError(listed(problems, f"{len(problems)} events that dense tables can't hold"))
    return cleaned


def _within_clip(event: ParsedEvent) -> tuple[int, int]:
    """Return onset and offset in milliseconds. Raises ClipError if no clip can have such times."""
    if event.offset < event.onset:
        raise ClipError(f"{described(event)}: ends before it begins; correct one of the two times")
    if not 0 <= event.onset <= event.offset <= LONGEST_TIME:
        raise ClipError(f"{described(event)}: times are seconds from the clip's start, 0 to {LONGEST_TIME:.0f}")
    return milliseconds(event)


def _without_joint(
    clip: str, by_modality: Mapping[str, list[LocatedEvent]], notes: list[str]
) -> dict[str, list[LocatedEvent]]:
    """Give the joint events of a clip to the modalities that its files don't cover."""
    joint = JOINT if JOINT in by_modality else joint_of(list(by_modality))
    if joint is None:
        return dict(by_modality)
    parts = JOINT.split("_") if joint == JOINT else [name for name in by_modality if name != joint]
    covered = [part for part in parts if part in by_modality]
    within = [
        one
        for one in by_modality[joint]
        if all(any(_contains(other, one) for other in by_modality[part]) for part in covered)
    ]
    if len(within) < len(by_modality[joint]):
        first = next(one for one in by_modality[joint] if one not in within)
        count, names = len(by_modality[joint]) - len(within), " and ".join(covered)
        notes.append(
            f"{clip}: {count} events of {joint} are not within {names} and were left out, the first "
            f"{described(first.event)} ({first.place})"
        )
    others = {name: located for name, located in by_modality.items() if name != joint}
    return {**others, **{part: within for part in parts if part not in covered}}


def _contains(outer: LocatedEvent, inner: LocatedEvent) -> bool:
    whole, part = outer.event, inner.event
    return whole.label == part.label and whole.onset <= part.onset and part.offset <= whole.offset
