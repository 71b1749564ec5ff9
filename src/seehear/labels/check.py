"""What is wrong in label tables, between them, and between them and clip files. Every defect is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.arguments import PathLike, Paths, locations, paths
from seehear.errors import SeehearError
from seehear.labels.defects import Defect, DefectKind, lines_of, suggestion
from seehear.labels.plausible import by_bare_name, clip_hint, doubts, misspelt, past_end
from seehear.labels.read import is_dense, read_classes, scan_dense, scan_weak
from seehear.labels.tables import DenseTable, WeakTable, classes_of, stated_lengths
from seehear.progress import Progress, say
from seehear.results import Result, counted, import_pandas
from seehear.storage.files import Local
from seehear.storage.parts import Part

if TYPE_CHECKING:
    import pandas as pd

ONE_LINE = {  # kinds of which a table's defects share a line
    DefectKind.CLIP_IN_NO_SPLIT: "this is the first of {} events of clips that are in no weak table; they are left out",
    DefectKind.NO_LABEL: "this is the first of {} clips without a label; they count as clips without events",
}


@dataclass(repr=False)
class LabelCheck(Result):
    """The defects of label tables.

    Attributes:
        defects: Those of each table, in the order of the tables, then those between tables and clip files.
        clips: Number of clips that the weak tables name; without weak tables, that have an event.
        events: Number of events in the dense tables.
        classes: Every class that occurs, in alphabetical order.
    """

    defects: list[Defect]
    clips: int
    events: int
    classes: tuple[str, ...]

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """1 if a defect is fatal, else 0."""
        return 1 if any(defect.fatal for defect in self.defects) else 0

    def __repr__(self) -> str:
        return f"LabelCheck({self._summary()})"

    def text(self) -> str:
        """Return lines for people. Defects alike share one: clips of a table without a label, and events of others."""
        others = [defect for defect in self.defects if defect.kind not in ONE_LINE]
        joined = [line for kind, wording in ONE_LINE.items() for line in self._joined(kind, wording)]
        return "\n".join([*lines_of(others), *joined, self._summary()])

    def as_json(self) -> Any:
        """Return a value that `json.dumps` takes."""
        return {
            "clips": self.clips,
            "events": self.events,
            "classes": list(self.classes),
            "defects": [_as_json(defect) for defect in self.defects],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return one row per defect, with the columns path, line, kind, fatal and message."""
        pd = import_pandas()

        columns = ["path", "line", "kind", "fatal", "message"]
        return pd.DataFrame([_as_json(defect) for defect in self.defects], columns=columns)

    def _joined(self, kind: DefectKind, wording: str) -> list[str]:
        """Return a line per table on its defects of a kind."""
        by_table: dict[Path, list[Defect]] = {}
        for defect in self.defects:
            if defect.kind is kind:
                by_table.setdefault(defect.path, []).append(defect)
        return [
            str(own[0]) if len(own) == 1 else f"{path}:{own[0].line}: {wording.format(len(own))}"
            for path, own in by_table.items()
        ]

    def _summary(self) -> str:
        counts = ", ".join(
            [counted(self.clips, "clip"), counted(self.events, "event"), counted(len(self.classes), "class", "classes")]
        )
        fatal = sum(defect.fatal for defect in self.defects)
        found = f"{counted(fatal, 'fatal defect')}, {len(self.defects) - fatal} tolerated"
        defects = found if self.defects else "no defect"
        return f"{counts}: {defects}"


def check(
    tables: PathLike | WeakTable | DenseTable | Iterable[PathLike | WeakTable | DenseTable],
    classes: PathLike | Sequence[str] | None = None,
    clips: Paths | Mapping[str, Local] = (),
) -> LabelCheck:
    """Check label tables, each one and against each other.

    Args:
        tables: Weak and dense tables, or their files, which their headers tell apart. The first weak table is that of
            training.
        classes: The classes that are allowed, or a file with one class per line; any if omitted. Tables that were read
            before keep the defects of that reading.
        clips: Clip files or folders, or a mapping of clip to file: to find labels without a clip, clips without a
            label, and events past the end of their clip. A clip that is no file may be a part of one by its name, as
            `video_30_40` is of video.mp4.

    Returns:
        Every defect.

    Raises:
        SeehearError: If a file can't be read, or a folder holds no clips.
    """
    allowed = read_classes(Path(classes)) if isinstance(classes, (str, os.PathLike)) else classes
    weak: list[WeakTable] = []
    dense: list[DenseTable] = []
    for one in [tables] if isinstance(tables, (str, os.PathLike, WeakTable, DenseTable)) else tables:
        if isinstance(one, WeakTable):
            weak.append(one)
        elif isinstance(one, DenseTable):
            dense.append(one)
        else:
            (path,) = paths(one)
            if is_dense(path):
                dense.append(scan_dense(path, allowed))
            else:
                weak.append(scan_weak(path, allowed))
    every: list[WeakTable | DenseTable] = [*weak, *dense]
    defects = [defect for table in every for defect in table.defects]
    files = _files(clips, [clip for table in every for clip in table.clips])
    defects += _parts_past_files([*weak, *dense], files or {})
    defects += cross_check(weak, dense, files, _lengths(dense, files or {}).get, allowed)
    named = {clip for table in weak or dense for clip in table.clips}
    events = sum(len(table.events) for table in dense)
    return LabelCheck(defects, len(named), events, classes_of(every))


