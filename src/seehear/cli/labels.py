"""seehear labels: check label tables, and import annotations as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seehear.formats import ImportedAnnotations, import_annotations
from seehear.labels import LabelCheck, check


def check_labels(
    tables: Sequence[str | Path], *, classes: Path | None = None, clips: Sequence[str | Path] = ()
) -> LabelCheck:
    """Report every defect of label tables as file:line: message, and which are fatal.

    Args:
        tables: Weak and dense tables, which their headers tell apart; they are also checked against each other. The
            first weak table is that of training.
        classes: File with the classes that are allowed, one per line.
        clips: Clip files or folders, to find labels without a clip and clips without a label.

    Returns:
        The defects; the exit code is 1 if one is fatal.
    """
    return check(tables, classes, clips)


def import_labels(files: Sequence[str | Path], *, out: str | Path, modality: str | None = None) -> ImportedAnnotations:
    """Turn annotations from ELAN, Audacity, captions or tables into dense tables.

    Tables in the folder keep their events of other clips. Events of one class that overlap or touch become one; one
    annotation may hold several classes, separated by commas. Times are kept to the millisecond. Events of `both` count
    for the modalities that the files don't cover. One that is not within the events of a modality that they do cover is
    left out with a note.

    Args:
        files: ELAN's .eaf, Audacity's .txt, captions as .vtt, tables as .csv, ActivityNet's .json.
        out: Folder to write audio.csv, visual.csv and so on into; created if needed.
        modality: Of files and lines that name none, such as a label track that isn't called `CLIP.heard.txt`.

    Returns:
        The tables, and what was skipped.
    """
    return import_annotations(files, out=out, modality=modality)
