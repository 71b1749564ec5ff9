"""seehear export: parsed clips as files of the tools that people work with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seehear.errors import ClipError, SeehearError
from seehear.verbs import options
from seehear.verbs.result import Result, listed

if TYPE_CHECKING:
    from seehear.exports import Clip, Format
    from seehear.parsing import ParsedClip

MARKER = ".exported"  # what the folder holds, and the hash of each file as it was written


@dataclass
class Exported(Result):
    """folder: where the files are. clips: how many were given. files: format -> its files there.

    failed: what could not be written, and why. notes: what else to know.
    """

    folder: Path
    clips: int
    files: dict[str, list[Path]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 1 if self.failed else 0

    def text(self) -> str:
        lines = list(self.notes)
        for name, files in self.files.items():
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            lines.append(f"{name}: {files[0]}{more}" if files else f"{name}: nothing")
        lines.append(f"{self.clips} clips exported to {self.folder}")
        problems = listed(self.failed, f"{len(self.failed)} left out")
        return "\n".join([*lines, problems] if problems else lines)

    def as_json(self) -> Any:
        files = {name: [str(file) for file in files] for name, files in self.files.items()}
        return {"clips": self.clips, "files": files, "failed": self.failed, "notes": self.notes}


def export(
    parsed: Sequence[str | Path],
    *,
    out: str | Path,
    formats: Sequence[str] = ("webvtt", "audacity", "elan", "csv"),
    truth: bool = False,
) -> Exported:
    """Write parsed clips as captions, label tracks, annotation files and tables.

    What can't hold a clip as it is leaves it out, and says so. A file that was changed since it was exported is kept.

    Args:
        parsed: Folders that `seehear parse` wrote, or single files `CLIP.json` of them.
        out: The folder to write into; made if it isn't there.
        formats: webvtt, audacity, elan, csv, dense, activitynet; commas may separate them.
        truth: Write the truth that came with the clips, instead of what was found.

    Returns:
        The files, and what was left out.
    """
    from seehear import exports
    from seehear.files import read_json

    forms = [exports.get(name) for name in options.names(formats)]
    if not forms:
        raise SeehearError(f"no format: name some of {', '.join(exports.REGISTRY)}")
    folder = Path(out)
    report = Exported(folder, 0)
    clips = _read(parsed, folder, report.failed)
    report.clips = len(clips)
    if truth:
        unknown = [clip.clip for clip in clips if clip.truth is None]
        if unknown:
            report.notes.append(listed(unknown, f"{len(unknown)} clips passed over, whose truth is not known"))
        clips = _true(clips)
        report.clips = len(clips)
    labels = {event.label for clip in clips for event in clip.events}
    offered = tuple(dict.fromkeys([*(label for clip in clips for label in clip.classes), *sorted(labels)]))
    given = [exports.Clip(clip, offered, folder, truth) for clip in clips]
    marker, what = folder / MARKER, "truth" if truth else "found"
    before = read_json(marker) if marker.exists() else {"what": what, "files": {}}
    if before["what"] != what:
        raise SeehearError(f"{folder}: holds what is {before['what']} already, this is {what}: give another --out")
    _write(_checked(given, report), forms, report, marker, before)
    return report


def _read(parsed: Sequence[str | Path], out: Path, failed: list[str]) -> list[ParsedClip]:
    """Every clip, by its place; what can't be read is added to `failed`.

    Raises SeehearError if a clip is there twice, or its files would overwrite others.
    """
    from seehear.parsed import read, read_folder

    clips: dict[str, tuple[Path, ParsedClip]] = {}
    for path in map(Path, [parsed] if isinstance(parsed, (str, Path)) else parsed):
        if (path if path.is_dir() else path.parent).resolve() == out.resolve():
            raise SeehearError(f"{out}: holds what was parsed, tables among it; give another --out")
        there, damaged = ([read(path)], []) if path.is_file() else read_folder(path)
        failed += damaged
        for clip in there:
            other, _ = clips.setdefault(clip.clip, (path, clip))
            if other is not path:
                raise SeehearError(f"{path}: holds the clip {clip.clip!r}, as {other} does: export them apart")
    return [clip for _, clip in clips.values()]


def _true(clips: Sequence[ParsedClip]) -> list[ParsedClip]:
    """Those whose truth is known, with it for events, in the modalities in which any clip's truth has some."""
    from dataclasses import replace

    known = [(clip, clip.truth) for clip in clips if clip.truth is not None]
    if not known:
        raise SeehearError("no clip's truth is known: `seehear parse` keeps what --dense-audio and --dense-visual name")
    true = {event.modality for _, events in known for event in events}
    order = dict.fromkeys([*(name for clip, _ in known for name in clip.modalities if name in true), *sorted(true)])
    return [replace(clip, events=events, modalities=tuple(order)) for clip, events in known]


def _checked(clips: Sequence[Clip], report: Exported) -> list[Clip]:
    from seehear.exports.spec import check

    good = []
    for clip in clips:
        try:
            check(clip.parsed)
            good.append(clip)
        except ClipError as error:
            report.failed.append(f"{clip.parsed.clip!a}: {error}")
    return good


def _write(clips: Sequence[Clip], forms: Sequence[Format], report: Exported, marker: Path, before: Any) -> None:
    """Write what can be written, format by format; what was changed since it was written stays."""
    from seehear.files import atomic_bytes, atomic_json
    from seehear.progress import Progress

    hashes = before["files"]
    try:
        with Progress("exporting", len(forms) * len(clips)) as progress:
            for form in forms:
                parts = []
                for clip in clips:
                    try:
                        parts.append(form.part(clip))
                    except ClipError as error:
                        report.failed.append(f"{clip.parsed.clip}: {form.name}: {error}")
                    progress.advance(clip.parsed.clip)
                for name, content in form.files(parts).items():
                    file = report.folder / name
                    there = file.read_bytes() if file.exists() else None
                    if there not in (None, content) and _hash(there) != hashes.get(name):
                        report.failed.append(f"{file}: was changed since it was exported: kept; move it, or delete it")
                        continue
                    if there != content:
                        atomic_bytes(file, content)
                    hashes[name] = _hash(content)
                    report.files.setdefault(form.name, []).append(file)
    finally:
        atomic_json(marker, before)


def _hash(content: bytes | None) -> str:
    return hashlib.sha256(content or b"").hexdigest()