def cross_check(
    weak: Sequence[WeakTable],
    dense: Sequence[DenseTable],
    clips: Mapping[str, Local] | None = None,
    length: Callable[[str], float | None] = lambda clip: None,
    classes: Sequence[str] | None = None,
) -> list[Defect]:
    """Return what is wrong between tables, and between tables and clip files.

    Of these defects, two are fatal: events past the end of their clip, and clip files of which no label names one.

    Args:
        weak: The weak tables; the first is that of training: a class that it lacks can't be learnt.
        dense: The dense tables.
        clips: Clip -> file, to find labels without a clip and clips without a label.
        length: Returns the length of a clip in seconds, or None if it is unknown. Tables that name a clip by a part of
            a file state it too.
        classes: The classes as they are spelt right, if that is known.
    """
    home: dict[str, WeakTable] = {}  # clip -> the first table that names it
    for table in weak:
        for clip in table.clips:
            home.setdefault(clip, table)
    stated = stated_lengths([*weak, *dense])

    def seconds(clip: str) -> float | None:
        return stated.get(clip) if (known := length(clip)) is None else known

    return [
        *_shared_clips(weak, home),
        *_class_mismatches(weak, dense),
        *doubts(weak, dense, classes or ()),
        *past_end(dense, seconds),
        *_events_in_no_split(dense, home),
        *weak_dense_mismatches(weak, dense),
        *(_tables_without_clips(weak or dense, clips or {}) or _unmatched_files(home, clips)),
    ]


def _files(clips: Paths | Mapping[str, Local], named: Iterable[str]) -> Mapping[str, Local] | None:
    """Return clip -> file, or the part of a file that a named clip is; None if no clips are given."""
    if isinstance(clips, Mapping):
        return clips
    if not (given := locations(clips, Part)):
        return None
    from seehear.media.clips import find_local_clips, with_parts

    found = find_local_clips(given, "lengths are read from files of this machine")
    for problem in found.problems:
        say(problem)
    return with_parts(found, named)


def _lengths(dense: Sequence[DenseTable], clips: Mapping[str, Local]) -> dict[str, float]:
    """Return clip -> seconds, of the clips with events whose files can be read."""
    named = [clip for clip in dict.fromkeys(clip for table in dense for clip in table.clips) if clip in clips]
    lengths: dict[str, float] = {}
    if not named:
        return lengths
    from seehear.media.child import open_clip

    with Progress("reading lengths of clips", len(named)) as progress:
        for clip in named:
            with suppress(SeehearError):  # `extract` says what is wrong with a file
                lengths[clip] = open_clip(clips[clip]).duration
            progress.advance(clip)
    return lengths


def _parts_past_files(tables: Sequence[WeakTable | DenseTable], clips: Mapping[str, Local]) -> list[Defect]:
    """Return a defect for each clip of a table that is a part which its file does not hold."""
    parts = {
        clip: (part.file, part.start, part.stop)
        for clip, part in clips.items()
        if isinstance(part, Part) and isinstance(part.file, Path)
    }
    wanted = [clip for clip in dict.fromkeys(clip for table in tables for clip in table.clips) if clip in parts]
    if not wanted:
        return []
    from seehear.media.child import open_clip
    from seehear.media.extent import check_part

    durations: dict[Path, float | None] = {}  # None if the file can't be read
    wrong: dict[str, str] = {}
    with Progress("reading lengths of files", len(wanted)) as progress:
        for clip in wanted:
            file, start, stop = parts[clip]
            if file not in durations:
                durations[file] = None
                with suppress(SeehearError):  # `extract` says what is wrong with a file
                    durations[file] = open_clip(file).duration
            if (seconds := durations[file]) is not None:
                try:
                    check_part(file, seconds, start, stop, clip)
                except SeehearError as error:
                    wrong[clip] = str(error)
            progress.advance(clip)
    return [
        Defect(table.path, line, DefectKind.PART_PAST_FILE, wrong[clip])
        for table in tables
        for clip, line in _first_lines(table).items()
        if clip in wrong
    ]


def _first_lines(table: WeakTable | DenseTable) -> Mapping[str, int]:
    """Return clip -> its first line."""
    if isinstance(table, WeakTable):
        return table.lines
    return {event.clip: event.line for event in reversed(table.events)}


