"""seehear labels: check label tables before anything rests on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seehear.labels import Defect
from seehear.verbs.result import Result


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
