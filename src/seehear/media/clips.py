"""Which files are clips: a clip is named by its file's stem."""

from __future__ import annotations

from pathlib import Path

from seehear import arguments
from seehear.arguments import Paths
from seehear.errors import ClipError, SeehearError
from seehear.media.reader import SUFFIXES, is_media
from seehear.names import clip_name, valid_clip_name


def find_clips(paths: Paths) -> dict[str, Path]:
    """Find the clips among files and in folders; hidden files are skipped.

    Args:
        paths: Media files, and folders that are searched for them at any depth.

    Returns:
        Clip name -> file, in the order of `paths`; within a folder, in the order of paths.

    Raises:
        SeehearError: If a path does not exist, a folder has no media file, two files have the same stem, or a clip may
            not have the name.
    """
    clips: dict[str, Path] = {}
    for path in arguments.paths(paths):
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if is_media(file))
            if not files:
                raise SeehearError(f"{path}: no media files in this folder ({' '.join(sorted(SUFFIXES))})")
        elif path.exists():
            files = [path]
        else:
            raise SeehearError(f"{path}: no such file or folder")
        for file in files:
            _check_name(file)
            other = clips.setdefault(clip_name(file), file)
            if other.resolve() != file.resolve():
                raise SeehearError(f"{file} and {other} would be one clip, {clip_name(file)!r}: rename one")
    return clips


def _check_name(file: Path) -> None:
    """Raise SeehearError if no clip may have the name of the file."""
    try:
        valid_clip_name(clip_name(file))
    except ClipError as error:
        place = str(file) if str(file).isprintable() else f"{str(file)!a}"
        raise SeehearError(f"{place}: {error}: rename it") from None
