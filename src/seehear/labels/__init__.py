"""Label tables in the format of LLP (Tian et al. 2020): read them, check them, write them.

A weak table has the columns filename and event_labels: one row per clip, its classes separated by commas. A dense table
has the columns filename, onset, offset and event_labels: one row per event of one class, in seconds, offset exclusive.
Both are tab-separated with a header line; `filename` is the clip file's stem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seehear.labels.check import LabelCheck, check, cross_check, weak_dense_mismatches
from seehear.labels.coverage import bare_clips, missing_truth, other_clips
from seehear.labels.defects import Defect, DefectKind, raise_fatal, suggestion
from seehear.labels.plausible import clip_hint, doubts, past_end, repeated_files, spellings, units
from seehear.labels.read import (
    EventCheck,
    header_of,
    is_dense,
    read_classes,
    read_dense,
    read_table,
    read_weak,
    scan_dense,
    scan_weak,
)
from seehear.labels.tables import DENSE_COLUMNS, WEAK_COLUMNS, DenseTable, Event, WeakTable, classes_of, segments_of
from seehear.labels.write import DenseTables, dense_tables, dense_text, weak_text, write_dense, write_weak

if TYPE_CHECKING:
    from seehear.formats.annotations import import_annotations

__all__ = [
    "DENSE_COLUMNS",
    "WEAK_COLUMNS",
    "Defect",
    "DefectKind",
    "DenseTable",
    "DenseTables",
    "Event",
    "EventCheck",
    "LabelCheck",
    "WeakTable",
    "bare_clips",
    "check",
    "classes_of",
    "clip_hint",
    "cross_check",
    "dense_tables",
    "dense_text",
    "doubts",
    "header_of",
    "import_annotations",
    "is_dense",
    "missing_truth",
    "other_clips",
    "past_end",
    "raise_fatal",
    "read_classes",
    "read_dense",
    "read_table",
    "read_weak",
    "repeated_files",
    "scan_dense",
    "scan_weak",
    "segments_of",
    "spellings",
    "suggestion",
    "units",
    "weak_dense_mismatches",
    "weak_text",
    "write_dense",
    "write_weak",
]


def __getattr__(name: str) -> Any:
    if name == "import_annotations":  # needs every file format, which label tables do not
        from seehear.formats.annotations import import_annotations

        return import_annotations
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
