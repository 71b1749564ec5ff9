"""VGGSounder (Zverev et al., ICCV 2025): VGGSound's test clips, relabelled with every class that is heard or seen."""

from __future__ import annotations

import re
from pathlib import Path

from seehear.datasets.reading import ClassNames, Published, clip_of, rows, weak_of
from seehear.datasets.spec import DataSet, Truth
from seehear.datasets.tables import Tables
from seehear.labels import Defect, DefectKind
from seehear.modality import AUDIO, VISUAL

PUBLISHED = Published(
    "vggsounder",
    "https://github.com/Bizilizi/VGGSounder",
    ("vggsounder/data", "data"),
    "it lies in its folder vggsounder/data, and in the package `vggsounder` of PyPI",
)
FILES = ("vggsounder.csv", "vggsounder+background-music.csv")
MODALITIES = {"A": (AUDIO,), "V": (VISUAL,), "AV": (AUDIO, VISUAL)}
GROUPS = ("background_music", "static_image", "voice_over")  # columns that are true of some clips
ID, SECONDS = 11, 10  # characters of a YouTube id; length of every clip
NAME = re.compile(rf".{{{ID}}}_(\d{{6}})")


def span(clip: str) -> tuple[float, float] | None:
    """Return the seconds of the full video that a clip is: (20, 30) for BjCEufrlXm4_000020; None for other names."""
    match = NAME.fullmatch(clip)
    return (float(match[1]), float(match[1]) + SECONDS) if match else None


def read(folder: Path) -> Tables:
    """Read the labels, one row per clip and class, with the modalities in which the class occurs."""
    (path,) = PUBLISHED.find(folder, FILES)
    names, defects = ClassNames(), list[Defect]()
    labels: dict[str, dict[str, list[str]]] = {"any": {}, AUDIO: {}, VISUAL: {}}
    lines: dict[str, int] = {}
    parts: dict[str, dict[str, None]] = {f"test_{group}": {} for group in GROUPS}
    for line, (name, published, modality, *flags) in rows(path, ("video_id", "label", "modality", *GROUPS), defects):
        clip = clip_of(name, path, line, defects)
        if clip is None:
            continue
        if modality not in MODALITIES:
            message = f"the modality {modality!r} is none of {', '.join(MODALITIES)}"
            defects.append(Defect(path, line, DefectKind.UNREADABLE, message))
            continue
        label = names(published, path, line)
        lines.setdefault(clip, line)
        for of_modality in labels.values():
            of_modality.setdefault(clip, [])
        if label in labels["any"][clip]:
            message = f"{clip} has the label {label} twice; its modalities are joined"
            defects.append(Defect(path, line, DefectKind.REPEATED_LABEL, message))
        for kind in ("any", *MODALITIES[modality]):
            labels[kind][clip].append(label)
        for group, flag in zip(parts, flags, strict=True):
            if flag.lower() == "true":
                parts[group][clip] = None
    classes = tuple(sorted({label for own in labels["any"].values() for label in own}))
    return Tables(
        {"test": weak_of(path, labels["any"], lines, "test")},
        {},
        {modality: {"test": weak_of(path, labels[modality], lines, "test", modality)} for modality in (AUDIO, VISUAL)},
        parts={name: tuple(clips) for name, clips in parts.items() if clips},
        classes=classes,
        renamed=names.renamed,
        defects=[*defects, *names.defects],
        files=(path,),
    )


SPEC = DataSet(
    name=PUBLISHED.name,
    source=PUBLISHED.source,
    prefix=ID,
    read=read,
    span=span,
    truth=Truth.CLIPS,
    metrics=("label-f1",),
)
