"""Files of other tools, written and read: captions, label tracks, annotation files, edit lists and tables.

A new format is a file in this folder with a `FORMAT`, and a line in `REGISTRY`.
"""

from __future__ import annotations

from seehear.formats.annotations import ImportedAnnotations, import_annotations
from seehear.formats.registry import REGISTRY, get, of_file
from seehear.formats.spec import Clip, FileEvents, Format, LocatedEvent
from seehear.formats.timecode import FrameRate
from seehear.formats.writing import Exported, export, write_clip

__all__ = [
    "REGISTRY",
    "Clip",
    "Exported",
    "FileEvents",
    "Format",
    "FrameRate",
    "ImportedAnnotations",
    "LocatedEvent",
    "export",
    "get",
    "import_annotations",
    "of_file",
    "write_clip",
]
