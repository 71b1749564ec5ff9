"""AVE, "Audio-Visual Event Localization in Unconstrained Videos" (Tian et al., ECCV 2018): 4,143 ten-second clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from seehear.datasets.reading import ClassNames, Events, Published, clip_of, span_of, weak_of
from seehear.datasets.spec import SPLITS, DataSet, Truth
from seehear.datasets.tables import Tables
from seehear.labels import Defect, DefectKind, DenseTable
from seehear.modality import JOINT
from seehear.texts import read_lines

PUBLISHED = Published(
    "ave",
    "https://github.com/YapengTian/AVE-ECCV18",
    ("AVE_Dataset", "data"),
    "trainSet.txt, valSet.txt and testSet.txt lie beside Annotations.txt in AVE_Dataset.zip, which its README links "
    "to; Annotations.txt alone does not say which clip is in which split",
)
FILES = {"train": "trainSet.txt", "val": "valSet.txt", "test": "testSet.txt"}
EVERY = "Annotations.txt"
SEPARATOR = "&"
COLUMNS = ("Category", "VideoID", "Quality", "StartTime", "EndTime")
SECONDS = 10.0  # of every clip, a segment of AudioSet whose start in the full video the tables don't say

Row = tuple[int, str, str, float, float]  # line, clip, published class, onset, offset


def read(folder: Path) -> Tables:
    """Read AVE's splits. A clip of several rows has the classes and events of all; of several splits, it has one."""
    paths = PUBLISHED.find(folder, *((FILES[split],) for split in SPLITS))
    every = PUBLISHED.look(folder, EVERY)
    names, defects = ClassNames(), list[Defect]()
    by_split = {split: _rows(path, defects) for split, path in zip(SPLITS, paths, strict=True)}
    home = {clip: split for split in SPLITS for _, clip, *_ in by_split[split]}  # the last split of a clip
    lines: dict[str, dict[str, int]] = {split: {} for split in SPLITS}
    dense: list[DenseTable] = []
    for split, path in zip(SPLITS, paths, strict=True):
        events = Events(path, lambda clip: SECONDS)
        for line, clip, published, onset, offset in by_split[split]:
            events.add(clip, onset, offset, names(published, path, line), line)
            if home[clip] != split:
                message = f"{clip} is also in {FILES[home[clip]]}; its rows count there, and it is no {split} clip"
                defects.append(Defect(path, line, DefectKind.SHARED_CLIPS, message))
            elif clip in lines[split]:
                message = f"{clip} has a row on line {lines[split][clip]} too; it is one clip with the events of both"
                defects.append(Defect(path, line, DefectKind.SEVERAL_ROWS, message))
            else:
                lines[split][clip] = line
        dense.append(events.table())
    labels: dict[str, list[str]] = {}
    for event in (event for table in dense for event in table.events):
        labels.setdefault(event.clip, []).append(event.label)
    defects += [*names.defects, *(_in_no_split(every, home, defects) if every else ())]
    return Tables(
        {
            split: weak_of(
                path,
                {clip: labels.get(clip, ()) for clip in lines[split]},
                lines[split],
                split,
                without=_elsewhere(by_split[split], home),
            )
            for split, path in zip(SPLITS, paths, strict=True)
        },
        {JOINT: tuple(dense)},
        classes=tuple(sorted({name for own in labels.values() for name in own})),
        renamed=names.renamed,
        defects=defects,
        files=(*paths, every) if every else tuple(paths),
    )


def _elsewhere(rows: Sequence[Row], home: Mapping[str, str]) -> str:
    """Return in which files the clips of a split count that has none of its own, for the message."""
    counts = Counter(home[clip] for clip in dict.fromkeys(clip for _, clip, *_ in rows))
    if not counts:
        return ""
    files = " and ".join(FILES[split] for split in counts)
    return f" of its own: all {counts.total()} are also in {files}, where they count; get the file again"


def _rows(path: Path, defects: list[Defect]) -> list[Row]:
    """Return the rows of a file, with or without a header."""
    found: list[Row] = []
    for line, text in enumerate(read_lines(path), start=1):
        cells = [cell.strip() for cell in text.split(SEPARATOR)]
        if not text.strip() or (line == 1 and cells[:2] == list(COLUMNS[:2])):
            continue
        if len(cells) != len(COLUMNS):
            message = f"{len(cells)} fields where {SEPARATOR.join(COLUMNS)} is expected"
            defects.append(Defect(path, line, DefectKind.FIELD_COUNT, message))
            continue
        clip = clip_of(cells[1], path, line, defects)
        times = span_of(cells[3], cells[4], path, line, defects)
        if clip and times:
            found.append((line, clip, cells[0], *times))
    return found


def _in_no_split(every: Path, home: dict[str, str], defects: list[Defect]) -> list[Defect]:
    """Return a defect for each row of Annotations.txt whose clip is in no split."""
    return [
        Defect(every, line, DefectKind.CLIP_IN_NO_SPLIT, f"{clip} is in no split; its row is left out")
        for line, clip, *_ in _rows(every, defects)
        if clip not in home
    ]


SPEC = DataSet(
    name=PUBLISHED.name,
    source=PUBLISHED.source,
    forms=("ave-vggish", "ave-vgg19"),
    read=read,
    seconds=SECONDS,
    truth=Truth.JOINT,
    metrics=("segment-accuracy",),
)