def _as_json(defect: Defect) -> dict[str, Any]:
    return {
        "path": str(defect.path),
        "line": defect.line,
        "kind": defect.kind.slug,
        "fatal": defect.fatal,
        "message": defect.message,
    }


def _shared_clips(weak: Sequence[WeakTable], home: Mapping[str, WeakTable]) -> Iterator[Defect]:
    """Yield a defect for each pair of tables that name the same clips."""
    for table in weak:
        shared: dict[Path, list[str]] = {}
        for clip in table.clips:
            if home[clip] is not table:
                shared.setdefault(home[clip].path, []).append(clip)
        for other, names in shared.items():
            more = counted(len(names) - 1, "more clip", "more clips")
            those = f"{names[0]} and {more} are" if len(names) > 1 else f"{names[0]} is"
            message = f"{those} also in {other}; a clip should be in one split"
            yield Defect(table.path, table.lines[names[0]], DefectKind.SHARED_CLIPS, message)


def _class_mismatches(weak: Sequence[WeakTable], dense: Sequence[DenseTable]) -> Iterator[Defect]:
    """Yield classes that no training clip has, and classes of training clips alone that look misspelt."""
    if not weak:
        return
    train = weak[0]
    others: list[WeakTable | DenseTable] = [*weak[1:], *dense]
    trained, elsewhere = classes_of([train]), classes_of(others)
    for table in others:
        where = train.path if table.path != train.path else "the training clips"  # all splits in one file
        for name in sorted(set(classes_of([table])) - set(trained)):
            message = f"{name} does not occur in {where}{suggestion(name, trained)}"
            yield Defect(table.path, table.first_line(name), DefectKind.UNTRAINED_CLASS, message)
    for name in sorted(set(trained) - set(elsewhere) - set(misspelt(train))):
        if similar := suggestion(name, elsewhere):
            message = f"{name} occurs in no other table{similar}"
            yield Defect(train.path, train.first_line(name), DefectKind.LIKELY_MISSPELLING, message)


def _events_in_no_split(dense: Sequence[DenseTable], home: Mapping[str, WeakTable]) -> Iterator[Defect]:
    for table in dense if home else ():
        for event in table.events:
            if event.clip not in home:
                message = f"{event.clip} is in no weak table; its event is left out"
                yield Defect(table.path, event.line, DefectKind.CLIP_IN_NO_SPLIT, message)


def weak_dense_mismatches(weak: Sequence[WeakTable], dense: Sequence[DenseTable]) -> Iterator[Defect]:
    """Yield clips whose weak labels are not the classes of their events in all modalities together."""
    classes: dict[str, set[str]] = {}  # clip -> classes of its events
    for table in dense:
        for event in table.events:
            classes.setdefault(event.clip, set()).add(event.label)
    for split in weak if dense else ():
        if 2 * sum(clip in classes for clip in split.clips) < len(split.clips):
            continue  # a split without dense ground truth, such as that of training
        for clip in split.clips:
            of_events = classes.get(clip, set())
            if set(split.labels[clip]) != of_events:
                message = f"{clip} has the weak labels {_listed(split.labels[clip])}, its events the classes "
                message += _listed(sorted(of_events))
                yield Defect(split.path, split.lines[clip], DefectKind.WEAK_DENSE_MISMATCH, message)


def _tables_without_clips(tables: Sequence[WeakTable | DenseTable], clips: Mapping[str, Local]) -> list[Defect]:
    """Return a defect for each table if none of them names any of the clips."""
    named = [table for table in tables if table.clips]
    if not clips or any(clip in clips for table in named for clip in table.clips):
        return []
    alike, one = by_bare_name(clips), next(iter(clips))
    defects = []
    for table in named:
        own, files = counted(len(table.clips), "clip"), counted(len(clips), "clip file")
        message = f"none of its {own} is among the {files}"
        hint = clip_hint(table.clips, alike) or f"; it names {table.clips[0]}, the files {one}, for example"
        defects.append(Defect(table.path, 0, DefectKind.NO_CLIP_FITS, message + hint))
    return defects


def _unmatched_files(home: Mapping[str, WeakTable], clips: Mapping[str, Local] | None) -> Iterator[Defect]:
    """Yield labels without a clip file, and clip files without a label."""
    if clips is None:
        return
    unlabelled = sorted(set(clips) - set(home))
    alike = by_bare_name(unlabelled)
    for clip, table in home.items():
        if clip not in clips:
            message = f"{clip} has a label but no clip file{clip_hint([clip], alike)}"
            yield Defect(table.path, table.lines[clip], DefectKind.NO_CLIP_FILE, message)
    for clip in unlabelled if home else ():
        yield Defect(Path(clips[clip]), 0, DefectKind.UNLABELLED_FILE, "the clip has no label in any table")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
