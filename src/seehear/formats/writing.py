"""Parsed clips written in the formats of other tools: a folder of files for many clips, or one file for one clip."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from seehear.arguments import Names, PathLike, names, paths
from seehear.errors import ClipError, SeehearError
from seehear.files import atomic_bytes, atomic_json, check_folder, claim, sweep
from seehear.formats.registry import REGISTRY, get, of_suffix
from seehear.formats.spec import Clip, Format, check_writable, name_of
from seehear.formats.timecode import FrameRate
from seehear.locks import locked
from seehear.parsing.clip import ParsedClip
from seehear.parsing.folder import read, read_folder
from seehear.progress import Progress
from seehear.results import Result, listed
from seehear.stored import read_as

MARKER = ".exported"  # what the folder holds, and the hash of each file as it was written or is about to be
REMEDY = "choose another --out, or delete it"
DEFAULT_FORMATS = ("webvtt", "audacity", "elan", "csv")
IN_WORDS = {"truth": "ground truth", "found": "predictions"}  # by what the marker says


@dataclass(frozen=True)
class _Marker:
    """What the marker holds: the kind of events, and the hash of each file as it was written, or is about to be."""

    what: Literal["truth", "found"]
    files: dict[str, str]
    begun: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what the file holds; `begun` only while files are written."""
        return {name: value for name, value in asdict(self).items() if value or name != "begun"}


