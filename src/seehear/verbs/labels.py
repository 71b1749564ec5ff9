"""seehear labels: check label tables before anything rests on them; make them of what people annotated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import ClipError, SeehearError
from seehear.labels import Defect, Event
from seehear.verbs.result import Result, listed

if TYPE_CHECKING:
    from seehear.exports import Found, Reading


@dataclass
class LabelsChecked(Result):
    """defects: all, in the order of the tables. clips, events, classes: how many there are."""

    defects: list[Defect]
    clips: int
    events: int
    classes: tuple[str, ...]

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if any(defect.fatal for defect in self.defects) else 0

    def text(self) -> str:
        fatal = sum(defect.fatal for defect in self.defects)
        said = f"{fatal} fatal, {len(self.defects) - fatal} tolerated as said" if self.defects else "no defect"
        counts = f"{self.clips} clips, {self.events} dense events, {len(self.classes)} classes"
        return "\n".join([*map(str, self.defects), f"{counts}: {said}"])

    def as_json(self) -> Any:
        return {
            "clips": self.clips,
            "events": self.events,
            "classes": list(self.classes),
            "defects": [{**vars(defect), "path": str(defect.path)} for defect in self.defects],
        }


def check_labels(
    tables: Sequence[str | Path], *, classes: Path | None = None, clips: Sequence[str | Path] = ()
) -> LabelsChecked:
    """Report every defect of label tables as file:line: message, and say which are fatal.

    Args:
        tables: Weak and dense tables, told apart by their headers; together, they are checked against each other.
        classes: File with the classes that there may be, one a line.
        clips: Clip files or folders, to find labels without a clip and clips without a label.

    Returns:
        The defects; the exit code is 1 if one is fatal.
    """
    from seehear.extraction import find_clips
    from seehear.labels import check, classes_of, is_dense, read_classes, scan_dense, scan_weak

    known = read_classes(classes) if classes else None
    weak = [scan_weak(Path(path), known) for path in tables if not is_dense(path)]
    dense = [scan_dense(Path(path), known) for path in tables if is_dense(path)]
    there = find_clips(clips) if clips else None
    defects = [defect for table in weak for defect in table.defects]
    defects += [defect for table in dense for defect in table.defects]
    defects += check(weak, dense, there)
    named = {clip for table in weak for clip in table.clips} or {e.clip for table in dense for e in table.events}
    events = sum(len(table.events) for table in dense)
    return LabelsChecked(defects, len(named), events, classes_of([*weak, *dense]))


@dataclass
class LabelsImported(Result):
    """tables: modality -> its dense table. events: how many each holds, of how many clips. notes: what else to know."""

    tables: dict[str, Path] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    clips: int = 0
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        lines = [f"{path}: {self.events[modality]} events" for modality, path in self.tables.items()]
        return "\n".join([*self.notes, *lines, f"{self.clips} clips"])

    def as_json(self) -> Any:
        tables = {modality: str(path) for modality, path in self.tables.items()}
        return {"tables": tables, "events": self.events, "clips": self.clips, "notes": self.notes}


def import_labels(files: Sequence[str | Path], *, out: str | Path, modality: str | None = None) -> LabelsImported:
    """Make dense tables of what people annotated or corrected in ELAN, Audacity, captions or tables.

    Tables that are there already keep their events of other clips. Events of a class that overlap or touch become one;
    several classes may stand in one event, commas between. Times are kept to the millisecond. What is heard and what is
    seen decides; what is in both counts for whichever of them the files don't tell of. Where both doesn't lie within
    them it is left out with a note: it may have been forgotten when they were corrected.

    Args:
        files: ELAN's .eaf, Audacity's .txt, captions as .vtt, tables as .csv, ActivityNet's .json.
        out: The folder to write audio.csv, visual.csv and so on into; made if it isn't there.
        modality: Of files and lines that name none, as a label track that isn't called `CLIP.heard.txt`.

    Returns:
        The tables, and what was passed over.
    """
    from seehear.exports import Reading, of_file
    from seehear.labels import read_dense, write_dense
    from seehear.names import check_modality

    if modality:
        check_modality(modality)
    everything = Reading()
    home: dict[tuple[str, str], Path] = {}
    for path in map(Path, [files] if isinstance(files, (str, Path)) else files):
        reading = of_file(path).read(path, modality)
        everything.notes += reading.notes
        _check_names(path, reading)
        for clip, said in reading.said.items():
            for name, found in said.items():
                if home.setdefault((clip, name), path) is not path:
                    raise SeehearError(f"{path}: says what is {name} in {clip!r}, as {home[clip, name]} does: give one")
                everything.of(clip, name).extend(found)
    if not everything.said:
        raise SeehearError("none of the files tells of a clip")
    report = LabelsImported(clips=len(everything.said), notes=everything.notes)
    tables: dict[str, list[Event]] = {}
    for clip, said in sorted(_cleaned(everything).items()):
        for name, found in _settled(clip, said, report.notes).items():
            rows = [Event(clip, one.event.onset, one.event.offset, one.event.label) for one in found]
            tables.setdefault(name, []).extend(sorted(rows, key=lambda row: (row.onset, row.label)))
    folder = Path(out)
    if (folder / ".parsed").exists():
        raise SeehearError(f"{folder}: holds what was parsed, tables among it; give another --out")
    for name, rows in tables.items():
        file = report.tables[name] = folder / f"{name}.csv"
        before = read_dense(file).events if file.exists() else ()
        others = [event for event in before if event.clip not in everything.said]
        if others:
            clips = len({event.clip for event in others})
            report.notes.append(f"{file}: {len(others)} events of {clips} other clips were there, and are kept")
        report.events[name] = len(rows) + len(others)
        write_dense(file, sorted([*others, *rows], key=lambda row: (row.clip, row.onset, row.label)))
    return report


def _check_names(path: Path, reading: Reading) -> None:
    """Raises SeehearError naming the clips and modalities that no table can be of, those without an event included."""
    from seehear.exports.spec import name_of
    from seehear.names import check_clip

    wrong: dict[str, None] = {}
    for clip, of_clip in reading.said.items():
        for check, name in [(check_clip, clip), *((name_of, modality) for modality in of_clip)]:
            try:
                check(name)
            except ClipError as error:
                wrong[f"{path}: {error}"] = None
    if wrong:
        raise SeehearError(listed(list(wrong), f"{len(wrong)} names can't stand in a dense table"))


def _cleaned(reading: Reading) -> dict[str, dict[str, list[Found]]]:
    """What was read as dense tables can hold it: single classes, milliseconds, events of a class apart.

    Raises SeehearError naming all that they can't hold.
    """
    from seehear.exports.spec import Found, merged, milliseconds, one_line

    said: dict[str, dict[str, list[Found]]] = {}
    wrong: list[str] = []
    for clip, of_clip in reading.said.items():
        for modality, found in of_clip.items():
            by_class: dict[str, list[Found]] = {}
            for one in found:
                try:
                    one_line(clip, "clip")
                    onset, offset = milliseconds(one.event)
                    for label in one.event.label.split(","):
                        event = replace(
                            one.event, label=one_line(label.strip()), onset=onset / 1000, offset=offset / 1000
                        )
                        by_class.setdefault(event.label, []).append(Found(event, one.place))
                except ClipError as error:
                    wrong.append(f"{one.place}: {error}")
            said.setdefault(clip, {})[modality] = [one for same in by_class.values() for one in merged(same)]
    if wrong:
        raise SeehearError(listed(wrong, f"{len(wrong)} events can't stand in a dense table"))
    return said


def _settled(clip: str, said: Mapping[str, list[Found]], notes: list[str]) -> dict[str, list[Found]]:
    """modality -> events of one clip, without a joint one, whose events go to the modalities that are not told of."""
    from seehear.exports.spec import JOINT, described, joint_of

    joint = JOINT if JOINT in said else joint_of(list(said))
    if joint is None:
        return dict(said)
    parts = JOINT.split("_") if joint == JOINT else [name for name in said if name != joint]
    told = [part for part in parts if part in said]
    within = [one for one in said[joint] if all(any(_holds(other, one) for other in said[part]) for part in told)]
    if len(within) < len(said[joint]):
        first = next(one for one in said[joint] if one not in within)
        names = " and ".join(told)
        notes.append(
            f"{clip}: {len(said[joint]) - len(within)} events of {joint} are not within {names}: left out, the first "
            f"{described(first.event)} ({first.place})"
        )
    others = {name: found for name, found in said.items() if name != joint}
    return {**others, **{part: within for part in parts if part not in told}}


def _holds(whole: Found, part: Found) -> bool:
    outer, inner = whole.event, part.event
    return outer.label == inner.label and outer.onset <= inner.onset and inner.offset <= outer.offset
