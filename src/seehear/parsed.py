"""A folder of parsed clips: one JSON file each, of the form that schemas/parse-2.schema.json describes.

PARSED/<clip>.json   the clip's events, as `ParsedClip`
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from seehear.errors import ClipError, SeehearError
from seehear.files import atomic_json, read_json
from seehear.names import check_clip, check_modality
from seehear.parsing import ParsedClip

KIND = "seehear-parse-"
FORMAT = f"{KIND}2"


def write(parsed: ParsedClip, folder: Path, **facts: str) -> Path:
    """Write FOLDER/<clip>.json, with further facts that it is to say of itself; returns the file."""
    file = folder / f"{parsed.clip}.json"
    content = {**parsed.as_json(), "file": link(Path(parsed.file), folder)}
    atomic_json(file, {"format": FORMAT, **facts, **content})
    return file


def read(file: Path) -> ParsedClip:
    """Raises SeehearError if the file holds no parsed clip."""
    facts = read_json(file)
    if not is_parse(facts):
        raise SeehearError(f"{file}: is no parsed clip of format {FORMAT}; parse the clip again")
    return from_json(facts, file)


def read_folder(folder: Path) -> tuple[list[ParsedClip], list[str]]:
    """Every parsed clip in a folder, by name, and what is wrong with those that can't be read.

    Raises SeehearError if none can.
    """
    if not folder.is_dir():
        raise SeehearError(f"{folder}: no such folder; `seehear parse --out` makes one")
    clips, wrong = [], []
    for file in sorted(folder.glob("[!.]*.json")):
        try:
            facts = read_json(file)
            if is_parse(facts):
                clips.append(from_json(facts, file))
            elif isinstance(facts, dict) and str(facts.get("format", "")).startswith(KIND):
                wrong.append(f"{file}: is of format {facts['format']}, not {FORMAT}; parse the clip again")
        except SeehearError as error:
            wrong.append(str(error))
    if not clips:
        why = wrong[0] if wrong else f"{folder}: holds no parsed clips; `seehear parse --out {folder}` makes some"
        raise SeehearError(why)
    return clips, wrong


def is_parse(facts: Any) -> bool:
    return isinstance(facts, dict) and facts.get("format") == FORMAT


def from_json(facts: Mapping[str, Any], file: Path) -> ParsedClip:
    """What a file says. The clip is where the file says it is, seen from its folder.

    Raises SeehearError where something is missing, not of its kind, or a name that there can't be.
    """
    try:
        parsed = ParsedClip.from_json({**facts, "file": os.path.normpath(file.parent / facts["file"])})
        check_clip(parsed.clip)
        for modality in {*parsed.modalities, *(event.modality for event in (*parsed.events, *(parsed.truth or ())))}:
            check_modality(modality)
        return parsed
    except ClipError as error:
        raise SeehearError(f"{file}: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise SeehearError(f"{file}: is damaged ({type(error).__name__}: {error}); parse the clip again") from None


def link(file: Path, folder: Path) -> str:
    """How a file is reached from a folder: a relative path with slashes, which holds where both move together."""
    there = file.parent.resolve() / file.name  # the clip may be a link, to a file of another name
    try:
        return PurePath(os.path.relpath(there, folder.resolve())).as_posix()
    except ValueError:  # on Windows, another drive
        return there.as_posix()