@dataclass(repr=False)
class Exported(Result):
    """The files of exported clips.

    Attributes:
        folder: Where the files are.
        clips: Number of clips.
        files: Format -> its files.
        failed: What could not be written, and why.
        notes: What else to know.
    """

    folder: Path
    clips: int
    files: dict[str, list[Path]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """1 if something was left out, else 0."""
        return 1 if self.failed else 0

    def __repr__(self) -> str:
        formats = ", ".join(f"{len(files)} {name}" for name, files in self.files.items()) or "no"
        return f"Exported({self.folder}: {self.clips} clips, {formats} files, {len(self.failed)} left out)"

    def text(self) -> str:
        """Return lines for people."""
        lines = list(self.notes)
        for name, files in self.files.items():
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            lines.append(f"{name}: {files[0]}{more}" if files else f"{name}: no file")
        lines.append(f"{self.clips} clips exported to {self.folder}")
        problems = listed(self.failed, f"{len(self.failed)} left out")
        return "\n".join([*lines, problems] if problems else lines)

    def as_json(self) -> Any:
        """Return a value that `json.dumps` takes."""
        files = {name: [str(file) for file in files] for name, files in self.files.items()}
        return {"clips": self.clips, "files": files, "failed": self.failed, "notes": self.notes}


def export(
    parsed: PathLike | ParsedClip | Iterable[PathLike | ParsedClip],
    *,
    out: str | Path,
    formats: Names = DEFAULT_FORMATS,
    truth: bool = False,
    frame_rate: str | float | FrameRate | None = None,
) -> Exported:
    """Write parsed clips as captions, label tracks, annotation files and tables.

    A clip that a format can't hold exactly is left out, and listed. A file that was changed since it was exported is
    kept.

    Args:
        parsed: Parsed clips, folders that `seehear parse` wrote, or single files `CLIP.json` of these.
        out: The folder to write into; created if needed.
        formats: Names of formats: webvtt, audacity, elan, csv, dense, activitynet, edl, otio, label-studio.
        truth: Write the ground truth that came with the clips, instead of the predictions.
        frame_rate: Of formats that count frames, such as 25 or 29.97df (drop-frame); by default that of each clip's
            file, and 25 for audio.

    Returns:
        The files, and what was left out.

    Raises:
        SeehearError: If a format or the frame rate is unknown, two clips have one name, no clip's ground truth is
            known, or `out` holds parsed clips or the other kind of events.
    """
    forms = [get(name) for name in names(formats)]
    if not forms:
        raise SeehearError(f"no format: choose from {', '.join(REGISTRY)}")
    rate = None if frame_rate is None else FrameRate.of(frame_rate)
    folder = Path(out)
    check_folder(folder)
    result = Exported(folder, 0)
    clips = _collect(parsed, folder, result.failed)
    if truth:
        unknown = [clip.clip for clip in clips if clip.truth is None]
        if unknown:
            result.notes.append(listed(unknown, f"{len(unknown)} clips skipped: their ground truth is unknown"))
        clips = _with_truth_as_events(clips)
    result.clips = len(clips)
    what: Literal["truth", "found"] = "truth" if truth else "found"
    claim(folder / MARKER, _Marker(what, {}).as_json())
    already = read_as(folder / MARKER, _Marker, REMEDY).what
    if already != what:
        raise SeehearError(f"{folder}: holds {IN_WORDS[already]}, and these are {IN_WORDS[what]}; choose another --out")
    classes = _classes(clips)
    valid = _valid([Clip(clip, classes, folder, truth, rate) for clip in clips], result)
    sweep(folder)
    with Progress("exporting", len(forms) * len(valid)) as progress:
        for form in forms:
            parts = _encode(form, valid, result, progress)
            with locked(folder):  # another export into this folder must not lose these hashes
                _write(form, parts, result)
    return result


def write_clip(
    parsed: ParsedClip,
    file: str | Path,
    *,
    format: str | None = None,
    truth: bool = False,
    overwrite: bool = False,
    frame_rate: str | float | FrameRate | None = None,
) -> list[Path]:
    """Write one parsed clip as a file of another tool.

    A format with one file per modality puts its name before the suffix: a.txt becomes a.heard.txt, a.seen.txt and
    a.both.txt.

    Args:
        parsed: The clip.
        file: Where to write. Its suffix chooses the format: .vtt, .txt (Audacity), .eaf (ELAN), .csv (one table), .json
            (ActivityNet), .edl (edit lists), .otio (OpenTimelineIO).
        format: Name of the format; by the suffix if omitted.
        truth: Write the ground truth instead of the predictions.
        overwrite: Replace files that exist with other content, such as annotations that were corrected.
        frame_rate: Of formats that count frames, such as 25 or 29.97df; by default that of the clip's file.

    Returns:
        The files.

    Raises:
        SeehearError: If no format has the suffix, or a file exists with other content.
        ClipError: If the format can't hold the clip.
    """
    path = Path(file)
    form = of_suffix(path) if format is None else get(format)
    if path.suffix.lower() != form.suffix:
        raise SeehearError(f"{path}: files of the format {form.name} end in {form.suffix}")
    rate = None if frame_rate is None else FrameRate.of(frame_rate)
    (clip,) = _with_truth_as_events([parsed]) if truth else (parsed,)
    check_writable(clip)
    contents = form.join([form.encode(Clip(clip, _classes([clip]), path.parent, truth, rate))])
    # A format may add a file of another kind, as Label Studio's labelling interface.
    targets = [path if suffix == form.suffix else path.with_suffix(suffix) for suffix in map(_suffix, contents)]
    if form.per_modality:
        targets = [path.with_name(f"{path.stem}.{name_of(modality)}{form.suffix}") for modality in clip.modalities]
    files = dict(zip(targets, contents.values(), strict=True))
    for target, content in files.items():
        if not overwrite and target.exists() and target.read_bytes() != content:
            raise SeehearError(f"{target}: already exists with other content; choose another name or overwrite=True")
    for target, content in files.items():
        atomic_bytes(target, content)
    return list(files)


def _suffix(name: str) -> str:
    return Path(name).suffix


def _collect(
    parsed: PathLike | ParsedClip | Iterable[PathLike | ParsedClip], out: Path, failed: list[str]
) -> list[ParsedClip]:
    """Return every clip; clips that can't be read are added to `failed`.

    Raises:
        SeehearError: If two clips have one name, or `out` is a folder of parsed clips.
    """
    clips: dict[str, tuple[str, ParsedClip]] = {}
    for item in [parsed] if isinstance(parsed, (str, os.PathLike, ParsedClip)) else parsed:
        within = ""
        if isinstance(item, ParsedClip):
            read_clips = [item]
        else:
            (path,) = paths(item)
            if (path if path.is_dir() else path.parent).resolve() == out.resolve():
                raise SeehearError(f"{out}: holds parsed clips, tables among them; choose another --out")
            read_clips, damaged = ([read(path)], []) if path.is_file() else read_folder(path)
            failed += damaged
            within = f" in {path}"
        for clip in read_clips:
            if other := clips.get(clip.clip):
                raise SeehearError(f"{clip.file}{within} and {other[0]} are one clip, {clip.clip!r}: export them apart")
            clips[clip.clip] = clip.file + within, clip
    return [clip for _, clip in clips.values()]


def _with_truth_as_events(clips: Sequence[ParsedClip]) -> list[ParsedClip]:
    """Return the clips whose ground truth is known, with it as their events.

    Their modalities are those in which some clip has a true event.
    """
    known = [(clip, clip.truth) for clip in clips if clip.truth is not None]
    if not known:
        raise SeehearError("no clip's ground truth is known; give `seehear parse` --dense-audio and --dense-visual")
    true = {event.modality for _, events in known for event in events}
    order = dict.fromkeys([*(name for clip, _ in known for name in clip.modalities if name in true), *sorted(true)])
    return [replace(clip, events=events, modalities=tuple(order)) for clip, events in known]


def _classes(clips: Sequence[ParsedClip]) -> tuple[str, ...]:
    """Return every class of the clips: those that the model knows, then others that occur."""
    occurring = {event.label for clip in clips for event in clip.events}
    return tuple(dict.fromkeys([*(label for clip in clips for label in clip.classes), *sorted(occurring)]))


def _valid(clips: Sequence[Clip], result: Exported) -> list[Clip]:
    """Return the clips that files can hold; the others are added to what failed."""
    valid = []
    for clip in clips:
        try:
            check_writable(clip.parsed)
            valid.append(clip)
        except ClipError as error:
            result.failed.append(f"{clip.parsed.clip!a}: {error}")
    return valid


def _encode(form: Format, clips: Sequence[Clip], result: Exported, progress: Progress) -> list[Any]:
    """Return what each clip contributes to the files of a format."""
    parts = []
    for clip in clips:
        try:
            parts.append(form.encode(clip))
        except ClipError as error:
            result.failed.append(f"{clip.parsed.clip}: {form.name}: {error}")
        progress.advance(clip.parsed.clip)
    return parts


def _write(form: Format, parts: Sequence[Any], result: Exported) -> None:
    """Write the files of a format, except those that were changed since they were written.

    Their hashes are written before them, beside those of the files that they replace. So a killed export knows all of
    its files again.
    """
    marker = result.folder / MARKER
    kept = read_as(marker, _Marker, REMEDY)
    hashes, begun = kept.files, kept.begun
    contents: dict[str, bytes] = {}
    for name, content in form.join(parts).items():
        file = result.folder / name
        existing = file.read_bytes() if file.exists() else None
        # Nobody has changed a file that a loss of power left empty.
        if existing and existing.strip(b"\0") and existing != content:
            if _hash(existing) not in (hashes.get(name), begun.get(name)):
                result.failed.append(f"{file}: was changed since it was exported and is kept; move it or delete it")
                continue
            hashes[name] = _hash(existing)
        contents[name] = content
        result.files.setdefault(form.name, []).append(file)
    begun |= {name: _hash(content) for name, content in contents.items()}
    atomic_json(marker, kept.as_json())
    for name, content in contents.items():
        file = result.folder / name
        if not file.exists() or file.read_bytes() != content:
            atomic_bytes(file, content, durable=False)
        hashes[name] = _hash(content)
    for name in contents:
        begun.pop(name, None)
    atomic_json(marker, kept.as_json())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
