"""The formats, by name, by suffix and by file."""

from __future__ import annotations

from pathlib import Path

from seehear.errors import SeehearError, unknown
from seehear.formats import activitynet, audacity, csv, dense, edl, elan, label_studio, otio, webvtt
from seehear.formats.spec import Format

REGISTRY: dict[str, Format] = {
    form.name: form
    for form in (
        webvtt.FORMAT,
        audacity.FORMAT,
        elan.FORMAT,
        csv.FORMAT,
        dense.FORMAT,
        activitynet.FORMAT,
        edl.FORMAT,
        otio.FORMAT,
        label_studio.FORMAT,
    )
}

_CAPTIONS = "captions in this form are not read: save them as WebVTT (.vtt)"
_TIMELINE = "timelines in this form are not read: export an edit list (.edl) or an OpenTimelineIO file (.otio)"
_SHEET = "spreadsheets are not read: save the sheet as .csv"
OTHER_SUFFIXES = {  # of files that people have -> what to do with them
    **dict.fromkeys((".srt", ".sbv", ".ass", ".ssa", ".ttml"), _CAPTIONS),
    **dict.fromkeys((".fcpxml", ".aaf", ".xml"), _TIMELINE),
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers"), _SHEET),
    ".tsv": "if it is a table, call it .csv; tabs may separate its columns",
    ".textgrid": "Praat's files are not read: import it in ELAN and save it as .eaf",
}


def get(name: str) -> Format:
    """Return the format of that name.

    Raises:
        SeehearError: If there is none.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    raise unknown("format", name, REGISTRY)


def of_suffix(file: Path) -> Format:
    """Return the format in which to write a file of this name: the first one with its suffix.

    Raises:
        SeehearError: If no format has this suffix.
    """
    for form in REGISTRY.values():
        if file.suffix.lower() == form.suffix:
            return form
    raise SeehearError(f"{file}: events are written to files that end in {_suffixes()}")


def of_file(file: Path) -> Format:
    """Return the format of an existing file.

    Raises:
        SeehearError: If it has none of the formats.
    """
    for form in REGISTRY.values():
        if file.suffix.lower() == form.suffix and form.matches(file):
            return form
    instead = f"; {hint}" if (hint := OTHER_SUFFIXES.get(file.suffix.lower())) else ""
    raise SeehearError(f"{file}: events are read from files that end in {_suffixes()}{instead}")


def _suffixes() -> str:
    return ", ".join(dict.fromkeys(form.suffix for form in REGISTRY.values()))
