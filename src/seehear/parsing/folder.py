"""A folder of parsed clips: one JSON file per clip, in the format of schemas/parse-2.schema.json.

PARSED/<clip>.json   a `ParsedClip`
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

from seehear.errors import ClipError, SeehearError
from seehear.files import atomic_json
from seehear.names import valid_clip_name, valid_modality_name
from seehear.parsing.clip import ParsedClip
from seehear.stored import entries
from seehear.texts import is_url, read_json, without_credentials

KIND = "seehear-parse-"
FORMAT = f"{KIND}2"


def write(parsed: ParsedClip, folder: Path, **facts: str) -> Path:
    """Write FOLDER/<clip>.json.

    Args:
        parsed: The clip.
        folder: Made if it does not exist.
        **facts: Further keys of the JSON, such as the run that made it.

    Returns:
        The file.
    """
    file = folder / f"{parsed.clip}.json"
    content = {**parsed.as_json(), "file": link(parsed.file, folder)}
    atomic_json(file, {"format": FORMAT, **facts, **content})
    return file


def read(file: Path) -> ParsedClip:
    """Read a parsed clip. Raises SeehearError if the file holds none, or is damaged."""
    facts = read_json(file)
    if not is_parse(facts):
        raise SeehearError(f"{file}: is no parsed clip of format {FORMAT}; parse the clip again")
    return from_json(facts, file)


def read_folder(folder: Path) -> tuple[list[ParsedClip], list[str]]:
    """Read a folder of parsed clips.

    Returns:
        The clips, ordered by name; and for each file that can't be read, what is wrong with it.

    Raises:
        SeehearError: If there is no such folder, or no clip can be read.
    """
    if not folder.is_dir():
        raise SeehearError(f"{folder}: no such folder; `seehear parse --out` makes one")
    clips, damaged = [], []
    for file in (each for each in entries(folder) if each.suffix == ".json"):
        try:
            facts = read_json(file)
            if is_parse(facts):
                clips.append(from_json(facts, file))
            elif isinstance(facts, dict) and (str(facts.get("format", "")).startswith(KIND) or "events" in facts):
                damaged.append(f"{file}: is of format {facts.get('format')}, not {FORMAT}; parse the clip again")
        except SeehearError as error:
            damaged.append(str(error))
    if not clips:
        why = damaged[0] if damaged else f"{folder}: holds no parsed clips; `seehear parse --out {folder}` writes them"
        raise SeehearError(why)
    return clips, damaged


def is_parse(facts: Any) -> bool:
    """Return whether a JSON value is a parsed clip of this format."""
    return isinstance(facts, dict) and facts.get("format") == FORMAT


def from_json(facts: Mapping[str, Any], file: Path) -> ParsedClip:
    """Return the clip that a JSON file describes; its media file is relative to that file.

    Raises:
        SeehearError: If something is missing, of a wrong type, or an invalid name.
    """
    try:
        name = facts.get("file")
        if not isinstance(name, str) or "\0" in name:
            raise SeehearError(f"{file}: is damaged (file is no path); parse the clip again")
        parsed = ParsedClip.from_json({**facts, "file": _media_file(name, file.parent)}, file)
        valid_clip_name(parsed.clip)
        events = (*parsed.events, *(parsed.truth or ()))
        for modality in {*parsed.modalities, *parsed.absent, *(event.modality for event in events)}:
            valid_modality_name(modality)
        if {event.modality for event in parsed.events} - set(parsed.modalities):
            raise SeehearError(f"{file}: is damaged (has events in a modality that it lacks); parse the clip again")
        return parsed
    except ClipError as error:
        raise SeehearError(f"{file}: {error}") from None


def _media_file(text: str, folder: Path) -> str:
    """Return the path of the media file that a JSON file in a folder names, which may be from another system."""
    if is_url(text):
        return text
    if os.name != "nt":
        if PureWindowsPath(text).drive:
            return text  # absolute where it was written, and nowhere here
        if "\\" in text and not os.path.lexists(folder / text):
            text = PureWindowsPath(text).as_posix()
    return os.path.normpath(folder / text)


def link(file: str | Path, folder: Path) -> str:
    """Return the path of a file relative to a folder, with slashes: it stays valid if both move together.

    An address stays as it is, but for a query, which may be signed.
    """
    if isinstance(file, str) and is_url(file):
        return without_credentials(file)
    file = Path(file)
    target = file.parent.resolve() / file.name  # the clip may be a link to a file of another name
    try:
        return PurePath(os.path.relpath(target, folder.resolve())).as_posix()
    except ValueError:  # on Windows, another drive
        return target.as_posix()
