"""Whether a data set's tables of events and of labels per modality are of the clips of their split."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seehear.labels import Defect, DefectKind, DenseTable, WeakTable
from seehear.labels.plausible import clip_hint

if TYPE_CHECKING:
    from seehear.datasets.tables import Tables


def coverage_defects(tables: Tables) -> list[Defect]:
    """Return a defect for each table that is of other clips than those of its split, or of few of them.

    A table that names none of its split's clips is fatal. Files that name the splits' clips themselves are left out.
    """
    splits = tables.weak
    home = {clip: split for split, table in splits.items() for clip in table.clips}
    defects: list[Defect] = []
    for modality, by_split in tables.by_modality.items():
        for split, table in by_split.items():
            if split in splits and table.path != splits[split].path:
                own = [_Part(split, splits[split].path, splits[split].clips)]
                defects += _of_table(table, f"{modality} labels", own, home, tables)
    for modality, of_modality in tables.dense.items():
        for events in of_modality:
            parts = []
            for split in tables.covers.get(events.path, ()):
                labels = tables.by_modality.get(modality, {}).get(split, splits[split]).labels
                parts.append(_Part(split, splits[split].path, [clip for clip, names in labels.items() if names]))
            if parts:
                defects += _of_table(events, f"{modality} events", parts, home, tables)
    return defects


@dataclass(frozen=True)
class _Part:
    """The clips of a split of which a table should have rows. path: of the split's table."""

    split: str
    path: Path
    clips: Sequence[str]


def _of_table(
    table: WeakTable | DenseTable, what: str, parts: Sequence[_Part], home: dict[str, str], tables: Tables
) -> Iterator[Defect]:
    """Yield the defects of one table. what: it holds; home: clip -> its split."""
    named, splits = frozenset(table.clips), [part.split for part in parts]
    of_splits = [clip for split in splits for clip in tables.weak[split].clips]
    if named and of_splits and named.isdisjoint(of_splits):
        files = " and ".join(str(part.path) for part in parts)
        message = f"holds {what}, and names none of the {len(of_splits)} clips of {files}"
        message += clip_hint(table.clips, of_splits) or _where(table.clips, home, tables)
        yield Defect(table.path, 0, DefectKind.WRONG_SPLIT, message)
        return
    others = [clip for clip in table.clips if home.get(clip, splits[0]) not in splits]
    if others:
        first = home[others[0]]
        message = f"{len(others)} of its clips are not of {' or '.join(splits)}, for example {others[0]}, which is in "
        message += f"{tables.weak[first].path}"
        yield Defect(table.path, 0, DefectKind.OTHER_SPLITS, message)
    for part in parts:
        found = sum(clip in named for clip in part.clips)
        if 2 * found < len(part.clips):
            message = f"holds {what} of {found} of the {len(part.clips)} labelled clips of {part.path}; the others "
            message += "count as clips without any"
            yield Defect(table.path, 0, DefectKind.FEW_CLIPS, message)


def _where(clips: Collection[str], home: dict[str, str], tables: Tables) -> str:
    """Return in which split's table most of the clips are, for the message; nothing if that is none."""
    found = [home[clip] for clip in clips if clip in home]
    if not found:
        return f"; it names {next(iter(clips))}, for example"
    split = max(found, key=found.count)
    return f": {found.count(split)} of its {len(clips)} clips are in {tables.weak[split].path}; get the file again"
