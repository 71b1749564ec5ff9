"""A folder of parsed clips: one JSON file per clip, in the format of schemas/parse-2.schema.json.

PARSED/<clip>.json   a `ParsedClip`
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, overload

from seehear.errors import ClipError, SeehearError
from seehear.files import atomic_json
from seehear.names import normal, valid_clip_name, valid_modality_name
from seehear.parsing.clip import ParsedClip
from seehear.results import counted
from seehear.stored import names_in
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


def read_before(file: Path) -> tuple[ParsedClip, str] | None:
    """Return the clip that was parsed into a file before, and by what; None if none was, or the file is damaged."""
    with suppress(SeehearError):
        facts = read_json(file) if file.exists() else None
        if facts is not None and is_parse(facts):
            return from_json(facts, file), str(facts.get("made_by"))
    return None


class ParsedFiles(Sequence[ParsedClip]):
    """Parsed clips that lie in a folder. Each is read from its file when it is looked up; only names are in memory.

    What `parse_clips` drew of a clip is not in its file, so `ParsedClip.plot` decodes the clip again. Looking a clip up
    raises SeehearError if its file was removed or damaged since.

    Attributes:
        folder: Where they lie.
        names: Of the clips, in order.
    """

    def __init__(self, folder: Path, names: Iterable[str] = ()) -> None:
        self.folder, self.names = folder, list(names)

    def append(self, parsed: ParsedClip) -> None:
        """Add a clip, whose file is in the folder."""
        self.names.append(parsed.clip)

    @overload
    def __getitem__(self, index: int) -> ParsedClip: ...

    @overload
    def __getitem__(self, index: slice) -> ParsedFiles: ...

    def __getitem__(self, index: int | slice) -> ParsedClip | ParsedFiles:
        if isinstance(index, slice):
            return ParsedFiles(self.folder, self.names[index])
        return read(self.folder / f"{self.names[index]}.json")

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"ParsedFiles({str(self.folder)!r}, {counted(len(self), 'clip')})"


def read_folder(folder: Path) -> tuple[list[ParsedClip], list[str]]:
    """Read a folder of parsed clips into memory; `iter_folder` reads one after another.

    Returns:
        The clips, ordered by name; and for each file that can't be read, what is wrong with it.

    Raises:
        SeehearError: If there is no such folder, or no clip can be read.
    """
    damaged: list[str] = []
    return list(iter_folder(folder, damaged)), damaged


def iter_folder(folder: Path, damaged: list[str]) -> Iterator[ParsedClip]:
    """Yield the parsed clips of a folder, ordered by name. In memory are the names of files and one clip.

    Args:
        folder: Where they lie.
        damaged: Gets what is wrong with each file that can't be read.

    Raises:
        SeehearError: If there is no such folder, or, at the end, if no clip could be read.
    """
    if not folder.is_dir():
        raise SeehearError(f"{folder}: no such folder; `seehear parse --out` makes one")
    empty = True
    for name in [each for each in names_in(folder) if each.endswith(".json")]:
        file = folder / name
        try:
            facts = read_json(file)
            parsed = from_json(facts, file) if is_parse(facts) else None
        except SeehearError as error:
            damaged.append(str(error))
            continue
        if parsed is not None and parsed.clip != normal(file.stem):  # a copy, whose events would count twice
            damaged.append(f"{file}: holds the clip {parsed.clip!r}, which belongs into {parsed.clip}.json; left out")
        elif parsed is not None:
            empty = False
            yield parsed
        elif isinstance(facts, dict) and (str(facts.get("format", "")).startswith(KIND) or "events" in facts):
            damaged.append(f"{file}: is of format {facts.get('format')}, not {FORMAT}; parse the clip again")
    if empty:
        why = damaged[0] if damaged else f"{folder}: holds no parsed clips; `seehear parse --out {folder}` writes them"
        raise SeehearError(why)


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


def place_of(file: str | Path, folder: Path) -> str:
    """Return where a file lies as a clip that is read from this folder says it, so that both can be compared."""
    return _media_file(link(file, folder), folder)


def link(file: str | Path, folder: Path) -> str:
    """Return the path of a file relative to a folder, with slashes: it stays valid if both move together.

    An address stays as it is, but for a query, which may be signed.
    """
    if isinstance(file, str) and is_url(file):
        whole, mark, part = file.partition("#t=")  # which part of a file a clip is stays
        return without_credentials(whole) + mark + part
    file = Path(file)
    target = file.parent.resolve() / file.name  # the clip may be a link to a file of another name
    try:
        return PurePath(os.path.relpath(target, folder.resolve())).as_posix()
    except ValueError:  # on Windows, another drive
        return target.as_posix()
