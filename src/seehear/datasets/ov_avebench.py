"""OV-AVEBench, "Towards Open-Vocabulary Audio-Visual Event Localization" (Zhou et al., CVPR 2025): 24,800 clips."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seehear.datasets.reading import ClassNames, Events, Published, clip_of, rows, weak_of
from seehear.datasets.spec import SPLITS, DataSet, Truth
from seehear.datasets.tables import Tables
from seehear.errors import SeehearError
from seehear.labels import Defect, DefectKind
from seehear.modality import JOINT
from seehear.texts import read_json, read_lines

PUBLISHED = Published(
    "ov-avebench", "https://github.com/jasongief/OV-AVEL", ("meta_anno_files",), "they lie in its meta_anno_files"
)
META, CLASSES = "ovave_dataset_meta.csv", "ovave_total_close_open_categories.csv"
ANNOTATIONS = ("released_ovavel_dataset_anno.json", "ovavel_dataset_anno.json")
BACKGROUND = "other"  # listed as a class: seconds without an event
SECONDS = 10
FLAGS = re.compile(rf"\[\s*[01](?:\s*,\s*[01]){{{SECONDS - 1}}}\s*\]")
KEY = re.compile(r'\s*"([^"]+)"\s*:\s*\{')
GROUPS = ("close", "open")  # classes that training clips have, and those that they don't

Clips = dict[str, tuple[int, str, str, str]]  # clip -> line, split, published class, group


def read(folder: Path) -> Tables:
    """Read the splits and classes of the clips, and the seconds in which each clip's class is heard and seen."""
    meta, annotations, listed = PUBLISHED.find(folder, (META,), ANNOTATIONS, (CLASSES,))
    defects: list[Defect] = []
    clips = _clips(meta, defects)
    names = ClassNames()
    events, active = _events(annotations, clips, names, defects)
    labels: dict[str, dict[str, list[str]]] = {split: {} for split in SPLITS}
    parts: dict[str, list[str]] = {f"{split}_{group}": [] for split in SPLITS[1:] for group in GROUPS}
    for clip, (line, split, published, group) in clips.items():
        labels[split][clip] = [names(published, meta, line)] if clip in active else []
        if f"{split}_{group}" in parts:
            parts[f"{split}_{group}"].append(clip)
    lines = {clip: row[0] for clip, row in clips.items()}
    defects += [*names.defects, *_class_list(listed, {row[2] for row in clips.values()})]
    return Tables(
        {split: weak_of(meta, own, {clip: lines[clip] for clip in own}, split) for split, own in labels.items()},
        {JOINT: (events.table(),)},
        parts={name: own for name, own in parts.items() if own},
        classes=tuple(sorted({names(row[2], meta, row[0]) for row in clips.values()})),
        renamed=names.renamed,
        defects=defects,
        notes=[
            "the paper trains on the classes of train.csv alone; a model of these can't find those of test_open.csv",
        ],
        files=(meta, annotations, listed),
    )


def _clips(path: Path, defects: list[Defect]) -> Clips:
    """Return the clips of the table of splits and classes."""
    clips: Clips = {}
    for line, (split, published, group, name) in rows(path, ("split", "cls_name", "cls_type", "vid_name"), defects):
        clip = clip_of(name, path, line, defects)
        if clip is None:
            continue
        if split not in SPLITS:
            message = f"{clip} is in the split {split!r}, not in train, val or test; it is left out"
            defects.append(Defect(path, line, DefectKind.CLIP_IN_NO_SPLIT, message))
        elif clip not in clips:
            clips[clip] = line, split, published, group
        elif clips[clip][1:] == (split, published, group):
            message = f"{clip} repeats line {clips[clip][0]}; it counts once"
            defects.append(Defect(path, line, DefectKind.REPEATED_ROW, message))
        else:
            message = f"{clip} has another split or class than on line {clips[clip][0]}; keep one of the two rows"
            defects.append(Defect(path, line, DefectKind.CONTRADICTION, message))
    return clips


def _events(path: Path, clips: Clips, names: ClassNames, defects: list[Defect]) -> tuple[Events, set[str]]:
    """Return the events of the clips, and the clips that have one."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise SeehearError(f"{path}: is no mapping of clips to labels, as OV-AVEBench's annotations are; get it again")
    lines = {match[1]: n for n, text in enumerate(read_lines(path), 1) if (match := KEY.match(text))}
    events, active = Events(path, lambda clip: float(SECONDS)), set[str]()
    for clip, value in content.items():
        line = lines.get(clip, 0)
        if clip not in clips:
            message = f"{clip} is not in {META}, which says its split; it is left out"
            defects.append(Defect(path, line, DefectKind.CLIP_IN_NO_SPLIT, message))
            continue
        published = clips[clip][2]
        if isinstance(value, dict) and value.get("category") != published:
            message = f"{clip} has the class {value.get('category')!r}, and {published!r} in {META}, which counts"
            defects.append(Defect(path, line, DefectKind.WEAK_DENSE_MISMATCH, message))
        flags = _flags(value)
        if flags is None:
            message = f"{clip} has no label of {SECONDS} numbers 0 or 1"
            defects.append(Defect(path, line, DefectKind.UNREADABLE, message))
            continue
        for onset, offset in _runs(flags):
            events.add(clip, onset, offset, names(published, path, line), line)
            active.add(clip)
    for clip in clips.keys() - content.keys():
        message = f"{clip} is not in {path.name}; it counts as a clip without events"
        defects.append(Defect(path, 0, DefectKind.NO_LABEL, message))
    return events, active


def _flags(value: Any) -> list[bool] | None:
    """Return for each second whether the class is heard and seen; None if the label says something else."""
    label = value.get("label") if isinstance(value, Mapping) else None
    text = str(label) if isinstance(label, str | list) else ""
    return [sign == "1" for sign in re.findall("[01]", text)] if FLAGS.fullmatch(text.strip()) else None


def _runs(flags: list[bool]) -> list[tuple[float, float]]:
    """Return onset and offset of each run of seconds."""
    edges = [0, *(n for n in range(1, len(flags)) if flags[n] != flags[n - 1]), len(flags)]
    return [(float(edges[n]), float(edges[n + 1])) for n in range(len(edges) - 1) if flags[edges[n]]]


def _class_list(path: Path, used: set[str]) -> list[Defect]:
    """Return defects of the list of classes: those that no clip has, and clips' classes that it lacks."""
    listed = {text.strip(): line for line, text in enumerate(read_lines(path), start=1) if text.strip()}
    unused = [
        Defect(path, line, DefectKind.UNUSED_CLASS, _unused(name)) for name, line in listed.items() if name not in used
    ]
    lacking = [
        Defect(path, 0, DefectKind.UNUSED_CLASS, f"{name} is a class of clips, and not in this list; it counts")
        for name in sorted(used - listed.keys())
    ]
    return unused + lacking


def _unused(name: str) -> str:
    why = ": it stands for seconds without an event" if name == BACKGROUND else ""
    return f"{name} is listed as a class, and no clip has it{why}; it is left out"


SPEC = DataSet(
    name=PUBLISHED.name,
    source=PUBLISHED.source,
    forms=("ov-avel-audio", "ov-avel-visual"),
    read=read,
    seconds=float(SECONDS),
    truth=Truth.JOINT,
    metrics=("segment-accuracy", "ov-avel-f1"),
    known_part="val_close",
)
